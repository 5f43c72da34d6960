"""States from a file that another model wrote, and the names by which states are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Model, load
from lstm_verify.inspection import inspect
from lstm_verify.layers.recurrent.bidirectional import Bidirectional
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
from lstm_verify.layers.recurrent.stacked_cells import StackedCells
from lstm_verify.model import LayerCall, Output, Tensor
from tests.command import FIXTURES, assert_refused, assert_usage_error, run
from tests.rollouts.models import (
    STATES,
    lstm,
    values,
)

DECODER = FIXTURES / "encoder_decoder.keras3.h5"


def states(tmp_path: Path, **arrays: Any) -> Path:
    np.savez(tmp_path / "states.npz", **arrays)
    return tmp_path / "states.npz"


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, Any]:
    with np.load(FIXTURES / "encoder_decoder.x.npz") as archive:
        np.save(tmp_path / "source.npy", archive["source"])
        return dict(archive)


EXPECTED = ("-e", FIXTURES / "encoder_decoder.keras3.y.npz")


def test_inputs_from_a_file_of_states_by_name(pair: dict[str, Any], tmp_path: Path) -> None:
    """The file may hold more than is needed."""
    file = states(tmp_path, target=pair["target"], more=np.zeros((6, 4, 2)))
    result = run(DECODER, "-i", f"source={tmp_path / 'source.npy'}", "--state-from", file, *EXPECTED)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""


def test_inputs_from_a_file_of_states_in_order_of_those_that_fit(pair: dict[str, Any], tmp_path: Path) -> None:
    file = states(tmp_path, sequence=np.zeros((6, 9, 7)), last=pair["target"])
    result = run(DECODER, "-i", f"source={tmp_path / 'source.npy'}", "--state-from", file, *EXPECTED)
    assert result.exit_code == 0, result.output
    assert result.stderr == "note: states taken in order: last as target\n"


def test_an_input_without_a_name_goes_where_it_fits(pair: dict[str, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "target.npy", pair["target"])
    file = states(tmp_path, source=pair["source"])
    result = run(DECODER, "-i", tmp_path / "target.npy", "--state-from", file, *EXPECTED)
    assert result.exit_code == 0, result.output


def test_states_that_could_be_several_are_refused(pair: dict[str, Any], tmp_path: Path) -> None:
    file = states(tmp_path, one=pair["target"], other=pair["target"])
    result = run(DECODER, "-i", f"source={tmp_path / 'source.npy'}", "--state-from", file, *EXPECTED)
    assert_refused(result, file, "2 arrays (one, other)", "target", "Save them under these names")


def test_states_complete_an_input(tmp_path: Path, pair: dict[str, Any]) -> None:
    file = states(tmp_path, target=pair["target"])
    assert_usage_error(run(DECODER, "--random", 3, "--state-from", file), "--state-from completes what --input gives")


# --- the names of states


def test_inspection_tells_states_apart() -> None:
    found = inspect(load(DECODER))
    assert [output["state"] for output in found["outputs"]] == [None, "h of decoder", "c of decoder"]
    assert [spec["state"] for spec in found["inputs"]] == [None, None]
    assert [spec["state"] for spec in inspect(STATES)["inputs"]] == [None, "h of lstm", "c of lstm"]
    printed = run("inspect", DECODER).stdout
    assert "from decoder:2, state c of decoder" in printed


def test_inspection_tells_directions_and_cells_apart() -> None:
    forward, backward = (lstm(name, 2, 3, return_state=True) for name in ("forward", "backward"))
    both = Bidirectional(name="both", forward_layer=forward, backward_layer=backward, return_state=True)
    cells = StackedCells(
        name="cells", cells=(forward.cell, SimpleRNNCell(name="a", kernel=np.eye(3), recurrent_kernel=np.eye(3)))
    )
    for layer, names in (
        (both, ["forward h", "forward c", "backward h", "backward c"]),
        (RNN(name="cells", cell=cells, return_state=True), ["h of cell 0", "c of cell 0", "h of cell 1"]),
    ):
        outputs = tuple(Output(f"o{i}", Tensor(layer.name, 0, i)) for i in range(len(names) + 1))
        model = Model(
            name="states",
            layers={layer.name: layer},
            nodes=(LayerCall(layer.name, (Tensor("x"),)),),
            inputs=(values(4, 2),),
            outputs=outputs,
        )
        states = [output["state"] for output in inspect(model)["outputs"]]
        assert states == [None, *(f"{name} of {layer.name}" for name in names)]

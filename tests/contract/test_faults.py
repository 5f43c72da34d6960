"""What every fault keeps to, by being in `FAULTS`: one that changes nothing in any layer there is fails."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import LstmVerifyError, UnsupportedError
from lstm_verify.faults import BY_NAME, FAULTS, Edit, Fault, Fit, Site, edits, sites
from lstm_verify.faults.interface import no_edits
from lstm_verify.layers import Run, Signal
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor
from tests.conftest import ROOT
from tests.contract.layers import EXAMPLES, Example

RUNNING = [name for name, example in EXAMPLES.items() if example.runs]
IN_LAYERS = [fault.name for fault in FAULTS if fault.edits is not no_edits]
every = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def model_of(example: Example) -> Model:
    names = [f"x{number}" for number in range(len(example.inputs))]
    return Model(
        name="model",
        layers={"layer": example.layer},
        nodes=(LayerCall("layer", tuple(map(Tensor, names))),),
        inputs=tuple(Input(name, None, "float32") for name in names),
        outputs=(Output("y", Tensor("layer")),),
    )


def computed(model: Model, example: Example) -> Any:
    with np.errstate(all="ignore"):
        signals = model.signals(tuple(map(Signal, example.inputs)), Run())
    return [signal.value for tensor, signal in signals.items() if tensor.layer == "layer"]


def edits_in(model: Model, only: str | None = None) -> Iterator[tuple[Site, Edit]]:
    """Every edit in a model with the place for it; of a family, one that is not where it begins."""
    for site in sites(model):
        for _, edit in edits(site.item, only):
            yield site, edit.at(edit.start * 1.7 + 0.3) if isinstance(edit, Fit) else edit


def differs(ones: Any, others: Any) -> bool:
    pairs = list(zip(ones, others, strict=False))
    return len(ones) != len(others) or not all(
        np.shape(one) == np.shape(other) and np.allclose(one, other, equal_nan=True) for one, other in pairs
    )


@every
def test_a_fault_says_what_it_is_and_what_to_do(fault: Fault) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", fault.name)
    assert BY_NAME[fault.name] is fault
    assert re.fullmatch(r"[A-Z].+\.", fault.advice), fault.advice
    assert "\n" not in fault.advice
    assert set(fault.comes_with) <= set(BY_NAME) - {fault.name}
    assert isinstance(fault.is_common("parameter", "something"), bool)
    assert inspect.getdoc(fault.edits)
    assert fault.name in (ROOT / "docs" / "diagnosis.md").read_text()


@pytest.mark.parametrize("name", IN_LAYERS)
def test_a_fault_changes_what_some_layer_computes(name: str) -> None:
    for example in (EXAMPLES[name] for name in RUNNING):
        model = model_of(example)
        for site, edit in edits_in(model, only=name):
            try:
                changed = computed(site.put(edit.make()), example)
            except LstmVerifyError:
                continue
            if differs(changed, computed(model, example)):
                return
    raise AssertionError(f"{name}: no example in tests/contract/layers.py is changed by it")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_edit_leaves_the_layer_that_it_is_made_of_alone(name: str) -> None:
    model = model_of(EXAMPLES[name])
    before = {path: array.copy() for path, array in model.weights()}
    for site, edit in edits_in(model):
        made = edit.make()
        assert made is not site.item or edit.parameter == "kernels", edit  # of a layer that has biases alone
        assert made.name == site.item.name, edit
        assert edit.file_says != edit.behaves_as
        with suppress(UnsupportedError):  # the loop of a graph takes nothing around its recurrent layer
            assert site.put(made).children().keys() == model.children().keys()
    for path, array in model.weights():
        np.testing.assert_array_equal(array, before[path])

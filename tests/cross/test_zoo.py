"""Every export of a Keras model against its own files: the same function, and the same weights to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_verify import UnsupportedError, Verdict, against
from tests.building import RECIPES, Build
from tests.graph_files import read_at_once
from tests.zoo.onnx.pairs import SAVED_MODEL, Exports, outcome

ORIGINS = ("keras", "tf_keras", "keras_torch")
FOLDED = {"conv_lstm"}
"""Models whose BatchNormalization is folded into the convolution."""
SPLIT = {"gru_reset_before"}
"""A GRU that PyTorch unrolls, whose bias is in parts."""
OTHER = {"keras_torch": {"any_length_export"}}
"""Exports that compute something else."""
UNREADABLE = {"gelu_export", "gelu_tf2onnx", "qkeras_gate_export", "qkeras_gate_tf2onnx"}
"""tf2onnx writes an operator that there is not; and a `.keras` file has no code of functions of the user's."""


@pytest.fixture(scope="module")
def exports(
    build: Build, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exports]:
    """The exports of one framework, whose SavedModels have been read."""
    found = Exports(build(RECIPES[f"onnx_exports_{request.param}"]))
    with read_at_once(found.saved_models(), tmp_path_factory.mktemp("read")):
        yield found


def rows_of(exports: Exports) -> Iterator[tuple[str, str, Path]]:
    for name in exports.names:
        yield name, exports.index["entries"][name]["row"], exports.folder / f"{name}.onnx"


@pytest.mark.parametrize("exports", ORIGINS, indirect=True)
def test_an_export_agrees_with_the_keras_file(exports: Exports) -> None:
    origin = exports.index["origin"]
    split = SPLIT if origin == "keras_torch" else set()
    for name, row, path in rows_of(exports):
        arguments = (exports.folder / f"{row}.keras", path, exports.arrays(f"{row}.x"))
        if name in UNREADABLE and origin != "keras_torch":
            with pytest.raises(UnsupportedError, match=r"no such operator|a function of the user's"):
                against(*arguments, predict=False)
            continue
        report = against(*arguments, predict=False, diagnose=False)
        assert (report.verdict is Verdict.MATCH) == (name not in OTHER.get(origin, ())), (name, report.summary())
        weights = report.others[0].weights
        assert weights.same or row in FOLDED | split, (name, weights.words)
        assert not weights.same or row not in FOLDED, (name, weights.words)


@pytest.mark.parametrize("exports", ORIGINS[:2], indirect=True)
def test_an_export_agrees_with_the_saved_model(exports: Exports) -> None:
    mistaken = {"qkeras_gate_export", "qkeras_gate_tf2onnx"}  # tf2onnx takes one hard sigmoid for another
    for name, row, path in rows_of(exports):
        if row == "gelu":
            continue
        report = against(exports.folder / row, path, exports.arrays(f"{row}.x"), predict=False, diagnose=False)
        assert (report.verdict is Verdict.MATCH) == (name not in mistaken), (name, report.summary())
        assert report.others[0].weights.same == (row not in FOLDED), (name, report.others[0].weights.words)


@pytest.mark.parametrize("exports", ORIGINS[:2], indirect=True)
def test_a_saved_model_agrees_with_the_keras_file(exports: Exports) -> None:
    for path in exports.saved_models():
        cell = exports.cell(path.name, SAVED_MODEL)
        assert str(cell) == "yes / yes", (path.name, cell)


NOT_NAMED = {"normalization_normalised_torch_torchscript"}
"""Faults that are told apart, and no more than that."""


def test_exports_with_a_fault_are_told_apart_and_named(build: Build) -> None:
    exports = Exports(build(RECIPES["onnx_faults"]))
    assert len(exports.names) >= 60
    for name, record in exports.index["entries"].items():
        found = outcome(exports, name, record, diagnose=name not in NOT_NAMED)
        assert found.told_apart, name
        assert found.named or name in NOT_NAMED, name
        assert found.honest is not False, name

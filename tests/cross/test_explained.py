"""Files whose numbers differ: the numbers are named, and no arithmetic and no preparation that nobody did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from lstm_verify import Verdict, against
from lstm_verify.cross.report import Other
from tests.onnx_files import FEATURES, UNITS, model_of, save, weights_of

X = np.random.default_rng(23).normal(size=(7, 6, FEATURES)).astype(np.float32)


def lstm(
    path: Path, dtype: Any = np.float32, sides: Any = ("t", "n", FEATURES), changed: Any = (), **more: Any
) -> Path:
    """An LSTM, time first, some of whose weights are others."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    weights = {**weights_of("LSTM"), **dict(changed)}
    graph = helper.make_graph(
        [helper.make_node("LSTM", ["x", "W", "R", "B"], ["Y"], hidden_size=UNITS, **more)],
        "graph",
        [helper.make_tensor_value_info("x", kind, sides)],
        [helper.make_tensor_value_info("Y", kind, None)],
        [numpy_helper.from_array(array.astype(dtype), name) for name, array in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return Path(save(proto, path))


def compared(tmp_path: Path, **options: Any) -> Other:
    first, other = lstm(tmp_path / "first.onnx"), lstm(tmp_path / "other.onnx", **options)
    (found,) = against(first, other, X, predict=False, blind_spots=False).others
    return found


def changes_of(other: Other) -> list[tuple[str, str | None, str]]:
    """What explains a mismatch, part by part."""
    assert other.function.verdict is Verdict.MISMATCH
    assert other.function.diagnosis is not None
    assert other.function.diagnosis.status == "explained"
    change = other.function.diagnosis.explanations[0].change
    return [(part.fault, part.parameter, part.behaves_as) for part in change.parts or (change,)]


def test_an_export_in_float16_is_no_arithmetic(tmp_path: Path) -> None:
    """Its weights are rounded, and so is what it is fed."""
    assert changes_of(compared(tmp_path, dtype=np.float16)) == [
        ("weight_precision", "weights", "those rounded to float16"),
        ("weight_precision", "numbers", "float16"),
    ]


@pytest.mark.parametrize("name", ["W", "R"])
def test_negated_weights_are_no_negated_input(name: str, tmp_path: Path) -> None:
    changed = {name: -weights_of("LSTM")[name]}
    assert changes_of(compared(tmp_path, changed=changed)) == [("other_weights", "weights", "those of the other file")]


def test_weights_of_another_seed_are_named(tmp_path: Path) -> None:
    found = changes_of(compared(tmp_path, changed=weights_of("LSTM", seed=5)))
    assert found == [("other_weights", "weights", "those of the other file")]


def test_other_weights_and_another_setting_are_named_together(tmp_path: Path) -> None:
    found = changes_of(compared(tmp_path, changed=weights_of("LSTM", seed=5), direction="reverse"))
    assert found[0] == ("other_weights", "weights", "those of the other file")
    assert [fault for fault, *_ in found[1:]] == ["direction"]


def test_weights_that_are_only_laid_out_otherwise_explain_nothing(tmp_path: Path) -> None:
    """What explains a mismatch between files of the same weights is a setting."""
    other = compared(tmp_path, activations=["Sigmoid", "Tanh", "Relu"])
    assert other.weights.same
    assert [fault for fault, *_ in changes_of(other)] == ["activation"]


@pytest.mark.parametrize("sides", [("t", "n", "f"), None])
def test_a_second_file_is_read_for_the_shapes_that_are_given(sides: Any, tmp_path: Path) -> None:
    """One that leaves the number of features open, or the number of axes."""
    other = compared(tmp_path, sides=sides)
    assert other.function.verdict is Verdict.MATCH
    assert other.weights.words == "3 equal"


# ------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"activations": ["Sigmoid", "Tanh", "Softsign"]}, "activation"),
        ({"activations": ["Sigmoid", "Softsign", "Tanh"]}, "activation"),
        ({"activations": ["Sigmoid", "Softsign", "Softsign"]}, "activation"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "recurrent_activation"),
        ({"clip": 0.25}, "clip"),
        ({"direction": "reverse"}, "direction"),
        ({"input_forget": 1}, "coupled_gates"),
    ],
)
def test_a_setting_of_a_cell_is_named(options: Any, fault: str, tmp_path: Path) -> None:
    assert {found for found, *_ in changes_of(compared(tmp_path, **options))} == {fault}


STATE = np.random.default_rng(4).normal(size=(1, 6, UNITS)).astype(np.float32)
PEEPHOLES = np.random.default_rng(6).normal(size=(1, 3 * UNITS)).astype(np.float32)


@pytest.mark.parametrize(
    ("inputs", "fault", "parameter"),
    [
        (("", "h"), "initial_state", "initial_h"),
        (("", "", "h"), "initial_state", "initial_c"),
        (("", "h", "h"), "initial_state", "initial_h, initial_c"),
        (("", "", "", "P"), "peephole", "peepholes"),
    ],
)
def test_what_the_second_file_alone_has_is_named(
    inputs: tuple[str, ...], fault: str, parameter: str, tmp_path: Path
) -> None:
    def made(name: str, *more: str) -> Path:
        node = helper.make_node("LSTM", ["x", "W", "R", "B", *more], ["Y"], hidden_size=UNITS)
        constants = {**weights_of("LSTM"), "h": STATE, "P": PEEPHOLES}
        return Path(save(model_of([node], {"x": ["t", "n", FEATURES]}, ["Y"], constants), tmp_path / name))

    (other,) = against(made("first.onnx"), made("other.onnx", *inputs), X, predict=False, blind_spots=False).others
    assert [found[:2] for found in changes_of(other)] == [(fault, parameter)]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("has_bias", [True, False])
def test_where_the_reset_gate_acts_is_named(order: int, has_bias: bool, tmp_path: Path) -> None:
    """The biases of one are the sums of those of the other."""

    def made(after: int) -> Path:
        inputs = ["x", "W", "R", "B"][: 3 + has_bias]
        node = helper.make_node("GRU", inputs, ["Y"], hidden_size=UNITS, linear_before_reset=after)
        proto = model_of([node], {"x": ["t", "n", FEATURES]}, ["Y"], weights_of("GRU"))
        return Path(save(proto, tmp_path / f"{after}.onnx"))

    files = [made(0), made(1)][::order]
    (other,) = against(*files, X, predict=False, blind_spots=False).others
    assert [fault for fault, *_ in changes_of(other)] == ["reset_after"]


@pytest.mark.parametrize("seed", range(50, 54))
def test_a_square_of_other_numbers_is_not_transposed(seed: int, tmp_path: Path) -> None:
    """A matrix of another seed is a little nearer in one order of its axes than in the other."""

    def made(name: str, kernel: Any) -> Path:
        node = helper.make_node("MatMul", ["x", "k"], ["y"])
        return Path(save(model_of([node], {"x": ["n", 4]}, ["y"], {"k": kernel}), tmp_path / name))

    kernels = [np.random.default_rng(each).normal(size=(4, 4)).astype(np.float32) for each in (0, seed)]
    files = [made(f"{number}.onnx", kernel) for number, kernel in enumerate(kernels)]
    (other,) = against(*files, X[0, :, :1] * np.ones(4, np.float32), predict=False, blind_spots=False).others
    assert changes_of(other) == [("other_weights", "weights", "those of the other file")]


def operators(path: Path, *nodes: Any, **constants: Any) -> Path:
    return Path(save(model_of(nodes, {"x": ["n", 6, FEATURES]}, ["y"], constants), path))


def normalised(path: Path, epsilon: float) -> Path:
    node = helper.make_node("LayerNormalization", ["x", "g"], ["y"], axis=-1, epsilon=epsilon, name="norm")
    return operators(path, node, g=np.array([1.0, 2.0, 0.5], np.float32))


def convolved(path: Path, pads: tuple[int, int], flip: bool = False) -> Path:
    kernel = np.random.default_rng(1).normal(size=(2, 6, 3)).astype(np.float32)
    stored = kernel[..., ::-1] if flip else kernel
    node = helper.make_node("Conv", ["x", "k"], ["y"], pads=pads, name="conv")
    return operators(path, node, k=np.ascontiguousarray(stored))


@pytest.mark.parametrize(
    ("make", "right", "wrong", "change"),
    [
        (normalised, (1e-5,), (1e-2,), ("epsilon", "epsilon", "0.01")),
        (convolved, ((1, 1),), ((2, 0),), ("padding_symmetric", "padding", "((2, 0),)")),
        (convolved, ((1, 1),), ((1, 1), True), ("kernel_flipped", "weights", "those reversed along axis 2")),
    ],
)
def test_a_setting_of_an_operator_is_named(
    make: Any, right: Any, wrong: Any, change: tuple[str, str, str], tmp_path: Path
) -> None:
    files = make(tmp_path / "first.onnx", *right), make(tmp_path / "other.onnx", *wrong)
    (other,) = against(*files, X.transpose(1, 0, 2)[:, :6], predict=False, blind_spots=False).others
    assert changes_of(other) == [change]


# ------------------------------------------------------------------------------------------------- faults of one model


def sequences(path: Path, *more: Any, inputs: Any = ("x", "W", "R", "B"), **attributes: Any) -> Path:
    """An LSTM, and what is done with its outputs."""
    nodes = [
        helper.make_node("LSTM", list(inputs), ["Y"], hidden_size=UNITS, **attributes),
        *more,
        helper.make_node("Tanh", [more[-1].output[0] if more else "Y"], ["y"]),
    ]
    weights = weights_of("LSTM", 2 if attributes.get("direction") == "bidirectional" else 1)
    constants = {**weights, "order": np.array([1, 0]), "lengths": np.int32([7, 3, 5, 1, 6, 2])}
    return Path(save(model_of(nodes, {"x": ["t", "n", FEATURES]}, ["y"], constants), path))


SWAPPED = helper.make_node("Gather", ["Y", "order"], ["scores"], axis=1)
AS_THEY_ARE = helper.make_node("Identity", ["Y"], ["scores"])


def test_outputs_of_two_directions_that_are_swapped_are_named(tmp_path: Path) -> None:
    first = sequences(tmp_path / "first.onnx", AS_THEY_ARE, direction="bidirectional")
    wrong = sequences(tmp_path / "wrong.onnx", SWAPPED, direction="bidirectional")
    (other,) = against(first, wrong, X, predict=False, blind_spots=False).others
    assert changes_of(other) == [("directions_swapped", "outputs", "backward, then forward")]


def test_lengths_that_are_left_out_are_named(tmp_path: Path) -> None:
    first = sequences(tmp_path / "first.onnx", inputs=("x", "W", "R", "B", "lengths"))
    (other,) = against(first, sequences(tmp_path / "wrong.onnx"), X, predict=False, blind_spots=False).others
    assert [fault for fault, *_ in changes_of(other)] == ["mask"]


@pytest.mark.parametrize("left_out", ["h", "c"])
def test_a_given_state_that_begins_as_zero_is_named(left_out: str, tmp_path: Path) -> None:
    def with_states(path: Path, zero: str = "") -> Path:
        given = {"h": "h0", "c": "c0"} | ({zero: ""} if zero else {})
        node = helper.make_node("LSTM", ["x", "W", "R", "B", "", given["h"], given["c"]], ["Y"], hidden_size=UNITS)
        inputs = {"x": ["t", "n", FEATURES], "h0": [1, "n", UNITS], "c0": [1, "n", UNITS]}
        nodes = [node, *([helper.make_node("Identity", [f"{zero}0"], ["unused"])] if zero else [])]
        return Path(save(model_of(nodes, inputs, ["Y"], weights_of("LSTM")), path))

    states = np.random.default_rng(3).normal(size=(2, 1, 6, UNITS)).astype(np.float32)
    x = {"x": X, "h0": states[0], "c0": states[1]}
    files = with_states(tmp_path / "first.onnx"), with_states(tmp_path / "wrong.onnx", left_out)
    (other,) = against(*files, x, predict=False, blind_spots=False).others
    assert changes_of(other) == [("initial_state", f"input {left_out}0", "zero")]

"""Graphs whose samples are not to be found, or of which nothing is computed: no verdict comes of how they are fed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lstm_verify import ModelFileError, RandomInputs, UnsupportedError, Verdict, load, replay, rollout, verify
from tests.onnx_files import FEATURES, UNITS, model_of, save, weights_of

RNG = np.random.default_rng(19)


def arrays(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def lstm(path: Path, shape: list[Any], *more: Any, outputs: tuple[str, ...] = ("Y", "Yh"), **attributes: Any) -> Path:
    node = helper.make_node("LSTM", ["x", "W", "R", "B"], ["Y", "Yh"], hidden_size=UNITS, **attributes)
    return Path(save(model_of([node, *more], {"x": shape}, outputs, weights_of("LSTM")), path))


# ------------------------------------------------------------------------------------------------- nothing computed


@pytest.mark.parametrize("sides", [["n", 5, 3], [5, 1, 3]])
@pytest.mark.parametrize("output", ["x", "y"])
def test_an_output_that_is_an_input_proves_nothing(output: str, sides: list[Any], tmp_path: Path) -> None:
    proto = model_of([helper.make_node("Identity", ["x"], ["y"])], {"x": sides}, [output], {})
    report = verify(save(proto, tmp_path / "model.onnx"), arrays(*(4 if side == "n" else side for side in sides)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "it is what is fed" in report.summary()


def test_an_input_with_its_axes_in_another_order_is_compared(tmp_path: Path) -> None:
    proto = model_of([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 1])], {"x": ["n", 5, 3]}, ["y"], {})
    assert verify(save(proto, tmp_path / "model.onnx"), arrays(4, 5, 3)).verdict is Verdict.MATCH


def test_an_output_that_is_an_input_is_said_beside_others(tmp_path: Path) -> None:
    path = lstm(tmp_path / "model.onnx", ["t", "n", FEATURES], outputs=("Yh", "x"))
    report = verify(path, arrays(5, 4, FEATURES), blind_spots=False)
    assert report.verdict is Verdict.MATCH
    assert "output x is input x as it is fed: nothing is computed" in report.notes


# ------------------------------------------------------------------------------------------------- where samples are


def test_time_steps_are_not_counted_as_samples(tmp_path: Path) -> None:
    """One sample, of a length that does not change: (60, 1, features), time first."""
    path = lstm(tmp_path / "model.onnx", [60, 1, FEATURES], outputs=("Y",))
    report = verify(path, arrays(60, 1, FEATURES), blind_spots=False)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 1)
    report = verify(path, arrays(60, 4, FEATURES), blind_spots=False)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 4)


def test_a_file_for_one_sample_takes_many_with_states(tmp_path: Path) -> None:
    """Which axis of a state is that of the samples is said by the arrays."""
    node = helper.make_node("LSTM", ["x", "W", "R", "B", "", "h"], ["Y", "Yh"], hidden_size=UNITS)
    inputs = {"x": [7, 1, FEATURES], "h": [1, 1, UNITS]}
    path = save(model_of([node], inputs, ["Y", "Yh"], weights_of("LSTM")), tmp_path / "model.onnx")
    report = verify(path, {"x": arrays(7, 5, FEATURES), "h": arrays(1, 5, UNITS)}, blind_spots=False)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 5)


PRODUCTS = {
    "MatMul": [((6, 3), (3, 4)), ((1, 3), (3, 4)), ((6, 6), (6, 6))],
    "Gemm": [((6, 3), (4, 3)), ((1, 3), (4, 3)), ((3, 3), (1, 3))],
    "Add": [((6, 3), (6, 3)), ((6, 3), (1, 3)), ((1, 3), (3,)), ((3, 3), (3, 1)), ((1, 3), (1, 1))],
}


@pytest.mark.parametrize(("op", "shapes"), [(op, shapes) for op, listed in PRODUCTS.items() for shapes in listed])
def test_two_inputs_of_which_one_may_have_no_samples(op: str, shapes: Any, tmp_path: Path) -> None:
    """Whichever lengths a file leaves open, and by whatever name or order the arrays come."""
    one, other = shapes
    x = {"a": arrays(*one), "b": arrays(*other)}
    node = helper.make_node(op, ["a", "b"], ["y"], **({"transB": 1} if op == "Gemm" else {}))
    for number, opened in enumerate(itertools.product([False, True], repeat=len(one) + len(other))):
        sides = [None if is_open else n for n, is_open in zip((*one, *other), opened, strict=True)]
        inputs = {"a": sides[: len(one)], "b": sides[len(one) :]}
        nodes = [node, helper.make_node("Tanh", ["y"], ["z"])]
        path = save(model_of(nodes, inputs, ["z"], {}), tmp_path / f"model{number}.onnx")
        expected = onnx_result(op, *x.values())
        for given in (x, list(x.values())):
            report = verify(path, given, expected=expected, blind_spots=False, diagnose=False)
            assert report.verdict is Verdict.MATCH, (inputs, report.summary())
        wrong = verify(path, x, expected=expected * np.float32(1.001), blind_spots=False, diagnose=False)
        assert wrong.verdict is Verdict.MISMATCH, inputs


def onnx_result(op: str, a: Any, b: Any) -> Any:
    made = a + b if op == "Add" else a @ (b.T if op == "Gemm" else b)
    return np.tanh(made.astype(np.float64)).astype(np.float32)


def test_all_that_is_fed_is_one_sample_where_nothing_tells(tmp_path: Path) -> None:
    """aᵀ b sums over what could have been samples: both runtimes and the replay return it as it is."""
    nodes = [helper.make_node("Gemm", ["a", "b"], ["y"], transA=1), helper.make_node("Tanh", ["y"], ["z"])]
    path = save(model_of(nodes, {"a": [None, 3], "b": [None, 2]}, ["z"], {}), tmp_path / "model.onnx")
    x = {"a": arrays(6, 3), "b": arrays(6, 2)}
    report = verify(path, x)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 1)
    assert "it is not known along which axes samples are: all that is fed is taken as one" in report.notes
    assert np.asarray(replay(report.model, x)).shape == (3, 2)
    assert verify(path, RandomInputs(5)).verdict is Verdict.MATCH


# ------------------------------------------------------------------------------------------------- loops, functions


@pytest.mark.parametrize("rounds", [0, 2])
def test_a_loop_without_rounds_returns_nothing_of_them(rounds: int, tmp_path: Path) -> None:
    def value(name: str, shape: list[Any] | None, dtype: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor_value_info(name, dtype, shape)

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["s", "x"], ["t"]),
            helper.make_node("Identity", ["t"], ["step"]),
        ],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("s", ["n", 3])],
        [value("on", [], TensorProto.BOOL), value("t", ["n", 3]), value("step", ["n", 3])],
    )
    nodes = [
        helper.make_node("Loop", ["rounds", "true", "x"], ["last", "steps"], body=body),
        helper.make_node("Shape", ["steps"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["sides"], to=TensorProto.FLOAT),
    ]
    constants = {"rounds": np.array(rounds), "true": np.array(True)}
    path = save(model_of(nodes, {"x": ["n", 3]}, ["last", "sides"], constants), tmp_path / "model.onnx")
    x = arrays(6, 3)
    found = replay(load(path), x)
    assert found["sides"].tolist() == ([0, 0, 3] if rounds == 0 else [2, 6, 3])  # as ONNX Runtime has it
    np.testing.assert_allclose(found["last"], (1 + rounds) * x, rtol=1e-6)


def with_function(node: Any, opset: int, path: Path) -> Path:
    function = helper.make_function("own", "Block", ["a"], ["b"], [node], [helper.make_opsetid("", opset)])
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["", "Yh"], hidden_size=UNITS),
        helper.make_node("Block", ["Yh"], ["y"], domain="own"),
    ]
    proto = model_of(nodes, {"x": ["t", "n", FEATURES]}, ["y"], weights_of("LSTM"))
    proto.functions.append(function)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    return Path(save(proto, path))


def test_a_function_of_another_opset_is_converted(tmp_path: Path) -> None:
    """The axes of Squeeze were an attribute before opset 13, and are an input in that of the model."""
    older = helper.make_node("Squeeze", ["a"], ["b"], axes=[0])
    model = load(with_function(older, 11, tmp_path / "model.onnx"))
    plain = load(lstm(tmp_path / "plain.onnx", ["t", "n", FEATURES], outputs=("Yh",)))
    x = arrays(5, 4, FEATURES)
    np.testing.assert_array_equal(np.asarray(replay(model, x)), np.asarray(replay(plain, x))[0])


def test_a_function_that_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    unknown = helper.make_node("NoSuchOperator", ["a"], ["b"])
    with pytest.raises(UnsupportedError, match=r"Block' is of another opset|NoSuchOperator"):
        load(with_function(unknown, 11, tmp_path / "model.onnx"))


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_data_that_is_a_link_is_refused_with_a_way_out(make: str, tmp_path: Path) -> None:
    stored, folder = tmp_path / "stored", tmp_path / "linked"
    stored.mkdir()
    folder.mkdir()
    proto = onnx.load(lstm(tmp_path / "model.onnx", ["t", "n", FEATURES]))
    onnx.save(proto, folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    (folder / "weights.bin").rename(stored / "weights.bin")
    getattr(folder / "weights.bin", make)(stored / "weights.bin")
    with pytest.raises(ModelFileError, match=r"link.*\. Copy the file with its data, and not links to them: cp -L$"):
        load(folder / "model.onnx")


@pytest.mark.parametrize("steps", [1, 12])
def test_a_sequence_with_states_of_one_is_one_sample(steps: int, tmp_path: Path) -> None:
    """The input is (time, features) of any length, and the states are those of one sample, as voice detectors have."""
    nodes = [
        helper.make_node("Unsqueeze", ["x", "one"], ["steps"]),
        helper.make_node("LSTM", ["steps", "W", "R", "B", "", "h", "c"], ["Y", "hn", "cn"], hidden_size=UNITS),
        helper.make_node("ReduceMean", ["Y"], ["scores"], axes=[1, 2, 3], keepdims=0),
    ]
    inputs = {"x": ["t", FEATURES], "h": [1, 1, UNITS], "c": [1, 1, UNITS]}
    constants = {**weights_of("LSTM"), "one": np.array([1])}
    path = save(model_of(nodes, inputs, ["scores", "hn", "cn"], constants), tmp_path / "model.onnx")
    x = {"x": arrays(steps, FEATURES), "h": arrays(1, 1, UNITS), "c": arrays(1, 1, UNITS)}
    report = verify(path, x, blind_spots=False)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 1)
    assert {name: np.shape(y) for name, y in replay(report.model, x).items()} == {
        "scores": (steps,),
        "hn": (1, 1, UNITS),
        "cn": (1, 1, UNITS),
    }
    expected = replay(load(path), x)  # read without knowing what is fed
    assert verify(load(path), x, expected=dict(expected), blind_spots=False).verdict is Verdict.MATCH
    rolled = rollout(path, x, steps=3)
    assert rolled.verdict is Verdict.MATCH
    assert dict(rolled.plan.state) == {"hn": "h", "cn": "c"}

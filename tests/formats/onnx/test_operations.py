"""Every ONNX operator that is translated, against ONNX Runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

import lstm_verify
from lstm_verify.budget import budgets, plain
from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.onnx.dtypes import with_dtypes
from lstm_verify.formats.onnx.operations import RULES
from lstm_verify.formats.onnx.reader import read_graph
from lstm_verify.formats.onnx.table import table_of
from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Ref
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Input, Model, Source
from lstm_verify.rounded import SIGMAS
from tests.formats.onnx.operators import CASES, MICROSOFT, Case, case, fix

MOST = 1e-4
"""What is allowed for rounding, of the size of the numbers, at the most."""


def proto_of(case: Case, known: bool) -> onnx.ModelProto:
    """The model of a case; with its whole numbers in the file, or fed."""
    given = {name: value for name, value in case.given.items() if not (known and value.dtype.kind in "iub")}
    fixed = {**case.fixed, **{name: value for name, value in case.given.items() if name not in given}}
    graph = helper.make_graph(
        case.nodes,
        "operator",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in given.items()],
        [helper.make_empty_tensor_value_info(name) for name in case.outputs],
        [numpy_helper.from_array(value, name) for name, value in fixed.items()],
    )
    opsets = [helper.make_opsetid("", case.opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def predicted(proto: onnx.ModelProto, given: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {spec.name: given[spec.name] for spec in session.get_inputs()})


def model_of(proto: onnx.ModelProto, directory: Path) -> Model:
    """The model as it is read, whatever its samples are."""
    path = directory / "operator.onnx"
    onnx.save(proto, path)
    file = read_graph(path)
    graph = with_dtypes(file.graph, {name: end.dtype for name, end in file.inputs.items()})
    inputs = {Ref(name): Input(name, end.shape, end.dtype) for name, end in file.inputs.items()}
    model = Builder(table_of(file.opset), no_function).model("operator", graph, inputs, file.outputs)
    return replace(model, source=Source(str(path), "ONNX", "", "onnxruntime", ""))


def no_function(name: str) -> Graph:
    raise NotImplementedError


def has_floats(case: Case) -> bool:
    return any(value.dtype.kind == "f" for value in case.given.values())


def has_whole_numbers(case: Case) -> bool:
    return any(value.dtype.kind in "iub" for value in case.given.values())


@pytest.mark.parametrize(
    ("name", "known"),
    [(name, True) for name in CASES] + [(name, False) for name, case in CASES.items() if has_whole_numbers(case)],
)
def test_operator_as_in_onnx_runtime(name: str, known: bool, tmp_path: Path) -> None:
    case = CASES[name]
    proto = proto_of(case, known)
    expected = predicted(proto, case.given)
    model = model_of(proto, tmp_path)
    values = [case.given[spec.name] for spec in model.inputs]
    with np.errstate(all="ignore"):
        replayed = [np.asarray(y) for y in plain(model.astype("float64")).call(values)]
        sigma = budgets(model, lambda kind: kind.call(values), raised=lambda model, away, sigma: sigma)
    for ours, theirs, σ in zip(replayed, expected, sigma, strict=True):
        assert ours.shape == theirs.shape
        if theirs.dtype.kind != "f":
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
            continue
        assert ours.dtype.kind == "f"
        size = np.abs(ours[np.isfinite(ours)]).max(initial=0)
        assert case.unjudged or (SIGMAS * σ <= MOST * size).all(), f"σ up to {σ.max()} of {size}"
        with np.errstate(invalid="ignore"):  # of infinities
            away = np.abs(theirs.astype(np.float64) - ours)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        assert (same | (away <= SIGMAS * σ)).all(), (
            f"off by up to {away.max()}, {np.max(away[σ > 0] / σ[σ > 0], initial=0)}σ"
        )


def operators_of(case: Case) -> list[str]:
    return [f"{node.domain}.{node.op_type}".lstrip(".") for node in case.nodes]


def test_every_operator_has_a_case() -> None:
    tried = {op for case in CASES.values() for op in operators_of(case)}
    assert {op for op in RULES if not op[0].islower() or "." in op} - tried == set(DRAWING) - {"Dropout"}


FIRST = {
    (case.nodes[0].domain, case.nodes[0].op_type): name for name, case in reversed(CASES.items()) if has_floats(case)
}
"""A case of each operator that takes what is fed."""


def made_wrong(y: Any) -> Any:
    return y * np.float32(1.001) if y.dtype.kind == "f" else np.logical_not(y).astype(y.dtype)


@pytest.mark.parametrize("name", sorted(FIRST.values()))
def test_operator_in_a_file_that_is_verified(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "operator.onnx"
    proto = proto_of(case, known=True)
    onnx.save(proto, path)
    x = {spec.name: case.given[spec.name] for spec in proto.graph.input}
    expected = dict(zip(case.outputs, predicted(proto, case.given), strict=True))
    wrong = {key: made_wrong(y) for key, y in expected.items()}
    right = Verdict.INCONCLUSIVE if name == "Identity" else Verdict.MATCH
    for predictions, verdict in ((expected, right), (wrong, Verdict.MISMATCH)):
        report = lstm_verify.verify(path, x, expected=predictions, blind_spots=False, diagnose=False)
        assert report.verdict == verdict


X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
DRAWING: dict[str, Case] = {
    "RandomNormal": case("RandomNormal", shape=[3, 4], mean=1.0, scale=2.0),
    "RandomUniform": case("RandomUniform", shape=[3, 4], low=2.0, high=5.0),
    "RandomNormalLike": case("RandomNormalLike", X, mean=1.0, scale=2.0, dtype=1),
    "RandomUniformLike": case("RandomUniformLike", X, low=2.0, high=5.0),
    "Dropout": case("Dropout", X, fix(0.5, "float32"), fix(True)),
}


@pytest.mark.parametrize("name", DRAWING)
def test_random_numbers_are_from_where_they_should_be(name: str, tmp_path: Path) -> None:
    proto = proto_of(DRAWING[name], known=True)
    (theirs,) = predicted(proto, DRAWING[name].given)
    model = model_of(proto, tmp_path)
    (ours,) = plain(model.astype("float64")).call([DRAWING[name].given[spec.name] for spec in model.inputs])
    assert ours.shape == theirs.shape
    if "Uniform" in name:
        assert ((ours >= 2) & (ours < 5) & (theirs >= 2) & (theirs < 5)).all()
    elif "Normal" in name:
        assert abs(ours.mean() - 1) < 2
        assert 1 < ours.std() < 3.5
    else:
        assert set(np.unique(ours / X)) == {0.0, 2.0} == set(np.unique(theirs / X))


@pytest.mark.parametrize("name", ["Dropout", "RandomUniformLike"])
def test_what_depends_on_random_numbers_is_not_judged(name: str, tmp_path: Path) -> None:
    case = DRAWING[name]
    proto = proto_of(replace(case, nodes=[*case.nodes, helper.make_node("Add", ["y0", "x0"], ["y"])]), known=True)
    proto.graph.output[0].name = "y"
    onnx.save(proto, tmp_path / "operator.onnx")
    (expected,) = predicted(proto, case.given)
    report = lstm_verify.verify(tmp_path / "operator.onnx", X, expected=expected, blind_spots=False, diagnose=False)
    assert report.verdict == Verdict.INCONCLUSIVE


IMAGE, FIX3 = np.zeros((1, 3, 6, 6), np.float32), fix(np.ones(3, np.float32))
REFUSED: dict[str, tuple[Case, str]] = {
    "an operator": (case("Det", X), "operation Det is not supported"),
    "of another domain": (case("Attention", X, domain="com.microsoft"), "operation com.microsoft.Attention is not"),
    "an attribute of an older text": (case("Add", X, X, opset=7, broadcast=1), "Add with broadcast=1"),
    "axes as they were before": (case("Squeeze", X, axes=[0]), r"Squeeze with axes=\[0\]"),
    "strings": (case("Cast", X, to=8), "Cast with to=8"),
    "float8": (case("Cast", X, opset=19, to=17), "Cast with to=17"),
    "no order": (case("TopK", X, fix([1]), outputs=2, sorted=0), "TopK with sorted=0"),
    "places of maxima": (case("MaxPool", IMAGE, kernel_shape=[2, 2], outputs=2), "second output of MaxPool"),
    "a mask that means nothing": (case("Dropout", X, opset=10, outputs=2), "second output of Dropout before opset 12"),
    "both paddings": (case("MaxPool", IMAGE, kernel_shape=[2, 2], auto_pad="VALID", pads=[1, 1, 1, 1]), "auto_pad"),
    "each place by itself": (
        case("BatchNormalization", IMAGE, FIX3, FIX3, FIX3, FIX3, opset=7, spatial=0),
        "BatchNormalization with spatial=0",
    ),
    "batches of training before 14": (
        case("BatchNormalization", IMAGE, FIX3, FIX3, FIX3, FIX3, opset=9, outputs=3),
        "BatchNormalization with _outputs=3",
    ),
    "half precision inside": (case("LayerNormalization", X, fix(np.ones(4, np.float32)), stash_type=10), "stash_type"),
    "a norm": (case("LpNormalization", X, p=3), "LpNormalization with p=3"),
    "cubic": (case("Resize", X, None, fix([1, 2], "float32"), mode="cubic"), "Resize with mode='cubic'"),
    "a region": (
        case("Resize", X, None, fix([1, 2], "float32"), coordinate_transformation_mode="tf_crop_and_resize"),
        "coordinate_transformation_mode='tf_crop_and_resize'",
    ),
    "antialias": (case("Resize", X, None, fix([1, 2], "float32"), opset=18, antialias=1), "Resize with antialias=1"),
    "a reduction": (case("ScatterND", X, fix([[0]]), X[:1], opset=18, reduction="mean"), "reduction='mean'"),
    "a mode": (case("Pad", X, fix([0, 0, 0, 0]), mode="mirror"), "mode='mirror'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    case, reason = REFUSED[name]
    with pytest.raises(UnsupportedError, match=f"node '.*': .*{reason}"):
        model_of(proto_of(case, known=True), tmp_path)

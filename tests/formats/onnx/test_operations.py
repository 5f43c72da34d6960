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

from lstm_verify.budget import budgets, plain
from lstm_verify.formats.onnx.dtypes import with_dtypes
from lstm_verify.formats.onnx.reader import read_graph
from lstm_verify.formats.onnx.table import table_of
from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Ref
from lstm_verify.model import Input, Model, Source
from lstm_verify.rounded import SIGMAS
from tests.formats.onnx.operators import CASES, MICROSOFT, Case

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
        away = np.abs(theirs.astype(np.float64) - ours)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        assert (same | (away <= SIGMAS * σ)).all(), (
            f"off by up to {away.max()}, {np.max(away[σ > 0] / σ[σ > 0], initial=0)}σ"
        )

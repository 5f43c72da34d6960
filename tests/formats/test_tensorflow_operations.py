"""Every operation of TensorFlow that is translated, against TensorFlow itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.tensorflow.operations import RULES
from lstm_verify.formats.tensorflow.table import table_of
from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Node
from lstm_verify.graph.ir import Ref as Tensor
from lstm_verify.graph.translate import Compute, Same
from lstm_verify.operations import OPERATIONS, TensorList
from tests.building import OUT, Build, Recipe
from tests.formats.tensorflow_cases import CASES, Ref, Resource, Step

Found = tuple[dict[str, Any], dict[str, Any]]
RANDOM = ("Random", "TruncatedNormal")


TABLE = table_of({}, None)


@pytest.fixture(scope="session")
def truth(build: Build) -> Found:
    """What TensorFlow returns for every case, and the attributes that its nodes have."""
    directory = build(Recipe("operations", "tests.formats.tensorflow_runner", (OUT,)))
    with np.load(directory / "outputs.npz") as outputs:
        return dict(outputs), json.loads((directory / "attributes.json").read_text())


def computed(steps: list[Step], attributes: list[list[dict[str, Any]]], stripped: bool, dtype: str) -> list[Any]:
    """What the last step returns here, in floats of that type; lists left out."""
    results: list[tuple[Any, ...]] = []

    def given(value: Any) -> Any:
        if isinstance(value, Ref):
            return results[value.step][value.output]
        array = np.asarray(value.value if isinstance(value, Resource) else value)
        return array.astype(dtype) if array.dtype == np.float32 else array

    for step, found in zip(steps, attributes, strict=True):
        inputs = [given(one) for item in step.inputs for one in (item if isinstance(item, list) else [item])]
        returned = called(step.op, inputs, found[stripped], dtype)
        results.append(returned if type(returned) is tuple else (returned,))
    if steps[-1].op == "TensorArrayV3":
        return []
    return [np.asarray(value) for value in results[-1] if not isinstance(value, TensorList)]


def called(op: str, inputs: list[Any], attributes: dict[str, Any], dtype: str) -> Any:
    entry = TABLE.entry(op)
    if isinstance(entry, Same):
        return tuple(inputs) if entry.each else inputs[0]
    assert isinstance(entry, Compute)
    options = entry.translated(op, attributes, TABLE)
    if options.get("dtype") == "float32":
        options["dtype"] = dtype
    with np.errstate(all="ignore"):
        return OPERATIONS[entry.operation](*entry.arguments(*inputs), **options)


@pytest.mark.parametrize("name", CASES)
def test_operation_as_in_tensorflow(name: str, truth: Found) -> None:
    for dtype in ("float64", "float32"):
        for without_defaults in (False, True):
            check(name, without_defaults, dtype, *truth)


def check(name: str, stripped: bool, dtype: str, outputs: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Compare the outputs of a case, computed in that type from all attributes or without those at their default."""
    got = computed(CASES[name], attributes[name], stripped, dtype)
    wanted = [value for key, value in outputs.items() if key.rsplit(":", 1)[0] == name]
    assert len(got) == len(wanted)
    for ours, theirs in zip(got, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == (dtype if theirs.dtype == np.float32 else theirs.dtype)
        if any(word in name for word in RANDOM):
            continue
        if theirs.dtype == np.float32:
            assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        else:
            assert_array_equal(ours, theirs)


def test_every_operation_has_a_case() -> None:
    tried = {step.op for steps in CASES.values() for step in steps}
    assert set(RULES) <= tried
    assert all(isinstance(TABLE.entry(op), Same) for op in tried - set(RULES))


def test_every_rule_names_an_operation() -> None:
    assert {rule.operation for rule in RULES.values()} <= set(OPERATIONS)


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Wibble", {}),
        ("CudnnRNN", {"rnn_mode": "lstm"}),
        ("CudnnRNNV2", {}),
        ("CudnnRNNV3", {}),
        ("MatMul", {"wibble": 1}),
        ("MatMul", {"T": "complex64"}),
        ("Conv2D", {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NCHW"}),
        ("Conv2D", {"strides": [2, 1, 1, 1], "padding": "SAME"}),
        ("Conv2D", {"strides": [1, 1, 1, 1], "padding": "WIDE"}),
        ("MaxPool", {"strides": [1, 1, 1, 1], "padding": "SAME", "ksize": [1, 2, 2, 3]}),
        ("Cast", {"DstT": "int32", "Truncate": True}),
        ("BatchMatMulV3", {"Tout": "int32"}),
        ("MirrorPad", {"mode": "WRAP"}),
        ("BiasAdd", {"data_format": "NCDHW"}),
        ("GatherNd", {"bad_indices_policy": "IGNORE"}),
    ],
)
def test_what_is_not_supported_is_named(op: str, attributes: dict[str, Any]) -> None:
    graph = Graph({"n": Node("n", op, attributes=attributes)})
    with pytest.raises(UnsupportedError, match=f"^node 'n': operation {op} "):
        Builder(TABLE, lambda name: graph).model("", graph, {}, {"y": Tensor("n")})

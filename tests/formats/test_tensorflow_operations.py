"""Every operation of TensorFlow that is translated, against TensorFlow itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.tensorflow.operations import RULES
from lstm_verify.formats.tensorflow.table import table_of
from lstm_verify.graph.build import Builder
from lstm_verify.graph.compute import Compute
from lstm_verify.graph.expand import Expand
from lstm_verify.graph.ir import Graph, Node
from lstm_verify.graph.ir import Ref as Tensor
from lstm_verify.graph.translate import Same, Table
from lstm_verify.layers import Run, Signal
from lstm_verify.operations import OPERATIONS, TensorList
from tests.building import OUT, Build, Recipe
from tests.formats.tensorflow_cases import CASES, Ref, Resource, Step

Found = tuple[dict[str, Any], dict[str, Any]]
RANDOM = ("Random", "TruncatedNormal")


TABLE = table_of({}, None)
STEPS = {"TensorArrayFlow"}
"""No operations of TensorFlow, but steps of those that are."""


@pytest.fixture(scope="session")
def truth(build: Build) -> Found:
    """What TensorFlow returns for every case, and the attributes that its nodes have."""
    directory = build(Recipe("operations", "tests.formats.tensorflow_runner", (OUT,)))
    with np.load(directory / "outputs.npz") as outputs:
        return dict(outputs), json.loads((directory / "attributes.json").read_text())


@dataclass(frozen=True)
class Given:
    """A graph of one node, whose inputs the file has, or not."""

    values: list[Any]
    known: bool
    table: Table = TABLE

    def constant(self, ref: Tensor) -> Any:
        value = self.values[int(ref.node)]
        return value if self.known and isinstance(value, np.ndarray) else None

    def function(self, name: str, function: Any) -> Any:
        raise NotImplementedError

    def is_assigned(self, name: str) -> bool:
        raise NotImplementedError

    def source(self, ref: Tensor) -> Tensor:
        return ref


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
        node = Node("n", step.op, tuple(Tensor(f"{place}") for place in range(len(inputs))), attributes=found[stripped])
        results.append(called(node, inputs, stripped, dtype))
    if steps[-1].op == "TensorArrayV3":
        return []
    return [np.asarray(value) for value in results[-1] if not isinstance(value, TensorList)]


def called(node: Node, inputs: list[Any], known: bool, dtype: str) -> tuple[Any, ...]:
    """What a node returns.

    Args:
        node: it, with the numbers of the inputs for their names.
        inputs: their values.
        known: whether the file has these.
        dtype: of floats.
    """
    entry = TABLE.entry(node.op)
    if isinstance(entry, Same):
        return tuple(inputs) if entry.each else (inputs[0],)
    if isinstance(entry, Expand):
        return expanded(entry, node, inputs, known, dtype)
    made = entry.make(node, Given(inputs, known))
    signals = tuple(Signal(inputs[int(ref.node)]) for ref in made.inputs)
    with np.errstate(all="ignore"):
        return tuple(signal.value for signal in made.layer.astype(dtype).apply(signals, Run()))


def expanded(entry: Expand, node: Node, inputs: list[Any], known: bool, dtype: str) -> tuple[Any, ...]:
    """What the steps of a node return, which are in the order of what they need."""
    values = {Tensor(f"{place}"): value for place, value in enumerate(inputs)}
    for step in entry.steps(node):
        numbered = replace(step, inputs=tuple(Tensor(f"{place}") for place in range(len(step.inputs))))
        results = called(numbered, [values[ref] for ref in step.inputs], known, dtype)
        values |= {Tensor(step.name, number): value for number, value in enumerate(results)}
    own = {ref.output: value for ref, value in values.items() if ref.node == node.name}
    outputs = own | {ref.output: values[at] for ref, at in entry.moved(node).items()}
    return tuple(outputs[number] for number in sorted(outputs))


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
    assert set(RULES) - STEPS <= tried
    assert all(isinstance(TABLE.entry(op), Same) for op in tried - set(RULES))


def test_every_rule_names_an_operation() -> None:
    assert {rule.operation for rule in RULES.values() if isinstance(rule, Compute)} <= set(OPERATIONS)


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

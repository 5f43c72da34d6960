"""Building: from a flat graph to a `Model` of operations, with only what its outputs need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.flatten import Functions, flatten_function
from lstm_verify.formats.tensorflow.graph import Array, Function, Node, Ref
from lstm_verify.formats.tensorflow.loops import SWITCH
from lstm_verify.formats.tensorflow.operations import translate
from lstm_verify.formats.tensorflow.variables import HANDLES, Key, initial_value
from lstm_verify.layers import Layer
from lstm_verify.layers.constant import Constant, State, Update
from lstm_verify.layers.loop import Branch, Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import PRECISIONS, Input, Model, Output, Tensor
from lstm_verify.model import Node as Call

Nodes = Mapping[str, Node]

SAME = {
    "Identity",
    "ReadVariableOp",
    "StopGradient",
    "PreventGradient",
    "Snapshot",
    "EnsureShape",
    "CheckNumerics",
    "PlaceholderWithDefault",
    "PlaceholderV2",
    "RefIdentity",
    *SWITCH,
}
"""Operations that hand on their first input as it is; every output of them is that input."""
ASSIGN = "AssignVariableOp"
UPDATES = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "Assign", "AssignAdd", "AssignSub"}
WITHOUT_EFFECT = {"Assert", "NoOp", "Print", "PrintV2", "StringFormat"}
"""Operations that compute nothing, for which others only wait."""


OUTSIDE = {
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "Save",
    "SaveSlices",
    "SaveV2",
    "MergeV2Checkpoints",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
}
"""Operations that reach files or run code; no result need depend on one for TensorFlow to run it."""


def refuse_outside(nodes: Nodes) -> None:
    """Refuse graphs that do more than compute.

    Raises:
        UnsupportedError: a node touches files or runs code.
    """
    for node in nodes.values():
        if node.op in OUTSIDE:
            raise UnsupportedError(
                f"node '{node.name}': operation {node.op} reaches files or runs code, and no model needs that. "
                "Do not run this graph unless you trust who made it"
            )


@dataclass
class Builder:
    """Makes models out of the graphs of one file."""

    functions: Functions
    keys: Mapping[str, Key]
    """The checkpoint's key of each variable."""
    values: Mapping[str, Array] | None
    """The tensors of the checkpoint."""

    def model(
        self, name: str, nodes: Nodes, inputs: Mapping[Ref, Input], outputs: Mapping[str, Ref], effects: Nodes
    ) -> Model:
        """Build the model that computes some tensors of a graph.

        Args:
            name: what to call it.
            nodes: a flat graph.
            inputs: the tensors that are given, and as what.
            outputs: the tensors wanted, by name.
            effects: assignments that happen in the same run.

        Raises:
            UnsupportedError: an operation is not supported; the message has its node.
            ModelFileError: something is missing.
        """
        return _Graph(self, nodes, inputs, effects).model(name, outputs)

    def function(self, name: str, function: Function | str) -> Model:
        """Build the model of a function: of the library if it is a name."""
        if isinstance(function, str):
            if function not in self.functions:
                raise ModelFileError(f"function '{function}' is used but is not in the file")
            function = flatten_function(self.functions[function], self.functions)
            refuse_outside(function.nodes)
        for control in function.controls:
            if control in function.nodes and function.nodes[control].op in UPDATES:
                raise UnsupportedError(f"node '{control}': a variable is assigned inside a loop or branch")
        inputs = {Ref(argument): Input(argument, None, "float32") for argument in function.arguments}
        outputs = {f"{number}": ref for number, ref in enumerate(function.returns)}
        return self.model(name, function.nodes, inputs, outputs, {})


@dataclass
class _Graph:
    """A model under construction."""

    builder: Builder
    nodes: Nodes
    inputs: Mapping[Ref, Input]
    effects: Nodes
    layers: dict[str, Layer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def model(self, name: str, outputs: Mapping[str, Ref]) -> Model:
        wanted = [*outputs.values(), *(ref for node in self.effects.values() for ref in node.inputs[1:])]
        for node in self._ordered(ref.node for ref in map(self._source, wanted)):
            self._add(node)
        for node in self.effects.values():
            self._add(node)
        return Model(
            name=name,
            layers=self.layers,
            nodes=tuple(self.calls),
            inputs=tuple(self.inputs.values()),
            outputs=tuple(Output(key, self._tensor(ref)) for key, ref in outputs.items()),
        )

    def _ordered(self, wanted: Iterator[str]) -> Iterator[Node]:
        """The nodes that some need, each after those whose outputs it takes."""
        done: set[str] = set()
        path: set[str] = set()
        pending = [(name, False) for name in wanted][::-1]
        while pending:
            name, ready = pending.pop()
            if ready:
                path.discard(name)
                done.add(name)
                yield self.nodes[name]
                continue
            if name in done or Ref(name) in self.inputs:
                continue
            if name in path:
                raise ModelFileError(f"node '{name}': it needs its own output. Is the graph whole?")
            path.add(name)
            pending.append((name, True))
            pending += [(ref.node, False) for ref in map(self._source, self._node(name).inputs) if ref.node not in done]

    def _node(self, name: str) -> Node:
        if name not in self.nodes:
            raise ModelFileError(f"node '{name}' is used but is not in the graph. Is the file whole?")
        return self.nodes[name]

    def _source(self, ref: Ref) -> Ref:
        """The tensor itself, behind nodes that only hand it on."""
        while ref not in self.inputs:
            node = self._node(ref.node)
            if node.op not in SAME and node.op != "IdentityN":
                return ref
            ref = node.inputs[ref.output if node.op == "IdentityN" else 0]
        return ref

    def _tensor(self, ref: Ref) -> Tensor:
        source = self._source(ref)
        given = self.inputs.get(source)
        return Tensor(given.name) if given else Tensor(source.node, 0, source.output)

    def _add(self, node: Node) -> None:
        make = MAKERS.get(node.op, _operation)
        self.layers[node.name], inputs = make(self, node)
        self.calls.append(Call(node.name, tuple(map(self._tensor, inputs))))

    def assigned(self, name: str) -> bool:
        """Whether the run assigns a variable."""
        return any(self._source(node.inputs[0]).node == name for node in self.effects.values())

    def variable(self, ref: Ref) -> str:
        """The name of the variable that a handle is of."""
        return self._source(ref).node


Made = tuple[Layer, tuple[Ref, ...]]
"""A layer, and the tensors that it is called with."""


def _operation(graph: _Graph, node: Node) -> Made:
    operation, options = _translated(node)
    slots = tuple(Slot(number) for number in range(len(node.inputs)))
    layer = Operation(name=node.name, operation=operation, arguments=slots, options=options, compute_dtype=_dtype(node))
    return layer, node.inputs


def _translated(node: Node) -> tuple[str, dict[str, Any]]:
    try:
        return translate(node.op, dict(node.attributes))
    except UnsupportedError as error:
        raise UnsupportedError(f"node '{node.name}': {error}") from None


def _dtype(node: Node) -> str:
    """The float type that TensorFlow computes an operation in; nothing if it computes with none."""
    dtype = node.attributes.get("T")
    return dtype if isinstance(dtype, str) and dtype in PRECISIONS else ""


def _constant(graph: _Graph, node: Node) -> Made:
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise ModelFileError(f"node '{node.name}': a constant without a value")
    return Constant(name=node.name, value=value.copy(), compute_dtype=""), ()


def _optional(graph: _Graph, node: Node) -> Made:
    """A value that may be there, kept for gradients; no operation that takes one is supported."""
    return Constant(name=node.name, value=np.zeros((), np.int32), compute_dtype=""), ()


def _variable(graph: _Graph, node: Node) -> Made:
    value = initial_value(node, graph.builder.keys, graph.builder.values)
    if graph.assigned(node.name):
        return State(name=node.name, initial=value, compute_dtype=""), ()
    return Constant(name=node.name, value=value, compute_dtype=""), ()


def _assignment(graph: _Graph, node: Node) -> Made:
    if node.op != ASSIGN:
        raise UnsupportedError(f"node '{node.name}': operation {node.op} changes a variable while the model runs")
    return Update(name=node.name, state=graph.variable(node.inputs[0]), compute_dtype=""), node.inputs[1:]


def _while(graph: _Graph, node: Node) -> Made:
    condition, body = (
        graph.builder.function(f"{node.name}/{part}", _function(node, part)) for part in ("cond", "body")
    )
    return Loop(name=node.name, condition=condition, body=body, compute_dtype=body.precision), node.inputs


def _if(graph: _Graph, node: Node) -> Made:
    if_true, if_false = (
        graph.builder.function(f"{node.name}/{part}", _function(node, part)) for part in ("then_branch", "else_branch")
    )
    dtype = min(if_true.precision, if_false.precision, key=PRECISIONS.index)
    return Branch(name=node.name, if_true=if_true, if_false=if_false, compute_dtype=dtype), node.inputs


def _function(node: Node, part: str) -> Function | str:
    function = node.attributes[part]
    return function if isinstance(function, Function) else str(function["function"])


def _placeholder(graph: _Graph, node: Node) -> Made:
    raise ModelFileError(
        f"placeholder '{node.name}' is needed but is not an input of this signature. "
        "Name another signature, or other outputs"
    )


MAKERS: dict[str, Callable[[_Graph, Node], Made]] = {
    "Const": _constant,
    "OptionalFromValue": _optional,
    "OptionalNone": _optional,
    **dict.fromkeys(HANDLES, _variable),
    **dict.fromkeys(UPDATES, _assignment),
    "While": _while,
    "StatelessWhile": _while,
    "If": _if,
    "StatelessIf": _if,
    "Placeholder": _placeholder,
}

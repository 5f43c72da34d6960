"""Building: from a graph to a `Model` of operations, with only what its outputs need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import UnsupportedError
from lstm_verify.graph.expand import expanded
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.graph.translate import Fixed, Table, Variable
from lstm_verify.layers import Layer, Run
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor


@dataclass(frozen=True)
class Builder:
    """Makes models out of the graphs of one file."""

    table: Table
    """What becomes of the operations of its framework."""
    library: Callable[[str], Graph]
    """The function of a name, without calls of others."""

    def model(self, name: str, graph: Graph, inputs: Mapping[Ref, Input], outputs: Mapping[str, Ref]) -> Model:
        """Build the model that computes some tensors of a graph.

        Args:
            name: what to call it.
            graph: a graph without calls; what it assigns happens too.
            inputs: the tensors that are given, and as what.
            outputs: the tensors wanted, by name.

        Raises:
            UnsupportedError: an operation is not supported; the message has its node.
            ModelFileError: something is missing.
        """
        whole, moved = expanded(graph, self.table)
        return _Building(self, whole, inputs, moved).model(name, outputs)

    def function(self, name: str, function: Graph | str) -> Model:
        """Build the model of a subgraph: of a function of the library if it is a name."""
        graph = self.library(function) if isinstance(function, str) else function
        needed = graph.reachable((ref.node for ref in graph.outputs), controls=False)
        for node in (*needed.nodes.values(), *(graph.nodes[name] for name in graph.controls if name in graph.nodes)):
            if self.table.entry(node.op).is_effect:
                raise UnsupportedError(f"node '{node.name}': a variable is assigned inside a loop or branch")
        inputs = {Ref(argument): Input(argument, None, "float32") for argument in graph.inputs}
        outputs = {f"{number}": ref for number, ref in enumerate(graph.outputs)}
        return self.model(name, needed, inputs, outputs)


@dataclass
class _Building:
    """A model under construction."""

    builder: Builder
    graph: Graph
    inputs: Mapping[Ref, Input]
    moved: Mapping[Ref, Ref]
    """The outputs of nodes that are now those of others."""
    layers: dict[str, Layer] = field(default_factory=dict)
    calls: list[LayerCall] = field(default_factory=list)

    @property
    def table(self) -> Table:
        return self.builder.table

    def model(self, name: str, outputs: Mapping[str, Ref]) -> Model:
        effects = self._effects()
        wanted = [*outputs.values(), *(ref for node in effects for ref in node.inputs[1:])]
        for node in self._ordered(wanted):
            self._add(node)
        for node in effects:
            self._add(node)
        return Model(
            name=name,
            layers=self.layers,
            nodes=tuple(self.calls),
            inputs=tuple(self.inputs.values()),
            outputs=tuple(Output(key, self._tensor(ref)) for key, ref in outputs.items()),
        )

    def function(self, name: str, function: Graph | str) -> Model:
        return self.builder.function(name, function)

    def is_assigned(self, name: str) -> bool:
        return any(self.source(node.inputs[0]).node == name for node in self._effects())

    def source(self, ref: Ref) -> Ref:
        while ref not in self.inputs:
            before = self.moved.get(ref) or self._handed_on(ref)
            if before is None:
                return ref
            ref = before
        return ref

    def constant(self, ref: Ref) -> Array | None:
        source = self.source(ref)
        if source in self.inputs:
            return None
        node = self.graph.node(source.node)
        entry = self.table.entry(node.op)
        return entry.value(node) if isinstance(entry, Fixed) else None

    def folded(self, ref: Ref) -> Array | None:
        known = self.constant(ref)
        if known is not None:
            return known
        needed = [node for _, node in self.graph.backwards([self.source(ref)], lambda _, node: self._sources(node))]
        given = {each for node in needed for each in self._sources(node)} | {self.source(ref)}
        if given & set(self.inputs) or any(isinstance(self.table.entry(node.op), Variable) for node in needed):
            return None
        part = self.builder.model("constant", self.graph, {}, {"": ref})
        return np.asarray(part.apply((), Run())[0].value)

    def _sources(self, node: Node) -> tuple[Ref, ...]:
        """The tensors themselves that a node takes."""
        return tuple(self.source(ref) for ref in node.inputs if ref != ABSENT)

    def _handed_on(self, ref: Ref) -> Ref | None:
        node = self.graph.node(ref.node)
        return self.table.entry(node.op).handed_on(node, ref.output)

    def _effects(self) -> list[Node]:
        return [node for node in self.graph.nodes.values() if self.table.entry(node.op).is_effect]

    def _ordered(self, wanted: list[Ref]) -> list[Node]:
        """The nodes that some tensors need, each after those whose outputs it takes."""
        found: dict[str, Node] = {}
        pending = [self.source(ref) for ref in wanted]
        while pending:
            ref = pending.pop()
            if ref in self.inputs or ref.node in found:
                continue
            node = self.graph.node(ref.node)
            inputs = self._sources(node)
            found[node.name] = Node(node.name, node.op, inputs)
            pending += inputs
        return [self.graph.node(node.name) for node in Graph(found).topological()]

    def _tensor(self, ref: Ref) -> Tensor:
        source = self.source(ref)
        given = self.inputs.get(source)
        return Tensor(given.name) if given else Tensor(source.node, 0, source.output)

    def _add(self, node: Node) -> None:
        made = self.table.entry(node.op).make(node, self)
        self.layers[node.name] = made.layer
        self.calls.append(LayerCall(node.name, tuple(map(self._tensor, made.inputs))))

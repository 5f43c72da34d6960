"""Assembling the graph of a TensorFlow file and one of its signatures into a `Model`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lstm_verify.errors import InputError, LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.tensorflow.configs import contradictions
from lstm_verify.formats.tensorflow.cut import (
    COMPUTED,
    cut,
    fed_tensors,
    inputs_needed,
    of_signature,
    plain,
    wanted_tensors,
)
from lstm_verify.formats.tensorflow.flatten import Scope, flatten, flatten_function
from lstm_verify.formats.tensorflow.graph_file import End, GraphFile, Signature
from lstm_verify.formats.tensorflow.static_shapes import completed, observed, recorded
from lstm_verify.formats.tensorflow.table import UPDATES, WITHOUT_EFFECT, refuse_outside, table_of
from lstm_verify.formats.tensorflow.v1_branches import choices
from lstm_verify.formats.tensorflow.v1_loops import functional, is_inside
from lstm_verify.formats.tensorflow.variables import ASSIGNED, carried, checkpoint_keys, settled
from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Node, Ref, Shape
from lstm_verify.graph.lift import lift
from lstm_verify.graph.probe import outputs_of, with_samples_first
from lstm_verify.graph.samples_first import axes_for_runtime, elsewhere
from lstm_verify.model import Input, Model, Source

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True)
class FileKind:
    """The kind of a file, in words, and which runtime runs it."""

    format: str
    runtime: str
    call: Mapping[str, Any]
    """What the runtime has to know besides the names of inputs and outputs."""


def build(
    path: Path, file: GraphFile, kind: FileKind, signature: str | None = None, endpoints: Endpoints | None = None
) -> Model:
    """Build the model of a file.

    Args:
        path: where it lies.
        file: what it holds.
        kind: what it is.
        signature: which of its signatures; None takes `serving_default`, or the only one, or for a graph without any
            all its placeholders and all tensors that nothing else takes.
        endpoints: tensors that take the place of its inputs and outputs.

    Raises:
        InputError: one of these does not exist, or cannot be reached.
        ModelFileError, UnsupportedError: the graph cannot be read or replayed.
    """
    endpoints = Endpoints() if endpoints is None else endpoints
    name = _choose(file, signature, endpoints, kind)
    own = None if name is None else file.signatures[name]
    scope, chosen = _called(file, own, endpoints, kind.runtime == "saved_model")
    if not chosen.inputs and endpoints.outputs:
        raise UnsupportedError("the outputs depend on no input. Feed a tensor that they depend on: --input NAME=x.npy")
    model = _model(path.name, file, scope, chosen)
    model = with_samples_first(model, endpoints.shapes_for([spec.name for spec in model.inputs]))
    call = {
        **kind.call,
        "signature": name,
        "inputs": {key: _runtime_name(key, own.inputs if own else ()) for key in chosen.inputs},
        "outputs": {key: _runtime_name(key, own.outputs if own else ()) for key in chosen.outputs},
        "axes": axes_for_runtime(model),
    }
    writer = file.writer or "TensorFlow"
    lifted = lift(model)
    source = Source(str(path), kind.format, writer, kind.runtime, "", call)
    findings = (*contradictions(lifted, file.keras), *elsewhere(lifted))
    return replace(lifted, source=source, findings=findings)


def _runtime_name(key: str, keys: Collection[str]) -> str:
    """What the runtime knows an input or output by: the signature's name for it, or that of the tensor."""
    return key if key in keys else str(Ref.parse(key))


def _called(
    file: GraphFile, signature: Signature | None, endpoints: Endpoints, by_signature: bool
) -> tuple[Scope, Signature]:
    """The graph without calls that a file is called by, and its inputs and outputs."""
    graph, functions = file.graph, file.functions
    if signature is not None and by_signature:
        signature = of_signature(graph, signature, endpoints)
        scope = flatten(graph.reachable(_ends(signature)), functions)
        return scope, _resolved(signature, scope)
    fed = fed_tensors(graph, endpoints, signature.inputs if signature else ())
    if not endpoints.asked and all(graph.nodes[ref.node].op == "Placeholder" for ref in fed.values()):
        scope = flatten(graph if signature is None else graph.reachable(_ends(signature)), functions)
        return scope, _resolved(signature, scope) if signature else _whole_graph(Graph(scope.flat))
    begins = {plain(end.ref): end.ref for end in signature.inputs.values()} if signature else {}
    begun, places = cut(graph, {**begins, **fed}, partial(_shape_of, file, endpoints))
    outputs = wanted_tensors(graph, endpoints, signature) or (signature.outputs if signature else {})
    wanted = Signature({}, {key: replace(end, ref=places.get(end.ref, end.ref)) for key, end in outputs.items()})
    scope = flatten(begun.reachable(_ends(wanted)) if outputs else begun, functions)
    ending = _resolved(wanted, scope) if outputs else _whole_graph(Graph(scope.flat), set(fed))
    return scope, replace(ending, inputs=inputs_needed(Graph(scope.flat), _ends(ending), fed, signature))


def _shape_of(file: GraphFile, endpoints: Endpoints, ref: Ref, name: str) -> Shape:
    """What is known of the shape of a tensor that is fed; if nothing is, what computes it is run on made inputs."""
    given = {key.removesuffix(":0"): shape for key, shape in endpoints.given.items()}.get(name)
    known = recorded(file.graph, ref)
    return completed(_observed(file, ref) if known is None and given is None else known, given)


def _observed(file: GraphFile, ref: Ref) -> Shape:
    try:
        model = _model("", file, *_called(file, None, Endpoints(outputs=(str(ref),)), False))
        return observed(lambda samples: outputs_of(model, samples)[0].shape)
    except (LstmVerifyError, ValueError, LookupError):
        return None


def _model(name: str, file: GraphFile, scope: Scope, chosen: Signature) -> Model:
    """The model of a graph without calls."""
    used = Graph(scope.flat).reachable(_ends(chosen))
    _refuse_sources(used)
    refuse_outside(used)
    known = settled(carried(used, file.functions))
    graph = functional(choices(known), _ends(chosen))
    graph = graph.of({**graph.nodes, **{key: node for key, node in known.nodes.items() if key.endswith(ASSIGNED)}})
    keys = {**file.keys, **checkpoint_keys(flatten(file.graph, file.functions).flat)}
    builder = Builder(table_of(keys, file.variables), partial(_function, file.functions))
    inputs = {end.ref: Input(key, end.shape, end.dtype) for key, end in chosen.inputs.items()}
    outputs = {key: end.ref for key, end in chosen.outputs.items()}
    try:
        return replace(builder.model(name, graph, inputs, outputs), divisible=False)
    except UnsupportedError as error:
        raise UnsupportedError(str(error).replace(COMPUTED, "")) from error.__cause__


def _function(functions: Mapping[str, Graph], name: str) -> Graph:
    """A function of the library, without calls."""
    if name not in functions:
        raise ModelFileError(f"function '{name}' is used but is not in the file")
    function = flatten_function(functions[name], functions)
    refuse_outside(function)
    return function


def _ends(signature: Signature) -> set[str]:
    """The nodes of the outputs."""
    return {end.ref.node for end in signature.outputs.values()}


def _resolved(signature: Signature, scope: Scope) -> Signature:
    """A signature in terms of the graph without calls."""
    return replace(
        signature,
        outputs={key: replace(end, ref=scope.resolve(end.ref)) for key, end in signature.outputs.items()},
    )


def _choose(file: GraphFile, wanted: str | None, endpoints: Endpoints, kind: FileKind) -> str | None:
    """The name of the signature to go by; if a user names the outputs, a session needs none."""
    names = list(file.signatures)
    if wanted is not None:
        if wanted not in names:
            raise ModelFileError(f"no signature is named '{wanted}'; there are: {', '.join(names) or 'none'}")
        return wanted
    if DEFAULT_SIGNATURE in names or not names:
        return DEFAULT_SIGNATURE if names else None
    if len(names) > 1 and endpoints.outputs and kind.runtime == "tf1":
        return None
    if len(names) > 1:
        raise ModelFileError(f"there are several signatures: {', '.join(names)}. Choose one with --signature")
    return names[0]


def _whole_graph(graph: Graph, fed: Collection[str] = ()) -> Signature:
    """All placeholders, or those that are fed, and all tensors computed from them that no other node takes."""
    nodes, taken = graph.nodes, {ref.node for ref in graph.consumers()}
    behind = {
        name: _placeholders(graph, name) for name, node in nodes.items() if name not in taken and _is_result(node)
    }
    begins = set(fed) or {name for name, node in nodes.items() if node.op == "Placeholder"}
    outputs = [name for name, placeholders in behind.items() if placeholders & begins and not is_inside(graph, name)]
    if not outputs and fed:
        raise InputError(f"input '{next(iter(fed))}': the graph has no output that depends on this tensor")
    if not outputs:
        raise UnsupportedError(f"the graph has no output that depends on a placeholder{_sources(graph)}")
    used = set().union(*behind.values())
    return Signature(
        {name: End(Ref(name), nodes[name].attributes["dtype"], _shape(nodes[name])) for name in nodes if name in used},
        {name: End(Ref(name), "", None) for name in outputs},
    )


SOURCES = ("IteratorGetNext", "QueueDequeue")
"""How the names of operations begin that take from a queue or an iterator, which no file has."""


def _sources(graph: Graph) -> str:
    """What may be fed in the place of placeholders, in words."""
    found = [name for name, node in graph.nodes.items() if node.op.startswith(SOURCES)]
    return f". Feed what {found[0]} would return: --input {found[0]}:0=x.npy" if found else ""


def _refuse_sources(graph: Graph) -> None:
    """Refuse graphs that take from a queue or an iterator, and say what to do.

    Raises:
        UnsupportedError: a tensor is needed that comes from there.
    """
    for ref in graph.consumers():
        if ref.node in graph.nodes and graph.nodes[ref.node].op.startswith(SOURCES):
            name = f"{ref}".replace(COMPUTED, "")
            raise UnsupportedError(
                f"tensor '{name}' comes from a queue or an iterator; feed it too: --input {name}=x.npy"
            )


def _is_result(node: Node) -> bool:
    """Whether a node that no other takes may be what a graph is for: no loop as a whole, no assignment, no gradient.

    Whole numbers made of whole numbers are a count of steps or a shape, left over; a variant is a list of tensors.
    """
    counts = node.attributes.get("T") in ("int32", "int64", "variant", "resource", "string")
    effect = node.op in WITHOUT_EFFECT | UPDATES | {"Placeholder", "Const"} or node.op.startswith(NO_RESULTS)
    named_so = node.name.startswith("gradients/") or node.name.endswith(COMPUTED)
    return not counts and not effect and not named_so


NO_RESULTS = (
    "While",
    "Stateless",
    "If",
    "TensorList",
    "TensorArray",
    "Save",
    "Apply",
    "ResourceApply",
    "Stack",
    "Optional",
)
"""How the names of operations begin that hand on what others compute, or whose results are no tensors."""


def _shape(node: Node) -> tuple[int | None, ...] | None:
    shape = node.attributes.get("shape")
    return None if shape is None else tuple(shape)


def _placeholders(graph: Graph, name: str) -> set[str]:
    """The placeholders that a node depends on."""
    needed = graph.reachable([name], controls=False).nodes
    return {found for found, node in needed.items() if node.op == "Placeholder"}

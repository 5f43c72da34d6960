"""Cutting a graph at the tensors that a user names as its inputs and outputs.

    x ─► sub ─► div ─► lstm ─► dense         fed at div:      div ─► lstm ─► dense
                                                              x ─► sub ─► div:computed

A tensor that is fed becomes a placeholder of its own name, and what computed it keeps its other outputs under a name
that no graph has. What nothing needs any more is left out later, as it always is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from lstm_verify.errors import InputError
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.tensorflow.graph_file import End, Signature, as_shape
from lstm_verify.formats.tensorflow.v1_loops import is_inside
from lstm_verify.graph.ir import Graph, Node, Ref, Shape

NUMBERS = {
    *("bfloat16", "float16", "float32", "float64", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
}
LISTED = 5
"""How many names an error shows."""


def fed_tensors(graph: Graph, endpoints: Endpoints, keys: Iterable[str]) -> dict[str, Ref]:
    """Return the tensors that a user feeds, placeholders included, by name without `:0`.

    Args:
        graph: the graph.
        endpoints: what the user says.
        keys: the names of a signature's inputs, which are meant by them first.

    Raises:
        InputError: a tensor does not exist, or cannot be fed.
    """
    known = set(keys)
    given = [name for name in endpoints.given if name not in known]
    # arrays of other names are for the inputs in their order, unless a name can only be that of a tensor
    meant = [name for name in given if _exists(graph, name) or ":" in name or "/" in name]
    if meant:
        meant = given
    found = {}
    for name in (*endpoints.inputs, *meant):
        if name not in known:
            ref = _tensor(graph, name)
            _check(graph, ref, "input")
            found[plain(ref)] = ref
    return found


def wanted_tensors(graph: Graph, endpoints: Endpoints, signature: Signature | None) -> dict[str, End]:
    """Return the requested output tensors by name: outputs of a signature, or tensors of the graph.

    Raises:
        InputError: a tensor does not exist, or cannot be fetched.
    """
    found = {}
    for name in endpoints.outputs:
        if signature is not None and name in signature.outputs:
            found[name] = signature.outputs[name]
            continue
        ref = _tensor(graph, name)
        _check(graph, ref, "output")
        found[plain(ref)] = End(ref, _dtype(graph, ref), None)
    return found


def cut(graph: Graph, fed: Mapping[str, Ref], shape_of: Callable[[Ref, str], Shape]) -> tuple[Graph, Mapping[Ref, Ref]]:
    """Replace tensors that are fed by placeholders.

    Args:
        graph: a graph.
        fed: the tensors that are fed, by their names without `:0`; placeholders stay what they are.
        shape_of: says what is known of a tensor's shape, by it and by its name.

    Returns:
        The graph, and where those tensors are in it that are elsewhere now.
    """
    inner = {name: ref for name, ref in fed.items() if graph.nodes[ref.node].op != "Placeholder"}
    moved = {ref.node for ref in inner.values()}
    places = {
        Ref(name, number): Ref(_computed(name), number) for name in moved for number in _outputs(graph.nodes[name])
    }
    places |= {ref: Ref(name) for name, ref in inner.items()}
    found: dict[str, Node] = {}
    for node in graph.nodes.values():
        name, *controls = (_computed(one) if one in moved else one for one in (node.name, *node.controls))
        inputs = tuple(places.get(ref, ref) for ref in node.inputs)
        found[name] = replace(node, name=name, inputs=inputs, controls=tuple(controls))
    for name, ref in inner.items():
        attributes = {"dtype": _dtype(graph, ref), "shape": shape_of(ref, name)}
        found[name] = Node(name, "Placeholder", attributes=attributes)
    return graph.of(found), places


COMPUTED = ":computed"


def _computed(name: str) -> str:
    return f"{name}{COMPUTED}"


def _outputs(node: Node) -> range:
    return range(MANY if node.types is None else len(node.types))


MANY = 64
"""Outputs that an operation is taken to have of which nothing is known."""


def inputs_needed(
    graph: Graph, outputs: Iterable[str], fed: Iterable[str], signature: Signature | None
) -> dict[str, End]:
    """Return the placeholders that outputs need, fed ones first, under the names that the signature gives them.

    Args:
        graph: the graph after the cut.
        outputs: the nodes of the outputs.
        fed: what a user feeds.
        signature: the signature that the graph is called by.

    Raises:
        InputError: a tensor is fed that no output needs.
    """
    needed = graph.reachable(outputs, controls=False).nodes
    there = {name: node for name, node in needed.items() if node.op == "Placeholder"}
    first = list(fed)
    for name in first:
        if name not in there:
            raise InputError(f"input '{name}': no output depends on this tensor; they need {_listed(there)}")
    keys = {plain(end.ref): (key, end) for key, end in signature.inputs.items()} if signature else {}
    found = {}
    for name in (*first, *(name for name in there if name not in first)):
        own = End(Ref(name), there[name].attributes["dtype"], as_shape(there[name].attributes.get("shape")))
        key, end = keys.get(name, (name, own))
        found[key] = replace(end, ref=Ref(name))
    return found


def of_signature(graph: Graph, signature: Signature, endpoints: Endpoints) -> Signature:
    """Select outputs of a signature that can only be called as a whole.

    Raises:
        InputError: a tensor is named that is no input or output of it.
    """
    own = {end.ref for end in signature.inputs.values()}
    there = {name: graph.nodes[Ref.parse(name).node] for name in endpoints.given if _exists(graph, name)}
    inner = [name for name, node in there.items() if node.op != "Placeholder" and Ref.parse(name) not in own]
    for name in (*endpoints.inputs, *inner):
        if _key(name) not in signature.inputs:
            raise InputError(_unreachable("input", name, signature.inputs))
    for name in endpoints.outputs:
        if _key(name) not in signature.outputs:
            raise InputError(_unreachable("output", name, signature.outputs))
    chosen = {_key(name): signature.outputs[_key(name)] for name in endpoints.outputs}
    return replace(signature, outputs=chosen or signature.outputs)


def _unreachable(what: str, name: str, there: Iterable[str]) -> str:
    return (
        f"{what} '{name}': a SavedModel is called by a signature, whose {what}s are {_listed(there)}; "
        "tensors inside it cannot be reached, as those of a frozen graph or a MetaGraph can"
    )


def plain(ref: Ref) -> str:
    """Return the name of a tensor, without `:0` for a first output."""
    return _key(str(ref))


def _key(name: str) -> str:
    return name.removesuffix(":0")


def _tensor(graph: Graph, name: str) -> Ref:
    """The tensor of a name.

    Raises:
        InputError: there is none.
    """
    ref = Ref.parse(name)
    if not _exists(graph, name):
        node = graph.nodes.get(ref.node)
        if node is not None:
            raise InputError(f"tensor '{name}': operation '{ref.node}' has {len(node.types or ())} outputs")
        raise InputError(f"tensor '{name}': the graph has none of that name. {_near(graph, ref.node)}")
    return ref


def _exists(graph: Graph, name: str) -> bool:
    ref = Ref.parse(name)
    node = graph.nodes.get(ref.node)
    return node is not None and (node.types is None or ref.output < len(node.types))


def _near(graph: Graph, name: str) -> str:
    """Names like one that does not exist: that end with it, are spelled alike, or lie in the scope of that name."""
    there = [one.name for one in graph.nodes.values() if one.types is None or NUMBERS.intersection(one.types[:1])]
    ending = [one for one in there if one.endswith(f"/{name}")]
    inside = [one for one in there if one.startswith(f"{name}/")]
    alike = get_close_matches(name, there, 2 * LISTED)
    near = [one for one in dict.fromkeys([*ending, *alike, *inside[: 2 * LISTED]]) if not is_inside(graph, one)]
    return f"Near it: {_listed(near)}" if near else f"Its placeholders: {_listed(_placeholders(graph))}"


def _placeholders(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes.values() if node.op.startswith("Placeholder")]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more if every else "none"


def _check(graph: Graph, ref: Ref, what: str) -> None:
    """Refuse tensors that a session can neither be given nor be asked for.

    Raises:
        InputError: it holds no numbers, or has a value for every round of a loop.
    """
    dtype = _dtype(graph, ref)
    if dtype not in NUMBERS:
        raise InputError(f"{what} '{ref}': this tensor holds {dtype}, expected numbers")
    if is_inside(graph, ref.node):
        raise InputError(
            f"{what} '{ref}': this tensor is inside a loop, where it has a value for every iteration. Name one outside"
        )


def _dtype(graph: Graph, ref: Ref) -> str:
    """The dtype of a tensor; of an operation that is not known, what takes the tensor tells.

    Raises:
        InputError: it is not known.
    """
    node = graph.nodes[ref.node]
    if node.types is not None:
        return node.types[ref.output]
    for taker in graph.nodes.values():
        dtype = taker.attributes.get("SrcT", taker.attributes.get("T"))
        if ref in taker.inputs[:1] and isinstance(dtype, str):
            return dtype
    raise InputError(f"tensor '{ref}': its dtype is not known, since operation {node.op} is not known")

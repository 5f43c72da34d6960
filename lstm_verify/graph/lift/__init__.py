"""Lifting: recurrent layers recognised in graphs of operations.

    tracing     a loop's body run once on real values, with the form of each     → forms, by rules
    functions   which activation a form is, by what it computes
    cells       which recurrent cell the forms of the states are
    loops       which loop runs cells over a list, and nothing else              → Scan
    hoisted     a product with weights that was taken out of a loop, put back
    specialised a loop that is one where a fed number is 1, such as a keep probability
    partial     cells in other loops, reported but not replaced
    run_of_graph  what a tensor of a graph was computed from, in a run
    check       whether the `Scan` returns what the loop does
    unrolled    cells applied step by step without a loop
    rolled      a recurrent layer in their place               → WrittenOut
    masked_steps  the same where steps do not count for every sample
    replacing   layers and calls that are put into a graph
    fused       operations that are a whole LSTM, reported but not replaced
    provenance  which variables a cell is made of, and the order of its gates in them

What is recognised is tried: on inputs of another run it must return what the loop does, or it stays a loop, replayed
operation by operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.errors import LstmVerifyError, let_mistakes_through
from lstm_verify.graph.lift.check import agrees, as_float64, close
from lstm_verify.graph.lift.expressions import forget
from lstm_verify.graph.lift.fused import fused
from lstm_verify.graph.lift.gates import Unlike
from lstm_verify.graph.lift.hoisted import put_back
from lstm_verify.graph.lift.loops import Recognised, recognise
from lstm_verify.graph.lift.masked_steps import rolled_with_masks
from lstm_verify.graph.lift.partial import cells_inside
from lstm_verify.graph.lift.provenance import Variables
from lstm_verify.graph.lift.rolled import rolled
from lstm_verify.graph.lift.specialised import SpecialisedScan, with_spares
from lstm_verify.graph.lift.unrolled import Found, unrolled
from lstm_verify.inputs import as_input, random_inputs, samples_first
from lstm_verify.layers import Layer, Run, Signal
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.layers.recurrent.scan import Scan, Unrolled
from lstm_verify.model import LayerCall, Model, Tensor

SAMPLES = (3, 5)
"""How many samples the two runs have in which loops are watched; a count that neither the graph nor its shapes have."""

FACTORS = (1.0, 30.0, 1e6, 0.0)
"""What inputs are multiplied with, so that a mask or a limit shows that a run did not meet."""
UNRECOGNISED = (
    Unlike,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    LstmVerifyError,
)


def lift(model: Model) -> Model:
    """Replace every loop that is recognised by the recurrent layer that it is.

    Returns:
        The model, with `Scan` layers in place of loops; the same if no input can be made to watch it with.
    """
    forget()
    try:
        runs = [_Watched(model, samples, seed) for seed, samples in enumerate(SAMPLES)]
    except LstmVerifyError:
        return model.pruned()
    layers, nodes = dict(model.layers), list[LayerCall]()
    variables = Variables(layers)
    reported, watching = list[Unrolled](), True
    for node in model.nodes:
        calls = [node]
        if watching and isinstance(loop := layers[node.layer], Loop):
            taken = _taken(model, node.layer)
            found = _recognised(node, loop, runs, taken, variables)
            if found is not None:
                calls = _calls(node, found, taken, layers)
            else:
                calls = _with_product(model, node, loop, runs, taken, layers, variables) or calls
        nodes += calls
        watching = watching and _stepped(runs, calls, layers)
        if watching and isinstance(left := layers[node.layer], Loop):
            reported += _in_part(node, left, runs[0], variables)
    lifted, stay = _rolled_up(replace(model, layers=layers, nodes=tuple(nodes)), runs, variables)
    reported += stay
    names = {name: layer.name for name, layer in layers.items() if isinstance(layer, Scan) and layer.name not in layers}
    lifted = with_spares(lifted.pruned())
    return replace(_renamed(lifted, names), unrolled=tuple(reported))


def _in_part(node: LayerCall, loop: Loop, run: _Watched, variables: Variables) -> list[Unrolled]:
    """Cells in a loop that stays one."""
    after = [run.known[Tensor(node.layer, 0, number)] for number in range(len(node.inputs))]
    try:
        with np.errstate(all="ignore"):
            values, static = run.values(node.inputs), run.static(node.inputs)
            return list(cells_inside(_short(node.layer), loop, values, after, static, variables))
    except UNRECOGNISED as error:
        let_mistakes_through(error)
        return []


def _rolled_up(model: Model, runs: list[_Watched], variables: Variables) -> tuple[Model, list[Unrolled]]:
    """The graph with layers in the place of cells outside of loops, and the cells that stay what they are."""
    stay = list[Unrolled]()
    for found in _outside_of_loops(model, runs[0], variables, stay):
        other = _in_place(model, runs, found)
        if other is not None:
            model = other
        elif set(found.cell.recovered.variables) & set(model.layers):  # else a layer before stands for it too
            stay.append(found.cell)
    return model, stay


def _outside_of_loops(model: Model, run: _Watched, variables: Variables, stay: list[Unrolled]) -> tuple[Found, ...]:
    """The cells that are applied step by step; those of operations that are a whole layer stay what they are."""
    try:
        with np.errstate(all="ignore"):
            stay += fused(model, run.known, variables)
            return unrolled(model, run.known, variables)
    except UNRECOGNISED as error:
        let_mistakes_through(error)
        return ()


def _in_place(model: Model, runs: list[_Watched], found: Found) -> Model | None:
    """The graph with a layer in the place of a cell; None if it does not compute the same then.

    Nor where variables carry something from one batch to the next: states that are zero in a first one are not later.
    """
    if model.stateful:
        return None
    try:
        with np.errstate(all="ignore"):
            known = {tensor: s.value for tensor, s in model.signals(runs[0].inputs(model), Run()).items()}
            other = (rolled_with_masks if found.is_masked else rolled)(model, known, found)
            return other if other is not None and all(_agree(model, other, run) for run in runs) else None
    except UNRECOGNISED as error:
        let_mistakes_through(error)
        return None


def _agree(model: Model, other: Model, run: _Watched) -> bool:
    """Whether two graphs compute the same for what a run was fed, in float64; larger too, and partly or all zeros."""
    ones, others = model.astype(np.float64), other.astype(np.float64)
    changes: list[Callable[[Any], Any]] = [as_float64, *(functools.partial(_otherwise, by=by) for by in FACTORS)]
    for change in changes:
        one, two = (each.apply(run.inputs(each, change), Run()) for each in (ones, others))
        if not all(close(a.value, b.value) for a, b in zip(one, two, strict=True)):
            return False
    return True


def _otherwise(value: Any, by: float) -> Any:
    """Floats times a factor, with a third of them, or of the rows of features, set to zero; others in another order."""
    values, random = as_float64(value), np.random.default_rng(np.size(value))
    if not values.ndim:
        return values * 0.5 if values.dtype.kind == "f" else values
    if values.dtype.kind != "f":
        return random.permutation(values.ravel()).reshape(values.shape) * (random.random(values.shape) > 1 / 3)
    rows = values.shape[: max(1, values.ndim - 1)]
    kept = random.random(rows) > 1 / 3
    return by * values * kept.reshape(*rows, *(1,) * (values.ndim - len(rows)))


def _renamed(model: Model, names: Mapping[str, str]) -> Model:
    """The same model with other names for some layers."""

    def tensor(old: Tensor) -> Tensor:
        return old._replace(layer=names.get(old.layer, old.layer))

    return replace(
        model,
        layers={names.get(name, name): layer for name, layer in model.layers.items()},
        nodes=tuple(
            replace(node, layer=names.get(node.layer, node.layer), inputs=tuple(map(tensor, node.inputs)))
            for node in model.nodes
        ),
        outputs=tuple(replace(output, tensor=tensor(output.tensor)) for output in model.outputs),
    )


def _taken(model: Model, name: str) -> set[int]:
    """The outputs of a layer that others take."""
    taken = {tensor.output for node in model.nodes for tensor in node.inputs if tensor.layer == name}
    return taken | {output.tensor.output for output in model.outputs if output.tensor.layer == name}


def _recognised(
    node: LayerCall, loop: Loop, runs: list[_Watched], taken: set[int], variables: Variables
) -> Recognised | None:
    """What a loop is recognised as, some outputs of which are taken by others."""
    values = [run.values(node.inputs) for run in runs]
    try:
        with np.errstate(all="ignore"):
            found = recognise(_short(node.layer), loop, values[0], runs[0].static(node.inputs), variables)
        if taken & set(found.scan.untold):
            return None
        if isinstance(found.scan, SpecialisedScan):
            found = replace(found, scan=found.scan.fed_by(node.inputs))
        return found if all(agrees(loop, found.scan, given, taken, found.cut) for given in values) else None
    except UNRECOGNISED as error:
        let_mistakes_through(error)
        return None


def _with_product(
    model: Model,
    node: LayerCall,
    loop: Loop,
    runs: list[_Watched],
    taken: set[int],
    layers: dict[str, Layer],
    variables: Variables,
) -> list[LayerCall] | None:
    """The calls in place of that of a loop and of a product before it; None if both together are no cell either."""
    back = put_back(model, node, loop, runs[0].known, runs[0].known_static, taken)
    if back is None or not _stepped(runs, back.before, back.layers):
        return None
    found = _recognised(back.call, back.loop, runs, taken, variables)
    if found is None:
        return None
    layers |= back.layers
    return [*back.before, *_calls(back.call, found, taken, layers)]


def _calls(node: LayerCall, found: Recognised, taken: set[int], layers: dict[str, Layer]) -> list[LayerCall]:
    """The calls in place of that of a loop; their layers are put to the others.

    The recurrent layer has those loop variables only that it needs, and its counter in place of the others.
    """
    scan, before, inputs = found.scan, list[LayerCall](), node.inputs
    layers[node.layer] = scan
    if found.cut is not None:
        tensor = inputs[found.cut.variable]
        for operation, options in (("transpose", {"axes": found.cut.axes}), ("list_from_tensor", {})):
            name = f"{operation} of {node.layer}"  # a name that no graph has
            arguments = (Slot(0),)
            layers[name] = Operation(
                name=name, operation=operation, arguments=arguments, options=options, compute_dtype=""
            )
            before.append(LayerCall(name, (tensor,)))
            tensor = Tensor(name)
        inputs = (*inputs, tensor)
    kept = scan.needed | taken
    nothing = inputs[scan.counter]
    chosen = tuple(tensor if place in kept else nothing for place, tensor in enumerate(inputs))
    return [*before, replace(node, inputs=chosen)]


def _stepped(runs: list[_Watched], calls: list[LayerCall], layers: Mapping[str, Layer]) -> bool:
    """Whether some calls could be run; not if what the graph needs as inputs could not be guessed."""
    try:
        for run in runs:
            for call in calls:
                run.step(call.layer, layers[call.layer], call.inputs)
    except UNRECOGNISED as error:
        let_mistakes_through(error)
        return False
    return True


def _short(name: str) -> str:
    """The name of a layer, from that of its loop."""
    return name.removesuffix("/while_context").removesuffix("/while") or name


class _Watched:
    """A run of a model on made inputs, node by node."""

    def __init__(self, model: Model, samples: int, seed: int) -> None:
        made = samples_first(model, random_inputs(model, model.batch_size or samples, seed))
        self.known: dict[Tensor, Any] = {
            Tensor(spec.name): _without_zeros(as_input(spec, np.asarray(made[spec.name]))) for spec in model.inputs
        }
        self.known_static: set[Tensor] = set()
        self._run = Run()

    def inputs(self, model: Model, cast: Callable[[Any], Any] = lambda value: value) -> tuple[Signal, ...]:
        """What the model was fed."""
        return tuple(Signal(cast(self.known[Tensor(spec.name)])) for spec in model.inputs)

    def values(self, tensors: tuple[Tensor, ...]) -> list[Any]:
        return [self.known[tensor] for tensor in tensors]

    def static(self, tensors: tuple[Tensor, ...]) -> list[bool]:
        """Return the tensors that are the same in every run."""
        return [tensor in self.known_static for tensor in tensors]

    def step(self, name: str, layer: Layer, inputs: tuple[Tensor, ...]) -> None:
        with np.errstate(all="ignore"):
            results = layer.apply(tuple(Signal(self.known[tensor]) for tensor in inputs), self._run)
        for number, result in enumerate(results):
            self.known[Tensor(name, 0, number)] = result.value
            if isinstance(layer, Constant) or (inputs and all(self.static(inputs))):
                self.known_static.add(Tensor(name, 0, number))


def _without_zeros(value: Any) -> Any:
    """Numbers of words without 0, which stands for no word where there is a mask."""
    return np.where(value == 0, value.max(), value) if value.dtype.kind in "iu" and value.ndim > 1 else value

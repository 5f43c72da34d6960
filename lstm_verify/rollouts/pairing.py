"""Pairing: which outputs of a model are the next values of which of its inputs.

Asked for by name, or found: a state that a recurrent layer returns belongs to the input that it starts from; names with
the same last word belong together (`h` and `next_h`); what then is left of equal shapes goes in order, as Keras has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.inputs import vocabulary
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.operation import Operation
from lstm_verify.layers.recurrent.rnn import Recurrent
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.layers.recurrent.time_first import TimeFirst
from lstm_verify.model import Input, LayerCall, Model, Tensor

Pairs = Mapping[str, str]
"""Inputs by output."""
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Wishes:
    """A user's wishes for a loop."""

    feedback: Pairs
    """Empty to find it."""
    state: Pairs
    """Empty to find them."""
    one_hot: bool = False
    sample: bool = False


def check_names(model: Model, wishes: Wishes) -> None:
    """Check that the model has every requested input and output, and that no two outputs feed the same input.

    Raises:
        InputError: it has not, or they do.
    """
    outputs, inputs = [one.name for one in model.outputs], [one.name for one in model.inputs]
    for what, pairs in (("feedback", wishes.feedback), ("state", wishes.state)):
        for output, name in pairs.items():
            for kind, one, known in (("output", output, outputs), ("input", name, inputs)):
                if one not in known:
                    raise InputError(
                        f"{what} {output}={name}: no {kind} is named '{one}'; the {kind}s are {', '.join(known)}"
                    )
    into = [*wishes.feedback.values(), *wishes.state.values()]
    twice = [name for name in into if into.count(name) > 1]
    if twice:
        raise InputError(f"input '{twice[0]}': two outputs feed it. Choose one of them")


def settle(
    model: Model, given: Arrays, made: Collection[str], first: Arrays, wishes: Wishes
) -> tuple[dict[str, str], dict[str, str]]:
    """Decide which output is fed back into which input, and which states are carried over.

    Args:
        model: the model.
        given: its inputs in the first step, by name.
        made: the names of those that nobody gave, so that they must be states.
        first: its outputs in the first step, by name.
        wishes: what is asked for.

    Returns:
        The feedback and the states, inputs by output.

    Raises:
        InputError: it is not clear, or a state has another shape than its input.
    """
    state = dict(wishes.state) or {
        output: name
        for output, name in likely_states(model).items()
        if first[output].shape == given[name].shape
        and output not in wishes.feedback
        and name not in wishes.feedback.values()
    }
    targets = list(wishes.feedback.values()) or [main_input(model, wishes, {*state.values(), *made})]
    if not wishes.state:
        state |= _in_order(model, given, first, {*wishes.feedback, *state}, {*targets, *state.values()}, wishes)
    for output, name in state.items():
        if first[output].shape != given[name].shape:
            raise InputError(
                f"state {output}={name}: the output has shape {first[output].shape}, the input {given[name].shape}, "
                "expected the same. Is it another output?"
            )
    left = [name for name in made if name not in {*state.values(), *targets}]
    if left:
        raise InputError(
            f"input '{left[0]}': not given, and it is not clear which output is carried into it. Give it with "
            f"--input {left[0]}=FILE, or name its output: --state OUTPUT={left[0]}; the outputs are {', '.join(first)}"
        )
    return dict(wishes.feedback) or {_main_output(model, state): targets[0]}, state


def likely_states(model: Model) -> dict[str, str]:
    """Find the outputs that are the next values of state inputs, by the layers that compute them or by name."""
    inputs = {spec.name for spec in model.inputs}
    nodes = {(node.layer, node.call): node for node in model.nodes}
    pairs: dict[str, str] = {}
    for output in model.outputs:
        tensor = _behind_moves(model, nodes, output.tensor)
        node = nodes.get((tensor.layer, tensor.call))
        place = model.layers[tensor.layer].state_input(tensor.output) if node and _is_state(model, tensor) else None
        if node and place is not None and place < len(node.inputs):
            source = _behind_moves(model, nodes, node.inputs[place])
            if source.layer in inputs and source.layer not in pairs.values():
                pairs[output.name] = source.layer
    endings = _by_ending([spec.name for spec in model.inputs if spec.name not in pairs.values()])
    for ending, name in _by_ending([one.name for one in model.outputs if one.name not in pairs]).items():
        if ending in endings:
            pairs[name] = endings[ending]
    return pairs if len(pairs) < len(model.outputs) else {}  # one is to be fed back


def main_input(model: Model, wishes: Wishes, states: Collection[str], rank: int | None = None) -> str:
    """Return the input that receives the feedback: the requested one, or the only one that is not a state.

    Args:
        model: the model.
        wishes: what is asked for.
        states: the names of inputs that are states.
        rank: the number of axes of an array given without a name, which that input must take.

    Raises:
        InputError: several inputs may be meant.
    """
    if wishes.feedback:
        return next(iter(wishes.feedback.values()))
    free = [spec for spec in model.inputs if spec.name not in {*wishes.state.values(), *states}]
    if len(free) > 1:
        free = [spec for spec in free if spec.shape is None or rank in (None, len(spec.shape))]
    if len(free) > 1:
        free = [spec for spec in free if not _may_be_state(model, spec)]
    if len(free) != 1:
        raise _unclear(model)
    return free[0].name


def _main_output(model: Model, state: Pairs) -> str:
    free = [output for output in model.outputs if output.name not in state]
    if len(free) > 1:
        free = [output for output in free if not _is_state(model, output.tensor)]
    if len(free) != 1:
        raise _unclear(model)
    return free[0].name


def _unclear(model: Model) -> InputError:
    inputs, outputs = ", ".join(spec.name for spec in model.inputs), ", ".join(one.name for one in model.outputs)
    return InputError(
        "rollout: it is not clear which output becomes which input. Say so with --feedback OUTPUT=INPUT, and with "
        f"--state OUTPUT=INPUT for each state; outputs: {outputs}; inputs: {inputs}"
    )


def _is_state(model: Model, tensor: Tensor) -> bool:
    """Whether a value is a state of a recurrent layer, which stands at the same place among its outputs and inputs."""
    layer = model.layers.get(tensor.layer)
    return (isinstance(layer, Recurrent | TimeFirst) and tensor.output > 0) or isinstance(layer, Scan | Loop)


MOVES = {"transpose", "move_axis", "expand_dims", "squeeze", "get_item", "reshape_to", "identity"}
"""Operations that hand a state on in another shape."""


def _behind_moves(model: Model, nodes: Mapping[tuple[str, int], LayerCall], tensor: Tensor) -> Tensor:
    """The tensor that others hand on, with its axes in another order, or with one more or less."""
    while node := nodes.get((tensor.layer, tensor.call)):
        layer = model.layers[node.layer]
        if not isinstance(layer, Operation) or layer.operation not in MOVES or not node.inputs:
            break
        tensor = node.inputs[0]
    return tensor


def _may_be_state(model: Model, spec: Input) -> bool:
    """Whether an input has the form of a state, (samples, units), or is a single number."""
    tokens = vocabulary(model, spec.name) is not None
    return spec.shape is not None and len(spec.shape) in (0, 2) and "float" in spec.dtype and not tokens


def _by_ending(names: Collection[str]) -> dict[str, str]:
    """Names by their last word, `c` for `final_c`, where no two have the same one."""
    endings = {name: re.split(r"[^a-zA-Z0-9]+", name)[-1].lower() for name in names}
    return {ending: name for name, ending in endings.items() if list(endings.values()).count(ending) == 1}


def _in_order(
    model: Model, given: Arrays, first: Arrays, paired: Collection[str], into: Collection[str], wishes: Wishes
) -> dict[str, str]:
    """Pair what is left of equal shapes, in order; nothing if they are not as many, or their order means nothing."""
    outputs = [name for name in first if name not in paired]
    inputs = [name for name in given if name not in into and given[name].shape in {first[o].shape for o in outputs}]
    shapes = {given[name].shape for name in inputs}
    fitting = [name for name in outputs if first[name].shape in shapes]
    if not wishes.feedback and len(fitting) == len(outputs):
        fitting = fitting[1:]  # Keras' order: the output, then the states
    ordered = model.source is None or not model.source.call  # signatures sort their names
    if not inputs or len(fitting) != len(inputs) or (len(shapes) < len(inputs) and not ordered):
        return {}
    pairs = dict(zip(fitting, inputs, strict=True))
    return pairs if all(first[output].shape == given[name].shape for output, name in pairs.items()) else {}

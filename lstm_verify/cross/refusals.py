"""What is refused, since it is not clear, or against what a file says: names, the order of inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.cross.ways import CLEAR, NEAR, Way, plain, same_name
from lstm_verify.errors import InputError
from lstm_verify.model import Model


def check_names(one: Model, other: Model, asked: Mapping[str, str]) -> None:
    """Check that the names that a user maps exist, and map inputs to inputs."""
    for ours, theirs in asked.items():
        for ends, others in ((one.inputs, other.inputs), (one.outputs, other.outputs)):
            if ours in {end.name for end in ends} and theirs in {end.name for end in others}:
                break
        else:
            raise InputError(
                f"--map {ours}={theirs}: expected an input of {one.name} and one of {other.name}, or an output of "
                f"each. They have {_listed(one)}, and {_listed(other)}"
            )
    for theirs in asked.values():
        if list(asked.values()).count(theirs) > 1:
            raise InputError(f"--map: {theirs} of {other.name} is given twice, expected each name once")


def _listed(model: Model) -> str:
    return f"{', '.join(end.name for end in model.inputs)} → {', '.join(end.name for end in model.outputs)}"


def no_inputs(one: Model, other: Model, x: Mapping[str, Array]) -> str:
    for spec in other.inputs:
        source = same_name(spec.name, x) or (next(iter(x)) if len(x) == len(other.inputs) == 1 else None)
        shape, wanted = np.shape(x[source]) if source else (), spec.own_shape or ()
        if source and len(shape) == len(wanted):
            fixed = [str(n) for n, m in zip(wanted, shape, strict=True) if n is not None and n != m]
            return (
                f"{other.name}: input {spec.name} has the shape {_shown(wanted)} in the file, and {source} of "
                f"{one.name} is {shape}. Exporters that trace a model fix lengths ({', '.join(fixed)}): give inputs of "
                "that length, or export with dynamic axes"
            )
    given = ", ".join(f"{name} {np.shape(array)}" for name, array in x.items())
    takes = ", ".join(f"{spec.name} {_shown(spec.own_shape or ())}" for spec in other.inputs)
    more = len(other.inputs) > len(x)
    advice = "It needs more than there are: compare the other way round" if more else "Say which is which: --map A=B"
    return f"{other.name}: its inputs are {takes}, and those of {one.name} are {given}. {advice}"


def _shown(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"


def refuse_if_unclear(other: Model, tried: Sequence[tuple[float, dict[str, Way]]]) -> None:
    """Refuse to guess which input is which.

    Raises:
        InputError: several ways are left, and in none do both models compute the same.
    """
    if len(tried) < 2 or tried[0][0] <= NEAR or tried[1][0] > CLEAR * tried[0][0]:
        return
    sources = [{name: way.source for name, way in ways.items()} for _, ways in tried[:2]]
    if sources[0] != sources[1]:
        differ = [name for name in sources[0] if sources[0][name] != sources[1][name]]
        raise InputError(
            f"{other.name}: its inputs {', '.join(differ)} could be exchanged. Say which is which: --map A=B"
        )


def refuse_if_exchanged(
    asked: Mapping[str, str], pairs: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse to take what fits best where it is against the order of the files: who exchanges outputs does that too.

    Args:
        asked: what the user says.
        pairs: what belongs together, by its names, in the order of the first file.
        shapes: of all that the second has, by name, in its order.

    Raises:
        InputError: two that are named otherwise, of one shape, are in another order there; or one that is left out
            comes before.
    """
    order = list(shapes)
    unsaid = [(a, b) for a, b in pairs.items() if a not in asked and plain(a) != plain(b)]
    for name, its in unsaid:
        left = [
            each for each in order[: order.index(its)] if each not in pairs.values() and shapes[each] == shapes[its]
        ]
        if left:
            raise InputError(
                f"{name} is {its} by what it holds, but {left[0]} comes before it in the file. "
                f"If that is right, say so: --map {name}={its}"
            )
    for (a, its), (b, others) in combinations(unsaid, 2):
        if shapes[its] == shapes[others] and order.index(its) > order.index(others):
            raise InputError(
                f"{a}, {b} are {its}, {others} by what they hold, but the other way round by their order in the files. "
                f"If that is right, say so: --map {a}={its} --map {b}={others}"
            )

"""The weights of a second model, and the format of its inputs, put into the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from lstm_verify.arrays import Array
from lstm_verify.cross.layouts import TRANSPOSED, laid_out_like
from lstm_verify.cross.weights import WeightComparison, tensors_of
from lstm_verify.diagnosis.altered import Altered
from lstm_verify.diagnosis.changes import Change, in_place_of
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.constant import Constant
from lstm_verify.model import Input, Model
from lstm_verify.rounded.precision import PRECISIONS, in_format

MOST_NAMED = 4
"""How many layers a sentence names; of more it says that it is the whole model."""


def of_weights(one: Model, other: Model, weights: WeightComparison) -> Change | None:
    """Return what puts the weights of a model into another; None if all are the same."""
    new = _other_numbers(one, other, weights)
    if not new:
        return None
    paths = [name.rpartition("/")[0] or name for name in new]
    words = {pair.words for pair in weights.pairs if pair.name in new}
    rounded = all(pair.relation == "rounded" for pair in weights.pairs if pair.name in new)
    fault, says, behaves = _kind(words, rounded)
    make = partial(_with_weights, of=one, new=new)
    return Change(fault, named(paths), "weights", says, behaves, make, frozenset(one.layers))


def named(paths: list[str]) -> tuple[str, ...]:
    """Return the layers that a change names: those at the paths, or of too many the whole model."""
    named = tuple(dict.fromkeys(paths))
    return named if len(named) <= MOST_NAMED else ("",)


def _other_numbers(one: Model, other: Model, weights: WeightComparison) -> dict[str, Array]:
    """The weights of a model that the other has other numbers for, with those, laid out as they are here."""
    ours, theirs = tensors_of(one), tensors_of(other)
    known, exchanged = dict(one.weights()), set(weights.exchanged)
    found = dict[str, Array]()
    for pair in weights.pairs:
        source = pair.name if pair.name in exchanged else pair.other
        is_same = pair.relation == "equal" or pair.words == TRANSPOSED
        if (pair.name in exchanged or not is_same) and ours[pair.name] is known.get(pair.name):
            found[pair.name] = laid_out_like(theirs[source], ours[pair.name])
    return found


def _kind(words: set[str], rounded: bool) -> tuple[str, str, str]:
    """The fault that it is, what one model says of its weights, and what the other has."""
    (said,) = words if len(words) == 1 else ("",)
    if rounded and said:
        return "weight_precision", "float32", f"those rounded {said}"
    if " in the place of " in said:
        there, _, here = said.partition(" in the place of ")
        return "gate_order", f"gates {here}", f"gates {there}"
    if said.startswith("reversed"):
        return "kernel_flipped", "as they are", f"those {said}"
    if said.startswith("reshaped"):
        return "kernel_layout", "as they are", f"those {said}"
    return "other_weights", "others", "those of the other file"


def _with_weights(model: Model, of: Model, new: Mapping[str, Array]) -> Model:
    there = {id(array): new[name] for name, array in of.weights() if name in new}

    def changed(array: Array) -> Array:
        return there.get(id(array), array)

    def placed(item: Weighted) -> Weighted:
        if isinstance(item, Constant):  # which `with_weights` leaves alone
            return replace(item, value=changed(item.value))
        return item.with_parts(placed).with_weights(changed)

    return model.with_parts(placed)


def of_input(ours: Input, dtype: str) -> Change | None:
    """Return what rounds an input to the format that the other model takes, if that is a narrower one."""
    if {ours.dtype, dtype} - set(PRECISIONS) or PRECISIONS[dtype].unit <= PRECISIONS[ours.dtype].unit:
        return None
    layer = Altered(name=f"{ours.name} in {dtype}", alter=partial(in_format, name=dtype), whole=False, compute_dtype="")
    make = partial(in_place_of, name=ours.name, layer=layer)
    return Change("weight_precision", (ours.name,), "numbers", ours.dtype, dtype, make, frozenset({layer.name}))

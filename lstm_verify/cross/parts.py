"""What of a second model can be put into the first, as changes of it: weights, the format of inputs, settings.

A part that makes the first compute what the second does is what they differ in. Nothing is searched: all of it stands
in the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.cross.layouts import TRANSPOSED, laid_out_like
from lstm_verify.cross.settings import LEFT_OUT, Difference, cells, differ, plain
from lstm_verify.cross.weights import WeightComparison, tensors_of
from lstm_verify.diagnosis.altered import Altered
from lstm_verify.diagnosis.changes import Change, in_place_of
from lstm_verify.faults import OTHER_SETTINGS, site_at
from lstm_verify.faults.activation import variant_of
from lstm_verify.layers.base import Layer, Weighted
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.model import Input, Model
from lstm_verify.rounded.precision import PRECISIONS, in_format

MOST_NAMED = 4
"""How many layers a sentence names; of more it says that it is the whole model."""
FAULTS = {
    "activation": "activation",
    "output_activation": "activation",
    "recurrent_activation": "recurrent_activation",
    "forget_bias": "forget_bias",
    "go_backwards": "direction",
    "epsilon": "epsilon",
    "cell_clip": "clip",
    "coupled": "coupled_gates",
    "reset_after": "reset_after",
    "merge_mode": "merge_mode",
    "padding": "padding_symmetric",
    "approximate": "gelu_approximation",
    "negative_slope": "negative_slope",
    "alpha": "negative_slope",
}
"""The faults that settings are, which were taken for others."""


@dataclass(frozen=True)
class Parts:
    """Two models, side by side."""

    one: Model
    other: Model
    weights: WeightComparison
    """Their weights."""
    sources: Mapping[str, str]
    """The first model's name of each input of the second."""

    def numbers(self) -> tuple[Change, ...]:
        """Return what makes the numbers of the first those of the second."""
        ours = {spec.name: spec for spec in self.one.inputs}
        inputs = (_of_input(ours[self.sources[spec.name]], spec.dtype) for spec in self.other.inputs)
        weights = _of_weights(self.one, self.other, self.weights)
        return tuple(change for change in (weights, *inputs) if change is not None)

    def settings(self) -> tuple[Change, ...]:
        """Return what makes the settings of the first those of the second: of cells, and of layers of one name."""
        layers = _of_layers(self.one, self.other)
        return (*_of_cells(self.one, self.other), *([] if layers is None else [layers]))


# ------------------------------------------------------------------------------------------------- numbers


def _of_weights(one: Model, other: Model, weights: WeightComparison) -> Change | None:
    """What puts the weights of a model into another; None if all are the same."""
    new = _other_numbers(one, other, weights)
    if not new:
        return None
    paths = [name.rpartition("/")[0] or name for name in new]
    words = {pair.words for pair in weights.pairs if pair.name in new}
    rounded = all(pair.relation == "rounded" for pair in weights.pairs if pair.name in new)
    fault, says, behaves = _kind(words, rounded)
    make = partial(_with_weights, of=one, new=new)
    return Change(fault, _named(paths), "weights", says, behaves, make, frozenset(one.layers))


def _named(paths: list[str]) -> tuple[str, ...]:
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


def _of_input(ours: Input, dtype: str) -> Change | None:
    """What rounds an input to the format that the other model takes, if that is a narrower one."""
    if {ours.dtype, dtype} - set(PRECISIONS) or PRECISIONS[dtype].unit <= PRECISIONS[ours.dtype].unit:
        return None
    layer = Altered(name=f"{ours.name} in {dtype}", alter=partial(in_format, name=dtype), whole=False, compute_dtype="")
    make = partial(in_place_of, name=ours.name, layer=layer)
    return Change("weight_precision", (ours.name,), "numbers", ours.dtype, dtype, make, frozenset({layer.name}))


# ------------------------------------------------------------------------------------------------- settings


def _of_cells(one: Model, other: Model) -> Iterator[Change]:
    """What gives a cell the settings of that in its place there, and the layer that runs it its direction."""
    ours, theirs = list(cells(one)), list(cells(other))
    for here, there in zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ():
        for difference in differ(here, there) if here.rnn and there.rnn else ():
            source = there.rnn if difference.setting == "go_backwards" else there.cell
            assert source is not None
            make = partial(_at_path, path=here.path, setting=difference.setting, source=source)
            yield _as_change(difference, make, frozenset({here.path.partition("/")[0]}))


def _as_change(difference: Difference, make: Any, tops: frozenset[str]) -> Change:
    fault = FAULTS.get(difference.setting, OTHER_SETTINGS.name)
    words = (difference.setting, difference.value, difference.other_value)
    if any("clipped" in word for word in words[1:]):
        fault = "clip"
    return Change(fault, (difference.layer,), *words, make, tops)


def _at_path(model: Model, path: str, setting: str, source: Weighted) -> Model:
    """The model with a setting of what is at a path taken from another layer or cell."""
    site = site_at(model, path, lambda item: item.kind == source.kind and hasattr(_like(item, source), setting))
    return site.put(_with(_like(site.item, source), _like(source, site.item), {setting}))


def _like(item: Weighted, other: Weighted) -> Weighted:
    """An item as one of the class of another, if that class can do what its own does."""
    return variant_of(item) if isinstance(item, LSTMCell) and isinstance(other, LSTMVariantCell) else item


def _of_layers(one: Model, other: Model) -> Change | None:
    """What gives layers the settings of those of the same name there; None if none differ."""
    new = {}
    for name, layer in one.layers.items():
        there = other.layers.get(name)
        if type(there) is type(layer) and there is not None:
            settings = {entry.name for entry in fields(layer)} - LEFT_OUT
            changed = {key for key in settings if _is_other(getattr(layer, key), getattr(there, key))}
            if changed:
                new[name] = changed
    if not new:
        return None
    make = partial(_with_layers, other=other, new=new)
    known = [difference for pair in zip(cells(one), cells(other), strict=False) for difference in differ(*pair)]
    if known:
        return _as_change(known[0], make, frozenset(new))
    found = dict.fromkeys(entry for name in new for entry in _values(one.layers[name], other.layers[name]))
    key, says, behaves = next(iter(found)) if len(found) == 1 else ("settings", "others", "those of the other file")
    return Change(FAULTS.get(key, OTHER_SETTINGS.name), _named(list(new)), key, says, behaves, make, frozenset(new))


def _values(layer: Layer, there: Layer) -> Iterator[tuple[str, str, str]]:
    """The settings of a layer that are others in another, with their values in both; of an operation its options."""
    ours, theirs = ({**vars(item), **getattr(item, "options", {})} for item in (layer, there))
    for key in ours.keys() - LEFT_OUT - {"options"}:
        if key not in theirs or _is_other(ours[key], theirs[key]):
            yield key, plain(ours[key]), plain(theirs.get(key))


def _with_layers(model: Model, other: Model, new: Mapping[str, set[str]]) -> Model:
    made = {name: _with(model.layers[name], other.layers[name], changed) for name, changed in new.items()}
    return replace(model, layers={**model.layers, **made})


def _with(item: Any, source: Any, settings: set[str]) -> Any:
    return replace(item, **{key: getattr(source, key) for key in settings})


def _is_other(value: Any, there: Any) -> bool:
    """Whether a setting is another one; a weight, or a layer inside, is none."""
    if any(isinstance(each, Weighted) or (isinstance(each, np.ndarray) and each.ndim) for each in (value, there)):
        return False
    if isinstance(value, Mapping) and isinstance(there, Mapping):
        return value.keys() != there.keys() or any(_is_other(value[key], there[key]) for key in value)
    if isinstance(value, tuple | list) and isinstance(there, tuple | list):
        return len(value) != len(there) or any(map(_is_other, value, there))
    return bool(np.any(value != there))

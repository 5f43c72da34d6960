"""The settings of a second model's cells and layers, put into the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.cross.other_numbers import named
from lstm_verify.cross.settings import LEFT_OUT, Difference, cells, differ, plain
from lstm_verify.diagnosis.changes import Change
from lstm_verify.faults import OTHER_SETTINGS, site_at
from lstm_verify.faults.activation import variant_of
from lstm_verify.layers.base import Layer, Weighted
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.model import Model

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
    "peepholes": "peephole",
}
"""The faults that settings are, which were taken for others."""
PEEPHOLES = ("peephole_i", "peephole_f", "peephole_o")


def of_cells(one: Model, other: Model) -> Iterator[Change]:
    """Yield what gives a cell the settings of that in its place there, and the layer that runs it its direction."""
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

    def suits(item: Weighted) -> bool:
        return item.kind == source.kind and all(hasattr(_like(item, source), key) for key in _fields(item, setting))

    site = site_at(model, path, suits)
    here, there = _like(site.item, source), _like(source, site.item)
    changed = {key: getattr(there, key) for key in _fields(here, setting)}
    return site.put(replace(here, **changed, **_kept(here, there, setting)))


def _like(item: Weighted, other: Weighted) -> Weighted:
    """An item as one of the class of another, if that class can do what its own does."""
    return variant_of(item) if isinstance(item, LSTMCell) and isinstance(other, LSTMVariantCell) else item


def _fields(item: Weighted, setting: str) -> tuple[str, ...]:
    """The fields that a setting stands for."""
    return PEEPHOLES if setting == "peepholes" else (setting,)


def _kept(here: Any, there: Any, setting: str) -> dict[str, Any]:
    """What has to be said besides, so that nothing but the setting is another one."""
    if setting == "activation" and getattr(there, "output_activation", None) is not None:
        return {"output_activation": here.output_activation or here.activation}
    if setting == "reset_after" and here.bias is not None:
        return {"bias": _bias_for(there.reset_after, here.bias, there.bias)}
    return {}


def _bias_for(reset_after: bool, bias: Array, there: Array | None) -> Array:
    """A bias of a GRU, (3*units,) or (2, 3*units), in the shape that `reset_after` takes.

    Of a sum nobody knows the two parts, unless they stand in the other file.
    """
    if not reset_after:
        return bias.sum(axis=0) if bias.ndim > 1 else bias
    if bias.ndim > 1:
        return bias
    parts = np.zeros((2, *bias.shape)) if there is None or there.shape != (2, *bias.shape) else there
    return parts if np.allclose(parts.sum(axis=0), bias) else np.stack([bias, np.zeros_like(bias)])


def of_layers(one: Model, other: Model) -> Change | None:
    """Return what gives layers the settings of those of the same name there; None if none differ."""
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
    return Change(FAULTS.get(key, OTHER_SETTINGS.name), named(list(new)), key, says, behaves, make, frozenset(new))


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

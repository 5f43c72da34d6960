"""Masks that a graph computes and hands to its layers: `NotEqual` and `Any` of the input, as Keras 3 writes them.

No layer hides anything then, so that a fault of the mask is none of one layer: it is made where the mask is computed,
or in all the layers that take it, or in those from one of them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from lstm_verify.diagnosis.changes import Change
from lstm_verify.faults.edit import around
from lstm_verify.faults.masks import PARTS, SIDES, MaskChange, of_mask
from lstm_verify.layers import Identity, Masking, Signal, Signals
from lstm_verify.layers.base import Array
from lstm_verify.model import LayerCall, Model, Tensor

RIGHTS = {words: change for words, change in SIDES.items() if words.startswith("as many")}
"""The changes that are of the mask alone, and not of the order of steps."""


def computed_masks(model: Model) -> Iterator[Change]:
    """Yield every change of a mask that the graph computes."""
    for tensor in dict.fromkeys(node.mask for node in model.nodes if node.mask):
        readers = [node for node in model.nodes if node.mask == tensor]
        names = list(dict.fromkeys(node.layer for node in readers))
        for first in range(len(names)):
            if first == 0 or len(names) - first > 1:  # of one layer it is an edit of that layer
                yield _change(names[first:], "ignored", partial(_ignored, tensor=tensor, layers=names[first:]))
        maskings = _that_make(model, tensor)
        if any(_is_of_values(model, name) for name in maskings):
            words = "ignored, and the values of hidden steps are read"
            yield _change([*maskings, *names], words, partial(_as_if_unmasked, tensor=tensor, maskings=maskings))
        if len(names) < 2 or tensor.layer not in model.layers:
            continue
        changes = {words: of_mask(change) for words, change in PARTS.items()} | RIGHTS
        for words, changed in changes.items():
            make = partial(_made_otherwise, name=tensor.layer, change=changed)
            yield _change(names, words, make, tensor.layer)


def _change(layers: list[str], behaves_as: str, make: Callable[[Model], Model], *tops: str) -> Change:
    return Change("mask", tuple(layers), "mask", "used", behaves_as, make, frozenset(tops or layers))


def _ignored(model: Model, tensor: Tensor, layers: list[str]) -> Model:
    def without(node: LayerCall) -> LayerCall:
        if node.mask != tensor or node.layer not in layers:
            return node
        return replace(node, mask=None, unmasked=tuple({*node.unmasked, 0}))

    return replace(model, nodes=tuple(map(without, model.nodes)))


def _as_if_unmasked(model: Model, tensor: Tensor, maskings: list[str]) -> Model:
    gone = {name: Identity(name=name, compute_dtype=model.layers[name].compute_dtype) for name in maskings}
    model = replace(model, layers={**model.layers, **gone})
    return _ignored(model, tensor, [node.layer for node in model.nodes])


def _made_otherwise(model: Model, name: str, change: MaskChange) -> Model:
    def after(signals: Signals) -> Signals:
        (mask, _), *others = signals
        return (Signal(_masked(mask, change)), *others)

    return replace(model, layers={**model.layers, name: around(model.layers[name], after=after)})


def _masked(mask: Array, change: MaskChange) -> Array:
    """The mask as a change of signals makes it."""
    changed = change((Signal(mask, mask.astype(bool)),))[0].mask
    return mask if changed is None else changed


def _that_make(model: Model, tensor: Tensor) -> list[str]:
    """The `Masking` layers that read what the mask is computed of."""
    sources, producers = {tensor}, {Tensor(node.layer, node.call): node for node in model.nodes}
    pending = [tensor]
    while pending:
        node = producers.get(pending.pop())
        for given in node.inputs if node else ():
            if given not in sources:
                sources.add(given)
                pending.append(given)
    read = {node.layer for node in model.nodes if sources & set(node.inputs)}
    return [name for name in model.layers if name in read and isinstance(model.layers[name], Masking)]


def _is_of_values(model: Model, name: str) -> bool:
    """Whether a `Masking` changes what it hides, to zeros."""
    layer = model.layers[name]
    return isinstance(layer, Masking) and layer.mask_value != 0

"""Edits: a changed layer or cell, and the sites in a model where it fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, TypeVar

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import RNN, Bidirectional
from lstm_verify.layers.base import Layer, Run, Signals, Weighted
from lstm_verify.model import Model


@dataclass(frozen=True)
class Edit:
    """One way in which a runtime may compute a layer or cell otherwise.

    Example:
        >>> edit = Edit("forget_bias", "0", "1", lambda: None)
        >>> edit.behaves_as
        '1'
    """

    parameter: str | None
    """What is taken for something else, such as `recurrent_activation`."""
    file_says: str
    behaves_as: str
    make: Callable[[], Any]
    """Returns the layer that the runtime computes."""
    carries: bool = False
    """Whether it carries something from one batch to the next, so that samples are not independent."""


@dataclass(frozen=True)
class Fit:
    """A family of edits with a free number, which has to be fitted."""

    parameter: str
    file_says: str
    make: Callable[[float], Any]
    """Returns the layer for a number."""
    start: float
    """What to begin with."""
    positive: bool = False
    """Whether the number must be positive; its logarithm is looked for then."""

    def at(self, value: float) -> Edit:
        """Return the edit for a value of the number."""
        return Edit(self.parameter, self.file_says, f"{value:.4g}", lambda: self.make(value))


Edits = Iterator[Edit | Fit]


def replaced(item: Any, **changes: Any) -> Callable[[], Any]:
    """Return a function that makes the item with some fields changed."""
    return lambda: replace(item, **changes)


Kind = TypeVar("Kind", bound=Weighted)


def remade(kind: type[Kind], item: Weighted, **changes: Any) -> Kind:
    """Return a layer as one of a faulty class, with some fields changed.

    Raises:
        UnsupportedError: it is of another faulty kind already, whose own fields this one has not.
    """
    settings = vars(item) | changes
    if not settings.keys() <= {entry.name for entry in fields(kind)}:
        raise UnsupportedError(f"layer '{item.name}': it has been changed before, and cannot be made {kind.__name__}")
    return kind(**settings)


@dataclass(frozen=True)
class Site:
    """A layer or a cell in a model."""

    path: str
    """Such as `bidirectional/forward_layer`."""
    item: Weighted
    put: Callable[[Any], Model]
    """Returns the model with something else in its place."""
    top: str
    """The layer of the model itself that it is in."""


def sites(model: Model) -> Iterator[Site]:
    """Every layer and cell of a model, wrappers before what is in them."""
    for name, layer in model.layers.items():
        yield from _inside(name, layer, partial(model.with_child, name), name)


def site_at(model: Model, path: str, suits: Callable[[Any], bool]) -> Site:
    """Return the site at a path, if the item there fits.

    Raises:
        UnsupportedError: If nothing there does, such as after another change.

    Example:
        >>> empty = Model(name="empty", layers={}, nodes=(), inputs=(), outputs=())
        >>> site_at(empty, "lstm", lambda item: True)
        Traceback (most recent call last):
        lstm_verify.errors.UnsupportedError: layer 'lstm': what is there after another change does not suit this one
    """
    for site in sites(model):
        if site.path == path and suits(site.item):
            return site
    raise UnsupportedError(f"layer '{path}': what is there after another change does not suit this one")


def _inside(path: str, item: Any, put: Callable[[Any], Model], top: str) -> Iterator[Site]:
    if isinstance(item, Around):  # another edit, beside which there is room for one more
        yield from _inside(path, item.layer, lambda new: put(replace(item, layer=new)), top)
        return
    yield Site(path, item, put, top)
    for name, child in item.children().items():
        yield from _inside(f"{path}/{name}" if name else path, child, partial(_with_child, item, name, put), top)


def _with_child(item: Weighted, name: str, put: Callable[[Any], Model], child: Any) -> Model:
    return put(item.with_child(name, child))


@dataclass(frozen=True, eq=False, kw_only=True)
class Around(Layer):
    """A layer with a function applied to its inputs or outputs."""

    layer: Layer
    before: Callable[[Signals], Signals] | None = None
    after: Callable[[Signals], Signals] | None = None

    def apply(self, inputs: Signals, run: Run) -> Signals:
        outputs = self.layer.apply(self.before(inputs) if self.before else inputs, run)
        return self.after(outputs) if self.after else outputs


def is_plain(item: Any) -> bool:
    """Return whether an item is a bidirectional layer of two recurrent layers, neither of which was changed before."""
    return isinstance(item, Bidirectional) and all(isinstance(half, RNN) for half in item.children().values())


def around(layer: Layer, **functions: Any) -> Around:
    """Wrap a layer so that a function is applied before or after it."""
    return Around(name=layer.name, compute_dtype=layer.compute_dtype, layer=layer, **functions)

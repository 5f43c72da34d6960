"""Arrays made longer or shorter along their axes, with values in between by the nearest place or by a straight line.

    place of element i of a length m, in an array of length n, with scale s = m/n unless another one is given:

    asymmetric           i / s                          half_pixel              (i + ½) / s − ½
    align_corners        i (n − 1) / (m − 1)            pytorch_half_pixel      (i + ½) / s − ½, and 0 if m is 1
    half_pixel_symmetric n/2 (1 − m/(s n)) + (i + ½) / s − ½

Places are computed in float32, as frameworks do, since of those between two neighbours the last bit may decide.

Source: onnx.ai/onnx/operators/onnx__Resize.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array

Places = Callable[[Array, Any, int, int], Array]
"""From the numbers of elements, the scale, the length before and the length after to the places."""


def _half_pixel(i: Array, scale: Any, before: int, after: int) -> Array:
    places: Array = (i + 0.5) / scale - 0.5
    return places


PLACES: dict[str, Places] = {
    "asymmetric": lambda i, scale, before, after: i / scale,
    "align_corners": lambda i, scale, before, after: i * (before - 1) / max(after - 1, 1),
    "half_pixel": _half_pixel,
    "pytorch_half_pixel": lambda i, s, before, after: _half_pixel(i, s, before, after) if after > 1 else 0.0 * i,
    "half_pixel_symmetric": lambda i, scale, before, after: (
        before / 2 * (1 - after / (scale * before)) + _half_pixel(i, scale, before, after)
    ),
}
NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda place: np.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: np.floor(place + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def resize(
    x: Array,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    axes: tuple[int, ...] | None = None,
    linear: bool = False,
    places: str = "half_pixel",
    nearest: str = "round_prefer_floor",
) -> Array:
    """Resize some axes.

    Args:
        x: the array.
        scales: (axes,), how many times as long they become; None, or none at all: `sizes` says.
        sizes: (axes,), how long they become.
        axes: which they are; None: all.
        linear: whether values lie on a straight line between neighbours, or are those of the nearest place.
        places: one of `PLACES`.
        nearest: one of `NEAREST`, or `floor_or_ceil`: floor for axes that become longer, ceil for others.
    """
    along = range(x.ndim) if axes is None else axes
    given = scales if scales is not None and np.size(scales) else None
    for number, axis in enumerate(along):
        before = x.shape[axis]
        if given is None:
            after = int(np.asarray(sizes)[number])
            scale = np.float32(after / before)
        else:
            scale = np.float32(np.asarray(given)[number])
            after = int(np.floor(np.float32(before) * scale))
        if after == before and scale == 1:
            continue
        at = PLACES[places](np.arange(after, dtype=np.float32), scale, before, after)
        rule = ("ceil" if scale < 1 else "floor") if nearest == "floor_or_ceil" else nearest
        x = _on_a_line(x, at, axis) if linear else _taken(x, NEAREST[rule](at), axis)
    return x


def _taken(x: Array, places: Array, axis: int) -> Any:
    return np.take(x, np.clip(places, 0, x.shape[axis] - 1).astype(np.int64), axis)


def _on_a_line(x: Array, places: Array, axis: int) -> Any:
    places = np.clip(places, 0, x.shape[axis] - 1)
    before = np.floor(places)
    shape = [1] * x.ndim
    shape[axis] = -1
    nothing = np.sum(x.reshape(-1)[:0])  # of the type of x, so that what is lost in places counts as rounding
    share = ((places.astype(x.dtype) + nothing) - before.astype(x.dtype)).reshape(shape)
    first = _taken(x, before, axis)
    return first + (_taken(x, before + 1, axis) - first) * share


RESIZING: dict[str, Callable[..., Any]] = {"resize": resize}

"""Convolutions and attention of other frameworks: `kernel_flipped`, `padding_symmetric`, `channels_first`, `key_value`.

PyTorch pads both sides alike, so that with strides its windows lie elsewhere than those of `same`; it has channels
before the other axes, in its kernels and where a `Flatten` ends the convolutions; its attention takes query, key,
value, Keras' query, value, key. A convolution of mathematics turns its kernel round, those of frameworks do not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, around, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import (
    ConvLSTMCell,
    Convolution,
    DepthwiseConvolution,
    Flatten,
    Layer,
    Reshape,
    Signal,
    Signals,
)
from lstm_verify.layers.attention import Attending
from lstm_verify.layers.base import Array


def _kernels(item: Any) -> tuple[tuple[str, ...], int]:
    """The weights of a layer that have the axes of a window first, and the number of these."""
    if isinstance(item, ConvLSTMCell):
        return ("kernel", "recurrent_kernel"), len(item.window)
    if isinstance(item, Convolution):
        return ("kernel",), item.axes
    return (("depthwise_kernel",), item.axes) if isinstance(item, DepthwiseConvolution) else ((), 0)


def kernel_flipped(item: Any) -> Edits:
    """The kernel of a convolution is flipped, as in the mathematical definition."""
    names, rank = _kernels(item)
    if names and any(getattr(item, name).shape[:rank] != (1,) * rank for name in names):
        flipped = {name: np.flip(getattr(item, name), tuple(range(rank))) for name in names}
        yield Edit(" and ".join(names), "as it is", "flipped", replaced(item, **flipped))


def padding_symmetric(item: Any) -> Edits:
    """A strided convolution pads both sides equally, as PyTorch does, and not the end more than the start."""
    names, rank = _kernels(item)
    if isinstance(item, Layer) and names and item.padding == "same":  # type: ignore[attr-defined]
        strides, dilation = (np.broadcast_to(getattr(item, name), rank) for name in ("strides", "dilation"))
        size = getattr(item, names[0]).shape[:rank]
        each = [int(apart) * (n - 1) // 2 for n, apart in zip(size, dilation, strict=True)]
        if max(strides) > 1:
            valid = replaced(item, padding="valid")
            yield Edit("padding", "same", "alike on both sides", lambda: around(valid(), before=partial(_padded, each)))


def _padded(each: list[int], signals: Signals) -> Signals:
    """The signals with so many zeros on both sides of each axis after that of the samples."""
    ((x, mask),) = signals
    return (Signal(np.pad(x, ((0, 0), *((n, n) for n in each), (0, 0))), mask),)


def channels_first(item: Any) -> Edits:
    """Channels come before the other axes: in the kernel of a convolution, or in a tensor that is flattened."""
    says, behaves = "channels last", "channels first"
    if isinstance(item, Flatten) or (isinstance(item, Reshape) and len(item.target_shape) == 1):
        yield Edit("order of what is flattened", says, behaves, partial(around, item, before=_channels_forward))
    if isinstance(item, Convolution):
        yield Edit("kernel", says, f"{behaves}, in the order of memory", replaced(item, kernel=_as_read(item.kernel)))


def _channels_forward(signals: Signals) -> Signals:
    ((x, mask),) = signals
    return (Signal(np.moveaxis(x, -1, 1), mask),)


def _as_read(kernel: Array) -> Array:
    """The numbers of a kernel (*size, channels, filters), read as (filters, channels, *size)."""
    *size, channels, filters = kernel.shape
    read = kernel.reshape(filters, channels, *size)
    return np.moveaxis(read, (0, 1), (-1, -2))


def key_value(item: Any) -> Edits:
    """Attention has key and value swapped."""
    if isinstance(item, Attending) and {"key", "value"} <= set(item.roles):
        other = {"key": "value", "value": "key"}
        roles = tuple(other.get(role, role) for role in item.roles)
        yield Edit("key and value", "each in its place", "exchanged", replaced(item, roles=roles))


KERNEL_FLIPPED = Fault(
    "kernel_flipped",
    kernel_flipped,
    "Do not flip the kernel: the convolution of frameworks is a correlation.",
)

PADDING_SYMMETRIC = Fault(
    "padding_symmetric",
    padding_symmetric,
    "Pad by hand as `same` does: with strides, one more at the end if the number is odd.",
)

CHANNELS_FIRST = Fault(
    "channels_first",
    channels_first,
    "Move the channels to where the file has them: before a Flatten, and in kernels.",
)

KEY_VALUE = Fault(
    "key_value",
    key_value,
    "Keras takes query, value, key; PyTorch query, key, value: name the arguments.",
)

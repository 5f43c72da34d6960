"""Two models compared as models: the same layers, settings, graph and, bit by bit, weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from lstm_verify.model import Source


def differences(one: Any, other: Any, where: str = "model") -> Iterator[str]:
    """Where two models, or parts of them, differ; where they come from does not count."""
    if type(one) is not type(other):
        yield f"{where}: {type(one).__name__} and {type(other).__name__}"
    elif isinstance(one, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape or one.tobytes() != other.tobytes():
            yield f"{where}: arrays {one.dtype} {one.shape} and {other.dtype} {other.shape}"
    elif isinstance(one, Source):
        return
    elif is_dataclass(one):
        for entry in fields(one):
            yield from differences(getattr(one, entry.name), getattr(other, entry.name), f"{where}.{entry.name}")
    elif isinstance(one, Mapping):
        yield from differences([*one.items()], [*other.items()], where)
    elif isinstance(one, Sequence) and not isinstance(one, str):
        if len(one) != len(other):
            yield f"{where}: {len(one)} and {len(other)} items"
        for number, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from differences(a, b, f"{where}[{number}]")
    elif one != other and not (one is not None and one != one and other != other):  # NaN is the same as NaN
        yield f"{where}: {one!r} and {other!r}"

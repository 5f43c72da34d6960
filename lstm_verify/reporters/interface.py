"""The interface of a reporter: one output format for one kind of result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Reporter:
    """One output format.

    Example:
        >>> from lstm_verify import verify
        >>> report = verify("fixtures/origin_tanh_sigmoid.keras3.h5", "fixtures/origin.x.npy",
        ...                 expected="fixtures/origin_tanh_sigmoid.keras3.y.npz")
        >>> Reporter("junit", "verification", "junit").render(report)[:38]
        "<?xml version='1.0' encoding='utf-8'?>"
    """

    name: str
    """Such as `junit`."""
    subject: str
    """What it reports on: a `verification`, a `rollout`, a `comparison` of files, a `check` of many models, a
    `judgement` anew of what was stored, a `failure` to make any of them, or a `model`, which `inspect` returns."""
    module: str
    """The module of this package that has it, which is loaded once it is used: `rich`, for one, takes its time."""
    function: str = "render"
    """Its function there, from what it reports on to text or bytes."""
    prints: bool = False
    """Whether that returns nothing, but prints to a console that it is given besides."""

    @property
    def render(self) -> Callable[..., Any]:
        """The function, loaded."""
        found: Callable[..., Any] = getattr(import_module(f"lstm_verify.reporters.{self.module}"), self.function)
        return found

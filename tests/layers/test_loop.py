"""Loops whose bodies are graphs: as long as the condition holds, but not for good."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify import UnsupportedError
from lstm_verify.layers import loop
from lstm_verify.layers.base import Layer, Run, Signal, Signals


class Computed(Layer):
    """One function of the first loop variable."""

    def __init__(self, function: Any) -> None:
        object.__setattr__(self, "function", function)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return (Signal(self.function(inputs[0].value)),)


def counting(limit: float) -> loop.Loop:
    return loop.Loop(name="count", condition=Computed(lambda i: i < limit), body=Computed(lambda i: i + 1))


def test_a_loop_runs_as_long_as_its_condition_holds() -> None:
    (found,) = counting(7).apply((Signal(np.asarray(3)),), Run())
    assert found.value == 7


def test_a_loop_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MOST_ROUNDS", 100)
    with pytest.raises(UnsupportedError, match="loop 'count': it did not end after 100 rounds"):
        counting(np.inf).apply((Signal(np.asarray(3)),), Run())

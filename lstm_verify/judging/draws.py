"""Random numbers that a model draws: outputs that depend on them differ from run to run in any framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify._replay import replay_rows
from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.errors import LstmVerifyError
from lstm_verify.layers.operation import Operation
from lstm_verify.model import Model
from lstm_verify.operations.creation import DRAWS, RANDOM


def drawn_elements(
    model: Model, inputs: Mapping[str, Rows], replayed: Mapping[str, Rows], batch_size: int | None = None
) -> dict[str, Array]:
    """Find the elements of the outputs that depend on random numbers: those that change with other numbers.

    From one draw to the next a dropout changes few elements, from the lowest to the highest numbers all that it can.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        replayed: what the replay computed.
        batch_size: the number of samples a stateful model takes at a time, if it does not say so itself.

    Returns:
        Booleans by output name, in the shapes of the outputs; nothing if the model draws no numbers.
    """
    found: dict[str, Array] = {}
    for draw in DRAWS[1:]:
        drawing: list[str] = []
        other: Model = _with_draw(model, draw, drawing)
        if not drawing:
            break
        try:
            again = replay_rows(other, inputs, batch_size=batch_size)
        except LstmVerifyError:  # whether the model can be run at all depends on them
            return {name: np.ones(rows.shape, bool) for name, rows in replayed.items()}
        for name, rows in again.items():
            one, two = np.asarray(whole(replayed[name])), np.asarray(whole(rows))
            found[name] = found.get(name, False) | ~((one == two) | (np.isnan(one) & np.isnan(two)))
    return found


def _with_draw(item: Any, draw: str, drawing: list[str]) -> Any:
    """The same with other random numbers; the names of the operations that draw them are added to a list."""
    if isinstance(item, Operation):
        if item.operation not in RANDOM:
            return item
        drawing.append(item.name)
        return replace(item, options={**item.options, "draw": draw})
    return item.with_parts(lambda part: _with_draw(part, draw, drawing))

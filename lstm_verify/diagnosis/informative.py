"""Generated inputs that reveal most faults, and the search for the faults that they cannot reveal."""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.arrays import Array, Rows
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.blind import blind_spots as blind_spots_of
from lstm_verify.inputs import bind
from lstm_verify.model import Model
from lstm_verify.timing import timed

WORK = 5.0
"""For the blind spots of each attempt, in seconds of a usual machine."""

SCALES = (1.0, 3.0, 10.0)
"""Times N(0, 1): larger inputs reach clips and the far sides of activations."""


def informative_inputs(
    model: Model, made: dict[str, Array], batch_size: int | None
) -> tuple[dict[str, Array], BlindSpots | None, list[str]]:
    """Scale up random inputs of a model, if that leaves fewer blind spots.

    Returns:
        The inputs by name, their blind spots (None if they were not looked for), and notes.
    """
    if not any(array.dtype.kind == "f" and array.ndim > 1 for array in made.values()):
        return made, None, []
    best: tuple[int, float, dict[str, Array], BlindSpots] | None = None
    for scale in SCALES:
        scaled = {name: _scaled(array, scale) for name, array in made.items()}
        spots = blind_spots_of(model, bind(model, scaled)[0], batch_size, WORK)
        if best is None or len(spots.found) < best[0]:
            best = len(spots.found), scale, scaled, spots
        if not spots.found:
            break
    assert best
    _, scale, inputs, spots = best
    note = f"inputs made {scale:g} times as large as usual, so that more faults would show"
    return inputs, spots, [note] if scale > 1 else []


def _scaled(array: Array, scale: float) -> Array:
    return array * array.dtype.type(scale) if array.dtype.kind == "f" and array.ndim > 1 else array


@dataclass
class BlindSpotSearch:
    """The search for blind spots, which can run while a framework predicts."""

    model: Model
    inputs: dict[str, Rows]
    batch_size: int | None
    timings: dict[str, float]
    wanted: bool
    found: BlindSpots | None = None

    def result(self) -> BlindSpots | None:
        """Return what was found, if blind spots were asked for."""
        if self.wanted and self.found is None:
            with timed(self.timings, "blind spots"):
                self.found = blind_spots_of(self.model, self.inputs, self.batch_size)
        return self.found

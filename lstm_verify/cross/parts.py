"""What of a second model can be put into the first, as changes of it: weights, the format of inputs, settings, states.

A part that makes the first compute what the second does is what they differ in. Nothing is searched: all of it stands
in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lstm_verify.cross.other_numbers import of_input, of_weights
from lstm_verify.cross.other_settings import of_cells, of_layers
from lstm_verify.cross.other_states import of_states
from lstm_verify.cross.weights import WeightComparison
from lstm_verify.diagnosis.changes import Change
from lstm_verify.model import Model


@dataclass(frozen=True)
class Parts:
    """Two models, side by side."""

    one: Model
    other: Model
    weights: WeightComparison
    """Their weights."""
    sources: Mapping[str, str]
    """The first model's name of each input of the second."""

    def numbers(self) -> tuple[Change, ...]:
        """Return what makes the numbers of the first those of the second."""
        ours = {spec.name: spec for spec in self.one.inputs}
        inputs = (of_input(ours[self.sources[spec.name]], spec.dtype) for spec in self.other.inputs)
        weights = of_weights(self.one, self.other, self.weights)
        return tuple(change for change in (weights, *inputs) if change is not None)

    def settings(self) -> tuple[Change, ...]:
        """Return what makes the settings of the first those of the second: of cells, of layers of one name, and the
        states that recurrent layers begin with."""
        layers = of_layers(self.one, self.other)
        states = of_states(self.one, self.other, self.sources)
        return (*of_cells(self.one, self.other), *states, *([] if layers is None else [layers]))

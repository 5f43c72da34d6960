"""Values inside a model as outputs of it: what a layer computes, and every gate, by the names that `replay` writes.

lstm        the output of the layer; lstm:1 a further one, lstm@1 that of its second call
lstm/i      a gate of its cell, (samples, timesteps, units), in the order in which the steps run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from lstm_verify._replay import values_of
from lstm_verify.arrays import Array, Rows
from lstm_verify.errors import InputError
from lstm_verify.inputs import count_samples
from lstm_verify.layers import Run, Signal
from lstm_verify.layers.watched import Watched
from lstm_verify.model import Model, Output, Tensor

SOME = (3, 2)
"""How many samples it is tried on which values there are, and where they have the samples."""
LISTED = 5
"""How many names an error shows."""


class Place(NamedTuple):
    """Where an inner value is."""

    layer: str
    """The layer of the model itself."""
    call: int
    output: int
    inside: str
    """What the layer records it as, such as `/i`; empty for an output of the layer."""


@dataclass(frozen=True)
class Inner:
    """The inner values of a model, found by running it on some samples."""

    model: Model
    values: Mapping[str, bool]
    """What is recorded, by name, in the order in which it is computed; and whether its first axis is the samples."""
    counts: Mapping[str, int]
    """How many outputs each layer has."""

    @classmethod
    def of(cls, model: Model, inputs: Mapping[str, Rows]) -> Inner:
        """Find what there is.

        Args:
            model: the model.
            inputs: its inputs, bound to it, by name.
        """
        samples = count_samples(inputs)
        sizes = [model.batch_size] if model.batch_size else SOME if model.divisible else [samples]
        runs = [_run(model, inputs, size) for size in dict.fromkeys(min(size, samples) for size in sizes)]
        known, _, _ = runs[0]
        counts = {node.layer: sum(t[:2] == (node.layer, node.call) for t in known) for node in model.nodes}
        lengths = {name: [np.shape(trace[name])[:1] for _, trace, _ in runs] for name in runs[0][1]}
        of_samples = [(size,) for _, _, size in runs]
        return cls(model, {name: found == of_samples for name, found in lengths.items()}, counts)

    def as_outputs(self, names: Sequence[str]) -> Model:
        """Return the model with values of these names as its outputs, in the order in which they are computed.

        Raises:
            InputError: there is no value of a name, or it has not the samples along its first axis.
        """
        outputs = {output.name: output for output in self.model.outputs}
        self._check(names, outputs)
        order = {name: number for number, name in enumerate(self.values)}
        places = {name: self._place(name) for name in sorted(set(names) - set(outputs), key=order.__getitem__)}
        watched = dict[str, list[str]]()
        for place in places.values():
            if place.inside and place.inside not in watched.setdefault(place.layer, []):
                watched[place.layer].append(place.inside)
        layers = dict(self.model.layers)
        for name, inside in watched.items():
            dtype = layers[name].compute_dtype
            layers[name] = Watched(name=name, layer=layers[name], values=tuple(inside), compute_dtype=dtype)
        inner = [Output(name, self._tensor(place, watched), 0, _words(name, place)) for name, place in places.items()]
        asked = (replace(o, inside=(o.tensor.layer, "")) for name, o in outputs.items() if name in names)
        return replace(self.model, layers=layers, outputs=(*inner, *asked))

    def _check(self, names: Sequence[str], outputs: Mapping[str, Output]) -> None:
        known = dict.fromkeys((*outputs, *self.values))
        for name in names:
            if name not in known:
                near = get_close_matches(name, known, LISTED, 0.5) or list(known)[-LISTED:]
                raise InputError(f"value '{name}': the model has none of that name. Near it: {', '.join(near)}")
            if name not in outputs and (self.model.is_whole or not self.values[name]):
                raise InputError(
                    f"value '{name}': its samples are not along its first axis. --output-tensor compares tensors of a "
                    "graph wherever they have them"
                )

    def _place(self, name: str) -> Place:
        """The place of a name: that of the longest name of a layer which it begins with."""
        fitting = (layer for layer in self.counts if name == layer or name.startswith(tuple(layer + c for c in "/:@")))
        layer = max(fitting, key=len)
        rest, _, call = name[len(layer) :].partition("@")
        number = rest[1:] if rest.startswith(":") else "0"
        return Place(layer, int(call or 0), int(number), rest if rest.startswith("/") else "")

    def _tensor(self, place: Place, watched: Mapping[str, list[str]]) -> Tensor:
        if not place.inside:
            return Tensor(*place[:3])
        return Tensor(place.layer, place.call, self.counts[place.layer] + watched[place.layer].index(place.inside))


def _run(model: Model, inputs: Mapping[str, Rows], samples: int) -> tuple[dict[Tensor, Signal], dict[str, Array], int]:
    """All tensors of a run on the first samples, and what it recorded."""
    run, cast = Run(trace={}), model.astype(np.float64)
    given = values_of(cast, inputs, slice(0, samples), np.float64)
    with np.errstate(all="ignore"):
        known = cast.signals(tuple(map(Signal, given)), run)
    return known, run.trace or {}, samples


def _words(name: str, place: Place) -> tuple[str, str]:
    """The layer that a value is of, however deep, and what it is there; nothing for the output of the layer."""
    layer, _, inside = name.rpartition("/") if place.inside else (name, "", "")
    return layer, inside

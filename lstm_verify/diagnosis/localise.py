"""Where a deviation starts: the first layer, direction and time step that differ, by the framework's layer outputs.

A layer's deviation is *carried* if its inputs differ already, and *introduced* if it differs though it is replayed from
the framework's own inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, finite
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.diagnosis.gate import likely_gate
from lstm_verify.errors import LstmVerifyError, let_mistakes_through
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.layers import RNN, Bidirectional, Layer, Run, Signal
from lstm_verify.model import LayerCall, Model, Tensor
from lstm_verify.run_arithmetic import RoundedArithmetic, as_rounded, deviation_of

Tapped = Mapping[str, Array]
"""What a framework computed for the samples of an experiment, by layer: its output, (samples, ...)."""
SEQUENCE = "/sequence"
"""Behind the name of a recurrent layer that returns its last output: what it would return of all steps."""

STEPS = 12
"""The time steps that are reported of a long sequence."""


@dataclass(frozen=True)
class LayerDeviation:
    """The deviation of one layer's output from the framework's."""

    layer: str
    carried: float
    """The largest |Δ| / σ from the inputs of the model on."""
    introduced: float | None
    """The same from the framework's own inputs of that layer; None if these are not known."""
    absolute: float
    """The largest |Δ| from the inputs of the model on."""

    def to_dict(self) -> dict[str, Any]:
        """The deviation as plain data."""
        return {
            "layer": self.layer,
            "carried": finite(self.carried),
            "introduced": None if self.introduced is None else finite(self.introduced),
            "absolute": finite(self.absolute),
        }


@dataclass(frozen=True)
class DeviationStart:
    """Where a deviation starts."""

    layer: str | None
    direction: str | None
    timestep: int | None
    gate: str | None = None
    weight: tuple[str, tuple[int, ...], float] | None = None
    """If a single weight of the gate explains it: its name, its place, and what is added to it."""
    layers: tuple[LayerDeviation, ...] = ()
    """Every layer that could be compared, in order."""
    value: str | None = None
    """What in the layer parts first, such as `f`, if values inside it were expected."""

    def to_dict(self) -> dict[str, Any]:
        """The place as plain data."""
        return {
            "layer": self.layer,
            "direction": self.direction,
            "timestep": self.timestep,
            "gate": self.gate,
            "value": self.value,
            "layers": [layer.to_dict() for layer in self.layers],
        }


def place_of_outputs(experiment: Experiment) -> DeviationStart | None:
    """Find where a deviation starts, as far as the outputs show it: the first time step of a sequence."""
    given = zip(
        experiment.model.outputs, experiment.replayed, experiment.predicted or (), experiment.sigma, strict=False
    )
    for output, y, p, σ in given:
        step = None if is_image(experiment.model, output.tensor) else _first_step(y, p, σ)
        if step is not None:
            return DeviationStart(None, None, step)
    return None


def over_time(experiment: Experiment) -> tuple[tuple[int, float], ...]:
    """Return how far some time steps deviate in the first output that is a sequence, (samples, timesteps, ...)."""
    for output, y, p in zip(experiment.model.outputs, experiment.replayed, experiment.predicted or (), strict=False):
        if y.ndim > 2 and y.shape == p.shape and not is_image(experiment.model, output.tensor):
            largest = np.abs(y - p).max(axis=(0, *range(2, y.ndim)))
            steps = np.unique(np.linspace(0, len(largest) - 1, min(STEPS, len(largest))).astype(int))
            return tuple((int(step), float(largest[step])) for step in steps)
    return ()


def place_in_layers(experiment: Experiment, tapped: Tapped) -> DeviationStart | None:
    """Find where a deviation starts, by the outputs of the framework's layers."""
    try:
        rounded = _rounded_signals(experiment)
    except LstmVerifyError:
        return None
    found: list[LayerDeviation] = []
    place: DeviationStart | None = None
    for node in experiment.model.nodes:
        ours, theirs = rounded.get(Tensor(node.layer, node.call)), tapped.get(node.layer)
        if ours is None or theirs is None or node.call or np.shape(ours.value) != theirs.shape:
            continue
        σ = deviation_of(ours.value)
        value = np.asarray(getattr(ours.value, "value", ours.value), np.float64)
        introduced = _introduced(experiment, node, tapped)
        largest = float(np.nanmax(np.abs(value - theirs), initial=0.0))
        sigmas = sigmas_of(value, theirs, σ)
        found.append(LayerDeviation(node.layer, sigmas, introduced, largest))
        if place is None and (introduced if introduced is not None else sigmas) > SIGMAS:
            layer = experiment.model.layers[node.layer]
            image = is_image(experiment.model, Tensor(node.layer, node.call))
            step = None if image else _first_step(value, theirs, σ)
            place = DeviationStart(node.layer, _direction(layer, value, theirs, σ), step)
    if place is None:
        return DeviationStart(None, None, None, layers=tuple(found)) if found else None
    return replace(_looked_into(experiment, place, tapped), layers=tuple(found))


def _looked_into(experiment: Experiment, place: DeviationStart, tapped: Tapped) -> DeviationStart:
    """The time step and the gate in the first layer that differs, if its output in every step is known."""
    node = next(node for node in experiment.model.nodes if node.layer == place.layer)
    layer = experiment.model.layers[node.layer]
    x, y = _given(experiment, node.inputs[0], tapped), tapped.get(f"{node.layer}{SEQUENCE}", tapped[node.layer])
    if isinstance(layer, Bidirectional) and place.direction in ("forward", "backward") and y.ndim == 3:
        half, backward = y.shape[-1] // 2, place.direction == "backward"
        layer, y = (layer.backward_layer, y[:, ::-1, half:]) if backward else (layer.forward_layer, y[..., :half])
    if not isinstance(layer, RNN) or layer.stateful or len(node.inputs) > 1 or x is None or x.mask is not None:
        return place
    ours, σ = _every_step(layer, np.asarray(x.value, np.float64))
    if σ.shape != y.shape:
        return place
    step = first = _first_step(ours, y, σ)
    if first is not None and layer.go_backwards:
        step = y.shape[1] - 1 - first
    as_run = x.value[:, ::-1] if layer.go_backwards else x.value
    gate = likely_gate(layer.cell, np.asarray(as_run, np.float64), np.asarray(y, np.float64), σ, first or 0)
    found = replace(place, timestep=step if place.timestep is None else place.timestep)
    return found if gate is None else replace(found, gate=gate.name, weight=gate.weight)


def _every_step(layer: RNN, x: Array) -> tuple[Array, Array]:
    """The output of a layer in every step for exact inputs, in the order in which they are run, and σ of it."""
    arithmetic, sequence = RoundedArithmetic(), replace(layer, return_sequences=True, return_state=False)
    given = arithmetic.enter(layer, (Signal(as_rounded(x, "float32", arithmetic)),))
    try:
        with np.errstate(all="ignore"):
            y = sequence.apply(given, Run(arithmetic=arithmetic))[0].value
    except LstmVerifyError:
        return np.empty(0), np.empty(0)
    return np.asarray(getattr(y, "value", y), np.float64), deviation_of(y)


def _given(experiment: Experiment, tensor: Tensor, tapped: Tapped) -> Signal | None:
    """What the framework has for a tensor, with the mask of the replay; None if that is not known."""
    known = experiment.known.get(tensor)
    theirs = tapped.get(tensor.layer) if tensor.output == 0 and tensor.call == 0 else None
    is_input = any(spec.name == tensor.layer for spec in experiment.model.inputs)
    if known is None or (theirs is None and not is_input):
        return None
    return Signal(known.value if theirs is None else np.asarray(theirs, np.float64), known.mask)


def _rounded_signals(experiment: Experiment) -> dict[Tensor, Signal]:
    arithmetic = RoundedArithmetic()
    specs = experiment.model.inputs
    inputs = [as_rounded(v, spec.dtype, arithmetic) for v, spec in zip(experiment.values, specs, strict=True)]
    with np.errstate(all="ignore"):
        return experiment.model.signals(tuple(map(Signal, inputs)), Run(arithmetic=arithmetic))


def _introduced(experiment: Experiment, node: LayerCall, tapped: Tapped) -> float | None:
    """The deviation of a layer that is given what the framework has as its inputs, in σ."""
    arithmetic, given = RoundedArithmetic(), []
    for tensor in node.inputs:
        signal = _given(experiment, tensor, tapped)
        if signal is None:
            return None
        given.append(Signal(as_rounded(signal.value, "float32", arithmetic), signal.mask))
    layer = experiment.model.layers[node.layer]
    try:
        with np.errstate(all="ignore"):
            (ours, _), *_rest = arithmetic.leave(
                layer, layer.apply(arithmetic.enter(layer, tuple(given)), Run(arithmetic=arithmetic))
            )
    except (LstmVerifyError, ValueError, TypeError, AttributeError) as error:
        let_mistakes_through(error)
        return None
    value = np.asarray(getattr(ours, "value", ours), np.float64)
    return sigmas_of(value, tapped[node.layer], deviation_of(ours))


def sigmas_of(ours: Array, theirs: Array, sigma: Array) -> float:
    """Return the largest deviation in σ; where σ is less than the rounding of the number itself, in that."""
    away = np.abs(ours - theirs)
    with np.errstate(all="ignore"):
        ratio = np.where(away == 0, 0.0, away / np.maximum(sigma, np.abs(ours) * 2.0**-25))
    return float(np.nan_to_num(ratio, nan=0.0, posinf=1e300).max(initial=0.0))


def _first_step(ours: Array, theirs: Array, sigma: Array) -> int | None:
    """The first time step of a sequence, (samples, timesteps, ...), that differs."""
    if ours.ndim < 3 or ours.shape != theirs.shape:
        return None
    beyond = np.abs(ours - theirs) > SIGMAS * sigma
    steps = beyond.any(axis=(0, *range(2, ours.ndim)))
    return int(steps.argmax()) if steps.any() else None


def is_image(model: Model, tensor: Tensor) -> bool:
    """Return whether a value has no axis of time after that of the samples: an image, or what became of one.

    The last output of a ConvLSTM and its states are (samples, rows, columns, filters).
    """
    producers = {(node.layer, node.call): node for node in model.nodes}
    while (node := producers.get((tensor.layer, tensor.call))) is not None and node.inputs:
        has_time = model.layers[node.layer].has_time(tensor.output)
        if has_time is not None:
            return not has_time
        tensor = node.inputs[0]
    return False


def _direction(layer: Layer, ours: Array, theirs: Array, sigma: Array) -> str | None:
    """Which half of a bidirectional layer differs."""
    if not isinstance(layer, Bidirectional) or layer.merge_mode != "concat":
        return None
    halves = np.split((np.abs(ours - theirs) > SIGMAS * sigma), 2, axis=-1)
    forward, backward = (bool(half.any()) for half in halves)
    return "both" if forward and backward else "forward" if forward else "backward"

"""The first place where values inside a model part from those that are expected of them, such as gates of C code.

Layers are looked at in the order in which they are computed, in each the time steps, in each step its values: what
parts first is wrong by itself, since all that it is computed from is right. Of the others what is *carried* is told
from what a step *introduces* that begins with the states that are expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby

import numpy as np

from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.diagnosis.localise import DeviationStart, LayerDeviation, sigmas_of
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.layers import RNN
from lstm_verify.layers.watched import Watched
from lstm_verify.model import Model, Output
from lstm_verify.run_arithmetic import RoundedArithmetic, as_rounded, deviation_of, output_value

AT_THE_END = 10**9
"""Where in time an output is that a layer gives once."""
Values = Mapping[Output, tuple[Array, Array, Array]]
"""Of each inner value the replayed, the expected, and σ, (samples, ...) each."""


def recorded_layers(model: Model, expected: Mapping[str, Rows] | None) -> Callable[[Array], dict[str, Array]] | None:
    """Return what gives the outputs of layers that are expected, for some samples; None if there are none."""
    layers = {o.inside[0]: o.name for o in model.outputs if o.inside and not o.inside[1] and o.tensor.call == 0}
    if not layers or expected is None:
        return None
    return lambda samples: {
        layer: np.asarray(whole(picked(expected[name], samples)), np.float64) for layer, name in layers.items()
    }


def first_parting(experiment: Experiment, in_layers: DeviationStart | None = None) -> DeviationStart | None:
    """Find where inner values part first.

    Args:
        experiment: the model whose outputs they are, and samples.
        in_layers: what is known of the outputs of layers.

    Returns:
        The place, with how far each value deviates; None if none is expected.
    """
    known = zip(
        experiment.model.outputs, experiment.replayed, experiment.predicted or (), experiment.sigma, strict=False
    )
    values = {output: (y, p, σ) for output, y, p, σ in known if output.inside and y.shape == p.shape}
    if not values:
        return None
    apart = {layer.layer: layer for layer in in_layers.layers} if in_layers else {}
    apart = {output.name: apart.get(output.name) or _deviation(output, *value) for output, value in values.items()}
    place = None
    for layer, group in groupby(values, key=lambda output: output.inside and output.inside[0]):
        of_layer = list(group)
        for name, sigmas in _introduced(experiment, of_layer, values).items():
            apart[name] = replace(apart[name], introduced=sigmas)
        place = place or _first(str(layer), of_layer, values)
    return replace(place or DeviationStart(None, None, None), layers=tuple(apart.values()))


def _deviation(output: Output, y: Array, p: Array, σ: Array) -> LayerDeviation:
    return LayerDeviation(output.name, sigmas_of(y, p, σ), None, float(np.nanmax(np.abs(y - p), initial=0.0)))


def _first(layer: str, outputs: list[Output], values: Values) -> DeviationStart | None:
    """The first time step at which a value of a layer parts, and of several at that step the first computed."""
    parting = []
    for output in outputs:
        y, p, σ = values[output]
        beyond = ~(np.abs(y - p) <= SIGMAS * σ)
        if beyond.any():
            steps = beyond.any(axis=(0, *range(2, y.ndim))) if y.ndim > 2 else None
            parting.append((AT_THE_END if steps is None else int(steps.argmax()), output))
    if not parting:
        return None
    step, output = min(parting, key=lambda pair: pair[0])
    return DeviationStart(
        layer, None, None if step == AT_THE_END else step, value=(output.inside or ("", ""))[1] or None
    )


def _introduced(experiment: Experiment, outputs: list[Output], values: Values) -> dict[str, float]:
    """How far the gates of a layer are off in steps that begin with the expected states, in σ, by name.

    Nothing where a state is not expected, or steps are masked.
    """
    gates = {(output.inside or ("", ""))[1]: output for output in outputs if output.tensor.call == 0}
    (node,) = (n for n in experiment.model.nodes if (n.layer, n.call) == outputs[0].tensor[:2])
    watched = experiment.model.layers[node.layer]
    layer = watched.layer if isinstance(watched, Watched) else None
    x = experiment.known.get(node.inputs[0]) if node.inputs else None
    if not isinstance(layer, RNN) or x is None or x.mask is not None or not set(layer.state_names) <= set(gates):
        return {}
    theirs = [values[gates[name]][1] for name in layer.state_names]
    begun = [np.asarray(experiment.known[t].value, np.float64) for t in node.inputs[1:]]
    begun = begun or [np.zeros_like(state[:, 0]) for state in theirs]
    before = [
        np.concatenate([first[:, None], state[:, :-1]], axis=1) for first, state in zip(begun, theirs, strict=True)
    ]
    own = next((p for o, (_, p, _) in values.items() if o.tensor == node.inputs[0]), np.asarray(x.value, np.float64))
    in_order = own[:, ::-1] if layer.go_backwards else own
    arithmetic = RoundedArithmetic()
    step, *states = (as_rounded(a.reshape(-1, a.shape[-1]), "float32", arithmetic) for a in (in_order, *before))
    with np.errstate(all="ignore"):
        found = layer.cell.gates(step, tuple(states))._asdict()  # type: ignore[attr-defined]
    return {
        output.name: sigmas_of(
            output_value(found[gate]), values[output][1].reshape(len(step), -1), deviation_of(found[gate])
        )
        for gate, output in gates.items()
        if gate in found
    }

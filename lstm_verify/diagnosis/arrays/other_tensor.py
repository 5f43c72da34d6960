"""Predictions that belong to another tensor of the model: another output, or an intermediate layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lstm_verify.arrays import Array, Rows, picked
from lstm_verify.diagnosis.arrays.order import THOSE
from lstm_verify.diagnosis.arrays.pair import NOTHING, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, predictions
from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import as_input
from lstm_verify.layers import Run, Signal
from lstm_verify.model import Model, Tensor
from lstm_verify.run_arithmetic import RoundedArithmetic, as_rounded, deviation_of, output_value

SAMPLES = 16
"""The samples for which it is computed what layers make of them."""
Found = tuple[Seen, Agreement]


def of_another_output(pair: Pair, pairs: Sequence[Pair]) -> Found | None:
    """Detect the predictions of another output; swapped outputs are left to a fault of their own."""
    for other in pairs:
        if other.name == pair.name or other.replayed.shape != pair.predicted.shape:
            continue
        fit = pair.fit(other.replayed, other.sigma)
        exchanged = other.predicted.shape == pair.replayed.shape and other.fit(pair.replayed, pair.sigma).explains
        if fit.explains and not exchanged:
            how = f"{THOSE} for the output `{other.name}`"
            advice = "Compare outputs by name, or in the order of the model."
            return predictions("other_output", pair.name, f"output {other.name}", how, advice, fit)
    return None


def of_a_layer(pair: Pair, model: Model, inputs: Mapping[str, Rows]) -> Found | None:
    """Detect the output of an intermediate layer, or an unchanged input."""
    samples = len(pair.replayed)
    if not model.divisible or model.stateful or pair.predicted.shape[:1] != (samples,):
        return None
    chosen = np.linspace(0, samples - 1, min(SAMPLES, samples)).astype(int)
    p = pair.predicted[chosen]
    outputs = {output.tensor for output in model.outputs}
    for tensor, value, sigma in _signals(model, inputs, chosen):
        if value.shape != p.shape or tensor in outputs:
            continue
        known = pair.replayed[chosen] if pair.is_aligned else NOTHING
        fit = Pair(pair.name, p, known, sigma, pair.unit).fit(value, sigma, among=np.ones(p.shape, bool))
        if fit.explains:
            given = any(spec.name == tensor.layer for spec in model.inputs)
            kind, what = ("input", "the input") if given else ("inner_layer", "what the layer")
            how = f"{what} `{tensor.layer}`{', as it was given' if given else ' returns'}"
            advice = "Compare the outputs of the whole model."
            return predictions(kind, pair.name, tensor.layer, how, advice, fit)
    return None


def _signals(model: Model, inputs: Mapping[str, Rows], chosen: Array) -> Iterator[tuple[Tensor, Array, Array]]:
    """Everything that the model computes for some samples, with its σ, the nearest to the outputs first."""
    arithmetic, wide = RoundedArithmetic(model.products), model.astype("float64")
    values = [as_input(spec, picked(inputs[spec.name], chosen)) for spec in model.inputs]
    given = [as_rounded(v, spec.dtype, arithmetic) for v, spec in zip(values, model.inputs, strict=True)]
    try:
        with np.errstate(all="ignore"):
            known = wide.signals(tuple(map(Signal, given)), Run(arithmetic=arithmetic))
    except LstmVerifyError:
        return
    for tensor, signal in reversed(known.items()):
        value = output_value(signal.value)
        if value.dtype.kind in "fiub" and value.ndim:
            yield tensor, value.astype(np.float64), np.asarray(deviation_of(signal.value), np.float64)

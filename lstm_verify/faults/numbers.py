"""Constants that differ: `negative_slope`, `gelu_approximation`, `epsilon`, `forget_bias`, `clip`.

Those that can be anything are fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from lstm_verify.faults.activation import variant_of
from lstm_verify.faults.edit import Edit, Edits, Fit, replaced
from lstm_verify.faults.interface import Fault, begins
from lstm_verify.layers import (
    BatchNormalization,
    ConvLSTMCell,
    GroupNormalization,
    LayerNormalization,
    LSTMCell,
    LSTMVariantCell,
    RMSNormalization,
)
from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.operations.activations import ActivationFunction

LEAKY = ("relu", "leaky_relu")


def _activations(item: Any) -> list[tuple[str, ActivationFunction]]:
    found = ((name, getattr(item, name, None)) for name in ("activation", "recurrent_activation"))
    return [(name, value) for name, value in found if isinstance(value, ActivationFunction)]


def negative_slope(item: Any) -> Edits:
    """Another slope of a leaky ReLU for negative values: a default such as 0.2, 0.3 or 0.01, or any other."""
    for parameter, now in _activations(item):
        if now.name in LEAKY:
            settings = dict(now.parameters)
            slope = float(settings.get("negative_slope") or 0.0)  # type: ignore[arg-type]

            def make(value: float, parameter: str = parameter, settings: dict[str, Any] = settings) -> Any:
                return replace(
                    item, **{parameter: ActivationFunction.of("relu", **settings | {"negative_slope": value})}
                )

            for value in (0.0, 0.01, 0.2, 0.3):
                if abs(value - slope) > 1e-6:
                    yield Edit("negative_slope", f"{slope:.4g}", f"{value:.4g}", partial(make, value))
            yield Fit("negative_slope", f"{slope:.4g}", make, 0.1)


def gelu_approximation(item: Any) -> Edits:
    """GELU is computed by tanh instead of erf, or the other way round."""
    for parameter, now in _activations(item):
        if now.name == "gelu":
            approximate = bool(dict(now.parameters).get("approximate"))
            names = ("exact", "approximate")
            other = ActivationFunction.of("gelu", approximate=not approximate)
            yield Edit(
                "approximate",
                names[approximate],
                names[not approximate],
                replaced(item, **{parameter: other}),
            )


EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12)
WITH_EPSILON = BatchNormalization | LayerNormalization | GroupNormalization | RMSNormalization | LSTMVariantCell


def epsilon(item: Any) -> Edits:
    """Another epsilon is added to a variance: 1e-3 in Keras, 1e-5 in PyTorch."""
    name = "layer_norm_epsilon" if isinstance(item, LSTMVariantCell) else "epsilon"
    now = getattr(item, name, None)
    if not isinstance(item, WITH_EPSILON) or not now or now < 0:
        return
    for value in EPSILONS:
        if abs(value / now - 1) > 1e-3:
            yield Edit("epsilon", f"{now:g}", f"{value:g}", replaced(item, **{name: value}))
    yield Fit("epsilon", f"{now:g}", lambda value: replaced(item, **{name: value})(), now, positive=True)


def forget_bias(item: Any) -> Edits:
    """A forget bias is added at run time but should not be, or the other way round, or has another value.

    TensorFlow 1 adds 1 at run time; Keras has it in its weights.
    """
    if not isinstance(item, LSTMCell | LSTMVariantCell | ConvLSTMCell) or getattr(item, "coupled", None) == "f":
        return
    now = item.forget_bias
    for step in (1.0, -1.0):
        yield Edit("forget_bias", f"{now:g}", f"{now + step:g}", replaced(item, forget_bias=now + step))
    yield Fit("forget_bias", f"{now:g}", lambda value: replace(item, forget_bias=value), now + 0.5)


# ------------------------------------------------------------------------------------------------------ clip


LIMITS = (0.5, 1.0, 3.0, 5.0, 10.0, 50.0)


def clip(item: Any) -> Edits:
    """Values are clipped: the cell state (TensorFlow), or the pre-activations (ONNX)."""
    if isinstance(item, LSTMVariantCell) and item.cell_clip is not None:
        yield Edit("cell_clip", f"{item.cell_clip:g}", "none", replaced(item, cell_clip=None))
    if isinstance(item, LSTMCell | LSTMVariantCell):
        now = getattr(item, "cell_clip", None)
        yield from _limits("cell_clip", now, lambda limit: replace(variant_of(item), cell_clip=limit))
    if isinstance(item, KernelCell) and not item.window:
        yield from _limits("clip of what goes into the gates", None, lambda limit: _gates_cut(item, limit))


def _limits(parameter: str, now: float | None, make: Callable[[float], Any]) -> Edits:
    says = "none" if now is None else f"{now:g}"
    for limit in LIMITS:
        yield Edit(parameter, says, f"{limit:g}", partial(make, limit))
    yield Fit(parameter, says, make, 0.7, positive=True)


def _gates_cut(cell: KernelCell, limit: float) -> KernelCell:
    if isinstance(cell, LSTMCell | LSTMVariantCell):
        variant = variant_of(cell)
        cell = replace(variant, output_activation=variant.output_activation or variant.activation)
    cut: dict[str, Any] = {name: g.clipped(limit) for name, g in _activations(cell)}
    return replace(cell, **cut)


NEGATIVE_SLOPE = Fault(
    "negative_slope",
    negative_slope,
    "Pass the slope explicitly: its default is 0.2, 0.3 or 0.01, depending on the framework.",
)

GELU_APPROXIMATION = Fault(
    "gelu_approximation",
    gelu_approximation,
    "Set approximate=True or False explicitly wherever gelu is used: defaults differ.",
)

EPSILON = Fault(
    "epsilon",
    epsilon,
    "Export epsilon with the weights: 1e-3 in Keras, 1e-5 in PyTorch.",
    is_common=begins("0.001", "1e-05"),
)

FORGET_BIAS = Fault(
    "forget_bias",
    forget_bias,
    (
        "TensorFlow 1 adds a forget bias of 1 at run time, Keras has it in its weights: add it to the forget "
        "gate's part of the bias, or take it from there, once."
    ),
    is_common=begins("1", "-1", "0"),
    comes_with=("recurrent_activation",),
)

CLIP = Fault(
    "clip",
    clip,
    "Set the clip of the runtime as in the file: BlockLSTM has 3 by default, CoreML 50, TensorFlow Lite 10.",
    is_common=begins("none", "3"),
)

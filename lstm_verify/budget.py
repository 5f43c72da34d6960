"""The rounding budget: how far a framework's predictions may lie from the replay by rounding alone.

The layers of a model run once more, on `Rounded` arrays, each in the precision that the framework computes it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows
from lstm_verify.inputs import as_input, bind, count_samples
from lstm_verify.layers import Embedding, Layer, Run, Signal, Signals
from lstm_verify.layers.constant import Constant, State
from lstm_verify.layers.loop import Branch, Loop
from lstm_verify.model import Model
from lstm_verify.replay import run_once
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding

BLOCK = 64
"""The number of samples that run together."""


@dataclass
class RoundedArithmetic:
    """Makes a run compute with `Rounded` arrays, in the precision of each layer."""

    roundings: dict[str, Rounding] = field(default_factory=dict)

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        """Round inputs to a layer's precision."""
        if isinstance(layer, Model | Loop | Branch) or layer.compute_dtype not in PRECISIONS:
            return inputs  # layers inside are asked one by one
        rounding = self.rounding(layer.compute_dtype)
        return tuple(
            Signal(signal.value.rounded_to(rounding), signal.mask) if isinstance(signal.value, Rounded) else signal
            for signal in inputs
        )

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        """Carry on numbers that a layer made out of something else, such as tokens, as exact ones."""
        if isinstance(layer, Constant | State):
            return outputs
        return tuple(Signal(self._rounded(layer, signal.value), signal.mask) for signal in outputs)

    def rounding(self, dtype: str) -> Rounding:
        """The rounding of a dtype; float32 for one that is no floating-point type."""
        name = dtype if dtype in PRECISIONS else "float32"
        if name not in self.roundings:
            self.roundings[name] = Rounding(PRECISIONS[name])
        return self.roundings[name]

    def _rounded(self, layer: Layer, value: Any) -> Any:
        if not (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            return value
        made = Rounded(value, rounding=self.rounding("float32"))
        return made.rounded_to(self.rounding(layer.compute_dtype)) if isinstance(layer, Embedding) else made


def standard_deviations(model: Model, x: Any) -> dict[str, Array]:
    """The standard deviation of the rounding error of every element of a model's outputs.

    Args:
        model: the model, from `load`.
        x: as for `replay`.

    Returns:
        By output name, float64 of the shape of the output; infinite where the precision cannot hold a number on
        the way, so that nothing can be said.

    Raises:
        InputError: `x` does not fit the model.
        UnsupportedError: rounding errors cannot be followed through an operation of the model.

    Example:
        >>> import lstm_verify
        >>> model = lstm_verify.load("fixtures/origin_tanh_sigmoid.keras3.h5")
        >>> x = np.arange(24.0).reshape(4, 3, 2)
        >>> σ = standard_deviations(model, x)["dense"]
        >>> σ.shape, bool((σ < 1e-6).all())
        ((4, 2), True)
    """
    bound, _ = bind(model, x)
    return rounded_rows(model, bound)


def rounded_rows(model: Model, rows: Mapping[str, Rows], batch_size: int | None = None) -> dict[str, Array]:
    """`standard_deviations` of inputs that are already bound to the model; `batch_size` is as for `replay_rows`."""
    cast, samples = model.astype("float64"), count_samples(rows)
    size = BLOCK
    if model.stateful or not model.divisible:
        size = model.batch_size or batch_size or samples
    run = Run(arithmetic=RoundedArithmetic())
    blocks = [slice(start, min(start + size, samples)) for start in range(0, samples, size)]
    found = [_block(cast, rows, block, run) for block in blocks]
    return {
        output.name: np.concatenate([part[i] for part in found]) if len(found) > 1 else found[0][i]
        for i, output in enumerate(model.outputs)
    }


def _block(model: Model, rows: Mapping[str, Rows], block: slice, run: Run) -> list[Array]:
    arithmetic = run.arithmetic
    assert isinstance(arithmetic, RoundedArithmetic)
    values: list[Any] = []
    for spec in model.inputs:
        array = rows[spec.name]
        value: Any = as_input(spec, array[block] if array.shape else np.asarray(array))
        values.append(as_rounded(value, str(value.dtype), arithmetic))
    return [deviation_of(value) for value in run_once(model, values, run)]


def as_rounded(value: Array, dtype: str, arithmetic: RoundedArithmetic) -> Any:
    """An input of a dtype, with nothing rounded yet; whole numbers stay what they are."""
    if value.dtype.kind != "f":
        return value
    return Rounded(value.astype(np.float64), rounding=arithmetic.rounding(dtype))


def deviation_of(value: Any) -> Array:
    """σ of an output; infinite where nothing can be said."""
    if not isinstance(value, Rounded):
        return np.zeros(np.shape(value))
    variances = value.variances()
    if value.rounding.precision.name == "float64":  # as that of the replay, which is rounded as well
        variances = 2 * variances
    return np.sqrt(np.where(np.isnan(variances), np.inf, variances))

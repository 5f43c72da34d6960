"""Whether the samples of a graph are independent: found by running some of them together, and apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import as_input, random_inputs
from lstm_verify.layers import Array, Run, Signal
from lstm_verify.model import Model

TOGETHER, FIRST = 5, 2


def has_independent_samples(model: Model) -> bool:
    """Whether a graph computes each sample, along the first axis of every input and output, from that sample alone.

    A graph does not say which axis is that of the samples. If the outputs of five are those of two and of three, it is
    the first, and the graph may be run in blocks; if not, or in doubt, it is run as a whole, which is always right.
    """
    if model.stateful or any(spec.shape is None or spec.shape[:1] != (None,) for spec in model.inputs):
        return False
    try:
        x = random_inputs(model, TOGETHER)
        together = _outputs(model, x)
        parts = [
            _outputs(model, {name: values[part] for name, values in x.items()})
            for part in (slice(FIRST), slice(FIRST, None))
        ]
        return all(
            whole.ndim > 0
            and len(whole) == TOGETHER
            and np.allclose(whole, np.concatenate([first, rest]), rtol=1e-4, atol=1e-6)
            for whole, first, rest in zip(together, *parts, strict=True)
        )
    except (LstmVerifyError, ValueError, LookupError):
        return False


def fitted(model: Model, given: Mapping[str, tuple[int, ...]]) -> Model:
    """A graph with as many samples as arrays have, if it cannot be run on others; the same if that is no better.

    A tensor inside a graph does not say that a state of zeros further on is made for a number of samples.
    """
    counts = {name.removesuffix(":0"): shape[:1] for name, shape in given.items()}
    inputs = tuple(
        replace(spec, shape=(*counts.get(spec.name, (None,)), *spec.shape[1:])) if spec.shape else spec
        for spec in model.inputs
    )
    fixed = replace(model, inputs=inputs)
    return fixed if not _runs(model) and _runs(fixed) else model


def _runs(model: Model) -> bool:
    try:
        outputs_of(model, TOGETHER - FIRST)
    except (LstmVerifyError, ValueError, LookupError):
        return False
    return True


def outputs_of(model: Model, samples: int) -> list[Array]:
    """What a graph computes of inputs made for it.

    Raises:
        LstmVerifyError, ValueError, LookupError: none can be made, or they do not fit.
    """
    return _outputs(model, random_inputs(model, samples))


def _outputs(model: Model, x: Mapping[str, Array]) -> list[Array]:
    with np.errstate(all="ignore"):
        inputs = tuple(Signal(as_input(spec, x[spec.name])) for spec in model.inputs)
        return [np.asarray(signal.value) for signal in model.apply(inputs, Run())]

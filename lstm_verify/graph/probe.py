"""Probing: cut graphs, run on generated inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lstm_verify.errors import LstmVerifyError
from lstm_verify.graph.batch_axis import axes_of, run
from lstm_verify.graph.samples_first import Axes, arranged
from lstm_verify.inputs import as_input, random_inputs
from lstm_verify.layers import Array
from lstm_verify.model import Input, Model

SAMPLES = 3


def with_samples_first(model: Model, given: Mapping[str, tuple[int, ...]]) -> Model:
    """The model with its samples along the first axes; as it is if they are not known, to be run as a whole.

    Args:
        model: the model of a graph.
        given: the shapes of arrays that are given to it, by name.
    """
    axes = axes_of(model, given)
    if axes is None and given:
        for_given = fitted(model, given)
        axes = axes_of(for_given, given)
        if axes is None and for_given is model:  # what is given may not fit, and then there is an error that says how
            axes = axes_of(model, {})
        model = for_given
    return arranged(model, Axes.unknown(model, given) if axes is None else axes)


def fitted(model: Model, given: Mapping[str, tuple[int, ...]]) -> Model:
    """Return a graph for the batch size of the arrays, if it runs with no other; else the graph itself.

    A tensor inside a graph does not say that a state of zeros further on is made for a number of samples, along its
    first axis or another.
    """
    if _runs(model):
        return model
    for axes in (1, None):
        fixed = replace(model, inputs=tuple(_fixed(spec, given.get(spec.name), axes) for spec in model.inputs))
        if _runs(fixed):
            return fixed
    return model


def _fixed(spec: Input, given: tuple[int, ...] | None, axes: int | None) -> Input:
    """An input with the lengths that an array has along its first axes."""
    if not spec.shape or given is None or len(given) != len(spec.shape):
        return spec
    known = given[:axes]
    return replace(spec, shape=(*known, *spec.shape[len(known) :]))


def _runs(model: Model) -> bool:
    try:
        outputs_of(model, SAMPLES)
    except (LstmVerifyError, ValueError, LookupError):
        return False
    return True


def outputs_of(model: Model, samples: int) -> list[Array]:
    """Return what a graph computes for generated inputs.

    Raises:
        LstmVerifyError, ValueError, LookupError: none can be made, or they do not fit.
    """
    made = random_inputs(model, samples)
    return run(model, [as_input(spec, np.asarray(made[spec.name])) for spec in model.inputs])

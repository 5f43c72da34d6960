"""Checks of the arrays alone, before any hypothesis about the model: what was done to predictions that deviate.

Each look tries one thing that people do to arrays, and names it only if the numbers are then within rounding, in so
many elements that it can be no accident. What is fitted must be overdetermined: a factor and a constant from two
numbers explain nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lstm_verify.arrays import Rows
from lstm_verify.diagnosis.arrays.labels import class_numbers, logits, one_hot, probabilities
from lstm_verify.diagnosis.arrays.not_finite import in_inputs, in_predictions
from lstm_verify.diagnosis.arrays.order import reordered, shifted
from lstm_verify.diagnosis.arrays.other_tensor import of_a_layer, of_another_output
from lstm_verify.diagnosis.arrays.pair import CERTAIN, Agreement, Pair, pairs_of
from lstm_verify.diagnosis.arrays.seen import Seen, joined
from lstm_verify.diagnosis.arrays.shapes import one_step, only_axes_differ, reshaped
from lstm_verify.diagnosis.arrays.values import constant, rounded, scaled
from lstm_verify.model import Model

__all__ = ["Fit", "Pair", "Seen", "look", "pairs_of"]

Found = tuple[Seen, Agreement]
Look = Callable[[Pair], Found | None]

OF_ONE_SHAPE: tuple[Look, ...] = (
    in_predictions,
    constant,
    class_numbers,
    one_hot,
    rounded,
    reshaped,
    logits,
    probabilities,
    reordered,
    shifted,
    scaled,
)
"""For both sides in the same shape, the certain before what needs numbers fitted."""
OF_ANOTHER_SHAPE: tuple[Look, ...] = (class_numbers, reshaped, one_step, reordered)


def look(
    model: Model,
    inputs: Mapping[str, Rows],
    pairs: Sequence[Pair],
) -> Found | None:
    """Detect what was done to the predictions of all outputs that deviate; None if one of them stays unexplained.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        pairs: both sides of its outputs.
    """
    open_pairs = [pair for pair in pairs if not pair.is_aligned or pair.beyond.any()]
    if not open_pairs:
        return None
    found = in_inputs(inputs, pairs)
    if found is not None:
        return found
    causes: list[Found] = []
    for pair in open_pairs:
        cause = _of_pair(pair) or of_another_output(pair, pairs) or of_a_layer(pair, model, inputs)
        if cause is None:
            return None
        causes.append(cause)
    return joined(causes)


def _of_pair(pair: Pair) -> Found | None:
    for look_at in OF_ONE_SHAPE if pair.is_aligned else OF_ANOTHER_SHAPE:
        found = look_at(pair)
        if found is not None:
            return found
    return _of_its_numbers(pair)


def _of_its_numbers(pair: Pair) -> Found | None:
    """What is seen once axes of length 1 are put right."""
    shape = only_axes_differ(pair)
    if shape is None:
        return None
    rest = _of_pair(pair.in_shape(pair.predicted.reshape(pair.replayed.shape)))
    return None if rest is None else joined([(shape[0], CERTAIN), rest])

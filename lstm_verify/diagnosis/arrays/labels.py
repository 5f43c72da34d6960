"""Class predictions in another representation: labels, one-hot rows, or logits for probabilities and vice versa."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.arrays.order import THOSE
from lstm_verify.diagnosis.arrays.pair import CERTAIN, EXACT, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, predictions
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.operations.activations import sigmoid, softmax

FEWEST = 4
"""The choices of a class that have to agree, of which two must be different ones."""
FUNCTION = 4.0
"""The error of a function, in units of half a unit in the last place."""
Function = Callable[[Array], Array]


def class_numbers(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect predictions that are the index of the likeliest class, or a single probability thresholded at one half."""
    p, r = pair.predicted, pair.replayed
    if p.shape == r.shape and r.shape[-1:] == (1,):
        chosen, doubtful = (r > 0.5).astype(float), np.abs(r - 0.5) <= SIGMAS * pair.sigma
        how = "0 or 1 for the probabilities that the weights compute, as these are below or above 0.5"
    elif r.ndim > 1 and r.shape[-1] > 1 and p.shape in (r.shape[:-1], (*r.shape[:-1], 1)):
        chosen, doubtful = r.argmax(axis=-1).reshape(p.shape).astype(float), _ties(pair).reshape(p.shape)
        how = "class numbers: where the largest of the numbers is that the weights compute"
    else:
        return None
    return _of_classes(pair, "argmax", "class numbers", how, p, chosen, doubtful)


def one_hot(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect predictions that are 1 for the likeliest class and 0 for the others."""
    p, r = pair.predicted, pair.replayed
    if not pair.is_aligned or r.ndim < 2 or r.shape[-1] < 2 or not np.isin(p, (0.0, 1.0)).all():
        return None
    if (p.sum(axis=-1) != 1).any():
        return None
    how = "1 for the largest of the numbers that the weights compute, and 0 for the others"
    return _of_classes(pair, "one_hot", "one-hot", how, p.argmax(axis=-1), r.argmax(axis=-1), _ties(pair))


def _ties(pair: Pair) -> Array:
    """Where rounding may make another class the likeliest."""
    first = np.sort(pair.replayed, axis=-1)[..., -2:]
    near: Array = first[..., 1] - first[..., 0] <= 2 * SIGMAS * pair.sigma.max(axis=-1)
    return near


def _of_classes(
    pair: Pair, kind: str, short: str, how: str, p: Array, chosen: Array, doubtful: Array
) -> tuple[Seen, Agreement] | None:
    certain = ~doubtful
    if np.count_nonzero(certain) < FEWEST or len(np.unique(chosen[certain])) < 2 or (p != chosen)[certain].any():
        return None
    advice = "Record the probabilities themselves: classes hide how far they are off."
    return predictions(kind, pair.name, short, how, advice, CERTAIN)


def logits(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect logits where the replay has probabilities."""
    p, r = pair.predicted, pair.replayed
    if not pair.is_aligned or not np.isfinite(p).all() or (r < 0).any() or (r > 1).any():
        return None
    for name, function in _functions(p):
        made = function(p)
        σ = np.sqrt(np.square(pair.sigma) + np.square(EXACT * np.abs(p).max() * made))
        fit = Pair(pair.name, made, p, pair.sigma).fit(r, σ)
        if fit.explains:
            how = f"{THOSE}, before the {name}: logits, and not probabilities"
            advice = f"Compare like with like: apply the {name} to what was predicted, or export the model with it."
            return predictions("logits", pair.name, f"before the {name}", how, advice, fit)
    return None


def probabilities(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect probabilities where the replay has logits."""
    p, r = pair.predicted, pair.replayed
    if not pair.is_aligned or (p < 0).any() or (p > 1).any() or not np.isfinite(r).all():
        return None
    for name, function in _functions(p):
        made = function(r)
        slope = made * (1 - made)
        σ = slope * pair.sigma if name == "sigmoid" else np.sqrt(np.square(pair.sigma).sum(-1, keepdims=True)) * made
        fit = pair.fit(made, np.sqrt(np.square(σ) + np.square(FUNCTION * EXACT * made)))
        if fit.explains:
            how = f"{THOSE}, after a {name}: probabilities, and not logits"
            advice = f"Compare like with like: leave the {name} out of what was predicted, or put it into the model."
            return predictions("probabilities", pair.name, f"after a {name}", how, advice, fit)
    return None


def _functions(p: Array) -> list[tuple[str, Function]]:
    of_rows = [("softmax", softmax)] if p.ndim > 1 and p.shape[-1] > 1 else []
    return [*of_rows, ("sigmoid", sigmoid)]

"""What the arrays alone show: something done to predictions or inputs, with how well that explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lstm_verify.diagnosis.arrays.pair import Agreement
from lstm_verify.diagnosis.changes import Change
from lstm_verify.model import Model

FITTED = {"scaled", "offset", "negated"}
SAME = {"logits", "probabilities", "inner_layer", "one_step", "all_steps"}
"""What a fault of a layer makes of predictions too; those that have numbers of their own, and the others."""


@dataclass(frozen=True)
class Seen(Change):
    """A cause outside the model, which is itself unchanged."""

    words: str = ""
    """A sentence without its end: what the predictions are."""
    advice: str = ""
    """What to do about it, as sentences."""

    @property
    def kind(self) -> str:
        """What was done, such as `permuted`."""
        return self.fault.partition(": ")[2]

    @property
    def is_fitted(self) -> bool:
        """Whether it has fitted numbers, so that a fault without any is the better explanation."""
        return self.kind in FITTED

    @property
    def is_the_same(self) -> bool:
        """Whether a fault of the model that makes these predictions would do so for any input."""
        return self.kind in SAME

    @property
    def has_rivals(self) -> bool:
        """Whether a fault of the model may make such predictions."""
        return self.is_fitted or self.is_the_same or self.kind == "constant"


def predictions(
    kind: str, output: str, behaves_as: str, how: str, advice: str, fit: Agreement
) -> tuple[Seen, Agreement]:
    """Describe predictions that are the replayed values with something done to them.

    Args:
        kind: what was done, such as `permuted`.
        output: the output.
        behaves_as: the same with its numbers, in short.
        how: the same as the end of a sentence that begins "The predictions of … are".
        advice: what to do about it.
        fit: how well that explains the predictions.
    """
    words = f"The predictions of `{output}` are {how}"
    return _seen(f"predictions: {kind}", output, "as replayed", behaves_as, words, advice), fit


def _seen(fault: str, where: str, says: str, behaves_as: str, words: str, advice: str) -> Seen:
    parameter = fault.partition(":")[0]
    return Seen(
        fault,
        (where,),
        parameter,
        says,
        behaves_as,
        unchanged,
        frozenset(),
        words=words,
        advice=advice,
    )


def input_not_finite(name: str, behaves_as: str, words: str) -> Seen:
    """Describe an input with values that are not finite."""
    advice = "Fill or drop such values before predicting, on both sides alike."
    return _seen("input: not_finite", name, "finite numbers", behaves_as, words, advice)


def altered_input(kind: str, name: str, how: str, make: Callable[[Model], Model], tops: frozenset[str]) -> Seen:
    """Describe an input that was altered.

    Args:
        kind: what was done, such as `reversed`.
        name: the input.
        how: the same with its numbers, such as `reversed in time`.
        make: the model that does it by itself.
        tops: the layers of that model which are other ones.
    """
    words = f"The predictions are those that the weights compute for the input `{name}` {how}"
    advice = "Prepare the inputs in the same way for both sides."
    found = _seen(f"input: {kind}", name, "as given", how, words, advice)
    return replace(found, make=make, tops=tops)


def unchanged(model: Model) -> Model:
    """Return the model unchanged."""
    return model


def joined(causes: list[tuple[Seen, Agreement]]) -> tuple[Seen, Agreement]:
    """Combine the causes of several outputs into one."""
    if len(causes) == 1:
        return causes[0]
    first, *others = (cause for cause, _ in causes)
    words = "; ".join([first.words, *(f"{other.words[0].lower()}{other.words[1:]}" for other in others)])
    advice = " ".join(dict.fromkeys(cause.advice for cause, _ in causes))
    parts = tuple(part for cause, _ in causes for part in cause.parts or (cause,))
    fault = " and ".join(dict.fromkeys(part.fault for part in parts))
    paths = tuple(dict.fromkeys(path for part in parts for path in part.layers))
    fits = [fit for _, fit in causes]
    worst = Agreement(
        max(f.sigmas for f in fits),
        max(f.absolute for f in fits),
        min(f.bits for f in fits),
        max(f.left for f in fits),
    )
    return replace(first, fault=fault, layers=paths, words=words, advice=advice, parts=parts), worst

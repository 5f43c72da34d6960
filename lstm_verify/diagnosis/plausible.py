"""Which changes are what frameworks do, of all that are possible."""

from __future__ import annotations

from collections.abc import Iterable

from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.misfit import MOST_ALLOWED, Misfit

GATES = ("sigmoid", "hard_sigmoid")
COMMON: dict[str, tuple[str, ...]] = {
    "recurrent_activation": GATES,
    "activation": ("tanh", "relu", "linear", "sigmoid"),
    "forget_bias": ("1", "-1", "0"),
    "epsilon": ("0.001", "1e-05"),
    "clip": ("none", "3"),
    "weight_precision": ("float16",),
    "kernel_layout": ("rows of [h; x]",),
}
"""By fault, how what a runtime takes for something else begins; all of it, if a fault is not here."""
HANDWRITTEN = {("activation of the output", "linear"), ("activation of the candidate", "sigmoid")}
"""What is forgotten in a part of an LSTM, or taken for that of the gates, by who writes one."""


RARE = ("on the other side", "as many steps up to the end as are kept", "one step at least, in samples")
"""What is met less often than other faults that may look the same, by a part of how it behaves."""
HINT = 0.1
"""What a change may leave of a deviation to be hinted at."""


def rarity(change: Change) -> int:
    """How seldom a change is met, for an order of those that look the same."""
    parts = change.parts or (change,)
    return sum(any(words in part.behaves_as for words in RARE) for part in parts)


def hint(ranking: Iterable[tuple[Change, Misfit]], before: Misfit) -> tuple[Change, Misfit] | None:
    """The change that comes nearest, if frameworks have it and it removes nearly all of the deviation."""
    near = [
        (change, misfit)
        for change, misfit in ranking
        if misfit.mean <= HINT * before.mean and misfit.absolute <= HINT * before.absolute
        if misfit.allowed <= MOST_ALLOWED and all(map(is_common, change.parts or (change,)))
    ]
    return min(near, key=lambda entry: entry[1].mean, default=None)


def is_common(change: Change) -> bool:
    """Whether a change is one that frameworks make, and not only a possible one."""
    if change.fault == "gate_order":  # an order that has a name, of all weights
        return "(" in change.behaves_as and "recurrent_kernel" in (change.parameter or "") and _of_all(change)
    if change.fault == "activation" and change.parameter != "activation":
        return (change.parameter, change.behaves_as) in HANDWRITTEN
    return change.behaves_as.startswith(COMMON[change.fault]) if change.fault in COMMON else True


def _of_all(change: Change) -> bool:
    return (change.parameter or "").startswith("kernel") and (change.parameter or "").count("kernel") == 2

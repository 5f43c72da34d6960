"""The interface of a fault: what a runtime may compute instead of what the file says, and all that is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lstm_verify.faults.edit import Edits

Common = Callable[[str, str], bool]
"""Whether frameworks do it, by what is taken for something else and by what for."""


def begins(*words: str) -> Common:
    """Return a test of whether the description of an edit starts with one of these words."""
    return lambda parameter, behaves_as: behaves_as.startswith(words)


ALWAYS = begins("")


def no_edits(item: Any) -> Edits:
    """No edits, for a fault that is in no single layer; the diagnosis finds it in another way."""
    return iter(())


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Example:
        >>> fault = Fault("forget_bias", no_edits, "Add it once.", is_common=begins("1"))
        >>> fault.is_common("forget_bias", "1"), fault.is_common("forget_bias", "0.37")
        (True, False)
    """

    name: str
    edits: Callable[[Any], Edits]
    """From a layer or a cell to the edits that a faulty runtime makes of it; nothing of one that cannot have it."""
    advice: str
    """What to do about it, for people."""
    is_common: Common = ALWAYS
    """Which of its edits frameworks make, and are not only possible ones."""
    is_departure: bool = False
    """Whether a runtime departs from what the format says: the file is right, and the runtime is not."""
    comes_with: tuple[str, ...] = ()
    """Faults that come together with it: weights of one framework copied into a layer of another."""

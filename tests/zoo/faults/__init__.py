"""The zoo of faults: honest models, and what a real framework predicts that runs them with a fault."""

from __future__ import annotations

from tests.zoo.faults import activations, cells, layout, loading, masks, numerics, several, states, timing
from tests.zoo.faults.case import Case

FAMILIES = (activations, layout, cells, timing, masks, states, numerics, loading, several)


def all_cases() -> list[Case]:
    """Return the cases of all families.

    Raises:
        ValueError: two have one name.
    """
    cases = [case for family in FAMILIES for case in family.CASES]
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))}: two cases of one name")
    return cases

"""All entries of the zoo, by name."""

from __future__ import annotations

from tests.zoo import (
    activations,
    attention,
    bidirectional,
    calls,
    conv_lstm,
    graphs,
    layers,
    masks,
    policies,
    recurrent,
    states,
    three_dimensional,
    two_dimensional,
)
from tests.zoo.entry import Entry


def merge(*families: dict[str, Entry]) -> dict[str, Entry]:
    """Join the families.

    Raises:
        ValueError: two entries have one name.
    """
    merged = {name: entry for family in families for name, entry in family.items()}
    if len(merged) != sum(map(len, families)):
        raise ValueError("two entries of the zoo have the same name, every name should be unique")
    return merged


ENTRIES = merge(
    activations.ENTRIES,
    recurrent.ENTRIES,
    states.ENTRIES,
    bidirectional.ENTRIES,
    masks.ENTRIES,
    layers.ENTRIES,
    two_dimensional.ENTRIES,
    three_dimensional.ENTRIES,
    conv_lstm.ENTRIES,
    attention.ENTRIES,
    calls.ENTRIES,
    graphs.ENTRIES,
    policies.ENTRIES,
)


def entries_of(framework: str) -> dict[str, Entry]:
    """Return the entries that one framework (``keras`` or ``tf_keras``) can build."""
    return {name: entry for name, entry in ENTRIES.items() if entry.only in (None, framework)}

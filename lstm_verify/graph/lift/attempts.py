"""Attempts at cells where nothing says which value is which state: every choice of them is tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

from lstm_verify.graph.lift.expressions import Affine, Form, Key, Leaf, SumFactor
from lstm_verify.graph.lift.gates import Match, RecurrentState, Unlike
from lstm_verify.graph.lift.gru import gru
from lstm_verify.graph.lift.loop_body import unmasked
from lstm_verify.graph.lift.lstm import lstm
from lstm_verify.graph.lift.simple_rnn import simple_rnn


def matches(leaves: list[Leaf], forms: list[Form], taken: set[Key]) -> Iterator[Match]:
    """Try which of the forms may be what has become of which of the leaves, but for those that are taken."""
    for (h, c), (new_h, new_c) in product(permutations(leaves, 2), permutations(forms, 2)):
        if not taken & {h.key, c.key}:
            try:
                match = lstm(_state(h, new_h), _state(c, new_c), "cell")
            except (Unlike, ValueError, IndexError):
                continue
            taken |= {h.key, c.key}
            yield match
    for h, new in product(leaves, forms):
        for recognise in (gru, simple_rnn):
            if h.key not in taken:
                try:
                    match = recognise(_state(h, new), "cell")
                except (Unlike, ValueError, IndexError):
                    continue
                taken.add(h.key)
                yield match


def _state(before: Leaf, after: Form) -> RecurrentState:
    return RecurrentState(before, unmasked(after, before).new, _width(after))


def _width(form: Form) -> int:
    """The number of columns of a form, from the first affine atom in it."""
    for term in form.terms:
        for atom in term.product:
            if isinstance(atom, Affine):
                return atom.width
            inner = [atom.form] if isinstance(atom, SumFactor) else getattr(atom, "arguments", ())
            for each in inner:
                if isinstance(each, Form) and (width := _width(each)):
                    return width
    return 0

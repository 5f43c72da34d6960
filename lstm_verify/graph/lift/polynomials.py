"""Forms as polynomials in their atoms: which part goes with an atom, and what is left if some are numbers.

Groups are opened only where they have what is asked for, so that a pre-activation of several terms stays one factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

import numpy as np

from lstm_verify.graph.lift.expressions import Atom, Form, Key, SumFactor, collected
from lstm_verify.graph.lift.functions import bases_of_atom
from lstm_verify.graph.lift.gates import Gate, Unlike, gate_of

Numbers = Callable[[Atom], float]
"""The number that stands for an atom."""

NOTHING = Form(())
NEGLIGIBLE = 1e-6
"""What rounding leaves of coefficients that cancel: constants of a graph have been float32."""


def linear_in(form: Form, key: Key) -> tuple[Form, Form]:
    """A form as A·x + B, where x is the atom whose form has that key: A and B.

    Raises:
        Unlike: it is not linear in x.
    """
    with_x, rest = NOTHING, Form((), form.constant)
    for term in form.terms:
        factor, free = NOTHING, Form((), term.coefficient)
        for atom in term.product:
            slope, other = _linear_atom(atom, key)
            if slope.terms or slope.constant.any():
                if factor.terms or factor.constant.any():
                    raise Unlike
                factor, free = free * slope, free * other
            else:
                factor, free = factor * other, free * other
        with_x, rest = total([with_x, factor]), total([rest, free])
    return with_x, rest


def _linear_atom(atom: Atom, key: Key) -> tuple[Form, Form]:
    if Form.of(atom).key == key:
        return Form((), np.ones(())), NOTHING
    if isinstance(atom, SumFactor):
        slope, rest = linear_in(atom.form, key)
        if slope.terms or slope.constant.any():
            return slope, rest
    return NOTHING, Form.of(atom)


def at(form: Form, base: Key, numbers: Numbers) -> Form:
    """What is left of a form if each atom that is a function of a quantity, and of nothing else, is a number."""
    left = Form((), form.constant)
    for term in form.terms:
        factors = [_at_atom(atom, base, numbers) for atom in term.product]
        left = total([left, reduce(Form.__mul__, factors, Form((), term.coefficient))])
    return left.opened()


def _at_atom(atom: Atom, base: Key, numbers: Numbers) -> Form:
    if isinstance(atom, SumFactor):
        inner = at(atom.form, base, numbers)
        return Form.of(atom) if inner.key == atom.form.opened().key else inner
    return Form((), np.asarray(numbers(atom))) if bases_of_atom(atom).keys() == {base} else Form.of(atom)


def total(forms: Iterable[Form]) -> Form:
    """A sum, in which affine atoms stay apart."""
    forms = list(forms)
    constant = reduce(np.add, [form.constant for form in forms])
    return Form(collected(term for form in forms for term in form.terms), constant)


def alike(first: Form, second: Form) -> bool:
    """Whether two forms are the same but for rounding."""
    left = total([first, second.scaled(np.asarray(-1.0))])
    return not any(np.any(abs(c) > NEGLIGIBLE) for c in (left.constant, *(term.coefficient for term in left.terms)))


def one_minus(form: Form) -> Form:
    """1 - a form."""
    return form.scaled(np.asarray(-1.0)).plus_constant(np.asarray(1.0))


def interpolated(rest: Form, z: Form, base: Key) -> Form:
    """H of (1 - Z)·H, whatever numbers stand for the parts of Z.

    Raises:
        Unlike: it is no such product.
    """
    for numbers in (lambda atom: 0.0, _drawn(1)):
        left = one_minus(at(z, base, numbers)).constant
        if left.any():
            found = at(rest, base, numbers).scaled(1 / left)
            again = one_minus(at(z, base, _drawn(2))).constant
            if alike(at(rest, base, _drawn(2)), found.scaled(again)):
                return found
    raise Unlike


def _drawn(seed: int) -> Numbers:
    """Random numbers, for an atom always the same."""
    return lambda atom: float(np.random.default_rng((seed, atom.key)).uniform(0.5, 1))


def gate_or_rest(form: Form) -> tuple[Gate, bool]:
    """The gate that a form is; or the gate Z of 1 - Z, and that it is one.

    Raises:
        Unlike: it is neither.
    """
    try:
        return gate_of(form), False
    except Unlike:
        return gate_of(one_minus(form)), True

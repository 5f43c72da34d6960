"""Forms: whatever rewrites them keeps their value, and what is equal in exact arithmetic has one key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lstm_verify.graph.lift.expressions import Affine, Array, Form, FunctionCall, Leaf, forget
from lstm_verify.graph.lift.gates import Unlike
from lstm_verify.graph.lift.polynomials import interpolated, linear_in
from tests.graph.lift.values import value

RNG = np.random.default_rng(0)
LEAVES = {name: RNG.uniform(-1, 1, (5, 3)) for name in ("x", "h", "z")}
MATRICES = [RNG.uniform(-1, 1, (3, 3)) for _ in range(2)]
VECTOR = RNG.uniform(-1, 1, 3)


class Known(NamedTuple):
    """A form, and the value that it should have."""

    form: Form
    value: Array


def leaf(name: str) -> Known:
    return Known(Form.of(Leaf(name)), LEAVES[name])


def mapped(known: Known, matrix: Array) -> Known:
    return Known(Form.of(Affine(((known.form, matrix),), (VECTOR,))), known.value @ matrix + VECTOR)


def combined(children: st.SearchStrategy[Known]) -> st.SearchStrategy[Known]:
    numbers = st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0])
    return st.one_of(
        st.builds(lambda a, b: Known(a.form + b.form, a.value + b.value), children, children),
        st.builds(lambda a, b: Known(a.form * b.form, a.value * b.value), children, children),
        st.builds(lambda a, n: Known(a.form.scaled(np.asarray(n)), a.value * n), children, numbers),
        st.builds(lambda a: Known(a.form.scaled(VECTOR), a.value * VECTOR), children),
        st.builds(lambda a, n: Known(a.form.plus_constant(np.asarray(n)), a.value + n), children, numbers),
        st.builds(lambda a: Known(a.form.plus_constant(VECTOR), a.value + VECTOR), children),
        st.builds(lambda a: Known(Form.of(FunctionCall("tanh", (a.form,))), np.tanh(a.value)), children),
        st.builds(mapped, children, st.sampled_from(MATRICES)),
    )


EXPRESSIONS = st.recursive(st.sampled_from(sorted(LEAVES)).map(leaf), combined, max_leaves=8)


@given(EXPRESSIONS)
def test_a_form_has_the_value_of_what_it_was_made_of(known: Known) -> None:
    assert_allclose(np.broadcast_to(value(known.form, LEAVES), (5, 3)), known.value, rtol=1e-9, atol=1e-9)


@given(EXPRESSIONS)
def test_opened_keeps_the_value(known: Known) -> None:
    opened = known.form.opened()
    assert_allclose(np.broadcast_to(value(opened, LEAVES), (5, 3)), known.value, rtol=1e-9, atol=1e-9)


@given(EXPRESSIONS)
def test_what_is_linear_is_taken_apart(known: Known) -> None:
    x = leaf("x")
    try:
        slope, rest = linear_in(known.form, x.form.key)
    except Unlike:
        return
    assert x.form.key not in {Form.of(atom).key for term in rest.terms for atom in term.product}
    whole = value(slope, LEAVES) * x.value + value(rest, LEAVES)
    assert_allclose(np.broadcast_to(whole, (5, 3)), known.value, rtol=1e-9, atol=1e-9)


def test_a_square_is_not_linear() -> None:
    x = Form.of(Leaf("x"))
    with pytest.raises(Unlike):
        linear_in(x * (x + Form.of(Leaf("y"))), x.key)


@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS)
def test_order_does_not_count(a: Known, b: Known, c: Known) -> None:
    assert (a.form * b.form).key == (b.form * a.form).key
    if not (a.form.affine() or b.form.affine() or c.form.affine()):
        assert (a.form + b.form).key == (b.form + a.form).key


def test_two_ways_to_interpolate_are_one() -> None:
    z, h, c = (Form.of(Leaf(name)) for name in ("z", "h", "c"))
    minus = np.asarray(-1.0)
    one_minus_z = z.scaled(minus).plus_constant(np.asarray(1.0))
    ways = [z * h + one_minus_z * c, c + z * (h + c.scaled(minus))]
    for slope, rest in (linear_in(way, h.key) for way in ways):
        assert slope.key == z.key
        assert interpolated(rest, slope, z.key).key == c.key


def test_biases_are_added_in_float64() -> None:
    biases = tuple(np.array([number], np.float16) for number in (1.0, 0.0004))
    (total,) = Affine(((Form.of(Leaf("x")), MATRICES[0][:, :1]),), biases).bias  # type: ignore[misc]
    assert float(total) == float(biases[0][0]) + float(biases[1][0]) != float(biases[0][0] + biases[1][0])


def test_what_cancels_is_gone() -> None:
    x = Form.of(Leaf("x"))
    assert (x + x.scaled(np.asarray(-1.0))).terms == ()


def test_weights_are_told_apart_by_their_place_and_not_by_their_values() -> None:
    x, twin = Form.of(Leaf("x")), MATRICES[0].copy()
    one, other, again = (Form.of(Affine(((x, matrix),))) for matrix in (MATRICES[0], twin, MATRICES[0]))
    assert one.key == again.key != other.key


def test_columns_are_those_of_the_result() -> None:
    known = mapped(leaf("x"), MATRICES[0])
    atom = known.form.atom
    assert isinstance(atom, Affine)
    assert_allclose(value(Form.of(atom.columns(1, 3)), LEAVES), known.value[:, 1:3])


def test_forms_of_one_thread_are_none_of_another() -> None:
    """Two graphs can be read at once: numbers that one begins anew are kept by the other."""
    others = [Form.of(Leaf(name)).key for name in "xyz"]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(forget).result()
        pool.submit(lambda: Form.of(Leaf("w")).key).result()
    assert [Form.of(Leaf(name)).key for name in "xyz"] == others
    forget()
    assert Leaf("z").key == 0

"""Forms: how a value inside a loop depends on the loop's variables, as a sum of products.

    form  = Σ coefficient · atom · atom · … + constant          elementwise
    atom  = Leaf                a loop variable, an item of a list, or some columns of one
          | Affine              Σ form @ matrix + bias, what makes a pre-activation
          | Call                any other operation, on forms
          | Group               a sum as one factor

Terms that are equal but for their coefficients are one, so that what cancels is gone. A sum is not multiplied out: as a
factor it is a `SumFactor`, so that `i·(a + |a|)` stays a product of two gates. What depends on where the brackets are,
such as that `z·h + (1-z)·c` and `c + z·(h-c)` are the same, is up to `polynomials`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


Key = int
"""The number of a form or an atom; two of equal numbers are equal."""

_numbers: ContextVar[dict[Hashable, Key] | None] = ContextVar("_numbers", default=None)
"""Of one lifting; a thread has its own."""


def forget() -> None:
    """Begin to number anew: no form of before is compared with one of after."""
    _numbers.set({})


def _number(content: Hashable) -> Key:
    """The number of some content, made of the numbers of its parts: equal forms are found equal without descending."""
    known = _numbers.get()
    if known is None:
        _numbers.set(known := {})
    return known.setdefault(content, len(known))


@dataclass(frozen=True, eq=False)
class Leaf:
    """A loop variable, or an item of a list; all its columns, or those from `start` to `stop`."""

    name: str
    start: int = 0
    stop: int | None = None

    @cached_property
    def key(self) -> Key:
        return _number(("leaf", self.name, self.start, self.stop))

    def columns(self, start: int, stop: int) -> Leaf:
        """Some of its columns."""
        return Leaf(self.name, self.start + start, self.start + stop)


@dataclass(frozen=True, eq=False)
class Item(Leaf):
    """An item of a list, or the part of a tensor at one place of an axis; the loop variable `index` says which."""

    items: str = ""
    """The loop variable that is the list, or the tensor."""
    index: str = ""
    axis: int | None = None
    """The axis of the tensor; None of a list."""

    @classmethod
    def at(cls, items: str, index: str, axis: int | None = None) -> Item:
        """The item of `items` at `index`."""
        along = "" if axis is None else f"axis {axis}: "
        return cls(f"{items}[{along}{index}]", items=items, index=index, axis=axis)


@dataclass(frozen=True, eq=False)
class Affine:
    """Σ form @ matrix + Σ bias."""

    maps: tuple[tuple[Form, Array], ...]
    biases: tuple[Array, ...] = ()

    @cached_property
    def key(self) -> Key:
        maps = sorted((form.key, place_of(matrix)) for form, matrix in self.maps)
        return _number(("affine", tuple(maps), tuple(sorted(map(place_of, self.biases)))))

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.maps[0][1].shape[1])

    @property
    def bias(self) -> Array | None:
        """The sum of the biases, in float64 if there are several, since none of them was rounded to their sum."""
        if len(self.biases) < 2:
            return self.biases[0] if self.biases else None
        return np.asarray(np.sum(self.biases, axis=0, dtype=np.float64))

    def columns(self, start: int, stop: int) -> Affine:
        """Some columns of the result."""
        maps = tuple((form, matrix[:, start:stop]) for form, matrix in self.maps)
        return Affine(maps, tuple(bias[start:stop] for bias in self.biases))

    def plus(self, other: Affine) -> Affine:
        """The sum; maps of the same form stay apart, as they may be."""
        return Affine(self.maps + other.maps, self.biases + other.biases)


@dataclass(frozen=True, eq=False)
class FunctionCall:
    """An operation that is neither arithmetic nor a product with a matrix."""

    operation: str
    arguments: tuple[Any, ...]
    """Forms, constant arrays, or other constants."""
    options: Mapping[str, Any] = field(default_factory=dict)
    output: int = 0

    @cached_property
    def key(self) -> Key:
        arguments = tuple(_argument_key(argument) for argument in self.arguments)
        return _number(("call", self.operation, arguments, repr(sorted(self.options.items())), self.output))


@dataclass(frozen=True, eq=False)
class SumFactor:
    """A sum as one factor of a product."""

    form: Form

    @cached_property
    def key(self) -> Key:
        return _number(("group", self.form.key))


Atom = Leaf | Affine | FunctionCall | SumFactor
Product = tuple[Atom, ...]


@dataclass(frozen=True, eq=False)
class Term:
    """A product with its coefficient, a number or one for every column."""

    product: Product
    coefficient: Array

    @cached_property
    def key(self) -> Hashable:
        """Equal for terms that differ in their coefficients only."""
        return _product_key(self.product)


@dataclass(frozen=True, eq=False)
class Form:
    """A sum of terms and a constant, a number or one for every column."""

    terms: tuple[Term, ...]
    constant: Array = field(default_factory=lambda: np.zeros(()))

    def __post_init__(self) -> None:
        if not self.constant.any():  # no constant is 0, not a row of zeros
            object.__setattr__(self, "constant", np.zeros(()))

    @classmethod
    def of(cls, atom: Atom) -> Form:
        """A form of one atom."""
        return cls((Term((atom,), np.ones(())),))

    @cached_property
    def key(self) -> Key:
        terms = frozenset((term.key, _value(term.coefficient)) for term in self.terms)
        return _number(("form", terms, _value(self.constant)))

    @property
    def atom(self) -> Atom | None:
        """The atom that the form is, if it is no more than one."""
        if len(self.terms) != 1 or self.constant.any() or len(self.terms[0].product) != 1:
            return None
        term = self.terms[0]
        return term.product[0] if term.coefficient.ndim == 0 and term.coefficient == 1 else None

    def affine(self) -> Term | None:
        """The term that is an affine atom with coefficient 1, if there is one."""
        for term in self.terms:
            if len(term.product) == 1 and isinstance(term.product[0], Affine) and _is_one(term.coefficient):
                return term
        return None

    def __add__(self, other: Form) -> Form:
        mine, theirs = self.affine(), other.affine()
        if mine and theirs:
            joined = Term((_affine(mine).plus(_affine(theirs)),), np.ones(()))
            rest = [t for t in (*self.terms, *other.terms) if t is not mine and t is not theirs]
            return Form(collected([joined, *rest]), self.constant + other.constant)
        return Form(collected([*self.terms, *other.terms]), self.constant + other.constant)

    def plus_constant(self, constant: Array) -> Form:
        """The form plus a constant; a vector goes to the bias of an affine atom, a number stays beside it."""
        mine = self.affine()
        if mine is None or constant.ndim == 0:
            return Form(self.terms, self.constant + constant)
        old = _affine(mine)
        bias = np.broadcast_to(constant, (old.width,)) if constant.shape != (old.width,) else constant
        joined = Term((Affine(old.maps, (*old.biases, bias)),), np.ones(()))
        return Form(tuple(joined if term is mine else term for term in self.terms), self.constant)

    def scaled(self, factor: Array) -> Form:
        """The form times a number, or times one for every column; several terms have it in common."""
        if np.all(factor == 1) or not np.any(factor):
            return self if np.any(factor) else Form(())
        if factor.ndim and len(self.terms) > 1:
            return Form.of(SumFactor(self)).scaled(factor)
        return Form(tuple(Term(t.product, t.coefficient * factor) for t in self.terms), self.constant * factor)

    def __mul__(self, other: Form) -> Form:
        for constant, form in ((self, other), (other, self)):
            if not constant.terms:
                return form.scaled(constant.constant)
        left, right = self._factor(), other._factor()
        product = _sorted((*left.product, *right.product))
        return Form((Term(product, left.coefficient * right.coefficient),))

    def _factor(self) -> Term:
        """The form as a factor: its only term, or a group of all it has."""
        if len(self.terms) == 1 and not self.constant.any():
            return self.terms[0]
        return Term((SumFactor(self),), np.ones(()))

    def opened(self) -> Form:
        """The form with the terms of a group in place of the group, where it is a summand and no factor."""
        total = Form((), self.constant)
        for term in self.terms:
            (atom, *others) = term.product or (None,)
            inner = Form((term,))
            if isinstance(atom, SumFactor) and not others and not term.coefficient.ndim:
                inner = atom.form.opened().scaled(term.coefficient)
            total = Form(collected([*total.terms, *inner.terms]), total.constant + inner.constant)
        return total


def _affine(term: Term) -> Affine:
    atom = term.product[0]
    assert isinstance(atom, Affine)
    return atom


def leaves(form: Form) -> Iterator[Leaf]:
    """Every leaf that a form depends on."""
    for term in form.terms:
        for atom in term.product:
            if isinstance(atom, Leaf):
                yield atom
            for inner in inside(atom):
                yield from leaves(inner)


def inside(atom: Atom) -> list[Form]:
    """The forms that an atom is made of."""
    match atom:
        case Affine():
            return [form for form, _ in atom.maps]
        case SumFactor():
            return [atom.form]
        case FunctionCall():
            return [argument for argument in atom.arguments if isinstance(argument, Form)]
    return []


def collected(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms with equal products joined; those that cancel are gone."""
    found: dict[Hashable, Term] = {}
    for term in terms:
        before = found.get(term.key)
        found[term.key] = Term(term.product, before.coefficient + term.coefficient) if before else term
    return tuple(term for term in found.values() if np.any(term.coefficient))


def _sorted(product: Product) -> Product:
    return tuple(sorted(product, key=lambda atom: atom.key))


def _product_key(product: Product) -> Hashable:
    counts: dict[Hashable, int] = {}
    for atom in product:
        counts[atom.key] = counts.get(atom.key, 0) + 1
    return frozenset(counts.items())


def _is_one(coefficient: Array) -> bool:
    return coefficient.ndim == 0 and bool(coefficient == 1)


def place_of(array: Array) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Where an array is in memory: weights are the same if they lie in the same place."""
    return (array.__array_interface__["data"][0], array.shape, array.strides)


def _value(array: Array) -> Hashable:
    return (array.shape, array.tobytes())


def _argument_key(argument: Any) -> Hashable:
    if isinstance(argument, Form):
        return argument.key
    return _value(argument) if isinstance(argument, np.ndarray) else repr(argument)

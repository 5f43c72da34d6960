"""Functions of whole arrays: those that only move elements, and those that reduce them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import Array
from lstm_verify.rounded import Rounded, discrete
from lstm_verify.rounded.array_functions import JOINING, MOVING
from lstm_verify.rounded.array_functions import RULES as REDUCING
from tests.rounded.sampling import SIGMA, Uncertain, agree, uncertain

WINDOWS = np.lib.stride_tricks.sliding_window_view
ORDER = np.array([[2, 0, 1], [0, 0, 3]])
MOVES: dict[Any, tuple[Callable[[Any], Any], ...]] = {
    np.reshape: (lambda x: np.reshape(x, (3, -1)), lambda x: x.reshape(6, 4), lambda x: x.reshape((2, 12))),
    np.ravel: (np.ravel, lambda x: x.ravel()),
    np.transpose: (
        np.transpose,
        lambda x: np.transpose(x, (1, 0, 2)),
        lambda x: x.transpose(2, 0, 1),
        lambda x: x.T,
    ),
    np.moveaxis: (lambda x: np.moveaxis(x, 0, -1),),
    np.swapaxes: (lambda x: np.swapaxes(x, 0, 2), lambda x: x.swapaxes(0, 1)),
    np.squeeze: (lambda x: np.squeeze(x[:1], 0),),
    np.expand_dims: (lambda x: np.expand_dims(x, 1), lambda x: x[:, None]),
    np.broadcast_to: (lambda x: np.broadcast_to(x[:1], (5, 3, 4)),),
    np.flip: (np.flip, lambda x: np.flip(x, axis=1)),
    np.roll: (lambda x: np.roll(x, 1, axis=1),),
    np.tile: (lambda x: np.tile(x, (1, 2, 1)),),
    np.repeat: (lambda x: np.repeat(x, 3, axis=1),),
    np.take: (lambda x: np.take(x, [2, 0, 2], axis=1),),
    np.take_along_axis: (lambda x: np.take_along_axis(x[..., 0], ORDER % 3, axis=1),),
    np.split: (lambda x: np.split(x, 2, axis=-1)[1], lambda x: np.split(x, [1], axis=1)[1]),
    np.array_split: (lambda x: np.array_split(x, 3, axis=-1)[2],),
    np.copy: (np.copy, lambda x: x.copy()),
    np.diagonal: (lambda x: np.diagonal(x, axis1=1, axis2=2),),
    np.atleast_1d: (lambda x: np.atleast_1d(x[0, 0]),),
    np.atleast_2d: (lambda x: np.atleast_2d(x[0, 0]),),
    np.tril: (np.tril,),
    np.triu: (lambda x: np.triu(x, 1),),
    WINDOWS: (lambda x: WINDOWS(x, 2, axis=1),),
    np.concatenate: (lambda x: np.concatenate([x[:1], x, np.zeros((1, 3, 4))]),),
    np.stack: (lambda x: np.stack([x, x[::-1]], axis=1),),
    np.vstack: (lambda x: np.vstack([x, x]),),
    np.hstack: (lambda x: np.hstack([x, np.zeros((2, 1, 4)), x]),),
    np.where: (
        lambda x: np.where(np.arange(4) < 2, x, 0),
        lambda x: np.where(np.arange(4) < 2, 0.0, x),
        lambda x: np.where(np.arange(3)[:, None] < 1, x, x[:, ::-1]),
    ),
    np.pad: (
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 0))),
        lambda x: np.pad(x, 1, mode="reflect"),
        lambda x: np.pad(x, 1, mode="edge"),
    ),
    "indexing": (
        lambda x: x[1],
        lambda x: x[..., -1],
        lambda x: x[:, ::-1],
        lambda x: x[[1, 0, 1]],
        lambda x: x[np.arange(2) > 0],
        lambda x: next(iter(x)),
    ),
}


def marked(shape: tuple[int, ...] = (2, 3, 4), seed: int = 0) -> Any:
    """Each element's variance is its square: wherever the element goes, one can see whether its variance came along."""
    values = np.random.default_rng(seed).standard_normal(shape)
    return Rounded(values, np.square(values))


@pytest.mark.parametrize("function", MOVES, ids=lambda f: f if isinstance(f, str) else f.__name__)
def test_variances_move_with_their_values(function: Any) -> None:
    for move in MOVES[function]:
        x = marked()
        found = move(x)
        assert isinstance(found, Rounded)
        assert found.value.tolist() == move(x.value).tolist()
        assert found.variances().tolist() == np.square(move(x.value)).tolist()


@pytest.mark.parametrize("function", MOVES, ids=lambda f: f if isinstance(f, str) else f.__name__)
def test_what_is_exact_stays_exact(function: Any) -> None:
    for move in MOVES[function]:
        found = move(Rounded(marked().value))
        assert (found.variances() == 0).all()


def test_every_moving_function_is_tried_here() -> None:
    assert {*MOVING, *JOINING} <= set(MOVES)


def test_all_parts_of_a_split() -> None:
    for split in (np.split, np.array_split):
        parts = split(marked(), 2, axis=2)
        assert [part.shape for part in parts] == [(2, 3, 2)] * 2
        assert np.concatenate([part.variances() for part in parts], 2).tolist() == marked().variances().tolist()
    assert [part.shape for part in np.split(Rounded(np.ones(4)), 2)] == [(2,), (2,)]


shapes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
steps = st.lists(st.sampled_from(["flip", "swap", "roll", "pad", "repeat", "reshape", "join", "where"]), max_size=6)


@given(shapes, steps, st.integers(0, 99))
def test_variances_stay_with_their_values_through_any_moves(
    shape: tuple[int, int, int], names: list[str], seed: int
) -> None:
    x = marked(shape, seed)
    moves: dict[str, Callable[[Any], Any]] = {
        "flip": lambda a: np.flip(a, axis=seed % 3),
        "swap": lambda a: np.swapaxes(a, 0, seed % 3),
        "roll": lambda a: np.roll(a, seed, axis=1),
        "pad": lambda a: np.pad(a, ((0, 0), (1, 0), (0, 0))),
        "repeat": lambda a: np.repeat(a[:, :1], 2, axis=1),
        "reshape": lambda a: a.reshape(1, -1, a.shape[2]),
        "join": lambda a: np.concatenate([a[:1], np.zeros_like(a[:1])]),
        "where": lambda a: np.where(np.arange(a.shape[1])[:, None] % 2 == 0, a, a[:, ::-1]),
    }
    for name in names:
        x = moves[name](x)
    np.testing.assert_array_equal(x.variances(), np.square(x.value))


def test_elements_can_be_set() -> None:
    x, new = marked(), marked((3, 4), seed=5)
    x[1], x[0, 0, 0] = new, 7.0
    assert x.value[1].tolist() == new.value.tolist()
    assert x.variances()[1].tolist() == new.variances().tolist()
    assert (x.value[0, 0, 0], x.variances()[0, 0, 0]) == (7.0, 0.0)
    assert x.variances()[0, 1].tolist() == np.square(x.value[0, 1]).tolist()


def test_elements_of_an_exact_array_can_be_set() -> None:
    x, new = Rounded(np.zeros((2, 3))), marked((3,))
    x[0] = new
    assert x.variances().tolist() == [new.variances().tolist(), [0, 0, 0]]


def test_an_empty_array_of_the_kind_has_no_error() -> None:
    found = np.empty_like(marked(), shape=(2, 5))
    assert isinstance(found, Rounded)
    found[:, 0] = 1.0
    assert (found.variances() == 0).all()


# ------------------------------------------------------------------------------------------------- reductions

REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "sum over an axis": lambda x: np.sum(x, axis=1),
    "sum over two axes": lambda x: x.sum(axis=(0, 2), keepdims=True),
    "sum of some": lambda x: np.sum(x, axis=2, where=np.arange(12) < 5),
    "einsum of one": lambda x: np.einsum("abc->ca", x),
    "mean": lambda x: np.mean(x, axis=1, keepdims=True),
    "mean by its method": lambda x: x.mean(axis=(0, 1)),
    "var": lambda x: np.var(x, axis=-1),
    "var by its method": lambda x: x.var(axis=-1),
    "cumsum": lambda x: np.cumsum(x, axis=2),
    "prod": np.prod,
    "prod over an axis": lambda x: np.prod(x, axis=1),
    "prod over two axes": lambda x: np.prod(x, axis=(0, 2), keepdims=True),
    "cumprod": lambda x: np.cumprod(x, axis=2),
    "max": lambda x: np.max(x, axis=-1),
    "max by its method": lambda x: x.max(axis=1),
    "min": lambda x: np.min(x, axis=1, keepdims=True),
    "min by its method": lambda x: x.min(axis=-1),
    "sort": lambda x: np.sort(x, axis=1),
    "sort the last axis": np.sort,
    "clip": lambda x: np.clip(x, -50.0, 50.0),
    "clip from below": lambda x: np.clip(x, -50.0, None),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    x = uncertain(3, 4, 12)
    agree(REDUCTIONS[name], Uncertain(x.value, np.full(x.value.shape, SIGMA)))


@pytest.mark.parametrize("name", ["sum", "sum over an axis", "cumsum", "prod", "cumprod", "max", "min", "sort"])
def test_reductions_of_unequal_errors(name: str) -> None:
    agree(REDUCTIONS[name], uncertain(3, 4, 12))


def test_whole_numbers_are_counted_without_an_error() -> None:
    """Float32 adds whole numbers exactly as long as their sum is at most 2²⁴."""
    counted, beyond = np.array([[1.0, 0.0, 1.0]]), np.array([[2.0**24, 1.0, 1.0]])
    for numbers, is_exact in ((counted, True), (counted / 3, False), (beyond, False)):
        exact = float(np.sum(numbers, dtype=np.float32)) == float(np.sum(np.float64(np.float32(numbers))))
        assert exact or not is_exact
        assert (np.sum(Rounded(numbers), axis=1).variances() == 0).all() == is_exact
    in_doubt = Uncertain(counted, np.full(counted.shape, SIGMA)).rounded()
    assert (np.sum(in_doubt, axis=1).variances() > 0).all()


def test_what_is_cut_off_has_no_error_left() -> None:
    x = Uncertain(np.array([-3.0, 0.0, 3.0]), np.full(3, SIGMA))
    np.testing.assert_allclose(np.sqrt(np.clip(x.rounded(), -1, 1).variances()), [0, SIGMA, 0])


@pytest.mark.parametrize("pick", [np.max, np.min])
def test_the_extreme_among_nearly_equal_ones_has_the_largest_error(pick: Callable[..., Any]) -> None:
    values = np.array([[1.0, 1.0 + 5 * SIGMA, 1.0 - 5 * SIGMA], [0.0, 5.0, -5.0]])
    x = Uncertain(values, np.array([[3.0, 1.0, 1.0], [3.0, 1.0, 1.0]]) * SIGMA)
    np.testing.assert_allclose(np.sqrt(pick(x.rounded(), axis=1).variances()), np.array([3, 1]) * SIGMA)


def test_rounding_to_whole_numbers() -> None:
    found = np.round(Rounded(np.array([1.4, 2.6]), np.square([1e-5, 1e-5])))
    assert found.value.tolist() == [1, 3]


def test_every_reduction_is_tried() -> None:
    tried = {np.sum, np.mean, np.var, np.max, np.min, np.amax, np.amin, np.sort, np.cumsum, np.clip, np.pad, np.round}
    tried |= {np.prod, np.cumprod}
    assert set(REDUCING) <= tried | {np.empty_like, np.einsum, np.tensordot, np.dot} | set(discrete.RULES)


# --------------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    "attempt",
    [np.median, np.linalg.norm, np.fft.fft, np.ptp, np.diff, lambda x: np.percentile(x, 50)],
)
def test_functions_without_a_rule(attempt: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="rounding errors have no rule"):
        attempt(marked())


@pytest.mark.parametrize("forget", [np.asarray, np.array, lambda x: np.array(x, float), lambda x: np.asarray(x, int)])
def test_errors_are_not_forgotten(forget: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="would lose them"):
        forget(marked())
    assert np.asarray(Rounded(np.array([1.5]))).tolist() == [1.5]


def test_what_only_looks_at_values() -> None:
    x = Rounded(marked().value, np.full((2, 3, 4), 1e-20))
    assert np.shape(x) == x.shape == (2, 3, 4)
    assert (np.ndim(x), np.size(x), len(x), x.ndim, x.size) == (3, 24, 2, 3, 24)
    assert np.argmax(x, axis=1).tolist() == x.value.argmax(axis=1).tolist()
    assert np.argsort(x).tolist() == np.argsort(x.value).tolist()
    assert bool(np.any(x > 0))
    assert x[0, 0, 0].item() == x.value[0, 0, 0]
    assert np.zeros_like(x).tolist() == np.zeros((2, 3, 4)).tolist()


def test_types_of_floats_keep_the_errors_and_others_do_not() -> None:
    x = Rounded(marked().value, np.full((2, 3, 4), 1e-20))
    assert x.astype("float32") is x
    found: Array = x.astype(int)
    assert found.tolist() == x.value.astype(int).tolist()

"""The operations of graphs where no framework is needed to know what is right; `tests/formats` has the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import InputError
from lstm_verify.operations import OPERATIONS, TensorList
from lstm_verify.operations.cells import IFCO
from lstm_verify.operations.lists import shape_of
from tests.builders import random_array

ARRAY_2 = np.array([3, 5], np.int32)


def op(name: str, *arguments: Any, **options: Any) -> Any:
    return OPERATIONS[name](*arguments, **options)


@given(st.integers(-50, 50), st.integers(-50, 50).filter(bool))
def test_quotients_of_integers(x: int, y: int) -> None:
    a, b = np.int32(x), np.int32(y)
    assert op("floor_divide", a, b) == x // y
    assert op("floor_mod", a, b) == x % y
    assert op("divide_toward_zero", a, b) == int(x / y)
    assert op("mod_toward_zero", a, b) == math.fmod(x, y)


@pytest.mark.parametrize("name", ["floor_divide", "floor_mod", "divide_toward_zero", "mod_toward_zero"])
def test_an_integer_is_not_divided_by_zero(name: str) -> None:
    with pytest.raises(InputError, match="divided by zero"):
        op(name, ARRAY_2, np.array([1, 0], np.int32))


@pytest.mark.parametrize(
    "name",
    ["add", "subtract", "multiply", "floor_divide", "divide_toward_zero", "floor_mod", "mod_toward_zero", "maximum"],
)
def test_integers_stay_integers(name: str) -> None:
    assert op(name, ARRAY_2, np.int32(2)).dtype == np.int32
    assert np.asarray(op(name, np.int32(7), np.int32(2))).dtype == np.int32


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean"])
def test_reductions_of_integers_are_integers(name: str) -> None:
    assert op(name, ARRAY_2, np.array(0)).dtype == np.int32


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 12))
def test_the_largest_from_the_largest_down_and_of_equals_the_first(values: list[int], k: int) -> None:
    k = min(k, len(values))
    top, places = op("top_k", np.array(values, np.float64), np.array(k))
    wanted = sorted(range(len(values)), key=lambda place: -values[place])[:k]
    assert places.tolist() == wanted
    assert top.tolist() == [values[place] for place in wanted]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_reversing_a_sequence_twice_changes_nothing(lengths: list[int]) -> None:
    x, counts = random_array(len(lengths), 4, 2), np.array(lengths)
    once = op("reverse_sequence", x, counts, axis=1)
    assert_array_equal(op("reverse_sequence", once, counts, axis=1), x)
    for sample, length in enumerate(lengths):
        assert_array_equal(once[sample, :length], x[sample, :length][::-1])
        assert_array_equal(once[sample, length:], x[sample, length:])


def test_space_goes_to_batch_and_back() -> None:
    x, block, widths = random_array(2, 6, 5, 3), np.array([2, 3]), np.array([[1, 1], [0, 1]])
    there = op("space_to_batch", x, block, widths)
    assert there.shape == (12, 4, 2, 3)
    assert_array_equal(op("batch_to_space", there, block, widths), x)


def test_gates_may_be_in_another_order() -> None:
    x, h, c = random_array(5, 2, 3), random_array(2, 4), random_array(2, 4)
    kernel, bias, peepholes = random_array(7, 16), random_array(16), [random_array(4, seed=n) for n in range(3)]
    i, f, g, o = np.split(np.arange(16), 4)
    one = op("lstm_block", np.array(5), x, c, h, kernel, *peepholes, bias)
    order = np.concatenate([i, g, f, o])
    other = op("lstm_block", np.array(5), x, c, h, kernel[:, order], *peepholes, bias[order], order=IFCO)
    for ours, theirs in zip(one, other, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12)


def test_choose_takes_a_whole_value() -> None:
    items = TensorList()
    assert op("choose", np.array(True), items, None) is items
    assert op("choose", np.array(False), items, ARRAY_2) is ARRAY_2


@pytest.mark.parametrize("name", ["random_uniform", "random_normal", "random_truncated_normal"])
def test_random_numbers_are_always_the_same(name: str) -> None:
    first, again = (op(name, np.array([40, 50]), dtype="float64") for _ in range(2))
    assert_array_equal(first, again)
    assert first.std() > 0.2
    assert op(name, np.array([2]), dtype="float32").dtype == np.float32


ITEMS = TensorList((np.ones(2), None), (2,), "float64", grows=False)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("index 5 at .* expected 0 to 1", lambda: op("gather", ARRAY_2, np.array([0, 5]))),
        ("index -1 at .* expected 0 to 1", lambda: op("gather", ARRAY_2, np.array([-1]))),
        ("index 2 at .* expected 0 to 1", lambda: op("gather_nd", ARRAY_2, np.array([[2]]))),
        ("index -1 at", lambda: op("scatter_nd", np.array([[-1]]), np.ones(1), np.array([3]))),
        ("index 3 at", lambda: op("scatter_update", np.ones(3), np.array([[3]]), np.ones(1))),
        ("slice from 1 to 4", lambda: op("slice_sizes", ARRAY_2, np.array([1]), np.array([3]))),
        (
            "out of bounds",
            lambda: op("slices", ARRAY_2, np.array([2]), np.array([3]), np.array([1]), indices=(0,)),
        ),
        (r"split into \[1, 2\]", lambda: op("split_sizes", ARRAY_2, np.array([1, 2]), axis=0)),
        ("the 3 largest elements of 2", lambda: op("top_k", ARRAY_2, np.array(3))),
        ("item 2 of a list of 2", lambda: op("list_get", ITEMS, np.array(2))),
        ("item -1 of a list of 2", lambda: op("list_get", ITEMS, np.array(-1))),
        ("item 2 of a list of 2", lambda: op("list_set", ITEMS, np.array(2), np.ones(2))),
        ("item 7 of a list of 2", lambda: op("list_scatter_into", ITEMS, np.ones((1, 2)), np.array([7]))),
        ("item -1 of a list of 0", lambda: op("list_pop_back", TensorList())),
        ("item 2 of a list of 2", lambda: op("list_at", ITEMS, np.array(2))),
        ("item -3 of a list of 2", lambda: op("list_at", ITEMS, np.array(-3))),
        ("item 3 of a list of 2", lambda: op("list_insert", ITEMS, np.ones(2), np.array(3))),
        ("item -1 of a list of 0", lambda: op("list_erase", TensorList())),
        ("index -3 at .* expected 0 to 1", lambda: op("gather", ARRAY_2, np.array([-5]), from_end=True)),
        ("index 2 at", lambda: op("take_along_axis", ARRAY_2, np.array([2]))),
        ("index 2 at", lambda: op("put_along_axis", ARRAY_2, np.array([2]), np.ones(1))),
        ("index -1 at", lambda: op("scatter_update", np.ones(3), np.array([[-4]]), np.ones(1), from_end=True)),
        ("the 3 smallest elements of 2", lambda: op("top_k", ARRAY_2, np.array([3]), is_largest=False)),
        ("never set", lambda: op("list_get", TensorList((None,)), np.array(0))),
        ("never set", lambda: op("list_stack", TensorList((None,), (None, 2)), shape=(3, None, 2))),
    ],
)
def test_what_is_not_there_is_an_error(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(InputError, match=message):
        call()


@given(st.lists(st.tuples(st.integers(-3, 2), st.integers(0, 1), st.integers(-4, 4)), max_size=8))
@pytest.mark.parametrize(
    ("reduction", "combine"),
    [
        ("none", lambda old, new: new),
        ("add", lambda old, new: old + new),
        ("mul", lambda old, new: old * new),
        ("max", max),
        ("min", min),
    ],
)
def test_what_is_put_at_one_place_comes_in_turn(
    reduction: str, combine: Callable[[float, float], float], puts: list[tuple[int, int, int]]
) -> None:
    x = random_array(3, 2)
    wanted = x.copy()
    for row, column, value in puts:
        wanted[row, column] = combine(wanted[row, column], value)
    positions = np.array([put[:2] for put in puts], np.int64).reshape(-1, 2)
    values = np.array([put[2] for put in puts], np.float64)
    rows = np.where(positions < 0, positions + 3, positions)
    found = op("scatter_update", x, rows, values, reduction=reduction)
    assert_allclose(found, wanted)
    assert_array_equal(op("scatter_update", x, positions, values, reduction=reduction, from_end=True), found)
    one_by_one = x
    for (row, column), value in zip(positions, values, strict=True):  # the same, along an axis
        place, new = np.full((1, 2), row), np.array([[value, value]])
        changed = op("put_along_axis", one_by_one, place, new, reduction=reduction)
        one_by_one = np.where(np.arange(2) == column, changed, one_by_one)
    assert_allclose(one_by_one, wanted)


@given(st.integers(1, 12), st.integers(1, 5))
def test_parts_of_equal_length_but_for_the_last(length: int, parts: int) -> None:
    found = op("split_evenly", np.arange(length), parts=parts)
    sizes = [len(part) for part in found]
    assert len(sizes) == parts
    assert_array_equal(np.concatenate(found), np.arange(length))
    assert all(size == min(max(sizes), max(length - n * max(sizes), 0)) for n, size in enumerate(sizes))


@given(st.integers(-7, 7), st.integers(-7, 7), st.sampled_from([-2, -1, 1, 3]))
def test_slices_of_some_axes(start: int, stop: int, step: int) -> None:
    x = random_array(2, 5, 3)
    found = op("slices_of_axes", x, np.array([start]), np.array([stop]), np.array([-2]), np.array([step]))
    assert_array_equal(found, x[:, slice(max(start, -5), stop, step)])


def test_depth_goes_to_space_and_back() -> None:
    x = random_array(2, 12, 3, 2)
    for depth_first in (False, True):
        there = op("depth_to_space", x, block=2, depth_first=depth_first)
        assert there.shape == (2, 3, 6, 4)
        assert_array_equal(op("space_to_depth", there, block=2, depth_first=depth_first), x)


def test_padding_may_be_negative_and_of_some_axes_only() -> None:
    x = random_array(3, 4)
    found = op("pad_axes", x, np.array([[-1, 2]]), np.array([0.5]), np.array([-1]))
    assert_array_equal(found, np.pad(x[:, 1:], [(0, 0), (0, 2)], constant_values=0.5))


def test_a_list_is_a_value() -> None:
    changed = op("list_set", ITEMS, np.array(1), np.full(2, 5.0))
    assert ITEMS.items[1] is None
    assert_array_equal(op("list_stack", changed), [[1, 1], [5, 5]])
    assert_array_equal(op("list_stack", ITEMS), [[1, 1], [0, 0]])
    assert len(op("list_push_back", ITEMS, np.ones(2)).items) == 3
    assert len(ITEMS.items) == 2


def test_a_list_cut_from_a_tensor_is_stacked_without_a_copy_until_it_changes() -> None:
    x = random_array(3, 2)
    items = op("list_from_tensor", x)
    assert op("list_stack", items) is x
    assert_array_equal(op("list_gather", items, np.array([0, 1, 2])), x)
    assert_array_equal(op("list_gather", items, np.array([2, 0])), x[[2, 0]])
    changed = op("list_set", items, np.array(1), np.zeros(2))
    assert_array_equal(op("list_stack", changed), x * [[1], [0], [1]])
    shorter, _ = op("list_pop_back", items)
    assert_array_equal(op("list_stack", shorter), x[:2])
    longer = op("list_push_back", items, np.ones(2))
    assert_array_equal(op("list_stack", longer), [*x, [1, 1]])


def test_a_tensor_scattered_in_order_is_the_list() -> None:
    x = random_array(3, 2)
    for indices in ([0, 1, 2], [2, 0, 1]):
        items = op("list_scatter", x, np.array(indices), np.array(-1))
        assert_array_equal(op("list_stack", items), x[np.argsort(indices)])
    assert len(op("list_scatter", x, np.array([0, 4, 1])).items) == 5
    into = op("list_scatter_into", TensorList((np.ones(2),) * 4), x, np.array([0, 1, 2]))
    assert_array_equal(op("list_stack", into), [*x, [1, 1]])


def test_the_shape_of_an_item_is_gathered_from_all_that_is_said() -> None:
    items = TensorList((None,), (None, 2), "float64")
    assert op("list_get", items, np.array(0), shape=np.array([3, -1])).shape == (3, 2)
    assert shape_of(np.array(-1)) is None
    assert shape_of(np.array([-1, 2])) == shape_of([None, 2]) == (None, 2)
    assert op("list_element_shape", items).tolist() == [-1, 2]
    assert op("list_element_shape", TensorList()).tolist() == -1


def test_a_list_grows_if_it_may() -> None:
    x = random_array(2, 2)
    growing = TensorList((None,), (2,), "float64", grows=True)
    assert len(op("list_set", growing, np.array(3), x[0]).items) == 4
    assert len(op("list_scatter_into", growing, x, np.array([0, 2])).items) == 3
    grown = op("list_set", ITEMS, np.array(2), x[0], grow=True)
    assert (len(grown.items), grown.grows) == (3, False)


def test_parts_of_a_tensor_by_entries() -> None:
    x, steps = random_array(3, 4, 5), np.array([1, 2, -1])
    starts, stops = np.array([1, 0, 3]), np.array([2, 3, 0])
    assert_array_equal(op("slices", x, starts, stops, steps), x[1:2, 0:3:2, 3:0:-1])
    assert_array_equal(op("slices", x, starts, stops, steps, from_start=(0, 2), to_end=(2,)), x[:2, 0:3:2, ::-1])
    assert_array_equal(op("slices", x, starts, stops, steps, indices=(0, 2)), x[1, 0:3:2, 3])
    assert_array_equal(op("slices", x, starts, stops, steps, ellipsis=(1,), indices=(0,)), x[1, ..., 3:0:-1])
    assert_array_equal(op("slices", x, starts, stops, steps, new_axes=(1,), indices=(0,)), x[1, None, 3:0:-1])

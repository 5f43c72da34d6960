"""Weights cut into pieces: the same products, and the same steps of every cell that multiplies by them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.operations import products
from lstm_verify.operations.products import FEWEST_ROWS, MOST_MULTIPLICATIONS, einsum, sliced
from tests.builders import gru_cell, lstm_cell, random_array, simple_rnn_cell
from tests.layers import cells

LARGE = {"units": 72, "features": 5}
SAMPLES = 256


@pytest.fixture
def small_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("shape", [(288, 78), (508, 200), (100, 999), (6, 40_000)])
@pytest.mark.parametrize("columns", [1, 31, 256])
def test_pieces_are_views_small_enough_whose_product_is_the_same(shape: tuple[int, int], columns: int) -> None:
    weights, stack = random_array(*shape, seed=1), random_array(shape[1], columns, seed=2)
    pieces = sliced(weights, columns)
    assert np.shares_memory(pieces, weights)
    if pieces is not weights:
        assert pieces.shape[1] >= FEWEST_ROWS
        assert pieces[0].size * columns <= MOST_MULTIPLICATIONS
    assert_allclose((pieces @ stack).reshape(len(weights), columns), weights @ stack, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize(
    "cell", [lstm_cell(**LARGE), simple_rnn_cell(**LARGE), *(gru_cell(**LARGE, reset_after=r) for r in (True, False))]
)
def test_a_fast_step_in_pieces_equals_the_equations(cell: KernelCell) -> None:
    assert sliced(cell.recurrent_kernel.T, SAMPLES).ndim == 3
    cells.assert_fast_is_step(cell, SAMPLES, "float64", 4)


def test_weights_stay_whole_where_pieces_would_be_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.ones((288, 78))
    monkeypatch.setattr(products, "has_small_kernels", lambda: False)
    assert sliced(weights, SAMPLES) is weights
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    assert sliced(weights, 1) is weights  # one piece is enough
    assert sliced(np.ones((293, 78)), SAMPLES).shape == (293, 78)  # a prime has no pieces
    assert sliced(weights, SAMPLES).shape == (6, 48, 78)
    assert sliced(weights.astype(np.float32), SAMPLES).shape == weights.shape


def test_whether_there_are_small_kernels_can_be_found_out() -> None:
    assert products.has_small_kernels() in (True, False)


def test_einsum_of_bfloat16_is_that_of_float32_rounded() -> None:
    """NumPy has none of its own."""
    bfloat16 = np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    x, kernel = (random_array(*shape).astype(bfloat16) for shape in ((5, 6, 3), (3, 4)))
    for given in (x, x.astype(np.float32)):
        got = einsum("stk,ku->stu", given, kernel)
        assert got.dtype == given.dtype
        wanted = x.astype(np.float64) @ kernel.astype(np.float64)
        assert_allclose(got.astype(np.float64), wanted, rtol=2.0**-8, atol=1e-6)

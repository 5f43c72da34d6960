"""Where masks begin: Embedding and Masking."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.errors import InputError
from lstm_verify.layers import Array, Embedding, Masking, Run, Signal
from tests.builders import apply, lstm_cell, random_array, rnn, sequences

TABLE = random_array(9, 3)
TOKENS = np.array([[1, 8, 0, 3], [0, 0, 2, 0]])


def embedding(mask_zero: bool = False) -> Embedding:
    return Embedding(name="tokens", embeddings=TABLE, mask_zero=mask_zero).astype("float64")


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "uint8"])
def test_each_token_has_its_row(dtype: str) -> None:
    (got,) = apply(embedding(), TOKENS.astype(dtype))
    for sample, t in np.ndindex(*TOKENS.shape):
        assert_array_equal(got[sample, t], TABLE[int(TOKENS[sample, t])])


def test_the_output_has_the_dtype_that_the_layer_was_cast_to() -> None:
    for dtype in ("float32", "float64"):
        assert apply(embedding().astype(dtype), TOKENS)[0].dtype == np.dtype(dtype)


def test_zero_is_hidden_only_with_mask_zero() -> None:
    signal = (Signal(TOKENS),)
    assert embedding().apply(signal, Run())[0].mask is None
    assert_array_equal(
        embedding(True).apply(signal, Run())[0].mask, [[True, True, False, True], [False, False, True, False]]
    )


@pytest.mark.parametrize(("token", "place"), [(9, (1, 2)), (-1, (0, 3))])
def test_a_token_out_of_range_is_named_with_its_place(token: int, place: tuple[int, int]) -> None:
    """Also -1, which NumPy would take as the last row."""
    tokens = TOKENS.copy()
    tokens[place] = token
    message = rf"layer 'tokens': token {token} at \[{place[0]}, {place[1]}\] .* expected 0 to 8 \(input_dim=9\)"
    with pytest.raises(InputError, match=message):
        apply(embedding(), tokens)


def test_a_token_that_is_not_whole_is_named_with_its_place() -> None:
    """Frameworks would cut off what is behind the point, and the token be another."""
    tokens = TOKENS.astype("float32")
    tokens[1, 2] = 1.5
    with pytest.raises(InputError, match=r"layer 'tokens': token 1\.5 at \[1, 2\] of its input is not whole"):
        apply(embedding(), tokens)


def padded() -> Array:
    x = sequences()
    x[0, 4:] = -1.0
    x[1, 2] = -1.0
    x[2, 3, 0] = -1.0  # one feature alone hides nothing
    return x


def test_masking_hides_steps_in_which_every_feature_is_the_value() -> None:
    x = padded()
    ((y, mask),) = Masking(name="mask", mask_value=-1.0).apply((Signal(x),), Run())
    assert mask is not None
    for sample, t in np.ndindex(5, 6):
        hidden = (sample, t) in {(0, 4), (0, 5), (1, 2)}
        assert mask[sample, t] == (not hidden)
        assert y[sample, t].tolist() == ([0.0] * 3 if hidden else x[sample, t].tolist())


def test_a_value_that_float32_cannot_hold_is_found_in_float32_input() -> None:
    x = sequences(dtype="float32")
    x[:, 5] = 0.1
    ((_, mask),) = Masking(name="mask", mask_value=0.1).apply((Signal(x),), Run())
    assert mask is not None
    assert_array_equal(mask, np.broadcast_to(np.arange(6) < 5, (5, 6)))


def test_nan_is_not_hidden() -> None:
    x = np.full((1, 2, 3), np.nan)
    ((_, mask),) = Masking(name="mask").apply((Signal(x),), Run())
    assert_array_equal(mask, [[True, True]])


def test_what_masking_hides_an_lstm_does_not_see() -> None:
    x = padded()
    ((y, mask),) = Masking(name="mask", mask_value=-1.0).apply((Signal(x),), Run())
    (got,) = apply(rnn(lstm_cell()), y, mask=mask)
    (short,) = apply(rnn(lstm_cell()), x[:1, :4])
    assert_array_equal(got[:1].round(12), short.round(12))

"""Products with rounded factors: told from every other small deviation by a replay that rounds them too."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.reduced_precision import (
    Hybrid,
    Shortened,
    Shorter,
    ShortProducts,
    plain_array,
    short_products,
)
from lstm_verify.inputs import bind
from lstm_verify.layers import RNN, Array, Conv1D, Conv2D, Dense, LSTMCell
from lstm_verify.model import Model
from tests.builders import sequential
from tests.diagnosis.cases import diagnosed, float32, names, with_cell, with_layer

RNG = np.random.default_rng(8)
DROPPED = {"tf32": 13, "bfloat16": 16}
SYMMETRIC = "inputs symmetric"
INT8 = tuple(f"int8, a scale for each {words}" for words in ("column", f"column, {SYMMETRIC}", f"tensor, {SYMMETRIC}"))
STEPS, FEATURES, UNITS = 12, 5, 16
X = RNG.standard_normal((24, STEPS, FEATURES)).astype(np.float32)


def drawn(*shape: int) -> Array:
    return (RNG.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))).astype(np.float32)


CELL = LSTMCell(
    name="cell", kernel=drawn(FEATURES, 4 * UNITS), recurrent_kernel=drawn(UNITS, 4 * UNITS), bias=drawn(4 * UNITS)
)
HEAD = Dense(name="dense", kernel=drawn(UNITS, 3), bias=drawn(3))
MODEL = float32(sequential(RNN(name="lstm", cell=CELL), HEAD, shape=(None, STEPS, FEATURES)))


def short(number: float, products: str) -> float:
    """One number in float32 without its last bits, rounded half to even, by its bits."""
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    step = 1 << DROPPED[products]
    low, high = bits - bits % step, bits - bits % step + step
    nearest = low if (bits - low, low // step % 2) < (high - bits, high // step % 2) else high
    return float(struct.unpack("<f", struct.pack("<I", nearest))[0])


def emulated(products: str, x: Array = X) -> Array:
    """The model in float32 with rounded factors, written from the equations."""
    r = np.vectorize(lambda number: short(number, products), otypes=[np.float32])
    W, U, b = r(CELL.kernel), r(CELL.recurrent_kernel), CELL.bias
    dense: Any = MODEL.layers["dense"]
    h = c = np.zeros((len(x), UNITS), np.float32)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(r(x[:, t]) @ W + r(h) @ U + b, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    y: Array = r(h) @ r(dense.kernel.astype(np.float32)) + dense.bias.astype(np.float32)
    return y.astype(np.float32)


@pytest.mark.parametrize("products", DROPPED)
def test_products_with_rounded_factors_are_named(products: str) -> None:
    found = diagnosed(MODEL, X, {"dense": emulated(products)})
    assert (found.status, names(found)) == ("explained", {("product_precision", layer) for layer in MODEL.layers})
    assert found.explanations[0].change.behaves_as == products


def test_a_model_judged_by_the_budget_of_such_products_has_no_such_fault() -> None:
    assert [c.behaves_as for c in short_products(replace(MODEL, products="tf32"))] == ["bfloat16", *INT8]
    half = {name: replace(layer, compute_dtype="float16") for name, layer in MODEL.layers.items()}  # type: ignore[type-var]
    assert not list(short_products(replace(MODEL, layers=half)))


def with_weight(layer: str, name: str, index: tuple[int, ...], more: float) -> Model:
    item: Any = MODEL.layers[layer]
    weight = getattr(item.cell if layer == "lstm" else item, name).copy()
    weight[index] += more
    changed = with_cell if layer == "lstm" else with_layer
    return changed(MODEL, layer, **{name: weight})


OTHERS: dict[str, Callable[[], Array]] = {
    "one weight of a kernel": lambda: replayed(with_weight("lstm", "kernel", (1, 3), 2e-3)),
    "one weight of a recurrent kernel": lambda: replayed(with_weight("lstm", "recurrent_kernel", (2, 40), 3e-3)),
    "one weight of the Dense layer": lambda: replayed(with_weight("dense", "kernel", (0, 1), 3e-4)),
    "a forget bias": lambda: replayed(with_cell(MODEL, "lstm", forget_bias=1e-3)),
    "noise": lambda: replayed(MODEL) + (1e-4 * RNG.standard_normal((len(X), 3))).astype(np.float32),
    "more noise": lambda: replayed(MODEL) + (1e-3 * RNG.standard_normal((len(X), 3))).astype(np.float32),
    "a factor": lambda: replayed(MODEL) * np.float32(1.0003),
    "an offset": lambda: replayed(MODEL) + np.float32(1e-4),
    "one sample": lambda: replayed(MODEL) + np.float32(2e-4) * (np.arange(len(X)) == 7)[:, None],
    "rounded to three decimals": lambda: np.round(replayed(MODEL), 3),
}


def replayed(model: Model) -> Array:
    (y,) = experiment_of(model, None).replayed
    return y.astype(np.float32)


def experiment_of(model: Model, predicted: Array | None) -> Experiment:
    inputs, _ = bind(model, X)
    return experiment(model, inputs, None if predicted is None else {"dense": predicted}, None)


@pytest.mark.parametrize("other", OTHERS)
def test_small_deviations_of_another_kind_are_not_blamed_on_products(other: str) -> None:
    """They are within the budget of such products, or near it: 8σ of that is as large as most small faults."""
    tried = experiment_of(MODEL, OTHERS[other]())
    assert not tried.misfit(tried.replayed, tried.sigma).explains
    assert not [change for change in short_products(MODEL) if tried.tried(change).explains]


def test_exact_predictions_are_not_blamed_on_products() -> None:
    tried = experiment_of(MODEL, replayed(MODEL))
    assert not [change for change in short_products(MODEL) if tried.tried(change).explains]


@pytest.mark.parametrize("products", DROPPED)
def test_factors_of_every_kind_of_product_are_rounded(products: str) -> None:
    a, b = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 5))
    r = np.vectorize(lambda number: short(number, products))
    want = r(a) @ r(b)
    x = Shortened.of(a, Shorter(products))
    for y in (x @ b, np.tensordot(x, b, 1), np.einsum("ij,jk->ik", x, b), np.dot(x, b), (b.T @ x.T).T):
        assert isinstance(y, Shortened)
        assert np.allclose(y, want, rtol=1e-14)
    assert np.array_equal(np.asarray(x * 2.0), a * 2.0)  # which is no product of matrices
    (one, other) = np.split(np.concatenate([x, x]), 2)
    assert np.allclose((one @ b) + (other @ b), 2 * want, rtol=1e-14)


def test_whole_numbers_stay_what_they_are() -> None:
    tokens = np.array([[1, 2], [3, 4]])
    assert Shortened.of(tokens, Shorter("tf32")) is tokens


def test_the_replay_itself_does_not_round() -> None:
    """`--products` widens the budget; only a diagnosis computes with rounded factors."""
    model = ShortProducts.of(MODEL, Shorter("bfloat16"), "bfloat16")
    assert type(replace(MODEL, products="bfloat16")) is Model
    given = experiment_of(MODEL, None)
    assert not np.allclose(experiment_of(model, None).replayed[0], given.replayed[0], atol=1e-5)


def in_int8(row: list[float]) -> list[float]:
    """A row of inputs as TensorFlow Lite has it: 256 steps from its least to its largest number, 0 among them."""
    least, largest = min(*row, 0.0), max(*row, 0.0)
    scale = (largest - least) / 255
    zero = round(-128 - least / scale)
    return [(max(-128, min(127, round(x / scale) + zero)) - zero) * scale for x in row]


def test_inputs_and_weights_in_int8_are_named() -> None:
    kernel = drawn(32, 40)  # large enough to be brought to int8
    model = float32(sequential(Dense(name="dense", kernel=kernel), shape=(None, 32)))
    x = RNG.standard_normal((24, 32)).astype(np.float32)
    scale = np.abs(kernel.astype(float)).max(axis=0) / 127
    y = np.array([in_int8(row) for row in x.tolist()]) @ (np.round(kernel / scale) * scale)
    found = diagnosed(model, x, {"dense": y.astype(np.float32)})
    assert (found.status, names(found)) == ("explained", {("dynamic_range", "dense")})
    assert found.explanations[0].change.behaves_as == INT8[0]


def test_convolutions_have_their_weights_in_int8_as_dense_layers_have() -> None:
    """A convolution of one place is a Dense layer; one of fewer weights is left alone by both."""
    for channels, changes in ((40, True), (20, False)):
        x, kernel = RNG.standard_normal((3, 5, 4, channels)), RNG.standard_normal((channels, 32))
        dense = Dense(name="dense", kernel=kernel)
        for conv in (Conv1D(name="conv", kernel=kernel[None]), Conv2D(name="conv", kernel=kernel[None, None])):
            given = x[:, :, 0] if conv.axes == 1 else x
            short = [plain_array(layer.forward(Shortened.of(given, Hybrid(True, True)))) for layer in (conv, dense)]
            assert_allclose(*short, rtol=1e-12)
            assert (np.abs(short[0] - conv.forward(given)).max() > 1e-3) == changes

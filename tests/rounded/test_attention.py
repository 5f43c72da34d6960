"""Attention on `Rounded` arrays: the values are those of the replay, and float32 keeps to σ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_verify.budget import standard_deviations
from lstm_verify.layers import Array, Attention, EinsumDense, Layer, Masking, MultiHeadAttention
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import FEATURES, TIMESTEPS, random_array, sequences
from tests.rounded.models import SAMPLES, weights
from tests.test_budget import float32_keeps_to_it, in_float32, same_values


def projection(name: str, seed: int, **options: Any) -> EinsumDense:
    kernel, bias = weights(FEATURES, 2, 4, seed=seed), weights(2, 4, seed=seed + 1)
    return EinsumDense(name=name, equation="abc,cde->abde", kernel=kernel, bias=bias, bias_axes="de", **options)


def heads(**options: Any) -> MultiHeadAttention:
    return MultiHeadAttention(
        name="attention",
        query_dense=projection("query", 1),
        key_dense=projection("key", 3),
        value_dense=projection("value", 5),
        output_dense=EinsumDense(name="output", equation="abcd,cde->abe", kernel=weights(2, 4, 5, seed=7)),
        **options,
    )


def attention(**options: Any) -> Attention:
    return Attention(name="attention", returns_scores=True, **options)


LAYERS: dict[str, Layer] = {
    "dot": attention(scale=np.array(0.7)),
    "dot, causal": attention(causal=True),
    "concat": attention(score_mode="concat", scale=np.array(0.7), concat_score_weight=np.array(1.3)),
    "additive": attention(score_mode="additive", scale=weights(FEATURES)),
    "heads": heads(),
    "heads, rounded": heads(all_hidden="rounded", returns_scores=True),
    "heads, none": heads(all_hidden="zero", causal=True, sliding_window=3, returns_scores=True),
    "heads, gate": heads(gate_dense=projection("gate", 9, activation=ActivationFunction.of("sigmoid"))),
}


def attending(layer: Layer) -> Model:
    """Attention between one input and what a mask leaves of another."""
    outputs = range(2 if getattr(layer, "returns_scores", False) else 1)
    return Model(
        name="model",
        layers={"masked": Masking(name="masked"), "attention": layer},
        nodes=(
            LayerCall("masked", (Tensor("x"),)),
            LayerCall("attention", (Tensor("masked"), Tensor("y"))),
            LayerCall("attention", (Tensor("y"), Tensor("masked")), call=1),
        ),
        inputs=tuple(Input(name, (None, TIMESTEPS, FEATURES), "float32") for name in "xy"),
        outputs=tuple(
            Output(f"{call}_{output}", Tensor("attention", call, output)) for call in range(2) for output in outputs
        ),
    )


def padded() -> Array:
    x = sequences(SAMPLES, dtype="float32")
    x[0] = 0
    for sample in range(1, SAMPLES):
        x[sample, 1 + sample % TIMESTEPS :] = 0
    x[1, :2] = 0
    return x


@pytest.mark.parametrize("name", LAYERS)
def test_float32_keeps_to_the_budget(name: str) -> None:
    model = in_float32(attending(LAYERS[name]))
    x = padded(), random_array(SAMPLES, TIMESTEPS, FEATURES, seed=5, dtype="float32")
    same_values(model, *x)
    float32_keeps_to_it(model, *x)


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("kind", [lambda: attention(), lambda: heads(all_hidden="rounded")])
def test_queries_that_see_nothing_loosen_nothing(kind: Callable[[], Layer], scale: float) -> None:
    """In float32, scores of values that are hidden are rounded to multiples of 64; that is a rule, and no error."""
    x = padded(), scale * random_array(SAMPLES, TIMESTEPS, FEATURES, seed=5, dtype="float32")
    for σ in standard_deviations(in_float32(attending(kind())), list(x)).values():
        assert σ.max() < 1e-4


def test_float16_is_wider_than_float32() -> None:
    x = padded(), random_array(SAMPLES, TIMESTEPS, FEATURES, seed=5, dtype="float32")
    wide, narrow = (
        np.median(standard_deviations(in_float32(attending(heads(compute_dtype=dtype))), list(x))["0_0"])
        for dtype in ("float16", "float32")
    )
    assert 1e3 < wide / narrow < 3e4

"""Attention, with one head and several, against loops over every query, value and head in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.layers import (
    Array,
    Attention,
    EinsumDense,
    Mask,
    MultiHeadAttention,
    RMSNormalization,
    Run,
    Signal,
)
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import random_array

SAMPLES, QUERIES, VALUES, FEATURES, VALUE_FEATURES = 4, 5, 6, 3, 2
HEADS, KEY_DIM, VALUE_DIM, UNITS = 2, 4, 5, 7
QUERY = random_array(SAMPLES, QUERIES, FEATURES, seed=1)
VALUE = random_array(SAMPLES, VALUES, VALUE_FEATURES, seed=2)
KEY = random_array(SAMPLES, VALUES, FEATURES, seed=3)
QUERY_MASK = np.arange(QUERIES) < np.array([5, 3, 1, 2])[:, None]
VALUE_MASK = np.arange(VALUES) >= np.array([0, 2, 5, 1])[:, None]
ROLES = ("query", "value", "key")
SCALE, CONCAT_WEIGHT = 0.7, -1.3
SCALES = random_array(FEATURES, seed=4)

Vector = Sequence[float]


def softmax(scores: Vector, kept: Sequence[bool]) -> list[float]:
    """The softmax of the scores that are kept, of which there is one."""
    largest = max(score for score, keep in zip(scores, kept, strict=True) if keep)
    powers = [math.exp(score - largest) if keep else 0.0 for score, keep in zip(scores, kept, strict=True)]
    return [power / math.fsum(powers) for power in powers]


def dot(one: Vector, other: Vector) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def score(mode: str, query: Vector, key: Vector) -> float:
    if mode == "dot":
        return SCALE * dot(query, key)
    if mode == "concat":
        return CONCAT_WEIGHT * math.fsum(math.tanh(SCALE * (q + k)) for q, k in zip(query, key, strict=True))
    return math.fsum(float(s) * math.tanh(q + k) for s, q, k in zip(SCALES, query, key, strict=True))


def attention(mode: str, **options: Any) -> Attention:
    scale = SCALES if mode == "additive" else np.array(SCALE)
    weight = np.array(CONCAT_WEIGHT) if mode == "concat" else None
    return Attention(
        name="attention",
        score_mode=mode,
        scale=scale,
        concat_score_weight=weight,
        roles=ROLES,
        returns_scores=True,
        **options,
    )


def attended(layer: Any, query_mask: Mask = None, value_mask: Mask = None) -> tuple[Signal, Signal]:
    given = Signal(QUERY, query_mask), Signal(VALUE, value_mask), Signal(KEY)
    y, weights = layer.apply(given, Run())
    return y, weights


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mode", ["dot", "concat", "additive"])
def test_attention_is_a_weighted_mean_of_the_values_that_are_kept(mode: str, causal: bool) -> None:
    value_mask = VALUE_MASK[:, ::-1] if causal else VALUE_MASK  # so that every query sees a value
    y, weights = attended(attention(mode, causal=causal), QUERY_MASK, value_mask)
    assert_array_equal(y.mask, QUERY_MASK)
    assert weights.mask is None
    for sample, t in np.ndindex(SAMPLES, QUERIES):
        scores = [score(mode, QUERY[sample, t].tolist(), KEY[sample, s].tolist()) for s in range(VALUES)]
        kept = [bool(value_mask[sample, s]) and not (causal and s > t) for s in range(VALUES)]
        wanted = softmax(scores, kept)
        assert weights.value[sample, t].tolist() == pytest.approx(wanted, abs=1e-14)
        mean = [dot(wanted, VALUE[sample, :, f].tolist()) for f in range(VALUE_FEATURES)]
        hidden = not QUERY_MASK[sample, t]
        assert y.value[sample, t].tolist() == pytest.approx([0.0] * VALUE_FEATURES if hidden else mean, abs=1e-14)


def test_without_a_mask_every_value_counts() -> None:
    y, weights = attended(replace(attention("dot"), scale=None))
    scores = [dot(QUERY[1, 2].tolist(), KEY[1, s].tolist()) for s in range(VALUES)]
    assert y.mask is None
    assert weights.value[1, 2].tolist() == pytest.approx(softmax(scores, [True] * VALUES), abs=1e-14)


def test_masks_given_by_hand_stand_in_for_those_that_travel() -> None:
    by_hand = replace(attention("dot"), roles=(*ROLES, "value_mask"), masks_given=True)
    given = (Signal(QUERY, QUERY_MASK), Signal(VALUE), Signal(KEY), Signal(VALUE_MASK))
    y, weights = by_hand.apply(given, Run())
    wanted, wanted_weights = attended(attention("dot"), None, VALUE_MASK)
    assert y.mask is None
    assert_array_equal(y.value, wanted.value)
    assert_array_equal(weights.value, wanted_weights.value)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_where_all_is_hidden_scores_are_rounded_to_the_step_of_large_numbers(dtype: str) -> None:
    layer = replace(attention("dot"), scale=None, compute_dtype=dtype)
    scores = np.array([0.25, 20.0, -100.0, 70.0, 500.0, -40.0])
    query, key = np.ones((1, 1, 1)), scores[None, :, None]
    masks = np.ones((1, 1), bool), np.zeros((1, VALUES), bool)
    given = Signal(query, masks[0]), Signal(VALUE[:1], masks[1]), Signal(key)
    _, weights = layer.apply(given, Run())
    if dtype == "float16":  # has a step of 32 near 65504, up to which numbers of float16 go
        rounded = [32.0 * round(s / 32) for s in scores]
    elif dtype == "bfloat16":  # keeps 8 bits of 1e9, which is nearly 2³⁰
        rounded = [0.0] * VALUES
    else:
        large = np.dtype(dtype).type(1e9)
        rounded = [float(large + np.dtype(dtype).type(s)) - float(large) for s in scores]
    assert weights.value[0, 0].tolist() == pytest.approx(softmax(rounded, [True] * VALUES), abs=1e-12)


def projection(name: str, features: int, unit: int, seed: int) -> EinsumDense:
    return EinsumDense(
        name=name,
        equation="abc,cde->abde",
        kernel=random_array(features, HEADS, unit, seed=seed),
        bias=random_array(HEADS, unit, seed=seed + 1),
        bias_axes="de",
    )


def heads(**options: Any) -> MultiHeadAttention:
    return MultiHeadAttention(
        name="heads",
        query_dense=projection("query", FEATURES, KEY_DIM, 10),
        key_dense=projection("key", FEATURES, KEY_DIM, 20),
        value_dense=projection("value", VALUE_FEATURES, VALUE_DIM, 30),
        output_dense=EinsumDense(
            name="output",
            equation="abcd,cde->abe",
            kernel=random_array(HEADS, VALUE_DIM, UNITS, seed=40),
            bias=random_array(UNITS, seed=41),
            bias_axes="e",
        ),
        roles=ROLES,
        returns_scores=True,
        **options,
    )


def projected(dense: EinsumDense, x: Array, head: int, unit: int) -> float:
    assert dense.bias is not None
    return dot(x.tolist(), dense.kernel[:, head, unit].tolist()) + float(dense.bias[head, unit])


def one_step(layer: MultiHeadAttention, sample: int, t: int, kept: Sequence[bool]) -> tuple[list[list[float]], Vector]:
    """The weights of each head for one query, and its output."""
    weights, context = [], []
    for head in range(HEADS):
        q = [projected(layer.query_dense, QUERY[sample, t], head, u) for u in range(KEY_DIM)]
        keys = [[projected(layer.key_dense, KEY[sample, s], head, u) for u in range(KEY_DIM)] for s in range(VALUES)]
        scores = [dot(q, k) / math.sqrt(KEY_DIM) for k in keys]
        weights.append(softmax(scores, kept) if any(kept) else [0.0] * VALUES)
        for unit in range(VALUE_DIM):
            values = [projected(layer.value_dense, VALUE[sample, s], head, unit) for s in range(VALUES)]
            gate = 1.0
            if layer.gate_dense is not None:
                gate = 1 / (1 + math.exp(-projected(layer.gate_dense, QUERY[sample, t], head, unit)))
            context.append(gate * dot(weights[-1], values))
    assert layer.output_dense.bias is not None
    kernel, bias = layer.output_dense.kernel.reshape(-1, UNITS), layer.output_dense.bias
    return weights, [dot(context, kernel[:, unit].tolist()) + float(bias[unit]) for unit in range(UNITS)]


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize(("causal", "window"), [(False, None), (True, None), (False, 2), (True, 3)])
def test_heads_are_weighted_means_of_projected_values(causal: bool, window: int | None, gate: bool) -> None:
    gate_dense = replace(projection("gate", FEATURES, VALUE_DIM, 50), activation=ActivationFunction.of("sigmoid"))
    layer = heads(causal=causal, sliding_window=window, all_hidden="zero", gate_dense=gate_dense if gate else None)
    y, weights = attended(layer, QUERY_MASK, VALUE_MASK)
    assert_array_equal(y.mask, QUERY_MASK)
    for sample, t in np.ndindex(SAMPLES, QUERIES):
        kept = [
            bool(QUERY_MASK[sample, t] and VALUE_MASK[sample, s])
            and not (causal and s > t)
            and (window is None or abs(s - t) < window)
            for s in range(VALUES)
        ]
        wanted, output = one_step(layer, sample, t, kept)
        assert weights.value[sample, :, t].tolist() == [pytest.approx(one, abs=1e-14) for one in wanted]
        assert y.value[sample, t].tolist() == pytest.approx(output, abs=1e-13)


@pytest.mark.parametrize("axes", [2, 3, 4])
def test_an_attention_mask_may_lack_samples_and_heads(axes: int) -> None:
    whole = np.random.default_rng(7).integers(0, 2, (SAMPLES, HEADS, QUERIES, VALUES)).astype(bool)
    whole[..., 0] = True
    mask = {2: whole[0, 0], 3: whole[:, 0], 4: whole}[axes]
    layer = replace(heads(), roles=(*ROLES, "attention_mask"))
    _, weights = layer.apply((Signal(QUERY), Signal(VALUE), Signal(KEY), Signal(mask.astype("int32"))), Run())
    for sample, head, t, s in np.ndindex(SAMPLES, HEADS, QUERIES, VALUES):
        keeps = mask[{2: (t, s), 3: (sample, t, s), 4: (sample, head, t, s)}[axes]]
        assert (weights.value[sample, head, t, s] > 0) == keeps
    np.testing.assert_allclose(weights.value.sum(axis=-1), 1, atol=1e-14)


def test_numbers_in_a_mask_that_keras_2_computes_with_are_refused() -> None:
    layer = replace(heads(counts_mask=True), roles=(*ROLES, "attention_mask"))
    halves = Signal(np.full((SAMPLES, QUERIES, VALUES), 0.5))
    with pytest.raises(UnsupportedError, match="numbers other than 0 and 1"):
        layer.apply((Signal(QUERY), Signal(VALUE), Signal(KEY), halves), Run())
    replace(layer, counts_mask=False).apply((Signal(QUERY), Signal(VALUE), Signal(KEY), halves), Run())


@pytest.mark.parametrize(("kind", "wanted"), [("equal", 1 / VALUES), ("zero", 0.0), ("rounded", 1 / VALUES)])
def test_what_a_query_gets_that_sees_no_value(kind: str, wanted: float) -> None:
    _, weights = attended(heads(all_hidden=kind), QUERY_MASK)
    assert np.all(weights.value.swapaxes(1, 2)[~QUERY_MASK] == pytest.approx(wanted))
    seeing = weights.value.swapaxes(1, 2)[QUERY_MASK]
    np.testing.assert_allclose(seeing.sum(axis=-1), 1, atol=1e-14)
    assert np.ptp(seeing) > 0.01


def test_a_query_whose_mask_is_not_seen_sees_all() -> None:
    y, weights = attended(heads(sees_query_mask=False), QUERY_MASK)
    assert_array_equal(y.mask, QUERY_MASK)
    assert_array_equal(weights.value, attended(heads())[1].value)


def test_a_value_is_seen_if_the_masks_of_value_and_key_keep_it() -> None:
    key_mask = np.arange(VALUES) < np.array([6, 4, 6, 2])[:, None]
    given = Signal(QUERY), Signal(VALUE, VALUE_MASK), Signal(KEY, key_mask)
    _, weights = heads().apply(given, Run())
    for sample, head, t, s in np.ndindex(SAMPLES, HEADS, QUERIES, VALUES):
        assert (weights.value[sample, head, t, s] > 0) == (VALUE_MASK[sample, s] and key_mask[sample, s])


@pytest.mark.parametrize("takes", [True, False])
def test_masks_of_heads_given_by_hand(takes: bool) -> None:
    layer = replace(heads(takes_query_mask=takes), roles=(*ROLES, "query_mask", "value_mask", "key_mask"))
    by_hand = QUERY_MASK, VALUE_MASK, np.ones((SAMPLES, VALUES), bool)
    travelling = ~QUERY_MASK, ~VALUE_MASK, np.zeros((SAMPLES, VALUES), bool)
    tensors = [Signal(x, mask) for x, mask in zip((QUERY, VALUE, KEY), travelling, strict=True)]
    y, weights = layer.apply((*tensors, *map(Signal, by_hand)), Run())
    assert_array_equal(y.mask, ~QUERY_MASK)
    wanted = attended(heads(), QUERY_MASK if takes else ~QUERY_MASK, VALUE_MASK)
    assert_array_equal(weights.value, wanted[1].value)


def test_masks_that_mean_nothing_end_here() -> None:
    y, weights = attended(heads(supports_masking=False), QUERY_MASK, VALUE_MASK)
    assert y.mask is None
    assert_array_equal(weights.value, attended(heads())[1].value)


def test_the_factor_in_float32() -> None:
    query, key = projection("query", FEATURES, 3, 10), projection("key", FEATURES, 3, 20)
    layers = [replace(heads(factor_in_float32=flag), query_dense=query, key_dense=key) for flag in (False, True)]
    exact, rounded = (attended(layer)[1].value for layer in layers)
    assert 1e-10 < np.abs(exact - rounded).max() < 1e-7


@pytest.mark.parametrize("shape", [(SAMPLES, FEATURES), (SAMPLES, QUERIES, 1, FEATURES)])
def test_more_or_fewer_axes_are_refused(shape: tuple[int, ...]) -> None:
    for layer in (heads(), attention("dot")):
        with pytest.raises(UnsupportedError, match="its query has shape"):
            layer.apply((Signal(np.ones(shape)), Signal(VALUE), Signal(KEY)), Run())


def test_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(ModelFileError, match="scale has shape"):
        attended(replace(attention("additive"), scale=np.ones(FEATURES + 1)))
    with pytest.raises(ModelFileError, match="scale has shape"):
        replace(attention("dot"), scale=np.ones(1))
    with pytest.raises(ModelFileError, match="kernel has shape"):
        attended(replace(heads(), query_dense=projection("query", 1, KEY_DIM, 1)))


# --- EinsumDense, RMSNormalization


def test_einsum_dense_by_axes_with_dots() -> None:
    x = random_array(4, 3, 5, 2, seed=1)
    kernel, bias = random_array(2, 6, seed=2), random_array(6, seed=3)
    ahead = EinsumDense(name="dense", equation="...x, xy -> ...y", kernel=kernel, bias=bias, bias_axes="y")
    got = ahead.forward(x)
    for a, b, c, y in np.ndindex(4, 3, 5, 6):
        assert got[a, b, c, y] == pytest.approx(dot(x[a, b, c].tolist(), kernel[:, y].tolist()) + bias[y], abs=1e-14)
    kernel, bias = random_array(3, 6, seed=4), random_array(6, 1, 1, seed=5)
    behind = EinsumDense(name="dense", equation="ab...,bc->ac...", kernel=kernel, bias=bias, bias_axes="c")
    got = behind.forward(x)
    for a, y, c, d in np.ndindex(4, 6, 5, 2):
        wanted = dot(x[a, :, c, d].tolist(), kernel[:, y].tolist()) + float(bias[y, 0, 0])
        assert got[a, y, c, d] == pytest.approx(wanted, abs=1e-14)


@pytest.mark.parametrize(("kernel", "bias"), [((1, 6), (6,)), ((2, 6), (1,)), ((2, 6), (6, 1)), ((3, 6), (6,))])
def test_einsum_dense_never_broadcasts(kernel: tuple[int, ...], bias: tuple[int, ...]) -> None:
    layer = EinsumDense(name="dense", equation="abx,xy->aby", kernel=np.ones(kernel), bias=np.ones(bias), bias_axes="y")
    with pytest.raises(ModelFileError, match="has shape"):
        layer.forward(np.ones((4, 3, 2)))


@pytest.mark.parametrize("around_mean", [False, True])
@pytest.mark.parametrize("axes", [(-1,), (1, 2), (1,)])
def test_rms_normalization(axes: tuple[int, ...], around_mean: bool) -> None:
    kept = [axis % 3 for axis in axes]
    scale = random_array(*(QUERY.shape[axis] for axis in kept), seed=5)
    got = RMSNormalization(name="n", scale=scale, epsilon=0.1, axes=axes, around_mean=around_mean).forward(QUERY)
    for place in np.ndindex(*QUERY.shape):
        along = tuple(slice(None) if axis in kept else n for axis, n in enumerate(place))
        group = QUERY[along].ravel().tolist()
        mean = math.fsum(group) / len(group) if around_mean else 0.0
        size = math.fsum((value - mean) ** 2 for value in group) / len(group)
        wanted = float(QUERY[place]) / math.sqrt(size + 0.1) * float(scale[tuple(place[axis] for axis in kept)])
        assert got[place] == pytest.approx(wanted, abs=1e-14)

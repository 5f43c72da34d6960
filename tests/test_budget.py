"""The budget of models: the equations on `Rounded` arrays are those of the replay, and float32 keeps to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify import replay
from lstm_verify.budget import standard_deviations
from lstm_verify.layers import (
    RNN,
    Activation,
    Array,
    Concatenate,
    Dense,
    Dot,
    Embedding,
    GlobalAveragePooling1D,
    Layer,
    Masking,
    Merge,
    RepeatVector,
    Run,
    Signal,
    Signals,
)
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor
from lstm_verify.rounded import Rounded
from lstm_verify.run_arithmetic import RoundedArithmetic, as_rounded
from tests.builders import (
    FEATURES,
    TIMESTEPS,
    UNITS,
    dense,
    gru_cell,
    lstm_cell,
    lstm_model,
    random_array,
    rnn,
    sequences,
    sequential,
    simple_rnn_cell,
    two_headed_model,
)
from tests.rounded.models import HARD, LAYERS, SAMPLES, bidirectional, weights


def in_float32(model: Model) -> Model:
    """The model with weights that float32 holds."""
    return model.astype("float32").astype("float64")


def as_computed_with_errors(model: Model, *inputs: Array) -> list[Any]:
    """The outputs of a model on `Rounded` arrays."""
    arithmetic = RoundedArithmetic()
    given = [as_rounded(x.astype(np.float64), str(x.dtype), arithmetic) if x.dtype.kind == "f" else x for x in inputs]
    signals = tuple(Signal(x) for x in given)
    with np.errstate(all="ignore"):
        return [signal.value for signal in model.astype("float64").apply(signals, Run(arithmetic=arithmetic))]


def same_values(model: Model, *inputs: Array) -> list[Any]:
    """Check that the values are those of the replay; the outputs."""
    outputs = as_computed_with_errors(model, *inputs)
    wanted = replay(model, list(inputs))
    for output, (name, value) in zip(outputs, wanted.items(), strict=True):
        found = output.value if isinstance(output, Rounded) else output
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12, err_msg=name)
    return outputs


class Textbook:
    """Makes a run go by the textbook equations: the fast ones lose digits of gates that are nearly shut."""

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        return inputs

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        return outputs


def in_float32_arithmetic(model: Model, inputs: tuple[Array, ...]) -> dict[str, Array]:
    """The outputs of a model by name, computed in float32."""
    run = Run(arithmetic=Textbook())
    size = model.batch_size or len(inputs[0])
    batches = [[x[start : start + size] for x in inputs] for start in range(0, len(inputs[0]), size)]
    with np.errstate(all="ignore"):
        parts = [model.astype("float32").apply(tuple(map(Signal, batch)), run) for batch in batches]
    results = {o.name: np.concatenate([part[n].value for part in parts]) for n, o in enumerate(model.outputs)}
    assert {y.dtype for y in results.values()} == {np.dtype("float32")}
    return results


def float32_keeps_to_it(model: Model, *inputs: Array, at_least: float = 0.01) -> None:
    """Check that a replay in float32 deviates by no more than the budget, and not by next to nothing of it."""
    exact, computed = replay(model, list(inputs)), in_float32_arithmetic(model, inputs)
    for name, σ in standard_deviations(model, list(inputs)).items():
        deviation = np.abs(computed[name].astype(np.float64) - exact[name])
        deviation[np.isnan(computed[name]) & np.isnan(exact[name])] = 0
        assert σ.shape == exact[name].shape
        assert (deviation <= 8 * σ).all()
        known = (σ > 1e-30) & np.isfinite(σ)
        if at_least:
            assert np.sqrt(np.mean(np.square(deviation[known] / σ[known]))) >= at_least


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_computes_the_values_of_the_replay(name: str) -> None:
    model = in_float32(sequential(LAYERS[name]))
    (output,) = same_values(model, sequences(SAMPLES, dtype="float32"))
    assert isinstance(output, Rounded)


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_within_the_budget_of_every_layer(name: str) -> None:
    moves_only = name in ("Flatten", "Permute", "Reshape", "UpSampling1D", "ZeroPadding1D") or "MaxPool" in name
    model = in_float32(sequential(LAYERS[name]))
    float32_keeps_to_it(model, sequences(SAMPLES, dtype="float32"), at_least=0 if moves_only else 0.01)


@pytest.mark.parametrize("name", ["Flatten", "Permute", "Reshape", "UpSampling1D", "ZeroPadding1D", "MaxPooling1D"])
def test_what_only_moves_numbers_has_no_budget(name: str) -> None:
    (σ,) = standard_deviations(sequential(LAYERS[name]), sequences(SAMPLES, dtype="float32")).values()
    assert (σ == 0).all()


def padded(samples: int = SAMPLES) -> Array:
    x = sequences(samples, dtype="float32")
    for sample in range(samples):
        x[sample, 1 + sample % TIMESTEPS :] = 0
    x[1, :2] = 0  # before the first step, or in the middle
    return x


@pytest.mark.parametrize(
    "layer",
    [
        rnn(lstm_cell(), return_sequences=True),
        rnn(lstm_cell(), return_sequences=True, zero_output_for_mask=True),
        rnn(gru_cell()),
        rnn(simple_rnn_cell(), go_backwards=True),
        bidirectional(return_sequences=True),
        GlobalAveragePooling1D(name="pool"),
    ],
    ids=["repeats", "zeros", "gru", "backwards", "bidirectional", "pooling"],
)
def test_masks(layer: Layer) -> None:
    model = in_float32(sequential(Masking(name="mask"), layer))
    same_values(model, padded())
    float32_keeps_to_it(model, padded())


def test_hidden_steps_before_the_first_have_no_budget() -> None:
    model = in_float32(sequential(Masking(name="mask"), rnn(lstm_cell(), return_sequences=True)))
    x = padded()
    x[0, :3] = 0
    x[0, 3:] = 1
    σ = standard_deviations(model, x)["rnn"]
    assert (σ[0, :3] == 0).all()
    assert (σ[0, 3:] > 0).all()


def test_embeddings() -> None:
    table = Embedding(name="words", embeddings=weights(20, FEATURES).astype(np.float32), mask_zero=True)
    model = sequential(table, rnn(lstm_cell().astype("float32")), shape=(None, TIMESTEPS), dtype="int32")
    tokens = np.random.default_rng(0).integers(0, 20, (SAMPLES, TIMESTEPS)).astype(np.int32)
    same_values(model, tokens)
    float32_keeps_to_it(model, tokens)
    (σ,) = standard_deviations(sequential(table, shape=(None, TIMESTEPS), dtype="int32"), tokens).values()
    assert (σ == 0).all()


def test_embeddings_in_a_narrow_format_are_rounded_to_it() -> None:
    table = Embedding(name="words", embeddings=weights(20, 3).astype(np.float32), compute_dtype="bfloat16")
    tokens = np.arange(20).reshape(4, 5).astype(np.int32)
    (σ,) = standard_deviations(sequential(table, shape=(None, 5), dtype="int32"), tokens).values()
    exact = table.embeddings.astype(np.float64)[tokens]
    ratio = (bfloat16(exact) - exact) / σ
    assert 0.1 <= np.sqrt(np.mean(np.square(ratio))) <= 1


def test_stateful_models_carry_their_errors_on() -> None:
    model = replace(
        in_float32(sequential(rnn(lstm_cell(), stateful=True), shape=(3, TIMESTEPS, FEATURES))), divisible=True
    )
    x = sequences(9, dtype="float32")
    σ = standard_deviations(model, x)["rnn"]
    float32_keeps_to_it(model, x)
    again = np.concatenate([x[:3], x[:3], x[:3]])
    alike = standard_deviations(model, again)["rnn"]
    assert σ.shape == (9, UNITS)
    assert not np.allclose(alike[3:6], alike[:3], rtol=0.01, atol=0)  # other states, and errors in them


def test_several_inputs_and_outputs() -> None:
    model = in_float32(two_headed_model())
    x = sequences(SAMPLES, dtype="float32"), random_array(SAMPLES, UNITS, seed=8, dtype="float32")
    same_values(model, *x)
    float32_keeps_to_it(model, *x)
    assert list(standard_deviations(model, list(x))) == ["h", "y"]


@pytest.mark.parametrize("operation", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "cat", "dot"])
def test_layers_with_two_inputs(operation: str) -> None:
    merge: Layer = Merge(name="merge", operation=operation) if operation[0].isupper() else Concatenate(name="merge")
    if operation == "dot":
        merge = Dot(name="merge", axes=(1, 1), normalize=True)
    model = Model(
        name="model",
        layers={"a": dense(3, 4, name="a"), "b": dense(3, 4, name="b", seed=5), "merge": merge},
        nodes=(
            LayerCall("a", (Tensor("x"),)),
            LayerCall("b", (Tensor("x"),)),
            LayerCall("merge", (Tensor("a"), Tensor("b"))),
        ),
        inputs=(Input("x", (None, 4), "float32"),),
        outputs=(Output("merge", Tensor("merge")),),
    )
    x = random_array(40, 4, dtype="float32")
    same_values(in_float32(model), x)
    float32_keeps_to_it(in_float32(model), x)


def test_a_repeated_vector_into_a_decoder() -> None:
    layers = rnn(lstm_cell(), "encoder"), RepeatVector(name="repeat", n=4), rnn(gru_cell(3, UNITS), "decoder")
    model = in_float32(sequential(*layers))
    same_values(model, sequences(SAMPLES, dtype="float32"))
    float32_keeps_to_it(model, sequences(SAMPLES, dtype="float32"))


@pytest.mark.parametrize("cell", [lstm_cell, gru_cell, simple_rnn_cell])
def test_long_sequences(cell: Callable[..., Any]) -> None:
    layer = RNN(name="rnn", cell=cell(16, FEATURES), return_sequences=True)
    model = in_float32(sequential(layer, shape=(None, 200, FEATURES)))
    float32_keeps_to_it(model, sequences(4, 200, dtype="float32"))


def test_samples_in_other_blocks_have_the_same_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = in_float32(lstm_model()), sequences(SAMPLES, dtype="float32")
    whole = standard_deviations(model, x)["dense"]
    monkeypatch.setattr("lstm_verify.budget.BLOCK", 2)
    np.testing.assert_allclose(standard_deviations(model, x)["dense"], whole, rtol=1e-9)


def test_one_sample_at_a_kink_does_not_loosen_the_budget_of_all() -> None:
    """0.2 x + 0.5 in float32 is off by u/2 near 0."""
    model = sequential(Activation(name="gate", activation=HARD), shape=(None, 1))
    x = np.linspace(-2, 2, 200, dtype="float32")[:, None]
    x[100] = -2.4999998
    (σ,) = standard_deviations(model, x).values()
    assert np.median(σ) < 1e-6


# ------------------------------------------------------------------------------------------ mixed precision


def narrow(dtype: str) -> Model:
    """(samples, 3) → Dense(40) in a narrow dtype → Dense(2) in float32."""
    first = dense(40, FEATURES, name="narrow", compute_dtype=dtype)
    return in_float32(sequential(first, dense(2, 40), shape=(None, FEATURES)))


def bfloat16(x: Array) -> Array:
    significand, exponent = np.frexp(x)
    return np.ldexp(np.round(significand * 256) / 256, exponent)


def float16(x: Array) -> Array:
    return x.astype(np.float16).astype(np.float64)


@pytest.mark.parametrize(("dtype", "to_format"), [("float16", float16), ("bfloat16", bfloat16)])
def test_a_layer_in_a_narrow_format(dtype: str, to_format: Callable[[Array], Array]) -> None:
    model, x = narrow(dtype), random_array(200, FEATURES, dtype="float32")
    same_values(model, x)
    first, second = (model.layers[name] for name in ("narrow", "dense"))
    assert isinstance(first, Dense)
    assert isinstance(second, Dense)
    assert first.bias is not None
    product = to_format(to_format(x.astype(np.float64)) @ to_format(first.kernel))
    hidden = to_format(product + to_format(first.bias))
    computed = hidden @ second.kernel + second.bias
    ratio = (computed - np.asarray(replay(model, x))) / standard_deviations(model, x)["dense"]
    assert np.abs(ratio).max() <= 8
    assert 0.1 <= np.sqrt(np.mean(np.square(ratio))) <= 1.2


def test_a_narrow_layer_makes_the_budget_of_the_whole_model_large() -> None:
    x = random_array(20, FEATURES, dtype="float32")
    sizes = [np.median(standard_deviations(narrow(d), x)["dense"]) for d in ("float32", "float16", "bfloat16")]
    assert 1e3 < sizes[1] / sizes[0] < 2e4
    assert 4 < sizes[2] / sizes[1] < 16


def test_float64_has_a_budget_that_float64_needs() -> None:
    model = sequential(dense(40, FEATURES, compute_dtype="float64"), shape=(None, FEATURES), dtype="float64")
    x = random_array(20, FEATURES)
    (σ,) = standard_deviations(model, x).values()
    assert 1e-17 < np.median(σ) < 1e-15


def test_overflow_in_float16_is_infinite() -> None:
    model = sequential(
        dense(4, FEATURES, name="narrow", compute_dtype="float16"),
        dense(2, 4),
        shape=(None, FEATURES),
    )
    x = random_array(3, FEATURES, dtype="float32")
    x[1] *= 1e6
    with np.errstate(over="ignore"):
        (σ,) = standard_deviations(model, x).values()
    assert np.isinf(σ).any(axis=1).tolist() == [False, True, False]

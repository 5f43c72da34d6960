"""Runs that begin at what the replay came by: they compute the same, and σ of the last steps is a part of the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify import Tolerance, Verdict
from lstm_verify._replay import replay_rows
from lstm_verify.arrays import picked
from lstm_verify.budget import _with_errors, in_blocks, recent_rows, rounded_rows
from lstm_verify.checkpoints import RECENT, STRETCH
from lstm_verify.judging.compare import verdict_of
from lstm_verify.judging.judge import judge, part_of_sigma
from lstm_verify.judging.judgement import Judgement
from lstm_verify.layers import RNN, Bidirectional, Dense, Layer, Masking, Reshape
from lstm_verify.model import LayerCall, Model, Output, Tensor
from lstm_verify.run_arithmetic import output_value
from tests.builders import (
    UNITS,
    conv_lstm_cell,
    dense,
    gru_cell,
    lstm_cell,
    rnn,
    sequences,
    sequential,
    simple_rnn_cell,
)

LONG, SAMPLES = 3 * STRETCH + 5, 70  # so many that some stretches are left over, and one block is not enough
SHAPE = (None, None, 3)
Arrays = dict[str, Any]
Noted = dict[int, dict[str, Any]]
"""The checkpoints of every block of a replay, by its first sample."""


def both_ways(**options: Any) -> Bidirectional:
    forward, backward = rnn(lstm_cell(), "forward", **options), rnn(gru_cell(), "backward", **options)
    backward = replace(backward, go_backwards=True, zero_output_for_mask=True)
    forward = replace(forward, zero_output_for_mask=True)
    return Bidirectional(name="both", forward_layer=forward, backward_layer=backward, **options)


def of_two(**options: Any) -> Model:
    return sequential(
        rnn(lstm_cell(), "first", return_sequences=True), rnn(lstm_cell(features=UNITS), "last", **options)
    )


masking = Masking(name="masking", mask_value=0.0)


def of_states(layer: RNN, *before: Layer) -> Model:
    """The model of the second state of a layer of all steps."""
    layer = replace(layer, return_sequences=True, return_state=True)
    return replace(sequential(*before, layer, shape=SHAPE), outputs=(Output("c", Tensor(layer.name, 0, 2)),))


ROWS = Reshape(name="rows", target_shape=(-1, 3, 1))
MODELS = {
    "last": sequential(rnn(lstm_cell(), "lstm"), dense(), shape=SHAPE),
    "sequence": sequential(rnn(gru_cell(), "gru", return_sequences=True), dense(), shape=SHAPE),
    "backwards": sequential(rnn(gru_cell(reset_after=False), "gru", go_backwards=True), shape=SHAPE),
    "sequence_backwards": sequential(rnn(lstm_cell(), "lstm", go_backwards=True, return_sequences=True), shape=SHAPE),
    "stacked": replace(of_two(), inputs=sequential(dense(), shape=SHAPE).inputs),
    "stacked_sequences": replace(of_two(return_sequences=True), inputs=sequential(dense(), shape=SHAPE).inputs),
    "both": sequential(both_ways(), shape=SHAPE),
    "both_sequences": sequential(both_ways(return_sequences=True), shape=SHAPE),
    "convolutions": sequential(
        ROWS,
        rnn(conv_lstm_cell((2,), 1, forget_bias=3.0), "conv_lstm"),
        shape=SHAPE,
    ),
    "states": of_states(rnn(lstm_cell(), "lstm")),
    "states_of_convolutions": of_states(rnn(conv_lstm_cell((2,), 1, forget_bias=3.0), "conv_lstm"), ROWS),
    "convolutions_sequence": sequential(
        masking,
        Reshape(name="images", target_shape=(-1, 3, 1, 1), supports_masking=True),
        rnn(conv_lstm_cell((2, 1), 1, padding="same"), "conv_lstm", return_sequences=True, go_backwards=True),
        shape=SHAPE,
    ),
    "masked": sequential(masking, rnn(simple_rnn_cell(), "rnn"), dense(), shape=SHAPE),
    "masked_sequences": sequential(masking, both_ways(return_sequences=True), shape=SHAPE),
}


def given(steps: int = LONG) -> Arrays:
    x = sequences(SAMPLES, steps).astype("float32")
    for sample, array in enumerate(x):
        array[steps - sample % steps :] = 0  # of which masks are made
    return {"x": x}


def replayed(model: Model, inputs: Arrays) -> tuple[Arrays, Noted]:
    noted: Noted = {}
    outputs = replay_rows(model, inputs, also=lambda block, values, begun: noted.update({block.start: begun}))
    return dict(outputs), noted


def begun_at(noted: Noted, samples: Any) -> dict[str, Any]:
    """The checkpoints of some samples, from those of all blocks."""
    blocks = [noted[start] for start in sorted(noted)]
    return {
        path: [
            tuple(np.concatenate(arrays)[samples] for arrays in zip(*states, strict=True))
            for states in zip(*(block[path] for block in blocks), strict=True)
        ]
        for path in blocks[0]
    }


@pytest.mark.parametrize("steps", [1, RECENT, STRETCH, 2 * STRETCH, LONG])
@pytest.mark.parametrize("name", MODELS)
def test_a_run_from_checkpoints_on_computes_what_the_replay_does(name: str, steps: int) -> None:
    """Its states are those of the whole run, or else its outputs would be others."""
    model, inputs = MODELS[name], given(steps)
    outputs, checkpoints = replayed(model, inputs)
    chosen = np.array([0, 3, 31, 32, 64, 69])
    kind = _with_errors(model)
    kind = kind.resuming(begun_at(checkpoints, chosen))
    (found,) = in_blocks(kind, [picked(inputs["x"], chosen)], len(chosen), len(chosen))
    (wanted,) = outputs.values()
    np.testing.assert_allclose(output_value(found), wanted[chosen], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_the_last_steps_have_a_part_of_the_error(name: str) -> None:
    model, inputs = MODELS[name], given()
    _, checkpoints = replayed(model, inputs)
    chosen = np.arange(0, SAMPLES, 9)
    some = {"x": inputs["x"][chosen]}
    (part,), (whole,) = (
        σ.values() for σ in (recent_rows(model, some, begun_at(checkpoints, chosen)), rounded_rows(model, some))
    )
    assert (part <= whole * (1 + 1e-9)).all()
    unmasked = part[0]  # whose steps are all there
    assert (unmasked > 0).all()
    assert (part < 0.99 * whole).any()


def test_so_few_steps_have_all_of_it() -> None:
    model, inputs = MODELS["last"], given(RECENT)
    _, checkpoints = replayed(model, inputs)
    everyone = np.arange(SAMPLES)
    (part,), (whole,) = (
        σ.values() for σ in (recent_rows(model, inputs, begun_at(checkpoints, everyone)), rounded_rows(model, inputs))
    )
    assert (part <= whole * (1 + 1e-9)).all()
    assert np.median(part / whole) > 0.9  # but for what a witness adds


def judged(model: Model, inputs: Arrays, predicted: Arrays, *, noted: bool) -> Judgement:
    part = part_of_sigma(model, SAMPLES) if noted else None
    outputs = replay_rows(model, inputs, also=part.put if part else None)
    tolerance = Tolerance()
    return judge(model, inputs, predicted, outputs, tolerance, tolerance, part=part)


@pytest.mark.parametrize("size", [0.5, 3.0, 7.5, 8.5, 100.0])
@pytest.mark.parametrize("name", ["last", "stacked_sequences", "masked"])
def test_the_verdict_is_the_same(name: str, size: float) -> None:
    """Of predictions that are so many σ off in one sample."""
    model, inputs = MODELS[name], given()
    outputs, _ = replayed(model, inputs)
    (output,) = outputs
    σ = rounded_rows(model, inputs)[output]
    predicted = {output: outputs[output].copy()}
    predicted[output][40] += size * σ[40]
    verdicts = [verdict_of(judged(model, inputs, predicted, noted=noted).outputs) for noted in (True, False)]
    assert verdicts == [Verdict.MATCH if size < 8 else Verdict.MISMATCH] * 2


def test_a_match_that_needs_no_more_says_so() -> None:
    model, inputs = MODELS["last"], given()
    outputs, _ = replayed(model, inputs)
    near = {name: y * (1 + 2.0**-26) for name, y in outputs.items()}
    soon, all_of_it = (judged(model, inputs, near, noted=noted) for noted in (True, False))
    assert soon.is_lower_bound
    assert not all_of_it.is_lower_bound
    assert soon.outputs[0].max_sigmas >= all_of_it.outputs[0].max_sigmas > 0


def test_a_match_by_a_part_of_sigma_says_too_if_rounding_shows() -> None:
    model, inputs = MODELS["last"], given()
    coarse = {name: replace(layer, compute_dtype="bfloat16") for name, layer in model.layers.items()}
    for layers, notes in ((model.layers, 0), (coarse, 1)):
        outputs, _ = replayed(model, inputs)
        found = judged(replace(model, layers=layers), inputs, outputs, noted=True)
        assert found.is_lower_bound
        assert len(found.notes) == notes
        assert all("rounding alone may change it by" in note for note in found.notes)


def test_a_layer_that_is_called_twice_is_run_from_the_first_step_on() -> None:
    """Nobody could say which of the calls a checkpoint is of."""
    lstm = rnn(lstm_cell(features=3, units=3), "lstm", return_sequences=True)
    model = sequential(lstm, shape=SHAPE)
    model = replace(
        model,
        nodes=(*model.nodes, LayerCall("lstm", (Tensor("lstm"),), call=1)),
        outputs=(Output("lstm", Tensor("lstm", 1)),),
    )
    inputs = given()
    outputs, checkpoints = replayed(model, inputs)
    begun = begun_at(checkpoints, np.arange(SAMPLES))
    assert begun == {"lstm": []}
    kind = _with_errors(model)
    kind = kind.resuming(begun)
    (found,) = in_blocks(kind, [inputs["x"]], SAMPLES, SAMPLES)
    np.testing.assert_allclose(output_value(found), outputs["lstm"], rtol=0, atol=1e-13)


def test_models_without_recurrent_layers_have_no_checkpoints() -> None:
    model = sequential(Dense(name="dense", kernel=np.ones((3, 2))), shape=SHAPE)
    _, noted = replayed(model, given())
    assert not any(noted.values())

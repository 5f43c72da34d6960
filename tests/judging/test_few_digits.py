"""Predictions that know fewer digits than the model: recorded in narrow formats or decimals, made in TF32."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, Report, Tolerance, Verdict, verify
from lstm_verify.cli.option_groups import grouped
from lstm_verify.layers import Array
from lstm_verify.model import Model
from lstm_verify.rounded.precision import PRODUCTS
from tests.builders import UNITS, lstm_model, sequences
from tests.command import assert_usage_error, inputs, model, recorded, run
from tests.judging.cases import Case, float32

ORIGIN = "origin_tanh_sigmoid"


def verified(dense: Array, **options: Any) -> Report:
    return verify(model(ORIGIN), inputs(ORIGIN), expected=dense, diagnose=False, blind_spots=False, **grouped(options))


@pytest.fixture
def honest() -> Array:
    """What Keras 3 predicted, (4, 2) float32."""
    with np.load(recorded(ORIGIN)) as archive:
        return archive["dense"]


# --- recorded with fewer digits


def test_predictions_in_float16_have_half_a_unit_in_their_last_place_more(honest: Array) -> None:
    report = verified(honest.astype("float16"))
    assert report.verdict is Verdict.MATCH
    assert [note for note in report.notes if "the predictions are float16, which has fewer digits" in note]


def test_one_unit_in_the_last_place_of_float16_is_a_mismatch(honest: Array) -> None:
    narrow = honest.astype("float16")
    narrow[2, 1] = np.nextafter(narrow[2, 1], np.float16(1))
    off = np.abs(narrow[2, 1].astype(float) - honest[2, 1]) / np.spacing(narrow[2, 1]).astype(float)
    assert off > 0.51
    assert verified(narrow).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_rounded_predictions_are_accepted_by_decimals_alone(honest: Array, decimals: int) -> None:
    short = np.round(honest, decimals)
    assert verified(short).verdict is Verdict.MISMATCH
    assert verified(short, decimals=decimals).verdict is Verdict.MATCH
    assert verified(short, decimals=decimals + 1).verdict is Verdict.MISMATCH


def test_a_unit_of_the_last_decimal_is_a_mismatch(honest: Array) -> None:
    short = np.round(honest, 3)
    short[1, 0] += 1e-3
    report = verified(short, decimals=3)
    assert (report.verdict, report.outputs[0].worst(1)) == (Verdict.MISMATCH, [1])


def test_decimals_that_would_let_anything_pass_judge_nothing(honest: Array) -> None:
    assert verified(np.round(honest, 0), decimals=0).verdict is Verdict.INCONCLUSIVE
    assert verified(np.zeros_like(honest), decimals=0, allow_unjudged=True).verdict is Verdict.INCONCLUSIVE


def test_decimals_in_the_report(tmp_path: Path, honest: Array) -> None:
    np.save(tmp_path / "short.npy", np.round(honest, 3))
    command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", tmp_path / "short.npy", "--decimals", "3")
    assert "|Δ| ≤ 8σ of rounding + ½·10^-3 of recording" in run(*command).stdout
    assert json.loads(run(*command, "--json", "-").stdout)["tolerance"]["decimals"] == 3


def test_decimals_belong_to_recorded_predictions() -> None:
    assert_usage_error(run(model(ORIGIN), "-i", inputs(ORIGIN), "--decimals", "3"), "Give --expected too")


# --- products of few digits


def shortened(values: Array, bits: int) -> Array:
    """Float32 rounded to that many bits after the first one, by Veltkamp's splitting: all others cancel."""
    large = values * np.float32(2 ** (23 - bits) + 1)
    return large - (large - values)


def in_products_of(bits: int, model: Model, x: Array) -> Array:
    """LSTM and Dense by the textbook, in float32, where the factors of every product have that many bits."""
    weights = {name: weight.astype(np.float32) for name, weight in model.weights()}
    h = c = np.zeros((len(x), UNITS), np.float32)

    def product(a: Array, b: Array) -> Array:
        return shortened(a, bits) @ shortened(b, bits)

    for step in range(x.shape[1]):
        sums = product(x[:, step], weights["lstm/kernel"]) + product(h, weights["lstm/recurrent_kernel"])
        i, f, g, o = np.split(sums + weights["lstm/bias"], 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    y: Array = product(h, weights["dense/kernel"]) + weights["dense/bias"]
    return y


@pytest.mark.parametrize(("products", "bits"), [("tf32", 10), ("bfloat16", 7)])
def test_products_of_few_digits_are_within_their_own_budget_alone(products: str, bits: int) -> None:
    x = sequences(300, dtype="float32")
    plain = float32(lstm_model())
    y = in_products_of(bits, plain, x)
    verdicts = {}
    for budget in PRODUCTS:
        case = Case(replace(plain, products=budget), x)
        verdicts[budget] = case.judged({"dense": y}).outputs[0]
    assert verdicts["float32"].verdict is Verdict.MISMATCH
    assert verdicts[products].within.all()
    assert 0.5 < verdicts[products].max_sigmas < 8
    assert verdicts["tf32"].within.all() == (products == "tf32")


def test_a_fault_is_beyond_the_budget_of_tf32() -> None:
    x = sequences(300, dtype="float32")
    case = Case(replace(float32(lstm_model()), products="tf32"), x)
    y = in_products_of(10, case.model, x)
    y[7, 1] += 0.05
    (output,) = case.judged({"dense": y}).outputs
    assert (output.verdict, output.worst(1)) == (Verdict.MISMATCH, [7])


def test_the_products_are_in_the_report(honest: Array) -> None:
    command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", recorded(ORIGIN), "--products", "tf32")
    assert "in float32, products in tf32" in run(*command).stdout
    assert json.loads(run(*command, "--json", "-").stdout)["runtime"]["products"] == "tf32"
    with pytest.raises(InputError, match="products: 'int8', expected one of float32, tf32, bfloat16"):
        verified(honest, products="int8")


@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_what_has_more_decimals_was_not_rounded_to_so_many(honest: Array, decimals: int) -> None:
    """Half a unit is no licence to be wrong by as much."""
    assert verified(honest + 0.4 * 10.0**-decimals, decimals=decimals).verdict is Verdict.MISMATCH


def lost(predicted: Array, replayed: Array, **options: int) -> list[float]:
    return Tolerance(**options).lost(predicted, replayed).tolist()  # type: ignore[arg-type]


def test_what_is_lost_by_recording() -> None:
    p, r = np.array([0.0, 1e-7, 1.0, np.inf, 0.0], np.float16), np.array([1e-8, 1e-7, 1.0, 1.0, 0.0])
    assert lost(p, r) == [2.0**-25, 2.0**-25, 2.0**-11, 2.0**-25, 0.0]
    p, r = np.array([0.0, 0.25, 0.255, np.nan, 0.0]), np.array([1e-3, 0.25, 0.25, 0.25, 0.0])
    assert lost(p, r, decimals=2) == [0.005, 0.005, 0.0, 0.005, 0.0]
    assert lost(p.astype(np.float32), r) == [0.0] * 5

"""Judging: every sample by its own σ, and by a part of it where that is enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_verify import Tolerance, Verdict, replay
from lstm_verify.errors import UnsupportedError
from lstm_verify.judging.compare import verdict_of
from lstm_verify.layers import Array, Dense, Embedding, LSTMCell, Masking
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import (
    FEATURES,
    TIMESTEPS,
    dense,
    lstm_cell,
    random_array,
    rnn,
    sequences,
    sequential,
    two_headed_model,
)
from tests.judging.cases import BY_ROUNDING, CASES, FALLBACK, LINEAR, NAMES, NAN, NO_BIAS, SAMPLES, Case, float32


def place(case: Case, sample: int, element: int) -> tuple[int, ...]:
    (y,) = case.replayed.values()
    return (sample, *np.unravel_index(element % y[0].size, y.shape[1:]))


@pytest.mark.parametrize("name", NAMES)
def test_honest_predictions_match(name: str) -> None:
    case = CASES[name]
    judged = case.judged(case.noisy())
    assert [output.verdict for output in judged.outputs] == [Verdict.MATCH]
    assert judged.own_sigma == SAMPLES
    assert judged.tolerance == BY_ROUNDING
    assert judged.notes == ()


@settings(max_examples=40)
@given(st.sampled_from(NAMES), st.integers(0, SAMPLES - 1), st.integers(0, 9), st.sampled_from([9.0, -15.0, 1e3, NAN]))
def test_a_single_bad_sample_is_found_wherever_it_is(name: str, sample: int, element: int, away: float) -> None:
    case = CASES[name]
    (output,) = case.replayed
    predicted, where = case.noisy(), place(case, sample, element)
    predicted[output][where] = case.replayed[output][where] + away * case.sigma[output][where]
    assert case.verdict_with_all(predicted) is Verdict.MISMATCH
    (found,) = case.judged(predicted).outputs
    assert found.verdict is Verdict.MISMATCH
    assert not found.within[sample]


@pytest.mark.parametrize("sample", [0, 1, 77, 1000, 1999])
def test_a_bad_sample_among_the_smallest_or_largest_is_found(sample: int) -> None:
    """Every sample of another size: the deviation of a small one is nothing beside the honest ones of the large."""
    case = CASES["of all sizes"]
    predicted = case.noisy()
    predicted["dense"][sample, 1] = case.replayed["dense"][sample, 1] + 12 * case.sigma["dense"][sample, 1]
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH


@pytest.mark.parametrize(("sample", "away"), [(1500, 300.0), *((sample, 9.0) for sample in (3, 401, 1500))])
def test_one_small_sample_among_large_ones_is_judged_by_its_own_sigma(sample: int, away: float) -> None:
    x = random_array(SAMPLES, FEATURES, dtype="float32")
    x[sample] *= 1e-3
    case = Case(NO_BIAS, x)
    predicted = case.noisy()
    predicted["dense"][sample, 1] = case.replayed["dense"][sample, 1] + away * case.sigma["dense"][sample, 1]
    assert case.verdict_with_all(predicted) is Verdict.MISMATCH
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH


@settings(max_examples=30)
@given(
    st.sampled_from(NAMES), st.integers(0, 99), st.sampled_from([0.3, 1.0, 1.9, 3.0]), st.sampled_from([2.0, 4.0, 8.0])
)
def test_the_verdict_is_that_of_all_sigmas(name: str, seed: int, size: float, sigmas: float) -> None:
    case, tolerance = CASES[name], Tolerance(sigmas=sigmas)
    predicted = case.noisy(seed, size)
    assert verdict_of(case.judged(predicted, tolerance).outputs) is case.verdict_with_all(predicted, tolerance)


def test_a_real_fault_is_found_and_a_float32_replay_is_not_one() -> None:
    case = CASES["lstm"]
    honest = dict(replay(case.model, case.inputs, "float32"))
    assert verdict_of(case.judged(honest).outputs) is Verdict.MATCH
    lstm = case.model.layers["lstm"]
    cell = replace(lstm.cell, forget_bias=1e-3)  # type: ignore[attr-defined]
    faulty = replace(case.model, layers={**case.model.layers, "lstm": replace(lstm, cell=cell)})  # type: ignore[call-arg]
    assert verdict_of(case.judged(dict(replay(faulty, case.inputs, "float32"))).outputs) is Verdict.MISMATCH


def test_each_output_is_judged() -> None:
    model = float32(two_headed_model())
    x = sequences(SAMPLES, dtype="float32"), random_array(SAMPLES, 4, seed=5, dtype="float32")
    case = Case(model, x)
    assert [output.verdict for output in case.judged(case.noisy()).outputs] == [Verdict.MATCH] * 2
    for number, name in enumerate(("h", "y")):
        predicted = case.noisy()
        predicted[name][1234, 1] += 10 * case.sigma[name][1234, 1]
        assert case.judged(predicted).outputs[number].verdict is Verdict.MISMATCH


def test_a_mismatch_of_one_output_is_none_of_the_other() -> None:
    case = Case(float32(two_headed_model()), (sequences(SAMPLES, dtype="float32"), random_array(SAMPLES, 4, seed=5)))
    predicted = case.noisy()
    predicted["h"][1234, 1] += 10 * case.sigma["h"][1234, 1]
    assert [output.verdict for output in case.judged(predicted).outputs] == [Verdict.MISMATCH, Verdict.MATCH]


@pytest.mark.parametrize("name", ["dense", "of all sizes"])
def test_a_sample_that_is_beyond_is_counted_once(name: str) -> None:
    case = CASES[name]
    predicted = case.noisy(size=1.5)
    (output,) = predicted
    where = place(case, 777, 1)
    predicted[output][where] += 1e3 * case.sigma[output][where]
    (found,) = case.judged(predicted).outputs
    assert found.samples_beyond == 1


def test_few_samples_all_get_a_sigma() -> None:
    case = Case(LINEAR, random_array(16, FEATURES, dtype="float32"))
    assert case.judged(case.noisy()).own_sigma == 16


# ------------------------------------------------------------------------------------ what cannot be judged


def overflowing(samples: int) -> Case:
    """Of the middle sample a float16 layer cannot hold the numbers."""
    model = float32(
        sequential(
            dense(4, FEATURES, name="narrow", compute_dtype="float16"), dense(2, 4, name="out"), shape=(None, FEATURES)
        )
    )
    x = random_array(samples, FEATURES, dtype="float32")
    x[samples // 2] *= 1e6
    with np.errstate(over="ignore"):
        return Case(model, x)


@pytest.mark.parametrize("samples", [11, 500])
def test_elements_of_which_nothing_can_be_said_are_inconclusive(samples: int) -> None:
    case = overflowing(samples)
    predicted = case.noisy()
    predicted["out"][samples // 2] += 1
    with np.errstate(over="ignore"):
        (found,) = case.judged(predicted).outputs
    assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 2)
    assert found.unjudged_rows.nonzero()[0].tolist() == [samples // 2]
    assert found.reason.startswith("2 values cannot be judged")


def test_a_mismatch_beside_them_is_a_mismatch() -> None:
    case = overflowing(500)
    predicted = case.noisy()
    predicted["out"][250] += 1
    predicted["out"][7, 0] += 20 * case.sigma["out"][7, 0]
    with np.errstate(over="ignore"):
        (found,) = case.judged(predicted).outputs
    assert found.verdict is Verdict.MISMATCH


def test_what_is_predicted_where_nothing_can_be_said_may_be_anything() -> None:
    case = overflowing(11)
    for value in (NAN, float("inf"), 1e30):
        predicted = case.noisy()
        predicted["out"][5] = value
        with np.errstate(over="ignore"):
            (found,) = case.judged(predicted).outputs
        assert found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.filterwarnings("ignore")
def test_an_honest_run_that_overflows_is_no_mismatch() -> None:
    """A relu cell grows beyond float32, where ∞ - ∞ is NaN; in float64 the numbers are still there."""
    cell = lstm_cell(activation=ActivationFunction.of("relu"), forget_bias=3.0)
    cell = replace(cell, recurrent_kernel=30 * cell.recurrent_kernel)
    layers = rnn(cell, "lstm", return_sequences=True), dense(activation=ActivationFunction.of("tanh"))
    model = float32(sequential(*layers, shape=(None, 60, FEATURES)))
    case = Case(model, sequences(4, 60, dtype="float32"))
    honest = dict(replay(model, case.inputs, "float32"))
    assert np.isnan(honest["dense"]).any()
    assert np.isfinite(case.replayed["dense"]).all()
    assert verdict_of(case.judged(honest).outputs) is not Verdict.MISMATCH


def test_where_the_one_side_is_infinite_and_the_other_no_number_nothing_can_be_said() -> None:
    """In float16 ∞ - ∞ comes of numbers that grow beyond float64 later."""
    narrow = dense(4, FEATURES, name="narrow", compute_dtype="float16", activation=ActivationFunction.of("exponential"))
    model = float32(sequential(narrow, shape=(None, FEATURES)))
    x = np.full((3, FEATURES), 1e6, "float32") * np.sign(narrow.kernel[:, 0]).astype("float32")
    with np.errstate(all="ignore"):
        case = Case(model, x)
        assert np.isinf(case.replayed["narrow"][:, 0]).all()
        for value, verdict in ((NAN, Verdict.INCONCLUSIVE), (1.0, Verdict.MISMATCH)):
            predicted = case.noisy()
            predicted["narrow"][:, 0] = value
            assert case.judged(predicted).outputs[0].verdict is verdict


def growing(order: Array) -> Model:
    """A cell whose state grows without end, in float64; its units in some order, which computes the same."""
    generator, units = np.random.default_rng(7), len(order)
    shapes = (FEATURES, 4 * units), (units, 4 * units)
    kernel, recurrent_kernel = (generator.uniform(-1.4, 1.4, shape) * (3 / shape[0]) ** 0.5 for shape in shapes)
    columns = np.concatenate([gate * units + order for gate in range(4)])
    weights = {"kernel": kernel[:, columns], "recurrent_kernel": recurrent_kernel[order][:, columns]}
    cell = LSTMCell(name="cell", **weights, activation=ActivationFunction.of("relu"))
    return sequential(rnn(cell, "lstm", compute_dtype="float64"), shape=(None, 80, FEATURES), dtype="float64")


def test_an_honest_run_in_float64_whose_errors_go_together_is_no_mismatch() -> None:
    units = 24
    order = np.random.default_rng(9).permutation(units)
    x = random_array(24, 80, FEATURES, dtype="float32").astype(np.float64)
    with np.errstate(all="ignore"):
        case = Case(growing(np.arange(units)), x)
        other = replay(growing(order), x)["lstm"][:, np.argsort(order)]
        assert not np.array_equal(other, case.replayed["lstm"])
        assert case.judged({"lstm": other}).outputs[0].verdict is Verdict.MATCH
        assert case.judged({"lstm": other * (1 + 1e-9)}).outputs[0].verdict is Verdict.MISMATCH


@pytest.mark.parametrize("samples", [10, 300])
def test_other_shapes_and_missing_outputs_need_no_sigma(samples: int) -> None:
    case = Case(LINEAR, random_array(samples, FEATURES, dtype="float32"))
    for predicted in ({}, {"dense": np.zeros((samples, 4))}, {"dense": np.zeros((samples - 1, 3))}):
        judged = case.judged(predicted)
        assert verdict_of(judged.outputs) is Verdict.MISMATCH
        assert judged.own_sigma == 0


# ------------------------------------------------------------------------------------------------- notes


def test_a_budget_that_allows_everything_judges_nothing() -> None:
    """Differences of large numbers: σ is as large as what is left."""
    kernel = np.array([[1.0], [-1.0], [0.0]])
    model = float32(sequential(Dense(name="dense", kernel=kernel), shape=(None, FEATURES)))
    x = np.full((50, FEATURES), 1e6, "float32")
    x[:, 0] += np.linspace(0.25, 1, 50)
    case = Case(model, x)
    judged = case.judged(case.noisy())
    (found,) = judged.outputs
    assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 50)
    assert verdict_of(case.judged(case.noisy(), Tolerance(atol=1e3)).outputs) is Verdict.MATCH


def test_a_large_unit_is_no_measure_of_a_small_one() -> None:
    """One unit is a difference of large numbers, with σ as large as what is left; beside it is a sum of them."""
    kernel = np.array([[1.0, 1e6], [-1.0, 1e6], [0.0, 0.5]])
    model = float32(sequential(Dense(name="dense", kernel=kernel), shape=(None, FEATURES)))
    x = np.full((50, FEATURES), 1e6, "float32")
    x[:, 0] += np.linspace(0.25, 1, 50)
    case = Case(model, x)
    for factors in ([1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]):
        (found,) = case.judged({"dense": case.replayed["dense"] * factors}).outputs
        assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 50)
    (found,) = case.judged({"dense": case.replayed["dense"] * [1.0, 1.01]}).outputs
    assert found.verdict is Verdict.MISMATCH


@pytest.mark.parametrize(("left", "judged"), [(5.0, False), (40.0, True)])
def test_a_small_unit_beside_a_large_one_is_judged_if_a_tenth_of_it_can_be_told(left: float, judged: bool) -> None:
    """8σ of a difference of numbers of 1e6 is about 0.8: a sixth of 5, and 2 % of 40."""
    kernel = np.array([[1.0, 1.0], [-1.0, 1.0], [0.0, 0.5]])
    x = np.full((20, FEATURES), 1e6, "float32")
    x[:, 0] += np.linspace(left, 1.1 * left, 20)
    case = Case(float32(sequential(Dense(name="dense", kernel=kernel), shape=(None, FEATURES))), x)
    (found,) = case.judged(case.noisy()).outputs
    assert (found.verdict, found.unjudged) == ((Verdict.MATCH, 0) if judged else (Verdict.INCONCLUSIVE, 20))
    (found,) = case.judged({"dense": case.replayed["dense"] * [0.0, 1.0]}).outputs
    assert found.verdict is (Verdict.MISMATCH if judged else Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(("size", "judged"), [(1e-1, True), (1e-6, False)])
def test_small_inputs_are_not_measured_by_large_ones(size: float, judged: bool) -> None:
    """tanh(0.5 + x) - tanh(0.5): for x of 1e-6, half a unit in the last place of tanh(0.5) is 3 % of what is left."""
    inner = Dense(name="inner", kernel=np.ones((1, 1)), bias=np.full(1, 0.5), activation=ActivationFunction.of("tanh"))
    outer = Dense(name="outer", kernel=np.ones((1, 1)), bias=np.full(1, -np.tanh(0.5)))
    x = np.float32(size) * random_array(20, 1, dtype="float32")
    case = Case(float32(sequential(inner, outer, shape=(None, 1))), x)
    for factor in (1.0, 0.0, -1.0):
        (found,) = case.judged({"outer": case.replayed["outer"] * factor}).outputs
        right = Verdict.MATCH if factor == 1 else Verdict.MISMATCH
        assert found.verdict is (right if judged else Verdict.INCONCLUSIVE)


def test_inputs_of_0_are_measured_by_1() -> None:
    """Next to nothing is left of them, which is judged beside what is left of others."""
    inner = Dense(name="inner", kernel=np.ones((1, 1)), bias=np.full(1, 0.5), activation=ActivationFunction.of("tanh"))
    outer = Dense(name="outer", kernel=np.ones((1, 1)), bias=np.full(1, -np.tanh(0.5)))
    case = Case(float32(sequential(inner, outer, shape=(None, 1))), np.zeros((4, 1), "float32"))
    assert verdict_of(case.judged(case.replayed).outputs) is Verdict.MATCH
    assert verdict_of(case.judged({"outer": case.replayed["outer"] + 1e-3}).outputs) is Verdict.MISMATCH


def test_one_unit_that_is_all_there_is_needs_a_hundredth() -> None:
    x = np.full((20, FEATURES), 1e6, "float32")
    x[:, 0] += np.linspace(40, 44, 20)
    dense = Dense(name="dense", kernel=np.array([[1.0], [-1.0], [0.0]]))
    case = Case(float32(sequential(dense, shape=(None, FEATURES))), x)
    (found,) = case.judged(case.noisy()).outputs
    assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 20)


def test_a_small_value_of_a_unit_that_is_larger_elsewhere_is_judged() -> None:
    case = CASES["dense"]
    x = case.inputs["x"][:40].copy()
    x[0] = 0.0
    cell = Dense(name="dense", kernel=case.model.layers["dense"].kernel, bias=np.array([1e-9, 1.0, -1.0]))  # type: ignore[attr-defined]
    small = Case(float32(sequential(cell, shape=(None, FEATURES))), x)
    (found,) = small.judged(small.noisy()).outputs
    assert (found.verdict, found.unjudged) == (Verdict.MATCH, 0)


def test_a_tight_budget_is_not() -> None:
    case = CASES["lstm"]
    assert case.judged(case.noisy()).notes == ()


def test_without_a_rule_the_fallback_decides_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **options: Any) -> None:
        raise UnsupportedError("rounding errors have no rule for median")

    monkeypatch.setattr("lstm_verify.judging.judge.rounded_rows", refuse)
    case = CASES["dense"]
    predicted = {"dense": case.replayed["dense"] + 5e-6}
    judged = case.judged(predicted)
    assert verdict_of(judged.outputs) is Verdict.MATCH
    assert judged.tolerance == FALLBACK
    assert judged.notes == (
        "no rounding budget: rounding errors have no rule for median. The tolerance is |Δ| ≤ 1e-05 + 0.0001·|replayed|",
    )
    assert verdict_of(case.judged({"dense": case.replayed["dense"] + 1e-2}).outputs) is Verdict.MISMATCH
    strict = case.judged(predicted, Tolerance(atol=1e-7))  # what was asked for stays
    assert (strict.tolerance.atol, verdict_of(strict.outputs)) == (1e-7, Verdict.MISMATCH)


@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0])
def test_a_fallback_that_allows_everything_judges_nothing(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Outputs of less than 1e-5: predictions of 0 are within it, and so is the other sign."""

    def refuse(*given: Any, **options: Any) -> None:
        raise UnsupportedError("rounding errors have no rule for median")

    case = Case(NO_BIAS, random_array(20, FEATURES, dtype="float32") * np.float32(1e-7))
    monkeypatch.setattr("lstm_verify.judging.judge.rounded_rows", refuse)
    predicted = {"dense": case.replayed["dense"] * factor}
    (found,) = case.judged(predicted).outputs
    assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 60)
    assert found.reason.startswith("60 values cannot be judged: a deviation within the tolerance may change them")
    asked = replace(FALLBACK, asked=True)
    assert verdict_of(case.judged(predicted, asked).outputs) is Verdict.MATCH


def test_a_value_near_0_is_judged_by_a_fallback_beside_larger_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relu leaves 0 of most samples; with other inputs it does not."""

    def refuse(*given: Any, **options: Any) -> None:
        raise UnsupportedError("rounding errors have no rule for median")

    relu = Dense(name="dense", kernel=np.ones((FEATURES, 1)), activation=ActivationFunction.of("relu"))
    x = random_array(20, FEATURES, dtype="float32")
    case = Case(float32(sequential(relu, shape=(None, FEATURES))), x)
    assert not case.replayed["dense"].all()
    monkeypatch.setattr("lstm_verify.judging.judge.rounded_rows", refuse)
    assert verdict_of(case.judged(case.replayed).outputs) is Verdict.MATCH
    wrong = {"dense": case.replayed["dense"] + 1e-3 * (case.replayed["dense"] == 0)}
    assert verdict_of(case.judged(wrong).outputs) is Verdict.MISMATCH


def test_an_absolute_tolerance_decides_and_sigma_is_known() -> None:
    case = CASES["dense"]
    predicted = {"dense": case.replayed["dense"] + 1e-3}
    (found,) = case.judged(predicted, Tolerance(atol=1e-2)).outputs
    assert found.verdict is Verdict.MATCH
    assert found.max_sigmas > 1e3
    (found,) = case.judged(predicted, Tolerance(atol=1e-4)).outputs
    assert (found.verdict, found.samples_beyond) == (Verdict.MISMATCH, SAMPLES)


# --------------------------------------------------------------------------------- models of other kinds


def test_a_model_whose_samples_belong_together_gets_all_sigmas() -> None:
    case = Case(replace(LINEAR, divisible=False), random_array(100, FEATURES, dtype="float32"))
    judged = case.judged(case.noisy())
    assert (verdict_of(judged.outputs), judged.own_sigma) == (Verdict.MATCH, 100)
    predicted = case.noisy()
    predicted["dense"][41, 2] += 12 * case.sigma["dense"][41, 2]
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH


def test_a_stateful_model_is_judged_batch_by_batch() -> None:
    model = float32(sequential(rnn(lstm_cell(), stateful=True), shape=(4, TIMESTEPS, FEATURES)))
    case = Case(model, sequences(40, dtype="float32"))
    assert verdict_of(case.judged(dict(replay(model, case.inputs, "float32"))).outputs) is Verdict.MATCH
    predicted = case.noisy()
    predicted["rnn"][33, 2] += 12 * case.sigma["rnn"][33, 2]
    (found,) = case.judged(predicted).outputs
    assert (found.verdict, found.worst(1)) == (Verdict.MISMATCH, [33])


def test_outputs_that_are_whole_numbers_or_exact_have_to_be_the_same() -> None:
    table = Embedding(name="words", embeddings=random_array(20, 3, dtype="float32"))
    tokens = np.random.default_rng(0).integers(0, 20, (100, TIMESTEPS)).astype(np.int32)
    case = Case(sequential(table, shape=(None, TIMESTEPS), dtype="int32"), tokens)
    assert verdict_of(case.judged(dict(case.replayed)).outputs) is Verdict.MATCH
    predicted = {"words": case.replayed["words"].copy()}
    predicted["words"][60, 2, 1] += 1e-9
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH


def test_padded_samples_are_judged_by_their_own_sigma() -> None:
    """The same place is exact in one sample and not in another."""
    model = float32(sequential(Masking(name="mask"), rnn(lstm_cell(), return_sequences=True)))
    x = sequences(300, dtype="float32")
    x[100:, :3] = 0
    case = Case(model, x)
    judged = case.judged(dict(replay(model, case.inputs, "float32")))
    assert verdict_of(judged.outputs) is Verdict.MATCH
    predicted = dict(replay(model, case.inputs, "float32"))
    predicted["rnn"][200, 1, 2] = 1e-9
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH


def test_a_dead_unit_has_to_be_dead() -> None:
    layer = dense(3, FEATURES, activation=ActivationFunction.of("relu"))
    case = Case(float32(sequential(layer, shape=(None, FEATURES))), random_array(400, FEATURES, dtype="float32"))
    predicted = dict(replay(case.model, case.inputs, "float32"))
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MATCH
    dead = np.argwhere(case.sigma["dense"] < 1e-30)
    predicted["dense"][tuple(dead[len(dead) // 2])] = 1e-10
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH

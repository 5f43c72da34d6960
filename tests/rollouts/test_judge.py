"""How a rollout is judged: σ of every step, and what is said where the two sides choose different tokens."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Model, Tolerance, Verdict
from lstm_verify.arrays import Array
from lstm_verify.budget import rounded_rows
from lstm_verify.errors import UnsupportedError
from lstm_verify.judging.compare import verdict_of
from lstm_verify.judging.judge import TOLERANCES
from lstm_verify.judging.judgement import Judgement
from lstm_verify.layers.dense import Dense
from lstm_verify.model import Input
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.rollouts.closed_loop import Rolled, closed_loop, first_outputs, forced_loop
from lstm_verify.rollouts.judge import judge, sigma_of_steps
from lstm_verify.rollouts.plan import Plan, make_plan
from tests.rollouts.models import NOTHING, SAMPLES, STEPS, chain, child_side, dense, lstm, normal, planned, values
from tests.runtimes.test_rollouts import TIE, rolled

EVERY = ["window", "one_step", "no_time", "states", "sequence_and_states", "stateful", "tokens", "one_hot"]


class Case:
    """A model, what it is given, its plan, and its closed loop in the replay."""

    def __init__(self, model: Model, given: dict[str, Array], plan: Plan, draws: Array | None = None) -> None:
        self.model, self.given, self.plan = model, given, plan
        self.replayed = closed_loop(model, given, plan, draws)

    @classmethod
    def of(cls, name: str) -> Case:
        return cls(*planned(name))

    @classmethod
    def fed_whole(cls, layer: Dense, x: Array, steps: int) -> Case:
        """A layer whose output, (samples, units), is its next input."""
        model, given = chain(Input("x", (None, x.shape[1]), "float32"), layer), {"x": x}
        return cls(model, given, make_plan(model, steps, given, (), first_outputs(model, given), NOTHING)[0])

    def sigma(self, fed: dict[str, Array] | None = None, replayed: Rolled | None = None) -> dict[str, Array]:
        return sigma_of_steps(self.model, self.given, self.plan, replayed or self.replayed, fed, "keras")

    def judged(self, predicted: Rolled, tolerance: Tolerance | None = None) -> Judgement:
        return judge(
            self.model, self.given, self.plan, predicted, self.replayed, tolerance or Tolerance(), None, "keras"
        )

    def saying(self, **changed: Array) -> Rolled:
        """The replay's own run in float32, with other outputs."""
        with np.errstate(over="ignore"):
            outputs = {name: y.astype("float32") for name, y in self.replayed.outputs.items()}
        return Rolled(outputs | changed, dict(self.replayed.tokens), dict(self.replayed.fed))


# --- σ of a step on its own


@pytest.mark.parametrize("name", EVERY)
def test_the_first_step_has_the_sigma_of_a_verification(name: str) -> None:
    case = Case.of(name)
    alone = rounded_rows(case.model, case.given)
    forced, closed = case.sigma(case.replayed.fed), case.sigma()
    for output, σ in alone.items():
        last = σ if σ.shape == forced[output][0].shape else σ[:, -1:]  # of a seed of several time steps
        np.testing.assert_allclose(forced[output][0], last, rtol=1e-12)
        assert (closed[output][0] >= last).all()
        assert (closed[output][0] < 2.5 * last).all()  # the rms of a few errors drawn from it


@pytest.mark.parametrize("name", ["window", "no_time", "states", "tokens"])
def test_from_given_inputs_every_step_has_the_sigma_of_a_verification(name: str) -> None:
    """Of what the framework was given there; nothing adds up."""
    case = Case.of(name)
    fed = {n: (x + 0.01).astype("float32") if x.dtype.kind == "f" else x for n, x in case.replayed.fed.items()}
    forced = forced_loop(case.model, case.given, case.plan, None, fed)
    sigma = case.sigma(fed, forced)
    for step in range(1, STEPS):
        alone = rounded_rows(case.model, case.given | {n: x[step - 1] for n, x in fed.items()})
        for output, σ in alone.items():
            np.testing.assert_allclose(sigma[output][step], σ, rtol=1e-9)


# --- what comes together in a loop


@pytest.mark.parametrize("a", [1.0, -0.97, 0.9, 1.2])
def test_errors_of_a_linear_loop_come_together_as_they_must(a: float) -> None:
    """y_t = a·y_{t-1} with an error s_t: the variance is v_t = a²·v_{t-1} + s_t², and σ_t = √(t·v_t)."""
    layer = Dense(name="y", kernel=np.array([[a]]), bias=np.array([0.1]), activation=ActivationFunction.of("linear"))
    case = Case.fed_whole(layer, np.full((600, 1), 0.7, "float32"), 30)
    own, sigma = case.sigma(case.replayed.fed)["y"][:, 0, 0], case.sigma()["y"][:, :, 0]
    variance, wanted = 0.0, []
    for step, s in enumerate(own, 1):
        variance = a**2 * variance + s**2
        wanted.append((step * variance) ** 0.5)
    assert (own > 1e-9).all()
    rms = np.sqrt(np.square(sigma).mean(axis=1))  # of samples that have copies of their own
    np.testing.assert_allclose(rms[3:], wanted[3:], rtol=0.05)


def float32_loop(kernel: Array, bias: Array, x: Array, steps: int) -> Array:
    """tanh(x·W + b) again and again, in float32."""
    ys = []
    for _ in range(steps):
        ys.append(x := np.tanh(x @ kernel.astype("float32") + bias.astype("float32")))
    return np.array(ys)


@pytest.mark.parametrize("gain", [0.3, 1.0, 2.0, 4.0, 8.0])
def test_an_honest_loop_is_within_its_sigma(gain: float) -> None:
    """Calm, periodic or chaotic, with units that are saturated most of the time."""
    lost = []
    for seed in range(25):
        kernel = (normal(8, 8, seed=seed) * gain / 8**0.5).astype("float32").astype(float)
        bias, x = normal(8, seed=seed).astype("float32").astype(float), normal(4, 8, seed=seed).astype("float32")
        layer = Dense(name="y", kernel=kernel, bias=bias, activation=ActivationFunction.of("tanh"))
        case = Case.fed_whole(layer, x, 150)
        y = float32_loop(kernel, bias, x, 150)
        lost.append(np.abs(y - case.replayed.outputs["y"]).max())
        (found,) = case.judged(Rolled({"y": y})).outputs
        assert found.within.all(), (seed, found.max_sigmas)
        assert (found.verdict is Verdict.MATCH) == (not found.unjudged)
        assert gain > 1 or not found.unjudged  # a chaotic loop forgets where it came from
    assert min(lost) > 0
    assert max(lost) > 0.5 or gain < 4  # some of them have nothing in common in the end


@pytest.mark.parametrize("gain", [0.3, 1.0, 4.0])
def test_another_weight_is_beyond_it(gain: float) -> None:
    kernel, bias, x = normal(8, 8) * gain / 8**0.5, normal(8), normal(4, 8).astype("float32")
    case = Case.fed_whole(Dense(name="y", kernel=kernel, bias=bias, activation=ActivationFunction.of("tanh")), x, 60)
    other = kernel.copy()
    other[3, 5] += 1e-4
    (found,) = case.judged(Rolled({"y": float32_loop(other, bias, x, 60)})).outputs
    assert found.verdict is Verdict.MISMATCH
    assert not found.within[:3].all()


def test_a_loop_in_which_rounding_becomes_visible_is_noted() -> None:
    def fed_whole(gain: float) -> Case:
        kernel, bias, x = normal(8, 8, seed=9) * gain, normal(8, seed=9), normal(4, 8).astype("float32")
        return Case.fed_whole(
            Dense(name="y", kernel=kernel, bias=bias, activation=ActivationFunction.of("tanh")), x, 60
        )

    noted, quiet = fed_whole(2.0), fed_whole(0.05)  # which is chaotic, and which is calm
    (note,) = noted.judged(noted.saying()).notes
    budget = 8 * noted.sigma()["y"].reshape(60, -1).max(axis=1)
    first = int(np.argmax(budget > 0.01 * np.abs(noted.replayed.outputs["y"]).max())) + 1
    assert 1 < first < 60
    assert note.startswith(f"output 'y': from step {first} on rounding alone may change it by ")
    (output,) = noted.judged(noted.saying()).outputs
    assert output.verdict is Verdict.INCONCLUSIVE
    sizes = np.abs(noted.replayed.outputs["y"]).max(axis=(0, 1))  # of each unit, of which a tenth is allowed in a loop
    wide = 8 * noted.sigma()["y"] > 0.1 * sizes.max()
    late = int(np.argmax(wide.reshape(60, -1).any(axis=1))) + 1
    assert first < late
    assert output.reason.startswith(f"from step {late} on rounding alone may change it as much as a fault would")
    assert quiet.judged(quiet.saying()).notes == ()


def test_copies_one_after_the_other_find_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case.of("states")
    together = case.sigma()
    monkeypatch.setattr(sys.modules[judge.__module__], "MANY", 0)
    for name, σ in case.sigma().items():
        assert (σ != together[name]).any()
        assert 0.7 < np.median(σ / together[name]) < 1.4


# --- states inside the model, batches, precisions


def test_states_inside_a_model_come_together_like_those_outside() -> None:
    """The same LSTM twice: with its states fed back, and with states that stay in it."""
    x = normal(SAMPLES, 1, 2).astype("float32")
    zeros = {name: np.zeros((SAMPLES, 5), "float32") for name in ("h", "c")}
    outside = chain(values(1, 2), lstm("lstm", 2, 5, return_state=True), dense("y", 5, 2), states=("h", "c"))
    inside = chain(values(1, 2), lstm("lstm", 2, 5, stateful=True), dense("y", 5, 2))
    batch = replace(inside, inputs=(Input("x", (SAMPLES, 1, 2), "float32"),))
    assert (batch.batch_size, inside.batch_size) == (SAMPLES, None)
    cases = []
    for model, given in ((outside, {"x": x, **zeros}), (inside, {"x": x}), (batch, {"x": x})):
        plan, _ = make_plan(model, 60, given, (), first_outputs(model, given), NOTHING)
        cases.append(Case(model, given, plan))
    known = cases[0].sigma()["y"]
    for case in cases[1:]:
        np.testing.assert_allclose(case.replayed.outputs["y"], cases[0].replayed.outputs["y"], atol=1e-12)
        ratio = case.sigma()["y"] / known
        assert 0.5 < np.median(ratio) < 2
        assert 0.1 < ratio.min() < ratio.max() < 10


def test_a_loop_in_float64_has_a_sigma_of_float64() -> None:
    kernel, bias, x = normal(8, 8) * 0.4, normal(8), normal(4, 8)
    layer = Dense(name="y", kernel=kernel, bias=bias, activation=ActivationFunction.of("tanh"), compute_dtype="float64")
    case = Case.fed_whole(layer, x, 60)
    case.model = replace(case.model, inputs=(Input("x", (None, 8), "float64"),), source=None)
    y, ys = x, []
    for _ in range(60):
        ys.append(y := np.tanh((y[:, ::-1] @ kernel[::-1]) + bias))  # the same sums in another order
    off = np.abs(np.array(ys) - case.replayed.outputs["y"]).max()
    (found,) = case.judged(Rolled({"y": np.array(ys)})).outputs
    assert 0 < off < 1e-12
    assert found.verdict is Verdict.MATCH
    assert case.sigma()["y"].max() < 1e-12
    (found,) = case.judged(Rolled({"y": np.array(ys) + 1e-11})).outputs
    assert found.verdict is Verdict.MISMATCH


def test_what_is_not_finite_has_no_sigma_and_takes_it_from_no_other() -> None:
    """One of two units doubles itself until float32 cannot hold it."""
    layer = Dense(name="y", kernel=np.diag([4.0, 0.5]), bias=np.zeros(2), activation=ActivationFunction.of("linear"))
    case = Case.fed_whole(layer, np.array([[1.0, 1.3]], "float32"), 80)
    sigma = case.sigma()["y"][:, 0]
    assert np.isfinite(sigma[:60]).all()
    assert np.isinf(sigma[70:, 0]).all()
    assert (sigma[70:, 1] < 1e-20).all()
    assert case.judged(case.saying()).outputs[0].verdict is not Verdict.MATCH


# --- different tokens


def other_token(case: Case, step: int, sample: int) -> Rolled:
    """The replay's own run, but for a token, after which the sample says something else."""
    said = case.saying()
    tokens, likely = said.tokens["next"].copy(), said.outputs["next"].copy()
    tokens[step, sample] = (tokens[step, sample] + 1) % likely.shape[-1]
    likely[step + 1 :, sample] = likely[step + 1 :, sample, ::-1]
    return Rolled({"next": likely}, {"next": tokens}, said.fed)


def test_what_follows_a_different_token_is_not_judged() -> None:
    case = Case.of("tokens")
    predicted = other_token(case, 4, 1)
    (found,) = case.judged(predicted).outputs
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "what follows a different token is not compared"
    assert found.within.all()
    assert found.unjudged == (STEPS - 5) * 7
    same = replace(predicted, tokens=case.replayed.tokens)  # without the different token it is a fault
    (found,) = case.judged(same).outputs
    assert (found.verdict, found.within.tolist()) == (Verdict.MISMATCH, [True] * 5 + [False] * (STEPS - 5))


def test_the_fault_of_another_sample_still_is() -> None:
    case = Case.of("tokens")
    predicted = other_token(case, 4, 1)
    predicted.outputs["next"][8, 2, 3] += 1e-3
    (found,) = case.judged(predicted).outputs
    assert found.verdict is Verdict.MISMATCH
    assert np.flatnonzero(~found.within).tolist() == [8]


def test_what_led_to_a_different_token_still_is() -> None:
    """Which is then no tie."""
    case = Case.of("tokens")
    predicted = other_token(case, 4, 1)
    predicted.outputs["next"][4, 1] = np.eye(7)[predicted.tokens["next"][4, 1]]
    (found,) = case.judged(predicted).outputs
    assert found.verdict is Verdict.MISMATCH
    assert np.flatnonzero(~found.within).tolist() == [4]


def test_a_tolerance_that_was_asked_for_compares_all_steps() -> None:
    case = Case.of("tokens")
    predicted = other_token(case, 4, 1)
    judged = case.judged(predicted, Tolerance(atol=1e-4))
    assert judged.tolerance == Tolerance(atol=1e-4)
    assert judged.outputs[0].within.tolist() == [True] * 5 + [False] * (STEPS - 5)
    assert verdict_of(case.judged(predicted, Tolerance(atol=2.0)).outputs) is Verdict.MATCH


def test_a_different_token_in_agreement_is_a_tie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake framework finds another letter as likely; with so many σ, that agrees."""
    tie, mismatch = (rolled(tmp_path / str(sigmas), monkeypatch, TIE, sigmas=sigmas) for sigmas in (1e9, 8.0))
    assert tie.different_token == mismatch.different_token
    assert (tie.verdict, tie.first_step_beyond) == (Verdict.INCONCLUSIVE, None)
    assert tie.summary().endswith("Both sides agree up to there, so it is a tie that rounding decides")
    assert (mismatch.verdict, mismatch.first_step_beyond) == (Verdict.MISMATCH, 4)
    assert "tie" not in mismatch.summary()
    assert "first different token at step 4, sample 1" in mismatch.summary()


# --- other tolerances


def test_more_sigmas_allow_for_more() -> None:
    case = Case.of("window")
    σ = case.sigma()["y"]
    predicted = case.saying(y=case.replayed.outputs["y"] + 20 * σ)
    assert verdict_of(case.judged(predicted).outputs) is Verdict.MISMATCH
    (found,) = case.judged(predicted, Tolerance(sigmas=25)).outputs
    assert found.verdict is Verdict.MATCH
    assert 19 < found.max_sigmas < 20.5


def test_an_absolute_tolerance_decides_and_sigma_is_known() -> None:
    case = Case.of("window")
    predicted = case.saying(y=case.replayed.outputs["y"] + 1e-3)
    for tolerance, verdict in ((Tolerance(atol=2e-3), Verdict.MATCH), (Tolerance(atol=5e-4), Verdict.MISMATCH)):
        judged = case.judged(predicted, tolerance)
        assert (judged.outputs[0].verdict, judged.tolerance, judged.notes) == (verdict, tolerance, ())
        assert judged.outputs[0].max_sigmas > 8


def test_without_a_rule_a_fixed_tolerance_decides_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise UnsupportedError("rounding errors have no rule for median")

    monkeypatch.setattr("lstm_verify.budget.Rounded.__array_function__", refuse)
    monkeypatch.setattr("lstm_verify.budget.Rounded.__array_ufunc__", refuse)
    case = Case.of("window")
    judged = case.judged(case.saying(y=case.replayed.outputs["y"] + 5e-6))
    assert (verdict_of(judged.outputs), judged.tolerance) == (Verdict.MATCH, TOLERANCES["float32"])
    (note,) = judged.notes
    assert note.startswith("no rounding budget: ")
    assert note.endswith("rounding errors have no rule for median. The tolerance is |Δ| ≤ 1e-05 + 0.0001·|replayed|")
    wrong = case.saying(y=case.replayed.outputs["y"] + 1e-2)
    assert verdict_of(case.judged(wrong).outputs) is Verdict.MISMATCH
    asked = case.judged(wrong, Tolerance(atol=0.1))
    assert (verdict_of(asked.outputs), asked.tolerance) == (Verdict.MATCH, Tolerance(atol=0.1))


@pytest.mark.parametrize("name", EVERY)
def test_the_other_loop_matches(name: str) -> None:
    """The child's, in float64."""
    case = Case.of(name)
    judged = case.judged(child_side(case.model, case.given, case.plan, None))
    assert verdict_of(judged.outputs) is Verdict.MATCH

"""The verdict on a sample is the same alone and in any company: nothing in one sample has a say in another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_verify import Tolerance
from lstm_verify._replay import replay_rows
from lstm_verify.budget import rounded_rows
from lstm_verify.inputs import bind
from lstm_verify.judging.judge import judge, part_of_sigma
from lstm_verify.judging.judgement import Judgement
from lstm_verify.layers import Array, Dense, Masking
from lstm_verify.layers import activation as layers_of
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import (
    FEATURES,
    UNITS,
    dense,
    gru_cell,
    lstm_cell,
    rnn,
    sequences,
    sequential,
)
from tests.judging.cases import float32

KINK = float(np.float32(0.3))
"""Where the activations and masks of the models below jump."""
FEW, MANY = 6, 300
"""The samples of a company; of the many more lie beyond a part of σ than are looked at first."""
FALLBACK = Tolerance(1e-5, 1e-4, asked=False)

relu = ActivationFunction.of("relu", threshold=KINK)
shrink = ActivationFunction.of("hard_shrink", threshold=KINK)


def exact(units: int = FEATURES) -> Dense:
    """A layer that leaves everything as it is, but for errors of rounding."""
    return Dense(name="exact", kernel=np.eye(FEATURES, units), bias=np.zeros(units))


def chosen(operation: str, *constants: float) -> tuple[Operation, ...]:
    return (Operation(name=operation, operation=operation, arguments=(Slot(0), *constants)),)


def of_sequences() -> dict[str, Model]:
    long = replace(lstm_cell(), recurrent_kernel=4 * lstm_cell().recurrent_kernel)
    narrow = {"compute_dtype": "float16"}
    return {
        "lstm": sequential(rnn(lstm_cell(), "lstm"), dense()),
        "chaotic": sequential(rnn(long, "lstm", return_sequences=True), dense()),
        "stacked": sequential(
            rnn(lstm_cell(), "a", return_sequences=True), rnn(gru_cell(features=UNITS), "b"), dense()
        ),
        "masked": sequential(Masking(name="mask", mask_value=KINK), rnn(gru_cell(), "gru"), dense()),
        "threshold": sequential(exact(), layers_of.Activation(name="relu", activation=relu), rnn(lstm_cell(), "lstm")),
        "threshold in the cell": sequential(rnn(lstm_cell(activation=shrink), "lstm", return_sequences=True)),
        "threshold at the end": sequential(rnn(lstm_cell(), "lstm"), dense(activation=relu)),
        "compared": sequential(exact(), *chosen("greater", KINK), rnn(lstm_cell(), "lstm"), dense()),
        "rounded": sequential(exact(), *chosen("floor"), rnn(gru_cell(), "gru"), dense()),
        "float16": sequential(rnn(lstm_cell(), "lstm", **narrow), dense(**narrow)),
    }


MODELS = {name: float32(model) for name, model in of_sequences().items()}


# ------------------------------------------------------------------------------------------------- the samples


def kinked(x: Array, rng: np.random.Generator) -> Array:
    """Some numbers at the jump, one unit in the last place above and below it."""
    sides = np.float32(KINK) + np.float32([0, 1, -1]) * np.spacing(np.float32(KINK))
    return np.where(rng.random(x.shape) < 0.5, rng.choice(sides, x.shape), x)


def spotted(value: float) -> Callable[[Array, np.random.Generator], Array]:
    """One number is something else."""

    def spot(x: Array, rng: np.random.Generator) -> Array:
        x = x.copy()
        x[rng.integers(len(x)), rng.integers(x.shape[1])] = value
        return x

    return spot


SAMPLES: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "ordinary": lambda x, rng: x,
    "kinked": kinked,
    "huge": lambda x, rng: 1e4 * x,
    "tiny": lambda x, rng: 1e-4 * x,
    "subnormal": lambda x, rng: 1e-40 * x,
    "beyond float16": lambda x, rng: 1e6 * x,
    "constant": lambda x, rng: np.full_like(x, 0.7),
    "all at the kink": lambda x, rng: np.full_like(x, KINK),
    "zeros": lambda x, rng: np.zeros_like(x),
    "padded": lambda x, rng: np.where(np.arange(len(x))[:, None] < 3, x, KINK),
    "NaN": spotted(np.nan),
    "infinite": spotted(np.inf),
}
PREDICTED: dict[str, Callable[[Array, Array], Array]] = {
    "honest": lambda y, σ: y + 0.7 * np.where(np.isfinite(σ), σ, 0),
    "at 5σ": lambda y, σ: y + 5 * np.where(np.isfinite(σ), σ, 0),
    "at 20σ": lambda y, σ: y + 20 * np.where(np.isfinite(σ), σ, 0),
    "off by 1": lambda y, σ: y + 1,
    "zero": lambda y, σ: np.zeros_like(y),
    "NaN": lambda y, σ: np.full_like(y, np.nan),
}


class Company:
    """Samples of some kinds, and predictions of some kinds, one each."""

    def __init__(self, model: Model, kinds: list[str], predicted: list[str], seed: int) -> None:
        self.model, rng = model, np.random.default_rng(seed)
        plain = sequences(len(kinds), seed=seed)
        x = np.stack([SAMPLES[kind](sample, rng) for kind, sample in zip(kinds, plain, strict=True)])
        self.x = x.astype("float32")
        self.sigma = self.sigma_of(slice(None))
        (replayed,) = self.replayed(slice(None)).values()
        given = zip(predicted, replayed, self.sigma, strict=True)
        self.predicted = np.stack([PREDICTED[kind](y, σ) for kind, y, σ in given])

    def sigma_of(self, samples: slice) -> Array:
        with np.errstate(all="ignore"):
            (sigma,) = rounded_rows(self.model, self.inputs(samples)).values()
        return sigma

    def inputs(self, samples: slice) -> dict[str, Array]:
        bound, _ = bind(self.model, self.x[samples])
        return {name: np.asarray(rows) for name, rows in bound.items()}

    def replayed(self, samples: slice) -> dict[str, Array]:
        return {name: np.asarray(rows) for name, rows in replay_rows(self.model, self.inputs(samples)).items()}

    def judged(self, samples: slice) -> Judgement:
        """As the command does it, with a part of σ that comes along with the replay."""
        inputs, part = self.inputs(samples), part_of_sigma(self.model, len(self.x[samples]))
        with np.errstate(all="ignore"):
            replayed = replay_rows(self.model, inputs, also=part.put if part else None)
            (name,) = replayed
            predicted = {name: self.predicted[samples]}
            return judge(self.model, inputs, predicted, replayed, Tolerance(), FALLBACK, None, part)

    def verdicts(self, samples: slice) -> list[tuple[bool, bool]]:
        """Of each sample, whether it is within the tolerance, and whether something of it is unjudged."""
        (found,) = self.judged(samples).outputs
        return list(zip(found.within.tolist(), found.unjudged_rows.tolist(), strict=True))


def alone(number: int) -> slice:
    return slice(number, number + 1)


def named(table: dict[str, Any], count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(list(table)), min_size=count, max_size=count)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=4)
@given(named(SAMPLES, FEW), named(PREDICTED, FEW), st.integers(0, 99))
def test_a_sample_has_the_same_verdict_alone_and_in_any_company(
    name: str, kinds: list[str], predicted: list[str], seed: int
) -> None:
    company = Company(MODELS[name], kinds, predicted, seed)
    together = company.verdicts(slice(None))
    assert [company.verdicts(alone(number))[0] for number in range(FEW)] == together
    assert company.verdicts(slice(None, None, -1)) == together[::-1]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["NaN", "infinite", "all at the kink", "zeros"])
def test_honest_samples_beside_a_strange_one_are_judged_as_ever(name: str, kind: str) -> None:
    usual, strange = ["ordinary"] * FEW, ["ordinary"] * (FEW - 1) + [kind]
    expected, found = (
        Company(MODELS[name], kinds, ["honest"] * FEW, 3).verdicts(slice(None)) for kinds in (usual, strange)
    )
    assert found[:-1] == expected[:-1]


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=6)
@given(named(SAMPLES, FEW - 1), st.sampled_from(list(SAMPLES)), st.integers(0, 99))
def test_sigma_of_a_sample_depends_on_no_other(name: str, others: list[str], kind: str, seed: int) -> None:
    """At the same place among samples of other kinds; elsewhere BLAS rounds the products of a witness otherwise."""
    found = [
        Company(MODELS[name], company, ["honest"] * FEW, seed).sigma[0]
        for company in ([kind, *others], [kind, *others[::-1]], [kind, *["zeros"] * (FEW - 1)])
    ]
    for sigma in found[1:]:
        assert np.array_equal(np.isfinite(sigma), np.isfinite(found[0]))
        np.testing.assert_allclose(sigma, found[0], rtol=1e-3)


@pytest.mark.parametrize("name", ["lstm", "masked", "compared"])
def test_a_sample_among_many_has_the_verdict_that_it_has_alone(name: str) -> None:
    """Of these more lie beyond a part of σ than are looked at first."""
    rng = np.random.default_rng(11)
    kinds, predicted = (list(rng.choice(list(table), MANY)) for table in (SAMPLES, PREDICTED))
    company = Company(MODELS[name], kinds, predicted, 0)
    together = company.verdicts(slice(None))
    assert len(set(together)) > 1
    for number in range(0, MANY, 37):
        assert company.verdicts(alone(number)) == [together[number]]

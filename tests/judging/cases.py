"""Models with many samples, what honest frameworks may predict for them, and σ of every element."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify import Tolerance, Verdict, replay
from lstm_verify.budget import rounded_rows
from lstm_verify.judging.compare import compare, verdict_of
from lstm_verify.judging.judge import SHARES, judge
from lstm_verify.judging.judgement import Judgement
from lstm_verify.layers import Array, Dense
from lstm_verify.model import Model
from tests.builders import (
    FEATURES,
    dense,
    lstm_model,
    random_array,
    sequences,
    sequential,
)

SAMPLES = 2000
BY_ROUNDING = Tolerance()
FALLBACK = Tolerance(1e-5, 1e-4, asked=False)
NAN = float("nan")


class Case:
    """A model, many samples, what is replayed of them, and σ of every element."""

    def __init__(self, model: Model, x: Any) -> None:
        self.model = model
        names = [spec.name for spec in model.inputs]
        self.inputs = dict(zip(names, x if isinstance(x, tuple) else (x,), strict=True))
        self.replayed = dict(replay(model, self.inputs))
        self.sigma = rounded_rows(model, self.inputs)

    def noisy(self, seed: int = 0, size: float = 0.7) -> dict[str, Array]:
        """What an honest framework may predict: the replay with errors of `size` σ."""
        generator = np.random.default_rng(seed)
        return {
            name: y + size * np.where(np.isfinite(self.sigma[name]), self.sigma[name], 0) * normal(generator, y.shape)
            for name, y in self.replayed.items()
        }

    def judged(self, predicted: dict[str, Array], tolerance: Tolerance = BY_ROUNDING) -> Judgement:
        return judge(self.model, self.inputs, predicted, self.replayed, tolerance, FALLBACK)

    def verdict_with_all(self, predicted: dict[str, Array], tolerance: Tolerance = BY_ROUNDING) -> Verdict:
        share = SHARES[self.model.precision]
        return verdict_of(compare(predicted, self.replayed, tolerance, sigma=self.sigma, share=share))


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.clip(generator.standard_normal(shape), -4, 4)


def float32(model: Model) -> Model:
    return model.astype("float32").astype("float64")


def scaled(samples: int = SAMPLES, low: float = -4) -> Array:
    """Samples of very different sizes, so that σ of the smallest is a hundred thousandth of that of the largest."""
    return random_array(samples, FEATURES) * np.logspace(low, 1, samples)[:, None]


LINEAR = float32(sequential(dense(3, FEATURES), shape=(None, FEATURES)))
NO_BIAS = float32(sequential(Dense(name="dense", kernel=random_array(FEATURES, 3)), shape=(None, FEATURES)))
CASES = {
    "dense": Case(LINEAR, random_array(SAMPLES, FEATURES, dtype="float32")),
    "of all sizes": Case(NO_BIAS, scaled().astype("float32")),
    "lstm": Case(float32(lstm_model()), sequences(SAMPLES, dtype="float32")),
}
NAMES = list(CASES)

"""One honest run against the rounding budget: how many σ its predictions are off, and how loose the budget is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lstm_verify
from lstm_verify._replay import replay_rows
from lstm_verify.budget import standard_deviations
from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import bind
from lstm_verify.judging import judge as judging
from lstm_verify.judging.compare import verdict_of
from lstm_verify.judging.tolerance import Tolerance

Array = npt.NDArray[Any]
SIGMAS = 8.0
"""How many standard deviations rounding may explain."""
SMALL_WORK = 2e7
"""Samples times steps times units squared up to which every sample is judged."""
FIRST, WORST = 32, 32
"""The numbers of samples of a larger run that are judged: the first ones, and those with the largest |Δ|."""
CHUNK = 64
"""The number of samples whose σ is computed together."""


@dataclass
class Verdict:
    """What judging one run has found."""

    name: str
    groups: dict[str, str]
    failed: str = ""
    """Why there is nothing else, if so."""
    elements: int = 0
    """Elements that were judged or cannot be."""
    unjudged: int = 0
    """Elements whose σ is not finite."""
    beyond: int = 0
    """Judged elements beyond 8σ."""
    worst: float = 0.0
    """The largest |Δ|/σ."""
    where: str = ""
    """Where it is, and how large |Δ| and σ are there."""
    square: float = 0.0
    """The mean of (|Δ|/σ)²."""
    largest: float = 0.0
    """The largest |Δ| of a judged element."""
    sigma: float = 0.0
    """The largest σ of a judged element."""
    size: float = 0.0
    """The largest |replayed| of a judged element."""
    verdict: str = ""
    """Match, mismatch or inconclusive."""
    undecided: int = 0
    """The elements that the verdict leaves unjudged."""
    soon: bool = False
    """Whether a match needed no more than what comes of the last steps."""
    noise: float = field(default=float("nan"))
    """The largest difference of two honest predictions, in batches of different sizes."""

    @property
    def tightness(self) -> float:
        """8σ over the largest |Δ|, where there is any error at all."""
        if self.largest == 0:
            return float("nan") if self.sigma == 0 else float("inf")
        return SIGMAS * self.sigma / self.largest


def judge(folder: Path, record: dict[str, Any]) -> Verdict:
    """Judge one run of a folder, by its record in runs.json."""
    verdict = Verdict(record["name"], record["groups"], record.get("failed", ""))
    if not verdict.failed:
        try:
            _fill(verdict, folder, record)
        except (LstmVerifyError, ValueError) as error:  # it counts as a run that is none, and is listed
            verdict.failed = f"{type(error).__name__}: {error}"
    return verdict


def _fill(verdict: Verdict, folder: Path, record: dict[str, Any]) -> None:
    model = lstm_verify.load(folder / record["model"])
    x = dict(np.load(folder / record["x"]))
    bound, _ = bind(model, x["arr_0"])
    part = judging.part_of_sigma(model, len(x["arr_0"]))
    by_name = replay_rows(model, bound, also=part.put if part else None)
    replayed = [np.asarray(y, np.float64) for y in by_name.values()]
    predicted = _stored(folder / record["y"])
    if [y.shape for y in predicted] != [r.shape for r in replayed]:
        raise ValueError(f"shapes {[y.shape for y in predicted]}, expected {[r.shape for r in replayed]}")
    named = dict(zip(by_name, predicted, strict=True))
    tolerance = Tolerance()
    judged = judging.judge(model, bound, named, by_name, tolerance, tolerance, None, part)
    verdict.soon = judged.is_lower_bound
    verdict.verdict = str(verdict_of(judged.outputs))
    verdict.undecided = sum(output.unjudged for output in judged.outputs)
    deviations = [deviation(y, r) for y, r in zip(predicted, replayed, strict=True)]
    for chunk in _chunks(_chosen(record["groups"], deviations)):
        sigmas = standard_deviations(model, {name: np.asarray(rows)[chunk] for name, rows in bound.items()})
        for index, sigma in enumerate(sigmas.values()):
            _count(verdict, index, chunk, deviations[index][chunk], sigma, replayed[index][chunk])
    verdict.square /= max(verdict.elements - verdict.unjudged, 1)
    if record["again"]:
        again = _stored(folder / record["again"])
        both = zip(predicted, again, strict=True)
        verdict.noise = max(float(deviation(y[: len(a)], a).max(initial=0)) for y, a in both)


def deviation(predicted: Array, replayed: Array) -> Array:
    """|Δ| of every element; 0 where both are the same, infinite or NaN as well, and infinite where one of them is."""
    with np.errstate(invalid="ignore"):
        off = np.abs(predicted - replayed)
    same = (predicted == replayed) | (np.isnan(predicted) & np.isnan(replayed))
    return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))


def _stored(path: Path) -> list[Array]:
    with np.load(path) as arrays:
        return [arrays[name].astype(np.float64) for name in arrays.files]


def _chosen(groups: dict[str, str], deviations: list[Array]) -> npt.NDArray[np.intp]:
    """The samples to judge: all, or in a large run the first ones and the worst."""
    samples = len(deviations[0])
    work = samples * int(groups["steps"]) * int(groups["units"]) ** 2
    if work <= SMALL_WORK or samples <= FIRST + WORST:
        return np.arange(samples)
    off = np.max([d.reshape(samples, -1).max(axis=1) for d in deviations], axis=0)
    worst = FIRST + np.argsort(off[FIRST:], kind="stable")[-WORST:]
    return np.sort(np.concatenate([np.arange(FIRST), worst]))


def _chunks(samples: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return [samples[start : start + CHUNK] for start in range(0, len(samples), CHUNK)]


def _count(verdict: Verdict, output: int, samples: Array, off: Array, sigma: Array, replayed: Array) -> None:
    """Add the elements of one output of some samples to a verdict."""
    judged = np.isfinite(sigma)
    verdict.elements += off.size
    verdict.unjudged += int(off.size - np.count_nonzero(judged))
    if not judged.any():
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(judged & (off > 0), off / np.where(judged, sigma, 1), 0)
    verdict.beyond += int(np.count_nonzero(ratio > SIGMAS))
    verdict.square += float(np.sum(ratio**2))
    verdict.largest = max(verdict.largest, float(off[judged].max()))
    verdict.sigma = max(verdict.sigma, float(sigma[judged].max()))
    verdict.size = max(verdict.size, float(np.abs(replayed[judged]).max()))
    at = np.unravel_index(int(ratio.argmax()), ratio.shape)
    if ratio[at] > verdict.worst:
        verdict.worst = float(ratio[at])
        place = ", ".join(map(str, (int(samples[at[0]]), *map(int, at[1:]))))
        verdict.where = f"output {output} ({place}): |Δ| {off[at]:.2e}, σ {sigma[at]:.2e}, replayed {replayed[at]:.6g}"

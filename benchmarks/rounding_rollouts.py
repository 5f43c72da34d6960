"""Judge honest closed loops of Keras 3 and tf_keras by rounding, and faulty ones; prints the table of docs/rollout.md.

    python benchmarks/rounding_rollouts.py                       five minutes
    python benchmarks/rounding_rollouts.py --only 'relu_*'       loops whose names match a pattern
    python benchmarks/rounding_rollouts.py --list                also a line for every loop, on stderr

An honest loop beyond 8σ is a false alarm, and a faulty one that is no mismatch a miss: one of either is enough for exit
code 1.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rollout_recipes import FAULTS, Framework, Recipe, faulty, honest
from tables import Table
from worker import Worker

import lstm_verify
from lstm_verify.inputs import as_input
from lstm_verify.judging.compare import Verdict, verdict_of
from lstm_verify.judging.judge import LOOSE
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.model import Model
from lstm_verify.rollouts.closed_loop import Rolled, closed_loop, first_outputs
from lstm_verify.rollouts.judge import judge, sigma_of_steps
from lstm_verify.rollouts.pairing import Wishes
from lstm_verify.rollouts.plan import Plan, make_plan

Array = npt.NDArray[Any]
WORDS = {
    "weight": "one weight of the Dense layer + 0.02",
    "recurrent weight": "one recurrent weight + 0.02",
    "hard_sigmoid": "`hard_sigmoid` for `sigmoid`",
    "gates": "the first two gates swapped",
}
WEIGHTS = ((1.0, "weights 0.02 to 1 × Glorot"), (4.0, "weights 2 to 4 × Glorot"), (10.0, "weights 6 to 10 × Glorot"))
STILL, AGAIN = 1e-5, 1e-3
"""How much of its largest value a loop that has settled still moves by, and one that repeats itself is off by."""


@dataclass(frozen=True)
class Judged:
    """What judging one honest loop has found."""

    recipe: Recipe
    does: str
    """What the loop does in the end."""
    elements: int
    """Elements that can be judged: with a finite σ, and before a different token."""
    beyond: int
    """Elements beyond 8σ."""
    worst: float
    """The largest |Δ|/σ."""
    at: int
    """The step that it is in."""
    tightness: float
    """The median of 8σ/|Δ| over all elements with an error."""
    visible: float
    """The step from which 8σ is more than 1 % of an output's largest value; infinite if it never is."""
    parted: int
    """The first step with a different token; 0 if there is none."""

    @property
    def line(self) -> str:
        words = (f"{self.beyond} of {self.elements} beyond", f"{self.worst:.2g} σ in step {self.at}")
        more = (f"8σ/|Δ| {self.tightness:.3g}", f"visible from {self.visible:g}", f"parted {self.parted}", self.does)
        return f"{self.recipe.framework:8} {self.recipe.name:30} {', '.join((*words, *more))}"


def main() -> int:
    """Make the loops, judge them, print the tables; returns the exit code."""
    options = _options()
    judged: list[Judged] = []
    found: list[tuple[Recipe, Verdict]] = []
    for framework in ("keras", "tf_keras"):
        with Worker(Framework) as worker, tempfile.TemporaryDirectory() as place:
            worker.call("start", framework)
            for recipe in (*honest(), *faulty()):
                if recipe.framework != framework or not fnmatchcase(recipe.name, options.only):
                    continue
                run = _run(worker, recipe, Path(place))
                if recipe.fault:
                    found.append((recipe, verdict_of(judge(*run, Tolerance(), None, recipe.framework).outputs)))
                else:
                    judged.append(_measured(recipe, *run))
                if options.list:
                    line = f"{recipe.name} {found[-1][1]}" if recipe.fault else judged[-1].line
                    print(line, file=sys.stderr, flush=True)
    print("\n".join(map(str, [*honest_tables(judged), *faulty_tables(found)])))
    return int(any(one.beyond for one in judged) or any(verdict is not Verdict.MISMATCH for _, verdict in found))


def _run(worker: Worker, recipe: Recipe, folder: Path) -> tuple[Model, dict[str, Array], Plan, Rolled, Rolled]:
    """Run a loop on both sides; returns what `judge` is given."""
    suffix = "keras" if recipe.cell == "GRU" or recipe.policy == "bfloat16" else "h5"
    path, twin = folder / f"{recipe.name}.{suffix}", folder / f"{recipe.name}.twin.{suffix}"
    for side, place in ((replace(recipe, fault=""), path), (recipe, twin)):
        worker.call("build", side, place)
    model = lstm_verify.load(path)
    inputs = {spec.name: as_input(spec, x) for spec, x in zip(model.inputs, recipe.seed(), strict=True)}
    wishes = Wishes({}, {}, one_hot=recipe.kind == "one_hot", sample=recipe.sample)
    plan, _ = make_plan(model, recipe.steps, inputs, (), first_outputs(model, inputs), wishes)
    draws = recipe.random(2000).random((recipe.steps, recipe.samples)) if recipe.sample else None
    predicted = Rolled(*worker.call("roll", twin, inputs, plan.to_dict(), draws))
    return model, inputs, plan, predicted, closed_loop(model, inputs, plan, draws)


def _measured(
    recipe: Recipe, model: Model, inputs: dict[str, Array], plan: Plan, predicted: Rolled, replayed: Rolled
) -> Judged:
    sigma = sigma_of_steps(model, inputs, plan, replayed, None, recipe.framework)
    parted = _parted(predicted, replayed, recipe)
    ratios, off, visible = [], [], float("inf")
    for name, r in replayed.outputs.items():
        p, rows = predicted.outputs[name], (recipe.steps, recipe.samples, -1)
        least = min(float(np.finfo(p.dtype).eps), 2.0**-23) / 2 * np.abs(r)  # which `compare` allows for as well
        σ = np.maximum(sigma[name], least).reshape(rows)
        σ[parted] = np.inf
        off.append(np.abs(p.astype(np.float64) - r).reshape(rows))
        ratios.append(np.where(np.isfinite(σ), off[-1] / σ, np.nan))
        large = np.flatnonzero(SIGMAS * sigma[name].reshape(recipe.steps, -1).max(axis=1) > LOOSE * np.abs(r).max())
        visible = min(visible, float(large[0] + 1) if large.size else float("inf"))
    ratio, deviation = np.concatenate(ratios, axis=2), np.concatenate(off, axis=2)
    worst = np.nanmax(ratio, initial=0, axis=(1, 2))
    return Judged(
        recipe,
        _does(replayed),
        int(np.isfinite(ratio).sum()),
        int((ratio > SIGMAS).sum()),
        float(worst.max()),
        int(worst.argmax()) + 1,
        float(np.median(SIGMAS / ratio[(deviation > 0) & (ratio > 0)])) if (ratio > 0).any() else float("nan"),
        visible,
        int(parted.any(axis=1).argmax()) if parted.any() else 0,
    )


def _parted(predicted: Rolled, replayed: Rolled, recipe: Recipe) -> Array:
    """(steps, samples): whether a sample was given another token than in the replay, in this step or before."""
    parted = np.zeros((recipe.steps, recipe.samples), bool)
    for name, tokens in replayed.tokens.items():
        for step in range(1, recipe.steps):
            parted[step] |= parted[step - 1] | (predicted.tokens[name][step - 1] != tokens[step - 1])
    return parted


def _does(replayed: Rolled) -> str:
    """What a loop does in its last third: settle, repeat itself, or neither."""
    y = next(iter(replayed.outputs.values()))
    last = y[-(len(y) // 3) :].reshape(len(y) // 3, -1)
    largest = np.abs(last).max(initial=1e-300)
    if np.ptp(last, axis=0).max() < STILL * largest:
        return "settles"
    periods = range(1, len(last) // 2)
    again = min(np.abs(last[period:] - last[:-period]).max() for period in periods) < AGAIN * largest
    return "repeats itself" if again else "goes on"


GROUPS: tuple[Callable[[Judged], str], ...] = (
    lambda one: "all",
    lambda one: f"fed by {one.recipe.kind}",
    lambda one: f"{one.recipe.activation} cell",
    lambda one: next(name for most, name in WEIGHTS if one.recipe.weights <= most),
    lambda one: one.recipe.policy,
    lambda one: one.does,
    lambda one: one.recipe.framework,
)


def honest_tables(judged: Sequence[Judged]) -> Iterable[Table]:
    """A line for all loops and for each group of them."""
    groups: dict[str, list[Judged]] = {}
    for name in GROUPS:
        for one in sorted(judged, key=name):
            groups.setdefault(name(one), []).append(one)
    columns = ["", "loops", "elements", "worst \\|Δ\\|/σ", "beyond 8σ", "8σ/\\|Δ\\|", "8σ over 1 % in", "from step"]
    text = (
        "Nothing is wrong in these loops, so that an element beyond 8σ is a false alarm. 8σ/|Δ| is the median over the "
        "loops of the median over elements. The last columns count the loops in which 8σ becomes more than 1 % of an "
        "output's largest value, and say in the median from which step on."
    )
    if judged:
        yield Table("Honest loops", text, columns, [_row(name, some) for name, some in groups.items()])


def _row(name: str, some: Sequence[Judged]) -> list[str]:
    loose = [one.visible for one in some if np.isfinite(one.visible)]
    return [
        *(name, str(len(some)), f"{sum(one.elements for one in some):,}", f"{max(one.worst for one in some):.2g}"),
        str(sum(one.beyond for one in some)),
        f"{statistics.median([one.tightness for one in some if one.tightness == one.tightness] or [np.nan]):.3g}",
        *(str(len(loose)), f"{statistics.median(loose):.0f}" if loose else "-"),
    ]


def faulty_tables(found: Sequence[tuple[Recipe, Verdict]]) -> Iterable[Table]:
    """A line for each fault."""
    rows = []
    for fault in FAULTS:
        verdicts = [verdict for recipe, verdict in found if recipe.fault == fault]
        rows.append([WORDS[fault], str(len(verdicts)), str(verdicts.count(Verdict.MISMATCH))])
    if found:
        yield Table(
            "Loops with a fault",
            "The model that the framework runs has the fault, the file that is verified has not.",
            ["fault", "loops", "mismatch"],
            rows,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="loops whose names match")
    parser.add_argument("--list", action="store_true", help="also print a line for every loop, on stderr")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

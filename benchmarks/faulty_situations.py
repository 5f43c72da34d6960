"""Judge predictions that are wrong in many ways, and their honest twins: none of the wrong may be a match.

    python benchmarks/faulty_situations.py                                  all of it
    python benchmarks/faulty_situations.py --only 'masked*' --seconds 0     without looking for causes
    python benchmarks/faulty_situations.py --write docs/adversarial.md      also into a file

Real Keras 3 and tf_keras build the models and predict, one process each. The exit status is 1 if a wrong verdict was
given: a match for what is wrong, a mismatch for what is honest, or an *inconclusive* that is not on the list; or if a
cause was named that was not made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from faulty_faults import SITUATIONS, Situation
from faulty_models import MODELS
from machine import machine
from tables import Table

import lstm_verify
from lstm_verify import Report

FRAMEWORKS = ("keras", "tf_keras")
SEEN = "predictions"
"""How the names begin of what is seen in the arrays alone, which is true of any wrong predictions."""


@dataclass(frozen=True)
class Outcome:
    """The verdict on one array of predictions."""

    name: str
    framework: str
    kind: str
    verdict: str
    wanted: tuple[str, ...]
    named: tuple[str, ...] = ()
    """The causes that were named."""
    wrong: tuple[str, ...] = ()
    """Those of them that were not made."""
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        return self.verdict in self.wanted


def main() -> int:
    """Print the tables; write them too if asked."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        outcomes = [outcome for name in FRAMEWORKS for outcome in judged(root / name, name, options)]
    text = report(outcomes)
    print(text)
    if options.write:
        options.write.write_text(text)
    return int(any(not outcome.is_right or outcome.wrong for outcome in outcomes))


def judged(folder: Path, framework: str, options: argparse.Namespace) -> Iterator[Outcome]:
    """Judge all that one framework has made, making it first unless it is there."""
    if not (folder / "situations.json").exists():
        worker = Path(__file__).with_name("faulty_worker.py")
        subprocess.run([sys.executable, worker, framework, folder], check=True)
    index = json.loads((folder / "situations.json").read_text())
    for model in index["models"]:
        if fnmatchcase(model, options.only):
            yield honest(folder, framework, model)
    for place, number in enumerate(index["situations"]):
        if fnmatchcase(SITUATIONS[number].name, options.only):
            explained = options.all or place % 2 == FRAMEWORKS.index(framework)
            yield faulty(folder, framework, number, options.seconds if explained else 0.0)


def honest(folder: Path, framework: str, model: str) -> Outcome:
    """Judge the honest predictions of a model, in batches as usual and of one sample each."""
    found = [verified(folder, model, "x", folder / f"{model}.y.npz")]
    single = folder / f"{model}.single.npz"
    found += [verified(folder, model, "few", single)] if single.exists() else []
    verdicts = {str(each.verdict) for each in found}
    verdict = verdicts.pop() if len(verdicts) == 1 else " and ".join(sorted(verdicts))
    return Outcome(f"{model}, honest", framework, "honest", verdict, ("match",))


def faulty(folder: Path, framework: str, number: int, seconds: float) -> Outcome:
    """Judge a faulty situation, and look for its cause if there is time for it."""
    situation = SITUATIONS[number]
    found = verified(folder, situation.model, "x", folder / f"{number}.y.npz", seconds)
    named = found.diagnosis.to_dict()["faults"] if found.diagnosis else []
    names = tuple(dict.fromkeys(fault["fault"] for fault in named))
    wanted = ("mismatch", "inconclusive") if situation.inconclusive else ("mismatch",)
    wrong = tuple(name for name in names if not is_true(name, situation))
    took = found.timings.get("diagnose", 0.0)
    return Outcome(situation.name, framework, situation.kind, str(found.verdict), wanted, names, wrong, took)


def is_true(name: str, situation: Situation) -> bool:
    """Whether a cause is one that was made, or is seen in the arrays alone."""
    return (
        name.startswith(SEEN)
        or name in situation.ties
        or any(name == cause or name.startswith(f"{cause} ") for cause in situation.causes)
    )


def verified(folder: Path, model: str, x: str, y: Path, seconds: float = 0.0) -> Report:
    """Verify a model of a folder against recorded predictions."""
    arrays, expected = (_in_order(path) for path in (folder / f"{model}.{x}.npz", y))
    size = MODELS[model].batch
    diagnosing = {"diagnose": bool(seconds), "seconds": seconds or 1.0, "blind_spots": False}
    runtime = lstm_verify.RuntimeOptions(batch_size=size)
    return lstm_verify.verify(folder / f"{model}.keras", arrays, expected=expected, runtime=runtime, **diagnosing)


def _in_order(path: Path) -> list[lstm_verify.Array]:
    with np.load(path) as arrays:
        return [arrays[name] for name in arrays.files]


# ------------------------------------------------------------------------------------------------------- tables


def report(outcomes: list[Outcome]) -> str:
    """All tables, in Markdown."""
    tables = (by_kind(outcomes), exceptions(outcomes), causes(outcomes), ties(), everything(outcomes))
    return "\n".join([f"# Faulty situations\n\n{machine('faulty_situations.py')}\n", *map(str, tables)])


def by_kind(outcomes: list[Outcome]) -> Table:
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    rows = [[kind, *_counts([outcome for outcome in outcomes if outcome.kind == kind])] for kind in kinds]
    wrong = [outcome for outcome in outcomes if outcome.kind != "honest"]
    return Table(
        "Verdicts",
        "Predictions by real frameworks of models from files. All but the honest are wrong somewhere: their number "
        "under *match* has to be 0. What moves outputs by less than 8σ is no situation: in bfloat16 that is up to 7 % "
        "of them here, and the command says so.",
        ("kind", "situations", "mismatch", "inconclusive", "match"),
        [*rows, ["**all that are wrong**", *_counts(wrong)]],
    )


def _counts(outcomes: list[Outcome]) -> list[str]:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return [str(len(outcomes)), *(str(counts[verdict]) for verdict in ("mismatch", "inconclusive", "match"))]


def exceptions(outcomes: list[Outcome]) -> Table:
    rows = [[o.name, o.framework, o.verdict, " or ".join(o.wanted)] for o in outcomes if not o.is_right]
    return Table(
        "Wrong verdicts", f"{len(rows)} of {len(outcomes)}.", ("situation", "by", "verdict", "should be"), rows
    )


def causes(outcomes: list[Outcome]) -> Table:
    rows = [[o.name, o.framework, ", ".join(o.wrong), ", ".join(o.named)] for o in outcomes if o.wrong]
    named = sum(bool(outcome.named) for outcome in outcomes)
    text = f"{len(rows)} of {named} situations of which a cause was named have one that was not made."
    return Table("Causes that are not there", text, ("situation", "by", "not made", "all named"), rows)


def ties() -> Table:
    rows = [[each.name, name, why] for each in SITUATIONS for name, why in each.ties.items()]
    text = "Faults that have the very same predictions as the one that was made; naming them as well is no error."
    return Table("Honest ties", text, ("situation", "fault", "why"), rows)


def everything(outcomes: list[Outcome]) -> Table:
    rows = [[o.name, o.framework, o.verdict, ", ".join(o.named) or "-", f"{o.seconds:.0f}"] for o in outcomes]
    columns = ("situation", "by", "verdict", "causes named", "seconds of diagnosis")
    return Table("All situations", "Causes are looked for with one of the frameworks, in turns.", columns, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="situations of that name")
    parser.add_argument("--seconds", type=float, default=20.0, help="for the diagnosis of each (default: 20)")
    parser.add_argument("--all", action="store_true", help="look for causes with both frameworks")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where models are kept for another time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Judge the rounding budget on honest runs of Keras 3 and tf_keras, and print the tables of docs/rounding.md.

    python benchmarks/rounding.py                           make the runs and judge them, some ten minutes
    python benchmarks/rounding.py --keep RUNS               in a folder that stays; what is in it is not made again
    python benchmarks/rounding.py --only 'gate_*'           runs whose names match a pattern
    python benchmarks/rounding.py --cost                    measure what the budget costs instead
    python benchmarks/rounding.py --write docs/rounding.md  also into a file, with the cost

No run is faulty, so that an element beyond 8σ is a false alarm: one is enough for exit code 1, and so is a run that
could not be made or judged.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import rounding_cost
from honest_recipe import FRAMEWORKS
from machine import machine
from rounding_verdict import SIGMAS, Verdict, judge
from tables import Table, at_most
from threadpoolctl import threadpool_limits

PROCESSES = 2
TIGHTNESS_GOAL = 30
"""The median over runs of 8σ over the largest |Δ|, at most."""
LOOSE = 200
"""A run whose 8σ is that many times the largest |Δ| is listed."""
LOSSY = ("normalised_*_jit.tf_keras*",)
"""Runs that are beyond 8σ for good reason."""
ABOUT_LOSSY = """tf_keras with `jit_compile=True` computes the variance of LayerNormalization as E[x²] - mean², which
loses as many digits as mean²/variance has, twice; Keras 3, and tf_keras without XLA, do not. The largest deviation
above is 5e-4 where the same model run otherwise is within 1e-6. That is what a mismatch is for, and these runs are
not counted among the honest ones."""
INTRODUCTION = """How far may predictions lie from the replay, by rounding alone? `lstm-verify` computes it: for every
element a standard deviation σ of its rounding error, from the layer equations run on arrays that carry the variance of
their error (`lstm_verify/rounded`, whose docstring has the rules), and from a witness, the same equations run in the
precision of the framework, for errors that go together (`lstm_verify/budget.py`). The verdict allows 8σ. This page
shows what that does to runs in which nothing is wrong."""
LISTED = 40
"""The number of runs in a list, at most."""


def main() -> int:
    """Make the runs, judge them, print the tables; returns the exit code."""
    options = _options()
    if options.cost:
        print(rounding_cost.measure(options.repeat))
        return 0
    kept = nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory()
    with kept as place:
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        records = [record for record in _made(folder, options) if fnmatchcase(record["name"], options.only)]
        verdicts = _judged(folder, records)
    lossy = [verdict for verdict in verdicts if any(fnmatchcase(verdict.name, pattern) for pattern in LOSSY)]
    verdicts = [verdict for verdict in verdicts if verdict not in lossy]
    parts = [
        f"# The rounding budget on honest runs\n\n{INTRODUCTION}\n\n{machine('rounding.py')}\n",
        *map(str, tables(verdicts)),
    ]
    if lossy:
        parts.insert(2, f"{_listed('Runs in which the framework loses digits', lossy, bool, _worst)}\n{ABOUT_LOSSY}\n")
    if options.write:
        parts.insert(2, str(rounding_cost.measure(options.repeat)))
        options.write.write_text("\n".join(parts))
    print("\n".join(parts))
    return int(any(verdict.verdict == "mismatch" or verdict.failed for verdict in verdicts))


def _made(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The records of the runs in a folder; makes the runs if it has none."""
    index = folder / "runs.json"
    if not index.exists():
        sides = [(framework, onednn) for onednn in ("on", "off") for framework in FRAMEWORKS]
        with ThreadPoolExecutor(PROCESSES) as pool:
            parts = list(pool.map(lambda side: _made_by(folder, options, *side), sides))
        index.write_text(json.dumps([record for part in parts for record in part], indent=1) + "\n")
    records: list[dict[str, Any]] = json.loads(index.read_text())
    return records


def _made_by(folder: Path, options: argparse.Namespace, framework: str, onednn: str) -> list[dict[str, Any]]:
    program = Path(__file__).with_name("honest_worker.py")
    command = [sys.executable, str(program), framework, onednn, str(folder), str(options.modes), options.only]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{framework}, oneDNN {onednn}: {done.stderr[-2000:]}")
    records: list[dict[str, Any]] = json.loads((folder / f"runs-{framework}-{onednn}.json").read_text())
    return records


def _judged(folder: Path, records: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Judge runs in some processes; shows on stderr how many are done."""
    verdicts = []
    context, one_core = multiprocessing.get_context("spawn"), partial(threadpool_limits, 1, "blas")
    with ProcessPoolExecutor(PROCESSES, context, one_core) as pool:
        for done, verdict in enumerate(pool.map(partial(judge, folder), records, chunksize=4), 1):
            verdicts.append(verdict)
            if sys.stderr.isatty():
                print(f"\r{done} of {len(records)} judged", end="", file=sys.stderr, flush=True)
    return verdicts


# ------------------------------------------------------------------------------------------------------ tables


def tables(verdicts: Sequence[Verdict]) -> list[Table]:
    """The whole, the runs that stand out, and a table for each way to group the runs."""
    judged = [verdict for verdict in verdicts if not verdict.failed]
    found = [
        _whole(verdicts, judged),
        _listed("Runs with elements beyond 8σ", judged, lambda verdict: verdict.beyond > 0, _worst),
        _listed(f"Runs whose 8σ is more than {LOOSE} times the largest |Δ|", judged, _is_loose, _tightness),
        _listed("Runs with elements that cannot be judged", judged, lambda v: v.unjudged > 0, lambda v: v.unjudged),
        _listed("Runs that are inconclusive", judged, lambda v: v.verdict == "inconclusive", lambda v: v.undecided),
        _listed("Runs that are a mismatch", judged, lambda v: v.verdict == "mismatch", _worst),
        _failed(verdicts),
    ]
    names = list(judged[0].groups) if judged else []
    return [table for table in found if table.rows] + [_grouped(name, judged) for name in names]


def _inconclusive(judged: Sequence[Verdict]) -> str:
    count = sum(verdict.verdict == "inconclusive" for verdict in judged)
    return f"{count} of {len(judged)} ({100 * count / max(len(judged), 1):.1f} %, 3 % or less is the goal)"


def _mismatches(judged: Sequence[Verdict]) -> str:
    count = sum(verdict.verdict == "mismatch" for verdict in judged)
    return f"{count} of {len(judged)} {'above goal' if count else 'ok'}"


def _soon(judged: Sequence[Verdict]) -> str:
    recurrent = [verdict for verdict in judged if verdict.groups["cell"] != "Dense"]
    return f"{sum(verdict.soon for verdict in recurrent)} of {len(recurrent)}"


def _whole(verdicts: Sequence[Verdict], judged: Sequence[Verdict]) -> Table:
    tightness = median(map(_tightness, judged))
    exact = sum(verdict.largest == 0 and verdict.sigma == 0 for verdict in judged)
    rows = [
        ["runs", str(len(verdicts))],
        ["that the framework could not do, or whose shapes differ", str(len(verdicts) - len(judged))],
        ["without any error, as the budget says", str(exact)],
        ["elements", f"{sum(v.elements for v in judged):,}"],
        ["that cannot be judged", f"{sum(v.unjudged for v in judged):,}"],
        ["runs that are a mismatch, which is a false alarm", _mismatches(judged)],
        ["runs that are inconclusive", _inconclusive(judged)],
        ["of those that are ordinary", _inconclusive([v for v in judged if v.groups["regime"] == "ordinary"])],
        ["elements beyond 8σ", f"{sum(v.beyond for v in judged):,}"],
        ["runs with a recurrent layer that are a match by the errors of its last steps alone", _soon(judged)],
        ["worst \\|Δ\\|/σ", _number(max(map(_worst, judged), default=0))],
        ["median of 8σ over the largest \\|Δ\\|", at_most(tightness, TIGHTNESS_GOAL)],
    ]
    text = (
        "Honest runs: predictions of the framework that wrote the model, against the replay in float64 and its budget. "
        f"Every judged element beyond {SIGMAS:g}σ is a false alarm, 0 is the goal. 8σ (the largest of a run) over the "
        "largest |Δ| says how much larger a fault must be than what rounding really did, "
        f"{TIGHTNESS_GOAL} or less in the median is the goal."
    )
    return Table("The whole", text, ["", ""], rows)


def _listed(
    title: str, verdicts: Sequence[Verdict], chosen: Callable[[Verdict], bool], key: Callable[[Verdict], float]
) -> Table:
    found = sorted(filter(chosen, verdicts), key=key, reverse=True)
    columns = [
        "run",
        "regime",
        "worst \\|Δ\\|/σ",
        "beyond",
        "not judged",
        "8σ / max \\|Δ\\|",
        "two honest runs differ by",
        "where",
    ]
    rows = [
        [
            *(
                f"`{v.name}`",
                v.groups["regime"],
                _number(v.worst),
                f"{v.beyond} of {v.elements}",
                str(v.unjudged),
                _number(v.tightness),
            ),
            *(_number(v.noise), v.where.replace("|", "\\|")),
        ]
        for v in found[:LISTED]
    ]
    more = f" The first {LISTED} of them." if len(found) > LISTED else ""
    return Table(title, f"{len(found)} of {len(verdicts)}.{more}", columns, rows)


def _failed(verdicts: Sequence[Verdict]) -> Table:
    rows = [[f"`{verdict.name}`", verdict.failed.replace("|", "\\|")] for verdict in verdicts if verdict.failed]
    return Table("Runs that are none", "What the framework said.", ["run", "reason"], rows)


def _grouped(name: str, verdicts: Sequence[Verdict]) -> Table:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.groups[name], []).append(verdict)
    columns = [name, "runs", "elements", "worst \\|Δ\\|/σ", "rms", "median 8σ / max \\|Δ\\|", "beyond", "not judged"]
    rows = [[_cell(value), *_summary(members)] for value, members in sorted(groups.items(), key=_by_number)]
    return Table(f"By {name}", "The rms is the median over the runs.", columns, rows)


def _summary(verdicts: Sequence[Verdict]) -> list[str]:
    return [
        str(len(verdicts)),
        f"{sum(v.elements for v in verdicts):,}",
        _number(max(map(_worst, verdicts))),
        f"{median(v.square**0.5 for v in verdicts):.2f}",
        _number(median(map(_tightness, verdicts))),
        str(sum(v.beyond for v in verdicts)),
        f"{sum(v.unjudged for v in verdicts):,}",
    ]


def median(values: Iterable[float]) -> float:
    """The median of the values that are numbers."""
    return statistics.median([value for value in values if value == value] or [float("nan")])


def _worst(verdict: Verdict) -> float:
    return verdict.worst


def _tightness(verdict: Verdict) -> float:
    return verdict.tightness


def _is_loose(verdict: Verdict) -> bool:
    return verdict.tightness > LOOSE


def _by_number(group: tuple[str, Any]) -> tuple[float, str]:
    """Numbers in their order, other names after them."""
    number = group[0].replace("± ", "").partition(" ")[0]
    return (float(number), group[0]) if number.replace(".", "").isdigit() else (float("inf"), group[0])


def _cell(value: str) -> str:
    return value or "-"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the runs there, or judge those it has")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="runs whose names match")
    parser.add_argument("--modes", type=int, default=1, choices=(1, 2), help="in how many modes (default: 1)")
    parser.add_argument("--cost", action="store_true", help="measure what the budget costs, and nothing else")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="measurements of the cost (default: 5)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

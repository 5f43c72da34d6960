"""Count causes that are named though they were not made: small tolerances, and arrays that something was done to.

    python benchmarks/arrays.py                            both tables
    python benchmarks/arrays.py --only 'sine*'             of some models
    python benchmarks/arrays.py --write docs/arrays.md     also into a file

Endpoints with 1 if a cause is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from array_runs import Subject, subjects, wrongs
from tables import Table

from lstm_verify._replay import replay_rows
from lstm_verify.diagnosis import Diagnosis, diagnose
from lstm_verify.judging.compare import Verdict, verdict_of
from lstm_verify.judging.judge import TOLERANCES, judge
from lstm_verify.judging.tolerance import Tolerance

SECONDS = 5.0
"""For a diagnosis; those that look at arrays alone take milliseconds."""
BATCH = 32
SMALL = {
    "`--atol 1e-12`": Tolerance(atol=1e-12),
    "`--rtol 1e-12`": Tolerance(rtol=1e-12),
    "`--atol 1e-9 --rtol 1e-9`": Tolerance(1e-9, 1e-9),
    "`--sigmas 0.01`": Tolerance(sigmas=0.01),
}
INTRODUCTION = """\
# The arrays

This page is generated: `python benchmarks/arrays.py --write docs/arrays.md` makes it.

Before any theory about a model, the diagnosis looks at the arrays. Most mismatches of recorded predictions have nothing
to do with the model: rows were shuffled, targets were scaled back on one side only, a file holds class numbers. Each
look tries one such thing, and names it only if the numbers then lie within rounding, 8σ, and agree in so many more
bits than they could by accident that nothing is invented: a factor and a constant that were fitted to two numbers
explain nothing.

| `predictions: …` | what they are |
| --- | --- |
| `permuted`, `shifted`, `other_samples` | rows, or time steps, in another order, some places off, or of other samples |
| `reshaped`, `one_step`, `all_steps` | another shape, axes exchanged, one time step or all of them |
| `scaled`, `offset`, `negated` | times a factor, plus a constant, or both, for all numbers or by column; the sign |
| `rounded` | to k decimals, which `--decimals k` accepts |
| `argmax`, `one_hot`, `logits`, `probabilities` | classes for probabilities; before or after a softmax or sigmoid |
| `constant` | the same for every sample |
| `not_finite` | NaN or infinite where the weights compute numbers |
| `other_output`, `inner_layer`, `input` | those of another output, of a layer inside, or an input itself |

| `input: …` | what the predictions are for |
| --- | --- |
| `not_finite` | an input with NaN or infinite values: which, and where |
| `tokens_shifted` | tokens counted from another number, with or without padding |
| `shifted`, `reversed`, `padding_side` | some steps earlier or later, backwards, padded on the other side |
| `features_permuted` | features in another order |
| `scaled`, `normalised` | an input times a usual factor, or normalised once more by its own mean or range |

A fault of the model that would do the same is named too: a softmax that was dropped leaves logits, a bias that was
dropped takes a constant away. Numbers that had to be fitted stand back behind a fault that needs none.

If the model as it is in the file lies within rounding, there is no fault to look for, whatever tolerance was asked for:
the report says that it is below what the precision can do, and the smallest that is not.
"""


def diagnosed(subject: Subject, tolerance: Tolerance) -> tuple[Verdict, Diagnosis | None]:
    """The verdict on a subject, and of a mismatch its diagnosis."""
    model = subject.model
    replayed = replay_rows(model, subject.x, batch_size=BATCH)
    outputs = judge(model, subject.x, subject.y, replayed, tolerance, TOLERANCES[model.precision], BATCH).outputs
    verdict = verdict_of(outputs)
    if verdict is not Verdict.MISMATCH:
        return verdict, None
    return verdict, diagnose(
        model, subject.x, subject.y, outputs, BATCH, SECONDS, replayed=replayed, tolerance=tolerance
    )


def named(diagnosis: Diagnosis | None) -> set[str]:
    """Every fault that a diagnosis names."""
    explanations = diagnosis.explanations if diagnosis else ()
    changes = [change for e in explanations for change in (e.change, *e.also)]
    return {part.fault for change in changes for part in (change.parts or (change,))}


def of_small_tolerances(chosen: Iterable[Subject]) -> tuple[Table, int]:
    """Honest predictions with a tolerance below rounding; the table, and how many causes were named."""
    chosen, rows, wrong = list(chosen), [], 0
    for asked, tolerance in SMALL.items():
        count: Counter[str] = Counter()
        for subject in chosen:
            verdict, found = diagnosed(subject, tolerance)
            said = "match" if verdict is Verdict.MATCH else found.status if found else str(verdict)
            count[said] += 1
            if said not in ("match", "within_rounding"):
                print(f"{subject.name}, {asked}: {said} {named(found)}", file=sys.stderr)
        wrong += len(chosen) - count["match"] - count["within_rounding"]
        rows.append([asked, str(len(chosen)), str(count["match"]), str(count["within_rounding"]), str(wrong)])
    text = "What real frameworks predicted for the models of `fixtures/`, and models made by the script."
    heads = ["asked for", "runs", "match even so", "said to be below rounding", "a cause, or none said"]
    return Table("Honest runs with too small a tolerance", text, heads, rows), wrong


def of_arrays(chosen: Iterable[Subject]) -> tuple[Table, int]:
    """Arrays that something was done to; the table, and how many causes are wrong."""
    counts: dict[str, Counter[str]] = {}
    for subject in chosen:
        for case in wrongs(subject):
            verdict, found = diagnosed(case.subject, Tolerance())
            faults = named(found)
            right = bool(faults & case.causes)
            said = "wrong" if faults and not right else "not named" if not faults else "named"
            said = "tie" if said == "named" and faults - case.causes else said
            said = said if verdict is Verdict.MISMATCH else "no mismatch"
            counts.setdefault(case.what, Counter())[said] += 1
            if said != "named":
                print(f"{subject.name}, {case.what}: {said} {sorted(faults)}", file=sys.stderr, flush=True)
    heads = ["named", "tie", "not named", "no mismatch", "wrong"]
    rows = [[what, str(count.total()), *(str(count[head]) for head in heads)] for what, count in counts.items()]
    total = sum(counts.values(), Counter[str]())
    rows.append(["**all**", str(total.total()), *(str(total[head]) for head in heads)])
    text = (
        "The same models, with something done to their input or to the first of their outputs. *Tie*: faults of the "
        "model that make the same numbers are named beside it. *Not named* are mostly models with two samples, whose "
        "numbers are too few to tell. *No mismatch*: unjudged, or without effect. The goal is no wrong cause."
    )
    return Table("Arrays that something was done to", text, ["what was done", "runs", *heads], rows), total["wrong"]


def main() -> int:
    """Print the tables, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="models whose names match")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the page to a Markdown file")
    options = parser.parse_args()
    chosen = [subject for subject in subjects() if fnmatchcase(subject.name, options.only)]
    (small, invented), (arrays, wrong) = of_small_tolerances(chosen), of_arrays(chosen)
    text = "\n".join([INTRODUCTION, str(small), str(arrays)])
    print(text)
    if options.write:
        options.write.write_text(text)
    return 1 if invented or wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Diagnose every case of the fault zoo, and write the page about it: ``python -m tests.zoo.faults.table --zoo DIR``.

``DIR/faults_keras``, ``DIR/faults_tf_keras`` and ``DIR/faults_tf1`` are what the programs of this package build.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_verify.faults import BY_NAME, FAULTS
from tests.building import ROOT
from tests.zoo.faults.limits import NOT_A_BLIND_SPOT, NOT_NAMED, NOT_THE_VALUE
from tests.zoo.faults.outcomes import Naming, Outcome, named_by, outcomes, records_of, spots_of, verified, wanted_of

PAGE = ROOT / "docs" / "diagnosis.md"
FRAMEWORKS = {"keras": "Keras 3", "tf_keras": "Keras 2", "tf1": "TensorFlow 1"}
GOAL = 0.97
"""Of the faults, the share that should be named first or in an honest tie."""
PAIR = "two at once"
MEANINGS = {fault.name: (fault.edits.__doc__ or "").partition("\n")[0] for fault in FAULTS} | {
    "dropout_active": "The framework predicts in training mode, so that its own runs differ.",
    "other_settings": "A layer has settings that the layer of that name in the other file has not.",
    "other_weights": "A final Dense layer has weights other than those of the file.",
    "product_precision": "Matrix products are computed with factors in TF32 or bfloat16.",
    "dynamic_range": "Matrix products use int8 weights, and inputs that are quantised to int8 row by row.",
    "equal_shape_weights_swapped": "Weights of the same shape, in one layer or two, are swapped.",
}
"""What a fault is, in a sentence."""


def main() -> None:
    """Diagnose every case of the fault zoo, and write the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--zoo", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE")
    arguments = parser.parse_args()
    folders = {framework: arguments.zoo / f"faults_{framework}" for framework in FRAMEWORKS}
    found = [outcome for folder in folders.values() for outcome in outcomes(folder).values()]
    versions = json.loads((folders["keras"] / "cases.json").read_text())["versions"]
    arguments.out.write_text(page(found, [folders["keras"], folders["tf_keras"]], versions))


def page(found: Sequence[Outcome], blind: Iterable[Path], versions: Mapping[str, str]) -> str:
    """The whole page."""
    faulty = [outcome for outcome in found if outcome.record["fault"] not in (None, "unexplained")]
    unexplained = [outcome for outcome in found if outcome.record["fault"] == "unexplained"]
    honest = [outcome for outcome in found if outcome.record["fault"] is None]
    named = f"Keras {versions['keras']}, tf_keras {versions['tf_keras']}, TensorFlow {versions['tensorflow']}"
    parts = [
        INTRODUCTION,
        ACCURACY.format(cases=len(found), versions=named, goal=f"{GOAL:.0%}"),
        accuracy(faulty),
        *_not_named(faulty),
        *_without_fault(found, honest, unexplained),
        *_blind(blind),
        "## The faults\n",
        table(["fault", "what it is", "what to do"], [[f"`{f}`", m, BY_NAME[f].advice] for f, m in MEANINGS.items()]),
    ]
    return "\n".join(parts)


# --- the parts of the page -------------------------------------------------------------------------------------

INTRODUCTION = """\
# Diagnosis

This page is generated: `make tables` builds the fault zoo, diagnoses every case of it, and writes the numbers below.

## What it does

A mismatch means that the framework computes something other than what the file says. The diagnosis asks *what*, by
experiment: the model is changed in one of the ways in which runtimes are known to go wrong, replayed for the samples
that deviate most, and compared with the predictions. A change that makes every deviation fall within rounding, 8σ by
the σ of the changed model, is an explanation; it is tried again on more samples before it is named.

First it [looks at the arrays](arrays.md): NaN, another order, shape or unit of the same numbers, rounding, classes
instead of probabilities. That takes milliseconds. There is no search if the deviation is within rounding and only the
requested tolerance is tighter.

1. Every fault in the list at the end of this page, as it occurs in frameworks, in every layer that can have it; the
   same fault in all such layers; swapped weights of the same shape; the whole model in a narrower format; and changes
   of the inputs, such as tokens counted from another number.
2. States that are carried over from one batch, sample or prediction to the next.
3. Free numbers: a forget bias, a slope, an epsilon or a limit is fitted, and the roundest number that explains is
   named, if at most a tenth of the deviation is left and more than one deviation is explained: a number fits any one.
4. Two faults at once that are known to occur together; then orders, functions and layouts that no framework is known
   to use; then each of the most helpful changes combined with every other.

It stops after the first of these steps that explains something; all of it takes a minute at most. There are three
outcomes:

* **explained**: one fault explains it. Changes that compute the same for every input, such as both directions swapped
  and the two layers' weights swapped, count as one.
* **ambiguous**: several faults explain it, and this input does not distinguish them. All are named, with a `--random`
  input that would distinguish them, if there is one.
* **unexplained**: none does. The closest is named as a hint, not as an answer. If the framework can return the outputs
  of its layers, the report names the first that differs, and in it the time step and the gate whose weights would
  explain it, if exactly one does. A single weight that explains everything is named too: found through that gate, among
  any number of weights; otherwise, in a small model, by trying every one.

A framework whose own predictions differ from run to run is a case of its own: `dropout_active`.
"""
ACCURACY = """\
## How often it is right

{cases} small models, most with an LSTM, a GRU or a SimpleRNN, alone, stacked, bidirectional, masked, with states, in a
decoder; honest weights in the file, and predictions that the real framework made with a fault in its code or weights.
*Detected* is a mismatch by the default 8σ. *Named first* means that the first explanation is the fault, in its layer
and nothing else; *in a tie*, that it is another of the explanations, or equivalent to one. Two faults at once
must both be named. The goal is 100% detected, and {goal} named first or in a tie.

Written and run by {versions}.
"""


def accuracy(faulty: Sequence[Outcome]) -> str:
    """A row of counts for each fault, and their sum."""
    rows = {name: [o for o in faulty if row_of(o.record) == name] for name in (*MEANINGS, PAIR)}
    counted = [_counts(f"`{name}`" if name != PAIR else name, some) for name, some in rows.items() if some]
    total = _counts("**all**", faulty)
    good = sum(outcome.naming is not Naming.MISSED for outcome in faulty)
    detected = sum(outcome.detected for outcome in faulty)
    share = ["**share**", "", percent(detected, len(faulty)), f"{percent(good, len(faulty))} with ties", "", ""]
    heads = ["fault", "cases", "detected", "named first", "in a tie", "not named"]
    return table(heads, [*counted, total, share])


def row_of(record: Mapping[str, Any]) -> str:
    """The row in which a case counts."""
    return PAIR if record["pair"] else str(record["fault"])


def _counts(name: str, some: Sequence[Outcome]) -> list[str]:
    numbers = [len(some), sum(o.detected for o in some), *(sum(o.naming is n for o in some) for n in Naming)]
    return [name, *map(str, numbers)]


def percent(part: int, whole: int) -> str:
    """A share in percent, never rounded up to 100."""
    share = part / whole
    return "100%" if part == whole else f"{min(share, 0.999):.1%}"


def _not_named(faulty: Sequence[Outcome]) -> Iterable[str]:
    missed = {outcome.record["name"] for outcome in faulty if outcome.naming is Naming.MISSED}
    yield "Not named:\n"
    yield from (f"* `{name}`: {NOT_NAMED.get(name, 'the reason is not known')}." for name in sorted(missed))
    yield "\nNamed with another value than theirs, though fault and layer are right:\n"
    yield from (f"* `{name}`: {why}." for name, why in NOT_THE_VALUE.items())
    yield ""


def _without_fault(
    found: Sequence[Outcome], honest: Sequence[Outcome], unexplained: Sequence[Outcome]
) -> Iterable[str]:
    right = sum(outcome.detected and outcome.status == "unexplained" for outcome in unexplained)
    matching = sum(outcome.honest == "match" for outcome in found)
    diagnosed = sum(outcome.status is not None for outcome in honest)
    yield "## What has no name, and what is no fault\n"
    rows = [
        ["one weight off by 0.02, noise of 0.01, rows rolled, all times 1.05: *unexplained*", right, len(unexplained)],
        ["honest predictions with another batch size that are diagnosed", diagnosed, len(honest)],
        ["honest predictions of any model above that match", matching, len(found)],
    ]
    yield table(["cases", "", "of"], [[str(cell) for cell in row] for row in rows])


def _blind(folders: Iterable[Path]) -> Iterable[str]:
    listed, rows = 0, []
    for folder in folders:
        for record in records_of(folder, "blind.json"):
            if record["name"] not in NOT_A_BLIND_SPOT:
                there = named_by(spots_of(verified(folder, record, blind_spots=True)), wanted_of(record)[0])
                listed += there
                rows.append([f"`{record['fault']}`", record["note"], "listed" if there else "**not listed**"])
    yield "## Blind spots\n"
    yield (
        "A match cannot show a fault that changes nothing for its model and input. In these cases the framework "
        f"itself predicts the same with the fault; {listed} of {len(rows)} are listed as blind spots of the match.\n"
    )
    yield table(["fault", "why it changes nothing", "blind spot"], sorted(rows))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()

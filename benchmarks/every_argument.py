"""Every argument of every layer, in models of both Kerases: what is there must count.

    python benchmarks/every_argument.py [--write] [--again] [--only 'LSTM.*']

For each argument of each constructor and each call, by the frameworks' own signatures, a real framework builds a model
in which it is not the default, and predicts. The model must match its predictions, or be refused with the argument's
name; and it must not match those of the same model without the argument. The models are kept in `build/`. `--write`
puts the tables into `docs/every-argument.md`. It ends with 1 if a verdict is wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from tables import Table

from lstm_verify import LstmVerifyError, UnsupportedError, Verdict, verify
from lstm_verify.formats.keras.classes import CLASSES

ROOT = Path(__file__).resolve().parents[1]
FOLDER, PAGE = ROOT / "build" / "every-argument", ROOT / "docs" / "every-argument.md"
FRAMEWORKS = {"keras": "Keras 3", "tf_keras": "Keras 2"}
MODELS = ("Sequential", "Functional", "Model")
GOOD = ("match", "refused by name", "not finite")
UNSUPPORTED = {
    "data_format": "channels first",
    "time_major": "sequences with time as their first axis",
    "interpolation": "upsampling that is not nearest",
    "sparse": "an Embedding of sparse tensors",
    "lora_rank": "weights of low-rank adaptation beside the kernel",
    "lora_alpha": "as above",
    "renorm": "batch renormalisation",
    "renorm_clipping": "as above",
    "attention_axes": "attention along other axes than time",
    "training": "random or depends on the batch",
    "layer": "a mask whose samples meet another axis than theirs",
}
"""Arguments that may be refused, by their names, and what they stand for."""
NAMED = {"lora_alpha": "lora_rank", "renorm_clipping": "renorm", "layer": "a mask of shape"}
"""What a refusal says where it is not the argument's name."""


@dataclass(frozen=True)
class Result:
    """What became of one model."""

    framework: str
    model: dict[str, Any]
    outcome: str
    """`match`, `refused by name`, `not built` by the framework, or what went wrong."""
    dropped: str = ""
    """The verdict on the predictions of the model without the argument; empty if there are none."""

    @property
    def wrong(self) -> bool:
        built = self.outcome != "not built"
        return built and (self.outcome not in GOOD or (self.outcome == "match" and self.dropped == "match"))

    def __str__(self) -> str:
        model = self.model
        said = f", without it: {self.dropped}" if self.dropped == "match" else ""
        return f"{self.framework}: {model['class']}, {model['argument']} = {model['value']}: {self.outcome}{said}"


def main() -> int:
    """Build, verify, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--again", action="store_true", help="build the models again")
    parser.add_argument("--only", default="*", help="names of models, such as 'LSTM.*'")
    options = parser.parse_args()
    with ThreadPoolExecutor() as pool:
        listed = dict(zip(FRAMEWORKS, pool.map(lambda name: built(name, options.again), FRAMEWORKS), strict=True))
    work = [
        (name, model)
        for name, found in listed.items()
        for model in found["models"]
        if fnmatchcase(model["name"], options.only)
    ]
    with ProcessPoolExecutor(max_workers=2) as workers:
        results = list(workers.map(judged, *zip(*work, strict=True), chunksize=16))
    for result in results:
        if result.wrong:
            print(result)
    print(Counter(result.outcome for result in results))
    if options.write:
        PAGE.write_text(page(results, {name: found["without_value"] for name, found in listed.items()}))
    return int(any(result.wrong for result in results))


def built(framework: str, again: bool) -> dict[str, Any]:
    """The list of the models of one framework, which are built if they are not there."""
    folder = FOLDER / framework
    if again or not (folder / "models.json").exists():
        classes = [name for name in CLASSES if name not in MODELS]
        worker = Path(__file__).with_name("argument_worker.py")
        subprocess.run([sys.executable, worker, framework, folder, *classes], check=True, stderr=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((folder / "models.json").read_text())
    return found


def judged(framework: str, model: dict[str, Any]) -> Result:
    """Verify one model against its predictions, and against those without the argument."""
    if model["failed"]:
        return Result(framework, model, "not built")
    start = FOLDER / framework / model["name"]
    outcome = verdict(f"{start}{model['suffix']}", start, "y", model["argument"].removesuffix(" of the call"))
    finer = model["argument"] == "dtype"  # predictions in a finer one are within the rounding of a coarser
    dropped = verdict(f"{start}{model['suffix']}", start, "dropped", "") if model["dropped"] and not finer else ""
    return Result(framework, model, outcome, dropped)


def verdict(path: str, start: Path, which: str, argument: str) -> str:
    """What is said of a file and predictions."""
    try:
        report = verify(path, f"{start}.x.npz", expected=f"{start}.{which}.npz", diagnose=False, blind_spots=False)
    except UnsupportedError as error:
        text = str(error)
        by_name = argument in UNSUPPORTED and NAMED.get(argument, argument) in text
        return "refused by name" if by_name else f"refused: {text.split(': ', 1)[-1]}"
    except LstmVerifyError as error:
        return f"{type(error).__name__}: {str(error).split(': ', 1)[-1]}"
    finite = all(np.isfinite(y).all() for y in np.load(f"{start}.{which}.npz").values())
    if report.verdict is Verdict.INCONCLUSIVE and not finite:
        return "not finite"
    return str(report.verdict.value)


# --- the page


def page(results: list[Result], without_value: dict[str, list[str]]) -> str:
    """The page of the results."""
    text = "\n".join(
        str(table)
        for table in (
            _whole(results),
            _by_class(results),
            _listed("Refused, by name", "Arguments that are not replayed; each is named.", results, "refused by name"),
            _not_built(results),
        )
    )
    missing = [f"{FRAMEWORKS[name]}: {', '.join(items) or 'none'}" for name, items in without_value.items()]
    return (
        "# Every argument of every layer\n\n"
        "Nothing that a model holds is dropped in silence. For each argument of each constructor and each call of the\n"
        "supported layers, as the signatures of the frameworks have them, the framework builds a model in which it is\n"
        "not the default, and predicts. The model must match, or be refused with the argument's name; and it must\n"
        "not match what the same model, with the same weights, predicts without the argument, if that is something\n"
        "else.\n\n"
        "`python benchmarks/every_argument.py --write` makes this page.\n\n"
        f"{text}\nArguments without a value here: {'; '.join(missing)}.\n"
    )


def _whole(results: list[Result]) -> Table:
    rows = []
    for name, title in FRAMEWORKS.items():
        mine = [result for result in results if result.framework == name]
        counts = Counter(result.outcome if result.outcome in (*GOOD, "not built") else "wrong" for result in mine)
        dropped = [result for result in mine if result.dropped]
        missed = sum(result.dropped == "match" for result in dropped)
        numbers = (len(mine), *(counts[key] for key in (*GOOD, "wrong", "not built")), len(dropped), missed)
        rows.append([title, *map(str, numbers)])
    columns = [
        "",
        "models",
        "match",
        "refused by name",
        "not finite",
        "wrong",
        "the framework cannot",
        "without it",
        "missed",
    ]
    about = (
        "*Not finite*: the framework predicts NaN. *Without it*: models that predict something else without the "
        "argument; *missed*: those that match it too."
    )
    return Table("The whole", about, columns, rows)


def _by_class(results: list[Result]) -> Table:
    rows = []
    for class_name in dict.fromkeys(result.model["class"] for result in results):
        mine = [result for result in results if result.model["class"] == class_name]
        arguments = {result.model["argument"] for result in mine} - {"none"}
        counts = Counter(result.outcome for result in mine)
        rows.append([class_name, *map(str, (len(arguments), len(mine), counts["match"], counts["refused by name"]))])
    columns = ["layer", "arguments", "models", "match", "refused by name"]
    return Table("Layers", "Both generations of Keras together.", columns, rows)


def _listed(title: str, about: str, results: Iterable[Result], outcome: str) -> Table:
    found: dict[tuple[str, str], set[str]] = {}
    for result in results:
        if result.outcome == outcome:
            argument = result.model["argument"]
            meaning = UNSUPPORTED.get(argument.removesuffix(" of the call"), "")
            found.setdefault((argument, meaning), set()).add(result.model["class"])
    rows = [[argument, meaning, ", ".join(sorted(classes))] for (argument, meaning), classes in sorted(found.items())]
    return Table(title, about, ["argument", "what it is", "layers"], rows)


def _not_built(results: Iterable[Result]) -> Table:
    rows = [
        [result.model["class"], f"{result.model['argument']} = {result.model['value']}", FRAMEWORKS[result.framework]]
        for result in results
        if result.outcome == "not built"
    ]
    return Table("What the frameworks cannot build", "With the shapes used here.", ["layer", "argument", "in"], rows)


if __name__ == "__main__":
    sys.exit(main())

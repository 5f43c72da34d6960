"""Feed the command damaged files: each must be replayed, or refused in one clear line with exit code 2.

    python benchmarks/fuzz.py --minutes 60 --write docs/robustness.md
    python benchmarks/fuzz.py --again ".h5, bytes" 1234 --keep broken/

A file that ends otherwise (a traceback, an internal error, two lines, or no end within a minute) is a failure: it is
named with its number, by which `--again` makes it once more, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from click.testing import CliRunner
from fuzz_files import FIXTURES, KINDS, TENSORFLOW, Case, case
from tables import Table

from lstm_verify.cli import cli
from lstm_verify.formats.tensorflow import reader

SECONDS = 60
"""A file that takes longer hangs."""
BYTES = 8 * 2**30
"""What this process may take, so that a file that asks for all memory shows in itself and not in the machine."""
BATCH = 25
"""Files of TensorFlow that one child process reads; what one of them would do to it is tried again alone."""
OUTCOMES = {0: "match", 1: "mismatch", 3: "inconclusive", 2: "refused"}
REPLAYED = ("match", "mismatch", "inconclusive")


class Hangs(BaseException):
    """The time of a file is over."""


@dataclass
class Counts:
    """What became of the files of a kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """The refusals by what they say, without names and numbers."""
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def files(self) -> int:
        return sum(self.outcomes.values())


def outcome(one: Case) -> tuple[str, str]:
    """What becomes of a damaged file: one of `OUTCOMES`, or `failure`; and what was said."""
    arguments = ["verify", *one.arguments(), "--no-diagnose", "--no-blind-spots"]
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        result = CliRunner().invoke(cli, arguments, prog_name="lstm-verify")
    except Hangs:
        return "failure", f"it did not end after {SECONDS} s"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return "failure", f"{type(result.exception).__name__}: {result.exception}"
    said = result.stderr
    if result.exit_code == 2:
        clear = said.startswith("error: ") and said.count("\n") == 1 and "internal error" not in said
        return ("refused" if clear and not result.stdout else "failure"), said.strip()
    if result.exit_code not in OUTCOMES or "Traceback" in said:
        return "failure", f"exit code {result.exit_code}: {said.strip()}"
    return OUTCOMES[result.exit_code], said.strip()


def count(counts: Counts, number: int, one: Case) -> None:
    begun = time.monotonic()
    what, said = outcome(one)
    counts.slowest = max(counts.slowest, time.monotonic() - begun)
    counts.outcomes[what] += 1
    if what == "refused":
        counts.refusals[said.split("(")[0].replace(str(one.model), "FILE")[:60]] += 1
    if what == "failure":
        counts.failures.append(f"{one.kind} {number}: {said}")
        print(f"FAILURE {one.kind!r} {number}: {said}", flush=True)


@contextlib.contextmanager
def read_before(cases: list[Case], folder: Path) -> Iterator[None]:
    """Inside, those of some TensorFlow files that one child process could read have been read."""
    found = {one.model: folder / str(place) for place, one in enumerate(cases)}
    for directory in found.values():
        directory.mkdir()
    arguments = [str(item) for pair in found.items() for item in pair]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = [sys.executable, "-P", str(reader.CHILD), *arguments]
        subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)
    alone = reader._run

    def run(path: Path, directory: str) -> None:
        read = list(found[path].iterdir())
        if not {"graph.json", "error.json"} & {file.name for file in read}:
            alone(path, directory)
        for file in read:
            file.rename(Path(directory, file.name))

    with mock.patch.object(reader, "_run", run):
        yield


def fuzz(minutes: float, seed: int, first: int, kinds: Iterable[str] = KINDS) -> dict[str, Counts]:
    """Go through the kinds in turn until the time is over."""
    counts, end, number = {kind: Counts() for kind in kinds}, time.monotonic() + 60 * minutes, first
    while time.monotonic() < end:
        for kind, found in counts.items():
            with tempfile.TemporaryDirectory() as folder:
                cases = []
                for place in range(number, number + BATCH):
                    directory = Path(folder, str(place))
                    directory.mkdir()
                    cases.append(case(kind, seed, place, directory))
                read = Path(folder, "read")
                read.mkdir()
                with read_before(cases, read) if kind in TENSORFLOW else contextlib.nullcontext():
                    for place, one in enumerate(cases, number):
                        count(found, place, one)
        number += BATCH
        print(f"{number - first:,} files of each kind", end="\r" if sys.stdout.isatty() else "\n", flush=True)
    return counts


TEXT = """\
What `python benchmarks/fuzz.py --minutes {minutes:g} --seed {seed}` came to ({versions}). Each file is a fixture with
bytes changed, a stretch lost, moved or overwritten, cut short, or with other values in the JSON of its config; in
`.keras, parts` the archive is whole and one of its parts is not; in `.onnx, fields` the protobuf is whole, and
operators, attributes, names, shapes or dtypes in it are others. Every file must be replayed, whatever the verdict, or
be refused in one line with exit code 2. A failure is anything else: a traceback, an internal error, a second line, no
end within {seconds} s.
"""


def table(counts: dict[str, Counts], minutes: float, seed: int) -> str:
    rows = [_row(kind, found) for kind, found in counts.items()]
    sums = Counts(sum((found.outcomes for found in counts.values()), Counter()))
    sums.slowest = max(found.slowest for found in counts.values())
    columns = ("damaged", "files", *REPLAYED, "refused", "failures", "slowest")
    versions = f"NumPy {np.__version__}, seed {seed}"
    text = TEXT.format(minutes=minutes, seed=seed, versions=versions, seconds=SECONDS)
    return str(Table("Damaged files", text.strip(), columns, [*rows, _row("**all**", sums)]))


def _row(kind: str, found: Counts) -> list[str]:
    numbers = [f"{found.outcomes[what]:,}" for what in (*REPLAYED, "refused", "failure")]
    return [kind, f"{found.files:,}", *numbers, f"{found.slowest:.1f} s"]


def rewritten(page: str, part: str) -> str:
    """A page with its section about damaged files replaced."""
    before, _, rest = page.partition("## Damaged files")
    _, heading, after = rest.partition("\n## ")
    return f"{before}{part}{heading and f'{heading}{after}'}"


def again(kind: str, number: int, seed: int, keep: Path) -> int:
    """Make one damaged file once more, keep it, and say what becomes of it."""
    keep.mkdir(parents=True, exist_ok=True)
    one = case(kind, seed, number, keep)
    what, said = outcome(one)
    print(f"{what}: {said}\nlstm-verify {' '.join(one.arguments())}")
    return int(what == "failure")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number to begin with")
    parser.add_argument(
        "--only", nargs="+", choices=KINDS, metavar="KIND", default=list(KINDS), help="some kinds alone"
    )
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    parser.add_argument("--json", type=Path, help="where to write all counts")
    parser.add_argument("--again", nargs=2, metavar=("KIND", "NUMBER"))
    parser.add_argument("--keep", type=Path, default=Path("broken"), help="the folder for --again")
    options = parser.parse_args()

    def over(*_: Any) -> None:
        raise Hangs

    signal.signal(signal.SIGALRM, over)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, resource.RLIM_INFINITY))
    assert FIXTURES.is_dir()
    if options.again:
        return again(options.again[0], int(options.again[1]), options.seed, options.keep)
    counts = fuzz(options.minutes, options.seed, options.first, options.only)
    print(table(counts, options.minutes, options.seed))
    if options.write:
        options.write.write_text(rewritten(options.write.read_text(), table(counts, options.minutes, options.seed)))
    if options.json:
        found = {kind: {**vars(one)} for kind, one in counts.items()}
        options.json.write_text(json.dumps(found, indent=1))
    failures = [failure for found in counts.values() for failure in found.failures]
    print("\n".join(failures) or "no failures")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

"""Break the package in many ways, one at a time, and see that a test fails each time.

    python benchmarks/mutations.py [--only PATTERN] [--write docs/mutations.md]

Each change is made in a copy of the tree. The tests that lie where the changed file does run first, since they are the
likeliest to notice, then all that need no framework, then the whole suite. What no test notices survives, and then the
exit code is 1. A change whose text is no longer found is an error: the list follows the code.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mutation_list import MUTATIONS, Mutation

ROOT = Path(__file__).parent.parent
COPIED = ("lstm_verify", "tests", "fixtures", "benchmarks", "docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md",
          "SECURITY.md", "LICENSE", "Makefile", "pyproject.toml")  # fmt: skip
WITHOUT_FRAMEWORKS = ("-m", "not framework and not zoo")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
PREAMBLE = """# Mutations

`benchmarks/mutations.py` breaks the package in each of these ways, in a copy, and runs the tests. A change that no test
notices is a hole in the tests. The last column is the first test that failed{fast}.

"""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutation."""

    mutation: Mutation
    caught: str = ""
    """The test that failed first; empty if none did."""
    fast: bool = True
    """Whether that test needs no framework."""
    seconds: float = 0.0


def main() -> int:
    """Try the mutations, and say which test caught each."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="of files below lstm_verify")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table")
    arguments = parser.parse_args()
    chosen = [mutation for mutation in MUTATIONS if fnmatchcase(mutation.file, arguments.only)]
    for mutation in chosen:
        mutated(mutation)  # a text that is not there is an error before hours are spent
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = copied(Path(folder))
        failure = first_failure(tree, [*WITHOUT_FRAMEWORKS, "-n", "2"])
        if failure:
            print(f"without any change: {failure}", file=sys.stderr)
            return 2
        outcomes = list(tried(tree, chosen))
    if arguments.write:
        arguments.write.write_text(page(outcomes))
    survivors = [outcome for outcome in outcomes if not outcome.caught]
    print(f"{len(outcomes)} mutations, {len(survivors)} survived")
    return 1 if survivors else 0


def copied(folder: Path) -> Path:
    """A copy of the tree, with what frameworks have built for the original."""
    for name in COPIED:
        source, target = ROOT / name, folder / "tree" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    zoo = Path(os.environ.get("LSTM_VERIFY_ZOO", ROOT / ".cache" / "zoo"))
    if zoo.exists():
        shutil.copytree(zoo, folder / "tree" / ".cache" / "zoo", copy_function=_link)
    shared = ROOT.parent / "shared"  # real models, if there are some
    if shared.exists():
        (folder / "shared").symlink_to(shared)
    return folder / "tree"


def _link(source: str, target: str) -> None:
    """A hard link, or a copy where there can be none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def mutated(mutation: Mutation) -> str:
    """The text of a file with the mutation.

    Raises:
        SystemExit: the text that it changes is not there, or more than once.
    """
    text = (ROOT / "lstm_verify" / mutation.file).read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file}: {mutation.old!r} is there {text.count(mutation.old)} times, expected once")
    return text.replace(mutation.old, mutation.new)


def tried(tree: Path, mutations: Sequence[Mutation]) -> Iterator[Outcome]:
    """Make one mutation after the other, and run tests until one fails."""
    for number, mutation in enumerate(mutations, 1):
        target = tree / "lstm_verify" / mutation.file
        original, started = target.read_text(), time.monotonic()
        target.write_text(mutated(mutation))
        caught, needs_none = "", True
        for options, needs_none in stages(tree, mutation):  # noqa: B007 the last is kept
            caught = first_failure(tree, options)
            if caught:
                break
        target.write_text(original)
        outcome = Outcome(mutation, caught, needs_none, time.monotonic() - started)
        said = f"{caught or 'SURVIVED'} ({outcome.seconds:.0f} s)"
        print(f"{number}/{len(mutations)} {mutation.what}: {said}", flush=True)
        yield outcome


def stages(tree: Path, mutation: Mutation) -> Iterator[tuple[list[str], bool]]:
    """What pytest is asked to run, and whether no framework is needed: near tests, all, and with frameworks.

    Before those of the folder come the fixtures, of which every part of the package has to do with some.
    """
    folders = [tree / "tests" / parent for parent in Path(mutation.file).parents]
    near = next(folder for folder in folders if folder.is_dir())
    own = near / f"test_{Path(mutation.file).stem.lstrip('_')}.py"
    for path in dict.fromkeys([own, tree / "tests" / "test_fixtures.py", near]):
        if path.exists() and path != tree / "tests":
            yield [*WITHOUT_FRAMEWORKS, str(path.relative_to(tree))], True
    yield [*WITHOUT_FRAMEWORKS, "-n", "2"], True
    yield ["-n", "2"], False


def first_failure(tree: Path, options: Sequence[str]) -> str:
    """The first test that fails; empty if all pass."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",  # or a file that is changed twice in a second is not read again
        "LSTM_VERIFY_ZOO": str(tree / ".cache" / "zoo"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--no-header", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode in (0, 5):  # 5: nothing to run there
        return ""
    found = FAILED.search(done.stdout)
    return found[1] if found else f"pytest ended with {done.returncode}"


def page(outcomes: Sequence[Outcome]) -> str:
    """The table of the page."""
    slow = sum(not outcome.fast for outcome in outcomes)
    fast = f"; of {len(outcomes)}, {slow} took a framework to notice" if slow else ", and none needs a framework"
    lines = ["| what is broken | in | what notices |", "|---|---|---|"]
    for outcome in outcomes:
        test = outcome.caught.partition("[")[0] or "**nothing**"
        lines.append(f"| {outcome.mutation.what} | `{outcome.mutation.file}` | `{test}` |")
    return PREAMBLE.format(fast=fast) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

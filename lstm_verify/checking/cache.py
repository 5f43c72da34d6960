"""The cache: outcomes of models of which nothing has changed, not even what they depend on besides.

An entry's name is the hash of everything that its outcome depends on: the content of every file, all settings, and
the circumstances. So an entry is never out of date; it is only not found. What cannot be relied on is not kept: errors,
what is inconclusive (a time limit, for one), what a framework does not repeat, files that change meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lstm_verify.arrays import replacing
from lstm_verify.checking.circumstances import circumstances
from lstm_verify.checking.run import Outcome
from lstm_verify.checking.task import Task
from lstm_verify.errors import LstmVerifyError, OutputError
from lstm_verify.formats.parts import hash_of_model
from lstm_verify.golden import ARRAYS, FACTS
from lstm_verify.hashing import hash_of_file
from lstm_verify.judging.compare import Verdict

FOLDER = ".lstm-verify-cache"
KEPT = (Verdict.MATCH, Verdict.MISMATCH)
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is a cache of lstm-verify.\n"


def key_of(task: Task) -> str | None:
    """Return the hash of all that the outcome of a task depends on; None if a file cannot be read."""
    try:
        found = {
            "settings": task.settings(),
            "models": [[Path(path).name, hash_of_model(path)] for path in task.models()],
            "files": [hash_of_file(path) for path in task.files()],
            "golden": [hash_of_file(Path(task.golden, name)) for name in (FACTS, ARRAYS)] if task.golden else None,
            "circumstances": circumstances(),
            "shown": [task.name, task.path.removeprefix(task.folder), *task.against],
        }
    except (LstmVerifyError, OSError):
        return None
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Cache:
    """A folder of outcomes.

    Args:
        folder: where it is; it is made when there is something to keep.
    """

    folder: Path

    def get(self, key: str | None) -> Outcome | None:
        """Return the outcome that was kept; None if there is none, or it is damaged."""
        if key is None:
            return None
        try:
            entry = json.loads(self._file(key).read_bytes())
            if entry["checksum"] != _checksum(key, entry["outcome"]):
                return None
            outcome = Outcome(**entry["outcome"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return replace(outcome, outputs=tuple(tuple(output) for output in outcome.outputs), cached=True)  # type: ignore[misc]

    def put(self, task: Task, key: str | None, outcome: Outcome) -> bool:
        """Keep an outcome, if it can be relied on; whether it was kept."""
        if not _is_reliable(outcome) or key is None or key_of(task) != key:
            return False
        entry = asdict(replace(outcome, cached=False))
        try:
            self._make()
            with replacing(self._file(key)) as temporary:
                temporary.write_text(json.dumps({"checksum": _checksum(key, entry), "outcome": entry}))
        except (OSError, OutputError):  # a cache that cannot be written is no reason to fail
            return False
        return True

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _make(self) -> None:
        """Make the folder, which neither a repository nor a backup is to have."""
        if not self.folder.is_dir():
            os.makedirs(self.folder)
            (self.folder / ".gitignore").write_text("*\n")
            (self.folder / "CACHEDIR.TAG").write_text(TAG)


def _is_reliable(outcome: Outcome) -> bool:
    """Whether the same task would give the same again here."""
    return outcome.verdict in KEPT and outcome.repeats and outcome.circumstances == circumstances()


def _checksum(key: str, entry: dict[str, Any]) -> str:
    return hashlib.sha256(f"{key}{json.dumps(entry, sort_keys=True)}".encode()).hexdigest()

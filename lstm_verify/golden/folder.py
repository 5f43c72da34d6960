"""The two files of a golden folder: where they are, how they are written, and whether they are what was written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import UNREADABLE, Array, replacing, write_npz
from lstm_verify.errors import InputError, OutputError
from lstm_verify.hashing import hash_of_file

FACTS, ARRAYS = "golden.json", "golden.npz"
SCHEMA = 1
AGAIN = "Record it anew with lstm-verify record"


def arrays_in(path: Path) -> dict[str, Array]:
    """Read the arrays by the names that they were written by, `:0` at the end included.

    Raises:
        InputError: it is not readable.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        raise InputError(f"{path}: not readable as .npz ({error}). {AGAIN}") from None


def is_golden(folder: Path) -> bool:
    """Whether a path is that of a golden folder."""
    return (folder / FACTS).is_file()


def facts_of(folder: Path) -> dict[str, Any]:
    """Read the facts.

    Raises:
        InputError: there are none, or they were changed since they were written.
    """
    path = folder / FACTS
    try:
        facts = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{folder}: no golden folder, {FACTS} cannot be read ({error.strerror}). Make one with lstm-verify record"
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({error}). {AGAIN}") from None
    if not isinstance(facts, dict) or facts.get("schema_version") != SCHEMA:
        raise InputError(f"{path}: written by another version, expected schema_version {SCHEMA}. {AGAIN}")
    if facts.get("checksum") != _checksum(facts):
        raise InputError(f"{path}: was changed by hand or by a merge, its checksum does not fit. {AGAIN}")
    return facts


def _checksum(facts: Mapping[str, Any]) -> str:
    """The hash of all facts but itself."""
    others = {key: value for key, value in facts.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()


def check_free(folder: str | Path, update: bool) -> None:
    """Check that a record can be written.

    Raises:
        OutputError: it cannot, or there is one already and it is not to be replaced.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: a file, expected a folder to record in. Choose another name")
    if not folder.absolute().parent.is_dir():
        raise OutputError(f"{folder}: cannot be written, there is no directory {folder.parent}. Create it first")
    taken = [name for name in (FACTS, ARRAYS) if (folder / name).exists()]
    if taken and not update:
        raise OutputError(f"{folder}: has a record already ({', '.join(taken)}). --update replaces it")


def write(folder: str | Path, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a golden folder; a new one appears with both of its files, or not at all.

    Raises:
        OutputError: it cannot be written there.
    """
    folder = Path(folder)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.absolute().parent))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}). Choose another path") from None
    try:
        write_npz(made / ARRAYS, arrays)
        complete = {**facts, "schema_version": SCHEMA, "arrays": {"sha256": hash_of_file(made / ARRAYS)}}
        complete["checksum"] = _checksum(complete)
        with replacing(made / FACTS) as temporary:
            temporary.write_text(json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        folder.mkdir(exist_ok=True)
        for name in (ARRAYS, FACTS):  # if only the first gets there, the hash does not fit
            os.replace(made / name, folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}). Choose another path") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)

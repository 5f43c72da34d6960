"""Manifests: TOML files that say which models are to be checked, and how.

    timeout = 120                        # for all models, unless one says something else

    [[model]]
    path = "export/speller.keras"        # or a pattern; relative to the manifest
    input = "golden/x.npy"
    expected = "golden/y.npy"

In `pyproject.toml` the same is `[tool.lstm-verify]` and `[[tool.lstm-verify.model]]`. Every key is one of `KEYS`, with
the names of the options of the command, or an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lstm_verify import runtimes
from lstm_verify.checking.discover import discovered, exists, golden_beside
from lstm_verify.checking.keys import KEYS, MODEL, Key
from lstm_verify.checking.problems import Problems
from lstm_verify.checking.task import SAMPLES, SEED, Task
from lstm_verify.errors import InputError, LstmVerifyError

PYPROJECT, TOOL = "pyproject.toml", "lstm-verify"
EXCLUSIVE = (
    ("golden", "input"),
    ("golden", "random"),
    ("golden", "seed"),
    ("golden", "expected"),
    ("golden", "runtime"),
    ("golden", "against"),
    ("golden", "decimals"),
    ("golden", "digits"),
    ("golden", "state-from"),
    ("input", "random"),
    ("input", "seed"),
    ("expected", "runtime"),
    ("expected", "random"),
    ("against", "expected"),
    ("against", "runtime"),
    ("against", "decimals"),
    ("against", "digits"),
    ("decimals", "digits"),
    ("against", "state-from"),
    ("against", "allowed-blind-spots"),
    ("sigmas", "atol"),
    ("sigmas", "rtol"),
)
"""Keys of a model that contradict each other."""
NEEDS = {"map": "against", "run": "against", "decimals": "expected", "digits": "expected"}
NEEDS |= {"state-from": "input", "expected": "input"}
"""Keys that mean nothing without another."""
Table = Mapping[str, Any]


def tasks_of_manifest(file: Path) -> list[Task]:
    """Read a manifest, or the part of a `pyproject.toml` that is one.

    Raises:
        Problems: all that is wrong with it.
    """
    table = _table(file)
    problems: list[str] = []
    models = table.get(MODEL)
    if not isinstance(models, list) or not models or not all(isinstance(model, dict) for model in models):
        problems.append(f"{file}: names no models, expected a table [[{_prefix(file)}{MODEL}]] with a path for each")
        models = []
    defaults = {key: value for key, value in table.items() if key != MODEL}
    wrong = list(_wrong_keys(str(file), defaults, of_model=False))
    problems += wrong
    defaults = {} if wrong else defaults
    tasks: list[Task] = []
    for number, model in enumerate(models, 1):
        where = f"{file}: model {model.get('name') or model.get('path') or number}"
        wrong = list(_wrong_keys(where, model, of_model=True))
        problems += wrong
        if not wrong:
            try:
                tasks += _tasks(model, defaults, file.absolute().parent)
            except Problems as found:
                problems += [f"{where}: {line}" for line in found.lines]
            except LstmVerifyError as error:
                problems.append(f"{where}: {error}")
    problems += _twice(file, tasks)
    if problems:
        raise Problems(problems)
    return tasks


def found_upwards(folder: Path) -> Path | None:
    """Return the first `pyproject.toml` with a part for this tool, from a folder upwards.

    Raises:
        Problems: one on the way cannot be read.
    """
    for place in (folder, *folder.parents):
        file = place / PYPROJECT
        if file.is_file() and TOOL in _toml(file).get("tool", {}):
            return file
    return None


def task_of_path(name: str, path: Path, folder: Path, random: int | None = None, seed: int | None = None) -> Task:
    """The task for a model of which only the path is known: against the golden folder beside it, if there is one."""
    beside = golden_beside(path) if random is None and seed is None else None
    golden = None if beside is None else str(beside)
    return Task(name, str(path), str(folder), golden=golden, random=random or SAMPLES, seed=seed or SEED)


def _table(file: Path) -> Table:
    found = _toml(file)
    if file.name != PYPROJECT:
        return found
    table = found.get("tool", {}).get(TOOL)
    if not isinstance(table, dict):
        raise Problems([f"{file}: has no table [tool.{TOOL}], expected the models to check in it"])
    return table


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Problems([f"{file}: cannot be read ({error.strerror}). Is the path right?"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise Problems([f"{file}: not readable as TOML ({error})"]) from None


def _prefix(file: Path) -> str:
    return f"tool.{TOOL}." if file.name == PYPROJECT else ""


def _wrong_keys(where: str, table: Table, of_model: bool) -> Iterator[str]:
    """What is wrong with the keys of a table and their values."""
    known = {key: kind for key, kind in KEYS.items() if of_model or kind.is_default}
    for name, value in table.items():
        if name not in known:
            yield f"{where}: unknown key '{name}'. {_hint(name, known)}"
        elif not known[name].fits(value):
            yield f"{where}: {name} = {value!r}, expected {known[name].expected}"
    if of_model and "path" not in table:
        yield f"{where}: has no path, expected that of a model, or a pattern"


def _hint(name: str, known: Mapping[str, Key]) -> str:
    if name in KEYS:
        return "It is for one model, and not for all"
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(known)}"


def _tasks(model: Table, defaults: Table, folder: Path) -> Iterator[Task]:
    """The tasks for one table of a manifest: as many as its path has models."""
    problems = [f"{one} and {other} exclude each other" for one, other in EXCLUSIVE if {one, other} <= set(model)]
    problems += [f"{key} needs {other} too" for key, other in NEEDS.items() if key in model and other not in model]
    problems += _missing(model, folder)
    if problems:
        raise Problems(problems)
    given = {**{key: value for key, value in defaults.items() if not _contradicts(key, model)}, **model}
    settings = {KEYS[key].field: KEYS[key].value(value, folder) for key, value in given.items() if KEYS[key].field}
    models = discovered([model["path"]], folder)
    if "name" in model and len(models) > 1:
        raise InputError(f"name: the path has {len(models)} models, expected one. Leave the name out")
    alone = not {"input", "random", "seed", "golden", "expected", "against"} & set(model)
    for name, path in models:
        beside = golden_beside(path) if alone else None
        more = {"golden": str(beside)} if beside is not None else {}
        task = Task(model.get("name", name), str(path), str(folder), **{**settings, **more})
        _try(task)
        yield task


def _contradicts(key: str, model: Table) -> bool:
    """Whether a default makes no sense for a model, which has something else in its place."""
    return any({key, other} in map(set, EXCLUSIVE) for other in model)


def _try(task: Task) -> None:
    """Check values that depend on each other.

    Raises:
        InputError, UnsupportedError: one makes no sense.
    """
    if task.runtime is not None:
        runtimes.find(task.runtime)
    _ = (task.tolerance, task.options)


def _missing(model: Table, folder: Path) -> Iterator[str]:
    """The files of a model that are not there."""
    for key, value in model.items():
        if KEYS[key].is_file:
            listed = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
            yield from (f"{key}: there is no {file}" for file in listed if not exists(folder / file))


def _twice(file: Path, tasks: list[Task]) -> Iterator[str]:
    seen: set[str] = set()
    for task in tasks:
        if task.name in seen:
            yield f"{file}: model {task.name} is there twice. Give each a name of its own"
        seen.add(task.name)

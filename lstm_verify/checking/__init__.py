"""Checking many models: from paths or a manifest to one report.

manifest, discover      what is to be checked           → tasks, one for each model
cache                   what is known already           → outcomes
run                     a task, done in any process     → an outcome, of plain data
jobs                    side by side, in order
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

from lstm_verify.checking.cache import FOLDER, Cache, key_of
from lstm_verify.checking.cluster import cluster
from lstm_verify.checking.discover import discovered
from lstm_verify.checking.jobs import Executors, outcomes, processes, usual_jobs
from lstm_verify.checking.manifest import found_upwards, task_of_path, tasks_of_manifest
from lstm_verify.checking.problems import Problems
from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.checking.task import Task


def check(
    paths: str | Path | Sequence[str | Path] = (),
    *,
    manifest: str | Path | None = None,
    random: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    cache: str | Path | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> CheckReport:
    """Verify many models, side by side in processes of their own.

    A script that calls it does so under `if __name__ == "__main__":`, since those processes import the script.

    Args:
        paths: files, directories with models, and patterns. A model is checked against the golden folder beside it
            (`MODEL.golden`), or else against its framework on generated inputs.
        manifest: a TOML file that names models and how each is checked, in place of paths; if there are neither, the
            first `pyproject.toml` upwards with `[tool.lstm-verify]`.
        random, seed: for paths: how many samples to generate, and from which seed; golden folders are not looked for.
        jobs: how many models at a time; None is what cores and memory allow.
        dask: the address of a Dask scheduler, in place of processes of this machine.
        cache: a directory of outcomes of models that have not changed; None keeps none.
        on_outcome: told each outcome, in the order of the models.

    Returns:
        The report.

    Raises:
        Problems: all that is wrong with the paths or the manifest; nothing is checked then.

    Example:
        >>> names = ["origin_tanh_sigmoid", "stacked_gru"]
        >>> report = check([f"fixtures/{name}.keras3.onnx" for name in names], jobs=1)
        >>> report
        <CheckReport 2 models: 2 match>
    """
    listed = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    tasks = tasks_for(listed, manifest, random, seed)
    started, found, kept = time.perf_counter(), [], None if cache is None else Cache(Path(cache))
    at_once, executors = (len(tasks), cluster(dask)) if dask else (jobs or usual_jobs(), processes)
    with closing(checks(tasks, at_once, kept, executors)) as each:
        for outcome in each:
            found.append(outcome)
            if on_outcome is not None:
                on_outcome(outcome)
    return CheckReport(tuple(found), time.perf_counter() - started)


def tasks_for(
    paths: Sequence[str], manifest: str | Path | None = None, random: int | None = None, seed: int | None = None
) -> list[Task]:
    """The tasks for what a user asks to be checked.

    Raises:
        Problems: all that is wrong with it.
    """
    folder = Path.cwd()
    if paths and manifest is not None:
        raise Problems(["paths and a manifest exclude each other. Give one of them"])
    if paths:
        return [task_of_path(name, path, folder, random, seed) for name, path in discovered(paths, folder)]
    if random is not None or seed is not None:
        raise Problems(["random and seed are for paths; a manifest has its own"])
    file = found_upwards(folder) if manifest is None else Path(manifest)
    if file is None:
        raise Problems(
            ["nothing to check. Give paths, a manifest, or [tool.lstm-verify] in a pyproject.toml here or above"]
        )
    return tasks_of_manifest(file)


def checks(
    tasks: Sequence[Task], jobs: int, cache: Cache | None = None, executors: Executors = processes
) -> Generator[Outcome, None, None]:
    """Yield the outcomes of tasks, in order; from the cache where they are known, and kept there where they are not."""
    keys = [key_of(task) if cache is not None else None for task in tasks]
    known = [cache.get(key) if cache is not None else None for key in keys]
    left = [task for task, outcome in zip(tasks, known, strict=True) if outcome is None]
    with closing(outcomes(left, min(jobs, max(1, len(left))), executors)) as fresh:
        for task, key, outcome in zip(tasks, keys, known, strict=True):
            if outcome is None:
                outcome = next(fresh)
                if cache is not None:
                    cache.put(task, key, outcome)
            yield outcome


def cache_folder() -> Path:
    """Where the command keeps its cache: beside the nearest `pyproject.toml` upwards, or else here."""
    here = Path.cwd()
    root = next((place for place in (here, *here.parents) if (place / "pyproject.toml").is_file()), here)
    return root / FOLDER


__all__ = ["CheckReport", "Outcome", "Problems", "Task", "cache_folder", "check", "checks", "tasks_for"]

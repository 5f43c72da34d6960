"""Models in files, directories and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lstm_verify._record import folder_for
from lstm_verify.checking.problems import Problems
from lstm_verify.errors import InputError
from lstm_verify.formats.saved_model import FILES
from lstm_verify.golden import is_golden, model_of

SUFFIXES = (".h5", ".hdf5", ".keras", ".onnx", ".pb")
"""The files of a directory that are models; what else it holds may be anything."""
WEIGHTS = ".weights.h5"
META = ".meta"
WILD = set("*?[")


def discovered(paths: Sequence[str], folder: Path) -> list[tuple[str, Path]]:
    """Find the models that paths mean: files, directories with models, and patterns such as `export/**/*.keras`.

    Args:
        paths: as they were given.
        folder: what they are relative to.

    Returns:
        What each is called and its absolute path, in order.

    Raises:
        Problems: one leads to no model, or two lead to the same.
    """
    found: list[tuple[str, Path]] = []
    problems: list[str] = []
    for path in paths:
        models = list(_models(path, folder))
        if not models:
            problems.append(_nothing(path, folder))
        found += models
    seen: dict[str, str] = {}
    for name, model in found:
        real = os.path.realpath(model)
        if real in seen:
            problems.append(f"{name}: is there twice, as {seen[real]} too. Leave one out")
        seen.setdefault(real, name)
    if problems:
        raise Problems(problems)
    return found


def _nothing(path: str, folder: Path) -> str:
    if WILD & set(path):
        return f"{path}: no file fits this pattern"
    if (folder / path).is_dir():
        return f"{path}: no models in this directory, expected {', '.join(SUFFIXES)}, checkpoints or SavedModels"
    return f"{path}: cannot be read (No such file or directory). Is the path right?"


def _models(path: str, folder: Path) -> Iterator[tuple[str, Path]]:
    if exists(folder / path):
        for model in _in(folder / path):
            yield _called(model, folder / path, path), model
        return
    if WILD & set(path):
        for name in sorted(glob.glob(path, root_dir=folder, recursive=True)):
            for model in _in(folder / name):
                yield _called(model, folder / name, name), model


def _called(model: Path, start: Path, given: str) -> str:
    """The name of a model below a path as that was given."""
    return given if model == start else str(Path(given, model.relative_to(start)))


def exists(path: Path) -> bool:
    """Whether there is a file, a directory, or a checkpoint of several files."""
    return path.exists() or Path(f"{path}.index").exists()


def _in(path: Path) -> Iterator[Path]:
    """A model itself, or those in a directory."""
    if not path.is_dir() or _is_saved_model(path):
        yield path
        return
    for here, folders, files in os.walk(path):
        place = Path(here)
        saved = [name for name in folders if _is_saved_model(place / name)]
        folders[:] = sorted(name for name in folders if name not in saved and not _is_passed_over(place / name))
        yield from sorted([*(place / name for name in saved), *_files(place, files)])


def _files(place: Path, names: list[str]) -> Iterator[Path]:
    for name in names:
        if name.endswith(SUFFIXES) and not name.endswith(WEIGHTS):
            yield place / name
        elif name.endswith(META) and f"{name.removesuffix(META)}.index" in names:
            yield place / name.removesuffix(META)


def _is_saved_model(path: Path) -> bool:
    return any((path / name).is_file() for name in FILES)


def _is_passed_over(path: Path) -> bool:
    """Whether a directory holds no models to check: hidden, or a golden folder."""
    return path.name.startswith(".") or is_golden(path)


def golden_beside(model: Path) -> Path | None:
    """Return the golden folder beside a model: `MODEL.golden`, or `golden` if that was recorded of a file so named."""
    own, common = folder_for(model), model.with_name("golden")
    if is_golden(own):
        return own
    try:
        return common if is_golden(common) and model_of(common) == model.name else None
    except InputError:  # it is damaged, and may be about this model: the check says so
        return common

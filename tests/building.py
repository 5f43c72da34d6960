"""Models that real frameworks write for the tests: each folder is built once, and kept by a hash of what builds it."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
KEPT = Path(os.environ.get("LSTM_VERIFY_ZOO", ROOT / ".cache" / "zoo")).absolute()
"""Where the folders are."""
PACKAGES = ("tests", "fixtures", "lstm_verify")
"""Whose sources count."""
FRAMEWORKS = ("tensorflow", "keras", "tf_keras", "numpy", "h5py")
"""Whose versions count."""
ONNX = ("onnx", "onnxruntime", "numpy")
"""The same for files that no framework takes part in."""
OUT = "{out}"
"""What stands for the folder in the arguments of a program."""
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}


@dataclass(frozen=True)
class Recipe:
    """How a folder is made: a program that is run as `python -m MODULE ARGUMENTS`."""

    name: str
    """What the folder is called, before its key."""
    module: str
    arguments: tuple[str, ...] = ("--out", OUT)
    reads: tuple[str, ...] = ()
    """Patterns of the files below the root that it reads, beside its sources."""
    environment: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    """What it reads from its standard input."""
    packages: tuple[str, ...] = FRAMEWORKS
    """Whose versions count."""


Build = Callable[[Recipe], Path]
"""The fixture `build`: from a recipe to its folder."""


def of_both(name: str, module: str) -> dict[str, Recipe]:
    """The recipes of a program that works for both generations of Keras."""
    return {
        f"{name}{framework}": Recipe(f"{name}{framework}", module, ("--framework", framework, "--out", OUT))
        for framework in ("keras", "tf_keras")
    }


def of_onnx(name: str, *packages: str, **options: Any) -> dict[str, Recipe]:
    """The recipe of a builder of ONNX files; a name that goes on after a dot is that of a choice it is told of."""
    module, _, choice = name.partition(".")
    arguments = ("--out", OUT, *(("--origin", choice) if choice else ()))
    full = f"onnx_{name.replace('.', '_')}"
    return {full: Recipe(full, f"tests.zoo.onnx.{module}", arguments, packages=(*ONNX, *packages), **options)}


EXPORTED = ("tensorflow", "keras", "tf_keras", "tf2onnx", "torch", "onnxscript")
RECIPES = {
    **of_both("", "tests.zoo.build"),
    **of_both("saved_", "tests.zoo.saved_models"),
    **of_both("faults_", "tests.zoo.faults.build"),
    **of_both("edges_", "tests.zoo.edges"),
    **of_both("weights_", "tests.zoo.weights_alone"),
    "tf1": Recipe("tf1", "tests.zoo.tf1"),
    "faults_tf1": Recipe("faults_tf1", "tests.zoo.faults.tf1"),
    **of_onnx("operators"),
    **of_onnx("structures"),
    **of_onnx("quantised"),
    **of_onnx("exports.keras", "tensorflow", "keras", "tf2onnx"),
    **of_onnx("exports.tf_keras", "tensorflow", "tf_keras", "tf2onnx"),
    **of_onnx("exports.torch", "torch", "onnxscript"),
    **of_onnx("faults", *EXPORTED),
    **of_onnx("exports.keras_torch", "keras", "torch", "onnxscript", environment={"KERAS_BACKEND": "torch"}),
}
"""Those that several test modules use, by name."""


def built(recipe: Recipe) -> Path:
    """The folder of a recipe, which is built if it is not there.

    Processes that want the same folder at the same time wait for the one that builds it.
    """
    folder = KEPT / f"{recipe.name}-{key_of(recipe)}"
    if not folder.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with locked(KEPT / f"{recipe.name}.lock"):
            if not folder.exists():
                _clear(recipe.name)
                made_whole(folder, lambda part: _run(recipe, part))
    return folder


def made_whole(folder: Path, write: Callable[[Path], object]) -> None:
    """Let a folder be written under another name, so that half of it is never taken for the whole."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write(part)
    try:
        part.rename(folder)
    except OSError:
        assert folder.exists()  # another process was first
        shutil.rmtree(part)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, which ends with its process at the latest."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clear(name: str) -> None:
    """Remove what was built by other sources, or by half."""
    for old in KEPT.glob(f"{name}-*"):
        shutil.rmtree(old)


def _run(recipe: Recipe, folder: Path) -> None:
    arguments = [argument.replace(OUT, str(folder)) for argument in recipe.arguments]
    done = subprocess.run(
        [sys.executable, "-m", recipe.module, *arguments],
        cwd=ROOT,
        env={**os.environ, **QUIET, **recipe.environment},
        input=recipe.given.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{recipe.module}: {done.stdout.decode(errors='replace')[-3000:]}"


# --- the key ---------------------------------------------------------------------------------------------------


def key_of(recipe: Recipe, root: Path = ROOT) -> str:
    """A hash of all that makes a folder what it is: sources, files that are read, arguments, versions."""
    read = [path for pattern in recipe.reads for path in sorted(root.glob(pattern)) if path.is_file()]
    said = (*recipe.arguments, *sorted(recipe.environment.items()), recipe.given, *versions(recipe.packages))
    return digest([*sources(recipe.module, root), *read], map(str, said))


def digest(files: Iterable[Path], words: Iterable[str] = ()) -> str:
    """A hash of the names and the contents of files, and of words."""
    found = hashlib.sha256()
    for word in words:
        found.update(f"{len(word)} {word}".encode())
    for path in files:
        found.update(f"{path.name} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


@cache
def versions(packages: tuple[str, ...] = FRAMEWORKS) -> tuple[str, ...]:
    """The versions of Python and of all that takes part in making an oracle."""
    return (sys.version, *(f"{name} {metadata.version(name)}" for name in packages))


def sources(module: str, root: Path = ROOT) -> list[Path]:
    """The files of a module and of all that it imports from here, by way of others too."""
    found: dict[Path, None] = {}
    waiting = [module]
    while waiting:
        for path in _files(waiting.pop(), root):
            if path not in found:
                found[path] = None
                waiting += _imported(path.read_bytes())
    return sorted(found)


def _files(module: str, root: Path) -> Iterator[Path]:
    """The file of a module, and those of the packages that it is in."""
    parts = module.split(".")
    if parts[0] in PACKAGES:
        for length in range(1, len(parts) + 1):
            path = root.joinpath(*parts[:length])
            yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists())


@cache
def _imported(source: bytes) -> list[str]:
    """What a source imports, at its top or inside a function; a name that is imported may be a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found

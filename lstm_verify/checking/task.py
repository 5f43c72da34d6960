"""Task: one model to check, and how; plain data, which can be sent to another process or machine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lstm_verify.arrays import read_arrays
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.options import RandomInputs, RuntimeOptions

SAMPLES, SEED = 32, 0
"""The inputs that are generated where none are given."""
Files = tuple[tuple[str, str], ...]
"""Files by the name of the input or output that they are for; under the empty name, the only file."""


@dataclass(frozen=True)
class Task:
    """One model, with everything that its check depends on.

    Paths are absolute: whoever does it may be elsewhere.
    """

    name: str
    """What it is called in reports: its path as it was given, unless the manifest has a name."""
    path: str
    folder: str
    """Where the manifest or the command is; paths below it are shown without it."""
    input: Files = ()
    random: int = SAMPLES
    """How many samples are generated if there is neither an input nor a golden folder."""
    seed: int = SEED
    expected: Files = ()
    golden: str | None = None
    against: tuple[str, ...] = ()
    map: tuple[tuple[str, str], ...] = ()
    """Of `against`: names of inputs and outputs, and what the others call them."""
    runs: bool = True
    """Of `against`: whether each file is run by its own runtime too."""
    state_from: str | None = None
    architecture: str | None = None
    signature: str | None = None
    input_tensors: tuple[str, ...] = ()
    output_tensors: tuple[str, ...] = ()
    sigmas: float | None = None
    atol: float | None = None
    rtol: float | None = None
    decimals: int | None = None
    allow_unjudged: bool = False
    runtime: str | None = None
    batch_size: int | None = None
    timeout: float = 600.0
    products: str | None = None
    optimize: bool = True
    unsafe: bool = False
    diagnose: bool = True
    allowed_blind_spots: tuple[str, ...] | None = None
    """The blind spots that are no failure, such as `clip` or `clip in lstm`; None if none is."""

    @property
    def compared_with(self) -> str:
        """What it is compared with, in one word or two."""
        if self.against:
            return ", ".join(Path(path).name for path in self.against)
        if self.golden:
            return "golden"
        return "recorded" if self.expected else self.runtime or "runtime"

    @property
    def is_generated(self) -> bool:
        """Whether its inputs are random."""
        return not self.input and not self.golden

    @property
    def x(self) -> Any:
        """The inputs, as an argument of `verify`."""
        return _files(self.input) if self.input else RandomInputs(self.random, self.seed)

    @property
    def predictions(self) -> Any:
        """The recorded predictions, as an argument of `verify`."""
        return _files(self.expected) if self.expected else None

    @property
    def tolerance(self) -> Tolerance | None:
        """The tolerance; None if nothing is said of it, so that that of a golden folder holds."""
        if (self.sigmas, self.atol, self.rtol, self.decimals, self.allow_unjudged) == (None, None, None, None, False):
            return None
        sigmas = SIGMAS if self.sigmas is None else self.sigmas
        return Tolerance(self.atol, self.rtol, sigmas, self.decimals, self.allow_unjudged)

    @property
    def options(self) -> RuntimeOptions:
        """How a framework predicts."""
        return RuntimeOptions(self.runtime, self.batch_size, self.timeout, self.unsafe, self.products, self.optimize)

    @property
    def endpoints(self) -> Endpoints:
        """Where a graph begins and ends."""
        return Endpoints(self.input_tensors, self.output_tensors, self.signature)

    def models(self) -> list[Path]:
        """The model, and what it is compared with."""
        return [Path(self.path), *map(Path, self.against)]

    def files(self) -> list[Path]:
        """All other files that the result depends on."""
        given = [file for _, file in (*self.input, *self.expected)]
        return [Path(file) for file in (*given, self.state_from, self.architecture) if file]

    def settings(self) -> dict[str, Any]:
        """Everything else that the result depends on: all but names, and places of files, whose content counts."""
        places = {"name", "path", "folder", "golden", "against", "state_from", "architecture", "input", "expected"}
        kept = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in places}
        names = {key: [name for name, _ in getattr(self, key)] for key in ("input", "expected")}
        return {**kept, **names, "others": len(self.against)}


def _files(files: Files) -> Any:
    """A single file as it is; several as a mapping, for `verify`."""
    if len(files) == 1 and not files[0][0]:
        return files[0][1]
    arrays = {}
    for name, file in files:
        found = read_arrays(file)
        arrays[name] = next(iter(found.values()))
    return arrays

"""A golden folder: one verification, recorded, against which models are checked without any framework.

    golden.json     facts, a line each, in the order of their keys: hashes, versions, arithmetic, tolerance, verdict
    golden.npz      inputs/NAME, predicted/NAME, replayed/NAME, sigma/NAME, least/NAME

The same verification gives the same bytes. Neither file is believed without the other: golden.json has the hash of
golden.npz, and a checksum of its own lines, so that what was edited, merged or copied in part is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, finite, read_arrays, replacing, whole, write_npz
from lstm_verify.errors import InputError, OutputError
from lstm_verify.formats.parts import hash_of_model
from lstm_verify.hashing import hash_of_file
from lstm_verify.inputs import inputs_in_own_layout, moved_back
from lstm_verify.judging.judge import share_of
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.model import Model
from lstm_verify.options import RuntimeOptions
from lstm_verify.rounded.precision import PRECISIONS

FACTS, ARRAYS = "golden.json", "golden.npz"
SCHEMA = 1
KINDS = ("inputs", "predicted", "replayed", "sigma", "least")
AGAIN = "Record it anew with lstm-verify record"


@dataclass
class Evidence:
    """The arrays of a verification and what decided, kept for a record."""

    inputs: dict[str, Array] = field(default_factory=dict)
    """By name, as a framework is given them."""
    predicted: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) in the framework's dtype; empty if it did not predict."""
    replayed: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) float64."""
    sigma: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) float64: σ of every element; empty if it is not known."""
    least: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, units) float64: how large it is at least, where that was measured."""
    axes: dict[str, int | None] = field(default_factory=dict)
    """Which axis of an output has its samples where the model returns it; None if all of it is one sample."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    arithmetic: dict[str, Any] = field(default_factory=dict)

    def put(
        self,
        model: Model,
        inputs: Mapping[str, Rows],
        predicted: Mapping[str, Rows] | None,
        replayed: Mapping[str, Rows],
        judged: Judgement,
        tolerance: Tolerance,
        batch_size: int | None,
    ) -> None:
        """Keep what was compared, as copies."""
        self.inputs = inputs_in_own_layout(model, inputs)
        self.axes = {output.name: None if model.is_whole else output.axis or 0 for output in model.outputs}
        if predicted is not None and set(predicted) == set(self.axes):
            self.predicted = _copied(predicted)
        self.replayed, self.sigma, self.least = _copied(replayed), _copied(judged.sigma), _copied(judged.least)
        self.tolerance = tolerance
        self.arithmetic = {
            "batch_size": batch_size,
            "precision": model.precision,
            "products": model.products,
            "share": share_of(model),
        }

    def arrays(self) -> dict[str, Array]:
        """All arrays, by the names that they have in the file."""
        return {f"{kind}/{name}": array for kind in KINDS for name, array in getattr(self, kind).items()}


def _copied(outputs: Mapping[str, Rows]) -> dict[str, Array]:
    return {name: np.array(whole(rows)) for name, rows in outputs.items()}


@dataclass(frozen=True)
class GoldenCheck:
    """How a model compares with the one that was recorded."""

    folder: str
    verdict: str
    """Of the record."""
    same_file: bool | None
    """Whether its files are those that were recorded, byte for byte; None if it was not read from a file."""
    moved: bool
    """Whether its replay differs from the recorded one by more than float64 explains."""
    max_abs_deviation: float
    """The largest |replayed now - replayed then|; infinite if an output is missing or has another shape."""
    max_sigmas: float
    """The same in the recorded σ; NaN if that is not known."""

    @property
    def words(self) -> str:
        """What to say of it, in one line."""
        same = {True: "the recorded file, byte for byte", False: "another file than was recorded", None: "no file"}
        if not self.max_abs_deviation:
            moved = "its replay is the recorded one"
        elif not self.moved:
            moved = f"its replay is the recorded one, up to {self.max_abs_deviation:.1e}"
        else:
            sigmas = "" if np.isnan(self.max_sigmas) else f" ({self.max_sigmas:.2g}σ)"
            moved = f"its replay has moved by {self.max_abs_deviation:.1e}{sigmas}"
        return f"{same[self.same_file]}; {moved}"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        numbers = {key: finite(getattr(self, key)) for key in ("max_abs_deviation", "max_sigmas")}
        return {
            "folder": self.folder,
            "verdict": self.verdict,
            "same_file": self.same_file,
            "replay_moved": self.moved,
            "replay_max_abs_deviation": numbers["max_abs_deviation"],
            "replay_max_sigmas": numbers["max_sigmas"],
        }


@dataclass(frozen=True)
class Golden:
    """A golden folder that was read."""

    folder: Path
    facts: Mapping[str, Any]
    arrays: Mapping[str, Array]

    def of(self, kind: str) -> dict[str, Array]:
        """The arrays of one kind, by the name of the input or output."""
        return {name.partition("/")[2]: a for name, a in self.arrays.items() if name.partition("/")[0] == kind}

    @property
    def description(self) -> str:
        """What was recorded, and where it is."""
        return f"{self.folder}: {self.facts['runtime']['description']}"

    @cached_property
    def tolerance(self) -> Tolerance:
        """The tolerance that was asked for when it was recorded."""
        return Tolerance(**self.facts["tolerance"])

    def asked(
        self, x: Any, expected: Any, options: RuntimeOptions, tolerance: Tolerance | None
    ) -> tuple[Any, Any, RuntimeOptions, Tolerance]:
        """The arguments of a verification against this record.

        Raises:
            InputError: there are inputs or predictions besides.
        """
        if x is not None or expected is not None:
            raise InputError(f"{self.folder}: it has the inputs and predictions of its own. Leave the others out")
        arithmetic = self.facts["arithmetic"]
        products = options.products or (arithmetic["products"] if arithmetic["products"] != "float32" else None)
        options = replace(options, products=products, batch_size=options.batch_size or arithmetic["batch_size"])
        if tolerance is None:
            tolerance = self.tolerance
        tolerance = replace(tolerance, recorded=self.tolerance.recorded)
        return self.of("inputs"), self._as_returned(), options, tolerance

    def _as_returned(self) -> dict[str, Array]:
        """The predictions in the layout in which the model returned them."""
        axes = {name: output["samples_axis"] for name, output in self.facts["outputs"].items()}
        return {
            name: rows[0] if axes[name] is None else np.asarray(moved_back(rows, axes[name]))
            for name, rows in self.of("predicted").items()
        }

    def checked(self, model: Model, replayed: Mapping[str, Rows]) -> GoldenCheck:
        """Compare a model and its replay of the recorded inputs with those that were recorded."""
        now, then, sigma = _copied(replayed), self.of("replayed"), self.of("sigma")
        if not set(now) & set(then) and len(now) == len(then):
            now = dict(zip(then, now.values(), strict=True))  # as predictions are matched
        apart = [_apart(now.get(name), array, sigma.get(name)) for name, array in then.items()]
        unit = PRECISIONS[self.facts["arithmetic"]["precision"]].unit
        explained = SIGMAS * PRECISIONS["float64"].unit / unit
        return GoldenCheck(
            str(self.folder),
            self.facts["verdict"],
            None if model.source is None else hash_of_model(Path(model.source.path)) == self.facts["model"]["sha256"],
            any(not (sigmas <= explained or absolute == 0) for absolute, sigmas in apart) or set(now) != set(then),
            max(absolute for absolute, _ in apart),
            float(np.nanmax([sigmas for _, sigmas in apart])) if any(s == s for _, s in apart) else np.nan,
        )


def _apart(now: Array | None, then: Array, sigma: Array | None) -> tuple[float, float]:
    """The largest difference between two replays of an output, and the largest in σ; NaN if that is not known."""
    if now is None or now.shape != then.shape:
        return np.inf, np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        same = (now == then) | (np.isnan(now) & np.isnan(then))
        difference = np.where(same, 0.0, np.nan_to_num(np.abs(now - then), nan=np.inf, posinf=np.inf))
        absolute = float(difference.max(initial=0))
        if sigma is None or sigma.size != then.size:
            return absolute, 0.0 if not absolute else np.nan
        in_sigmas = np.where(difference == 0, 0.0, difference / sigma.reshape(then.shape))
    return absolute, float(np.nan_to_num(in_sigmas, nan=np.inf, posinf=np.inf).max(initial=0))


def golden_of(golden: str | Path | Golden | None) -> Golden | None:
    """Return a golden folder, read unless it is already."""
    return golden if golden is None or isinstance(golden, Golden) else read(golden)


def is_golden(folder: Path) -> bool:
    """Whether a path is that of a golden folder."""
    return (folder / FACTS).is_file()


def model_of(folder: Path) -> str:
    """The name of the file that a golden folder was recorded of.

    Raises:
        InputError: it is no golden folder, or was changed.
    """
    return str(_facts(folder)["model"]["name"])


def read(folder: str | Path) -> Golden:
    """Read a golden folder.

    Raises:
        InputError: it is none, or was changed since it was recorded.
    """
    folder = Path(folder)
    facts = _facts(folder)
    path, wanted = folder / ARRAYS, facts["arrays"]["sha256"]
    if hash_of_file(path) != wanted:
        raise InputError(f"{path}: is not the file that {FACTS} was written with (SHA-256 {wanted[:12]}…). {AGAIN}")
    rows = read_arrays(path).values()
    with zipfile.ZipFile(path) as archive:  # which has the names as they are, with a trailing :0
        names = [name.removesuffix(".npy") for name in archive.namelist()]
    return Golden(folder, facts, {name: np.asarray(whole(one)) for name, one in zip(names, rows, strict=True)})


def _facts(folder: Path) -> dict[str, Any]:
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

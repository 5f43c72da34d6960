"""A golden folder: one verification, recorded, against which models are checked without any framework.

    golden.json     facts, a line each, in the order of their keys: hashes, versions, arithmetic, tolerance, verdict
    golden.npz      inputs/NAME, predicted/NAME, replayed/NAME, sigma/NAME, least/NAME

The same verification gives the same bytes. Neither file is believed without the other: golden.json has the hash of
golden.npz, and a checksum of its own lines, so that what was edited, merged or copied in part is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, finite
from lstm_verify.errors import InputError
from lstm_verify.formats.parts import hash_of_model
from lstm_verify.golden.folder import AGAIN, ARRAYS, FACTS, arrays_in, check_free, facts_of, is_golden, write
from lstm_verify.golden.kept import Evidence, copied
from lstm_verify.hashing import hash_of_file
from lstm_verify.inputs import moved_back
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.model import Model
from lstm_verify.options import RuntimeOptions
from lstm_verify.rounded.precision import PRECISIONS


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
        return self.of("inputs"), self._as_returned(), options, self.judged_by(tolerance)

    def judged_by(self, tolerance: Tolerance | None) -> Tolerance:
        """A tolerance, or that of the record, for predictions that were recorded with as many digits as these."""
        own = self.tolerance
        if tolerance is None or (tolerance.decimals, tolerance.digits) == (None, None):
            decimals, digits = own.decimals, own.digits
        else:
            decimals, digits = tolerance.decimals, tolerance.digits
        return replace(tolerance or own, recorded=own.recorded, decimals=decimals, digits=digits)

    def _as_returned(self) -> dict[str, Array]:
        """The predictions in the layout in which the model returned them."""
        axes = {name: output["samples_axis"] for name, output in self.facts["outputs"].items()}
        return {
            name: rows[0] if axes[name] is None else np.asarray(moved_back(rows, axes[name]))
            for name, rows in self.of("predicted").items()
        }

    def checked(self, model: Model, replayed: Mapping[str, Rows]) -> GoldenCheck:
        """Compare a model and its replay of the recorded inputs with those that were recorded."""
        now, then, sigma = copied(replayed), self.of("replayed"), self.of("sigma")
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


def model_of(folder: Path) -> str:
    """The name of the file that a golden folder was recorded of.

    Raises:
        InputError: it is no golden folder, or was changed.
    """
    return str(facts_of(folder)["model"]["name"])


def read(folder: str | Path) -> Golden:
    """Read a golden folder.

    Raises:
        InputError: it is none, or was changed since it was recorded.
    """
    folder = Path(folder)
    facts = facts_of(folder)
    path, wanted = folder / ARRAYS, facts["arrays"]["sha256"]
    if hash_of_file(path) != wanted:
        raise InputError(f"{path}: is not the file that {FACTS} was written with (SHA-256 {wanted[:12]}…). {AGAIN}")
    golden = Golden(folder, facts, arrays_in(path))
    _check(golden)
    return golden


def _check(golden: Golden) -> None:
    """Check that a folder which fits together is one that `record` wrote.

    Raises:
        InputError: it is not.
    """
    try:
        outputs, _ = set(golden.facts["outputs"]), (golden.description, golden.tolerance, golden._as_returned())
        kinds = [set(golden.of(kind)) for kind in ("predicted", "replayed")]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{golden.folder}: {FACTS} is not what record writes ({error!r}). {AGAIN}") from None
    if not outputs or any(kind != outputs for kind in kinds):
        raise InputError(f"{golden.folder}: {FACTS} and {ARRAYS} have different outputs. {AGAIN}")


__all__ = [
    "ARRAYS",
    "FACTS",
    "Evidence",
    "Golden",
    "GoldenCheck",
    "check_free",
    "golden_of",
    "is_golden",
    "model_of",
    "read",
    "write",
]

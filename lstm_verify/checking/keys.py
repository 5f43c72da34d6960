"""The keys of a manifest: what each is called, what it may be, and which field of a task it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "model"


@dataclass(frozen=True)
class Key:
    """One key of a manifest."""

    field: str
    """Of `Task`; empty if what it says becomes no field as it is."""
    kind: Kind
    is_default: bool = True
    """Whether it may be said for all models at once."""

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        return self.kind.expected

    @property
    def is_file(self) -> bool:
        """Whether it names files."""
        return self.kind.is_file

    def fits(self, value: Any) -> bool:
        """Whether it may be that."""
        return self.kind.fits(value)

    def value(self, value: Any, folder: Path) -> Any:
        """The value of the field; files are relative to the folder of the manifest."""
        return self.kind.value(value, folder)


@dataclass(frozen=True)
class Kind:
    """What a value may be."""

    expected: str
    fits: Callable[[Any], bool]
    value: Callable[[Any, Path], Any] = lambda value, folder: value
    is_file: bool = False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_texts(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and bool(value) and all(map(_is_text, value)))


def _are_named(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_text, value.values()))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _place(value: str, folder: Path) -> str:
    return str(folder / value)


def _places(value: Any, folder: Path) -> tuple[str, ...]:
    return tuple(_place(file, folder) for file in _listed(value))


def _files(value: Any, folder: Path) -> tuple[tuple[str, str], ...]:
    named = {"": value} if isinstance(value, str) else value
    return tuple((name, _place(file, folder)) for name, file in named.items())


TEXT = Kind("text", _is_text)
TEXTS = Kind("text, or a list of texts", _are_texts, lambda value, folder: tuple(_listed(value)))
NAMES = Kind(
    "a list of texts, which may be empty",
    lambda value: isinstance(value, list) and all(map(_is_text, value)),
    lambda value, folder: tuple(value),
)
MAPPED = Kind("a table of texts", _are_named, lambda value, folder: tuple(value.items()))
NUMBER = Kind("a number", _is_number, lambda value, folder: float(value))
COUNT = Kind("a positive integer", lambda value: _is_whole(value, 1))
WHOLE = Kind("an integer that is not negative", lambda value: _is_whole(value, 0))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
FILE = Kind("the path of a file", _is_text, _place, is_file=True)
FILES = Kind("a path, or a list of paths", _are_texts, lambda value, folder: _places(value, folder), True)
ARRAYS = Kind("a path, or a table of them by name", lambda value: _is_text(value) or _are_named(value), _files, True)

KEYS: dict[str, Key] = {
    "path": Key("", TEXT, is_default=False),
    "name": Key("", TEXT, is_default=False),
    "input": Key("input", ARRAYS, is_default=False),
    "random": Key("random", COUNT),
    "seed": Key("seed", WHOLE),
    "expected": Key("expected", ARRAYS, is_default=False),
    "golden": Key("golden", FILE, is_default=False),
    "against": Key("against", FILES, is_default=False),
    "map": Key("map", MAPPED, is_default=False),
    "run": Key("runs", FLAG, is_default=False),
    "state-from": Key("state_from", FILE, is_default=False),
    "architecture": Key("architecture", FILE, is_default=False),
    "signature": Key("signature", TEXT, is_default=False),
    "input-tensor": Key("input_tensors", TEXTS, is_default=False),
    "output-tensor": Key("output_tensors", TEXTS, is_default=False),
    "sigmas": Key("sigmas", NUMBER),
    "atol": Key("atol", NUMBER),
    "rtol": Key("rtol", NUMBER),
    "decimals": Key("decimals", WHOLE, is_default=False),
    "allow-unjudged": Key("allow_unjudged", FLAG),
    "allowed-blind-spots": Key("allowed_blind_spots", NAMES),
    "runtime": Key("runtime", TEXT, is_default=False),
    "batch-size": Key("batch_size", COUNT),
    "timeout": Key("timeout", NUMBER),
    "products": Key("products", TEXT),
    "optimize": Key("optimize", FLAG),
    "unsafe": Key("unsafe", FLAG),
    "diagnose": Key("diagnose", FLAG),
}
"""By the name of the key: that of the option of `lstm-verify`, where there is one."""

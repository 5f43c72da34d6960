"""Architectures: the config of a model whose weights are in another file, as `--architecture` names it.

A config is the JSON of `model.to_json()`, the YAML of `to_yaml()` (Keras 2.5 and before), or that inside a `.keras` or
`.h5` file, whose own weights are not read then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_verify.errors import LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.formats import keras_h5, keras_zip
from lstm_verify.formats.keras.assemble import parse_json

EXPECTED = "expected model.to_json(), or a .keras or .h5 file of the same model"
NEWEST_KERAS_3 = "3.15"
"""The version whose rules go for a config of Keras 3, since `to_json` does not write which one it was."""
OF_KERAS_2 = ("batch_input_shape", "keras_version")
"""Keys that only Keras 2 writes."""
MOST_VALUES = 1_000_000
"""How many values a YAML file may have: aliases can make a few lines stand for more than fit into memory."""


@dataclass(frozen=True)
class Architecture:
    """The config of a model."""

    path: Path
    entry: Any
    """As Keras writes every object: `{"class_name": ..., "config": ...}`."""
    version: str
    """The version of Keras that it is read by."""
    writer: str
    """Who wrote it, such as `Keras 2.4.0`."""


def read_architecture(path: Path) -> Architecture:
    """Read a config.

    Raises:
        ModelFileError: the file is missing, damaged, or has no config.
        UnsupportedError: it is YAML, and PyYAML is not installed.
    """
    try:
        return _read(path)
    except OSError as error:
        raise ModelFileError(f"the architecture cannot be read ({error.strerror}), {EXPECTED}") from None
    except LstmVerifyError as error:
        raise type(error)(f"the architecture: {error}") from error.__cause__


def _read(path: Path) -> Architecture:
    if path.is_dir():
        raise ModelFileError(f"a directory, {EXPECTED}")
    with path.open("rb") as file:
        magic = file.read(16)
    if keras_h5.recognise(path, magic):
        return _of_file(path, *keras_h5.read_config(path))
    if keras_zip.recognise(path, magic):
        return _of_file(path, *keras_zip.read_config(path))
    return _of_text(path, path.read_bytes())


def _of_file(path: Path, entry: Any, version: str) -> Architecture:
    return Architecture(path, entry, version, f"Keras {version}")


def _of_text(path: Path, text: bytes) -> Architecture:
    entry = parse_yaml(text) if path.suffix in (".yaml", ".yml") else parse_json(text, "config")
    if isinstance(entry, str):  # json.dump(model.to_json(), file): text in text
        entry = parse_json(entry, "config")
    if not isinstance(entry, Mapping) or not {"class_name", "config"} <= set(entry):
        raise ModelFileError(f"not the config of a model, {EXPECTED}")
    if isinstance(entry.get("keras_version"), str):
        return _of_file(path, entry, entry["keras_version"])
    generation = 2 if any(key in json.dumps(entry) for key in OF_KERAS_2) or "module" not in entry else 3
    return Architecture(path, entry, NEWEST_KERAS_3 if generation == 3 else "2", f"Keras {generation}")


def parse_yaml(text: bytes) -> Any:
    """Parse YAML without executing anything in it.

    Raises:
        ModelFileError: it is not YAML, or not plain data.
        UnsupportedError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise UnsupportedError("YAML is read with PyYAML. Install it: pip install pyyaml; or give JSON") from None

    loader: Any = type("Loader", (yaml.SafeLoader,), {})  # of plain data, and of tuples, which Keras wrote as such
    loader.add_constructor("tag:yaml.org,2002:python/tuple", yaml.SafeLoader.construct_sequence)
    try:
        return _counted(yaml.load(text, loader), [MOST_VALUES])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"not YAML of plain data ({reason}). Was the file copied completely?") from None


def _counted(value: Any, left: list[int]) -> Any:
    """The value without aliases, as long as it has no more values than are left."""
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"more than {MOST_VALUES:,} values")
    if isinstance(value, Mapping):
        return {key: _counted(item, left) for key, item in value.items()}
    return [_counted(item, left) for item in value] if isinstance(value, list | tuple) else value

"""Assembling the parts of a Keras file, config, version and weights, into a `Model`."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.calls import MODELS
from lstm_verify.formats.keras.config import Config, Version, unwrap
from lstm_verify.formats.keras.graph import build_model
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.formats.keras.ways import with_way
from lstm_verify.model import Model, Source

RUNTIMES = {2: "tf_keras", 3: "keras"}


def parse_json(text: str | bytes, where: str) -> Any:
    """Parse JSON.

    Raises:
        ModelFileError: it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{where}: not JSON ({error}). Was the file copied completely?") from None


def read_whole(
    path: Path,
    format_name: str,
    suffix: str,
    entry: Any,
    version: str,
    read_weights: Callable[[Config], Arrays],
) -> Model:
    """Assemble the parts of a file into a model.

    Args:
        path: the file.
        format_name: its format in words.
        suffix: the ending that Keras wants on the names of such files.
        entry: the config, as Keras writes every object: `{"class_name": ..., "config": ...}`.
        version: the version of Keras that wrote it, such as `2.4.0`.
        read_weights: gives the variables of the model that a config describes.

    Raises:
        UnsupportedError: the model, or what wrote it, is not supported.
        ModelFileError: config and weights do not belong together, or are not whole.
    """
    written_by = _version(version)
    if isinstance(entry, Mapping) and isinstance(entry.get("config"), list):  # a Sequential of Keras 2.2.2 and before
        entry = {**entry, "config": {"name": "sequential", "layers": entry["config"]}}
    try:
        config = _model_config(entry, written_by)
        model = build_model(config, read_weights(config))
    except UnsupportedError as error:
        raise with_way(error, entry, written_by[0]) from error.__cause__
    source = Source(str(path), format_name, f"Keras {version}", RUNTIMES[config.generation], suffix)
    return dataclasses.replace(model, source=source)


def _model_config(entry: Any, version: Version) -> Config:
    """The config of a model of layers.

    Raises:
        UnsupportedError: it is a class of the user's.
    """
    named = entry.get("class_name") if isinstance(entry, Mapping) else None
    if isinstance(named, str) and named not in MODELS:
        raise UnsupportedError(f"a subclassed model ({named}), whose code is not in the file")
    return unwrap(entry, version)


def _version(text: str) -> Version:
    """Read the numbers of a version; what follows them, as in `2.2.4-tf` or `3.4.0.dev2024060103`, decides nothing."""
    numbers = re.match(r"\d+(\.\d+)*", text)
    version = tuple(int(number) for number in numbers[0].split(".")) if numbers else (0,)
    if version[0] not in RUNTIMES:
        raise UnsupportedError(
            f"written by Keras {text}, expected Keras 2 or 3. Load it with Keras 2.0 to 2.3 and save it again"
        )
    return version

"""Copies of model files with something changed in them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py

Json = Any


def read_config(path: Path) -> Json:
    """The config of a Keras file of either format, as it is written: `{"class_name": ..., "config": ...}`."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    with h5py.File(path, "r") as file:
        return json.loads(file.attrs["model_config"])


def with_config(source: Path, target: Path, config: Json) -> Path:
    """Copy a file of either format with another config."""
    if zipfile.is_zipfile(source):
        return with_parts(source, target, {"config.json": json.dumps(config).encode()})
    return with_hdf5(source, target, lambda file: _put_config(file, config))


def _put_config(file: h5py.File, config: Json) -> None:
    file.attrs["model_config"] = json.dumps(config)


def with_layer(source: Path, target: Path, name: str, change: Callable[[Json], object]) -> Path:
    """Copy a file of either format with a change to the entry of one layer: its class, its config, its calls."""
    config = read_config(source)
    change(next(entry for entry in layers_in(config) if entry["config"]["name"] == name))
    return with_config(source, target, config)


def layers_in(config: Json) -> Iterator[Json]:
    """The entries of a model's layers, and of those inside them."""
    for entry in config["config"].get("layers", []):
        yield entry
        if "layer" in entry["config"]:
            yield entry["config"]["layer"]
        if "layers" in entry["config"]:
            yield from layers_in(entry)


def with_hdf5(source: Path, target: Path, change: Callable[[h5py.File], object]) -> Path:
    """Copy a `.h5` file with a change to what is in it."""
    shutil.copyfile(source, target)
    with h5py.File(target, "r+") as file:
        change(file)
    return target


def with_parts(source: Path, target: Path, parts: dict[str, bytes | None]) -> Path:
    """Copy a `.keras` file with some of its parts replaced, or left out if None."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            content = parts.get(name, archive.read(name))
            if content is not None:
                copy.writestr(name, content)
    return target


def datasets(path: Path) -> list[str]:
    """The names of all arrays in a `.h5` file."""
    found: list[str] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def replace_dataset(name: str, change: Callable[[Any], Any]) -> Callable[[h5py.File], object]:
    """A change to one array of a `.h5` file, which may alter its shape."""

    def apply(file: h5py.File) -> None:
        array = change(file[name][()])
        del file[name]
        file[name] = array

    return apply

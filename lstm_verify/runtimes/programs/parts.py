"""A Keras model whose config and weights lie in two files, put together by the framework's own functions."""

from __future__ import annotations

import glob
import importlib
import json
import os
from typing import Any

import numpy as np

HDF5, ZIP = b"\x89HDF", b"PK\x03\x04"


def put_together(framework: Any, request: dict[str, Any]) -> Any:
    """Build the model of one file with the weights of another."""
    safe = not request["unsafe"]
    with framework.src.saving.serialization_lib.SafeModeScope(safe):
        model = built(framework, request["architecture"], safe)
    if not model.built:
        shapes = [np.load(item["path"], mmap_mode="r").shape for item in request["inputs"]]
        shapes = [(None, *shape[1:]) for shape in shapes]
        model.build(shapes[0] if len(shapes) == 1 else shapes)
    load_weights(model, request["model"])
    return model


def built(framework: Any, path: str, safe: bool) -> Any:
    """The model of a config, or of a file with one, whose weights stay for now."""
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic in (HDF5, ZIP):
        # the framework goes by the ending of the name
        link = os.path.join(os.environ["TMPDIR"], "architecture.h5" if magic == HDF5 else "architecture.keras")
        os.symlink(path, link)
        return framework.models.load_model(link, compile=False, safe_mode=safe)
    return framework.models.model_from_json(json.dumps(config_of(path)))


def config_of(path: str) -> Any:
    """A config in JSON, or in text in JSON, or in YAML."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith((".yaml", ".yml")):
        return from_yaml(text)
    config = json.loads(text)
    return json.loads(config) if isinstance(config, str) else config


def from_yaml(text: str) -> Any:
    """Plain data in YAML, and tuples, which Keras wrote as such."""
    yaml = importlib.import_module("yaml")  # not everybody has it, or needs it
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("tag:yaml.org,2002:python/tuple", yaml.SafeLoader.construct_sequence)
    return yaml.load(text, loader)


def load_weights(model: Any, path: str) -> None:
    """Load weights: a list of arrays as `get_weights` returned it, or what the framework saves itself."""
    if path.endswith(".npz"):
        with np.load(path) as arrays:
            model.set_weights([arrays[f"arr_{number}"] for number in range(len(arrays.files))])
    elif os.path.isdir(path):
        model.load_weights(checkpoint_in(path))
    else:
        model.load_weights(path)


def checkpoint_in(folder: str) -> str:
    """The only checkpoint in a folder, or the latest."""
    found = glob.glob(os.path.join(glob.escape(folder), "*.index"))
    if len(found) == 1:
        return found[0].removesuffix(".index")
    latest = importlib.import_module("tensorflow").train.latest_checkpoint(folder)
    return os.path.join(folder, os.path.basename(latest))

"""A Keras model whose config and weights are in two files, combined by the framework's own functions."""

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
    load_weights(framework, model, request["model"])
    return model


def built(framework: Any, path: str, safe: bool) -> Any:
    """Build the model of a config, or of a file with one; its weights are kept for now."""
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic in (HDF5, ZIP):
        # the framework goes by the ending of the name
        link = os.path.join(os.environ["TMPDIR"], "architecture.h5" if magic == HDF5 else "architecture.keras")
        os.symlink(path, link)
        return framework.models.load_model(link, compile=False, safe_mode=safe)
    return framework.models.model_from_json(json.dumps(config_of(path)))


def config_of(path: str) -> Any:
    """Read a config from JSON, from text inside JSON, or from YAML."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith((".yaml", ".yml")):
        return from_yaml(text)
    config = json.loads(text)
    return json.loads(config) if isinstance(config, str) else config


def from_yaml(text: str) -> Any:
    """Parse plain data in YAML, and tuples, which older Keras wrote."""
    yaml = importlib.import_module("yaml")  # not everybody has it, or needs it
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("tag:yaml.org,2002:python/tuple", yaml.SafeLoader.construct_sequence)
    return yaml.load(text, loader)


def load_weights(framework: Any, model: Any, path: str) -> None:
    """Load weights: a list of arrays as returned by `get_weights`, or a file in the framework's own format."""
    prefix = checkpoint_in(path) if os.path.isdir(path) else path
    if path.endswith(".npz"):
        with np.load(path) as arrays:
            model.set_weights([arrays[f"arr_{number}"] for number in range(len(arrays.files))])
    elif os.path.exists(f"{prefix}.index"):
        load_checkpoint(framework, model, prefix)
    else:
        model.load_weights(path)


def checkpoint_in(folder: str) -> str:
    """Return the only checkpoint in a folder, or the latest."""
    found = glob.glob(os.path.join(glob.escape(folder), "*.index"))
    if len(found) == 1:
        return found[0].removesuffix(".index")
    state = importlib.import_module("tensorflow").train.get_checkpoint_state(folder)
    return os.path.join(folder, os.path.basename(state.model_checkpoint_path))  # it may have been moved since


FIRST_LAYER, VARIABLE = "layer_with_weights-0", ".ATTRIBUTES/VARIABLE_VALUE"


def load_checkpoint(framework: Any, model: Any, prefix: str) -> None:
    """Load a checkpoint of a model of Keras 2, or of an object that has one."""
    train = importlib.import_module("tensorflow").train
    keys = [key for key, _ in train.list_variables(prefix)]
    places = {key.partition(FIRST_LAYER)[0] for key in keys if FIRST_LAYER in key}
    place = min(places, key=len, default="").rstrip("/")
    if framework.__name__ == "keras":
        restore(framework, model, train.load_checkpoint(prefix), place)
    elif place:
        train.Checkpoint(**{place: model}).read(prefix).assert_existing_objects_matched()
    else:
        model.load_weights(prefix)


def restore(framework: Any, layer: Any, reader: Any, place: str) -> None:
    """Assign a checkpoint's variables to a Keras 3 layer, which cannot read checkpoints, by their Keras 2 names."""
    for variable in layer._trainable_variables + layer._non_trainable_variables:
        variable.assign(reader.get_tensor(os.path.join(place, variable.name, VARIABLE)))
    for name, inner in parts_of(framework, layer):
        restore(framework, inner, reader, os.path.join(place, name))


def parts_of(framework: Any, layer: Any) -> list[tuple[str, Any]]:
    """Return the layers inside a layer by their names in a checkpoint; models and stacked cells number theirs."""
    if isinstance(layer, framework.Model):
        with_weights = [inner for inner in layer.layers if inner.weights]
        return [(f"layer_with_weights-{number}", inner) for number, inner in enumerate(with_weights)]
    found = [(name, part) for name, part in vars(layer).items() if isinstance(part, framework.Layer)]
    return found + [(f"cells/{number}", cell) for number, cell in enumerate(getattr(layer, "cells", []))]

"""Weights in a checkpoint of TensorFlow 2: `save_weights` of Keras 2 in its format, or `tf.train.Checkpoint(model=…)`.

A checkpoint has the objects that were saved and what is inside each, by name: a model has its layers with weights by
number (`layer_with_weights-0`), a layer its variables, stacked cells the cells by number. Source:
`tf_keras.src.engine.functional.Functional._layer_checkpoint_dependencies` and
`tensorflow/core/protobuf/trackable_object_graph.proto`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import model_variables
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.formats.keras.ways import NotExported
from lstm_verify.formats.weights.interface import Found, Together, Weights
from lstm_verify.layers import Array

OBJECT = "/.ATTRIBUTES/VARIABLE_VALUE"
"""How the keys of variables end."""
KERAS3 = {"_functional", "_operations"}
"""What the models of Keras 3 have their layers in."""
FIRST_LAYER = "layer_with_weights-0"
OF_TRAINING = {"optimizer", "save_counter", "keras_api", "_random_generator"}
"""What the objects are called that predictions do not depend on."""
USUAL_ORDER = ("kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
Tensors = Mapping[str, Array]
Objects = Sequence[Mapping[str, Any]]


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the path is a checkpoint, a file of one, or a folder with checkpoints."""
    return (
        any(path.glob("*.index"))
        if path.is_dir()
        else path.suffix == ".index" or path.suffix.startswith(".data-") or Path(f"{path}.index").exists()
    )


def use(path: Path, with_weights: Callable[[Weights], Found]) -> Found:
    """Open the weights and apply a function to them.

    Raises:
        UnsupportedError: it is a checkpoint of TensorFlow 1, or TensorFlow is not installed.
    """
    from lstm_verify.formats.tensorflow.reader import read_graph

    file = read_graph(prefix_in(path))
    if not file.objects:
        raise UnsupportedError(
            "a checkpoint of TensorFlow 1, which holds no objects, expected one of TensorFlow 2, as "
            "tf.keras.Model.save_weights writes it. Verify the graph beside it (model.ckpt.meta) without --architecture"
        )
    return with_weights(weights_in(file.variables or {}, file.objects))


def weights_in(tensors: Tensors, objects: Objects) -> Weights:
    """Return the weights in a checkpoint, by its tensors and objects."""
    return Weights(
        "TensorFlow checkpoint", "", lambda config: _of_model(config, tensors, objects), lambda: _together(tensors)
    )


def prefix_in(path: Path) -> Path:
    """Return the prefix of a checkpoint; in a folder, that of the only or latest one.

    Raises:
        ModelFileError: a folder has several, and does not say which is the latest.
    """
    if not path.is_dir():
        return path
    prefixes = sorted(file.with_suffix("") for file in path.glob("*.index"))
    if len(prefixes) == 1:
        return prefixes[0]
    state = path / "checkpoint"
    said = re.search(r'^model_checkpoint_path: "(.*)"', state.read_text(errors="replace") if state.is_file() else "")
    latest = path / Path(said[1]).name if said else None  # the folder may have been moved since
    if latest not in prefixes or latest is None:
        listed = ", ".join(prefix.name for prefix in prefixes[:6])
        raise ModelFileError(f"a folder with {len(prefixes)} checkpoints ({listed}). Give one of them: {prefixes[0]}")
    return latest


def _of_model(config: Config, tensors: Tensors, objects: Objects) -> Arrays:
    place, root = _model_in(objects)
    found: dict[tuple[str, ...], Array] = {}
    used = set()
    for variable, names in _names([variable.path for variable in model_variables(config)]):
        number: int | None = root
        for name in names:
            number = None if number is None else objects[number]["children"].get(name)
        key = None if number is None else objects[number]["key"]
        if key is None or key not in tensors:
            raise ModelFileError(
                f"'{'/'.join((*place, *names))}' is missing. Is the architecture that of another model?"
            )
        found[variable] = tensors[key]
        used.add(key)
    _refuse_unused([key for key in tensors if key not in used], "/".join(place))
    return found


def _model_in(objects: Objects) -> tuple[tuple[str, ...], int]:
    """Where the model is: the checkpoint itself, or the only object in it that is one."""
    children = objects[0]["children"]
    models = [name for name, number in children.items() if FIRST_LAYER in objects[number]["children"]]
    _refuse_keras3(objects)
    if FIRST_LAYER in children or not models:
        return (), 0
    if len(models) > 1:
        raise ModelFileError(
            f"a checkpoint of {len(models)} models ({', '.join(sorted(models))}), expected one. "
            "Load it, and save each with model.save_weights"
        )
    return (models[0],), children[models[0]]


def _refuse_keras3(objects: Objects) -> None:
    """Refuse the objects of Keras 3, which go by the list of a model's operations.

    Raises:
        UnsupportedError: there are some.
    """
    children = objects[0]["children"]
    for name, number in {"": 0, **children}.items():
        if KERAS3 & set(objects[number]["children"]):
            made = f"{name}=model" if name else "model"
            raise NotExported(
                "a checkpoint of a Keras 3 model, expected one of Keras 2. Build the model, restore it, "
                f"tf.train.Checkpoint({made}).read(path).assert_existing_objects_matched(), and save it whole: "
                "model.save('model.keras')"
            )


def _names(paths: Sequence[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Give for each variable the names that lead to it from the model: layers and cells in a list go by number."""
    numbers: dict[tuple[str, ...], dict[str, int]] = {}
    for path in paths:
        names: list[str] = []
        for depth, part in enumerate(path):
            parent = path[:depth]
            listed = parent[-1] if parent else ""
            if listed in ("layers", "cells"):
                known = numbers.setdefault(parent, {})
                number = known.setdefault(part, len(known))
                names.append(f"layer_with_weights-{number}" if listed == "layers" else str(number))
            elif part != "layers":
                names.append(part)
        yield path, tuple(names)


def _refuse_unused(keys: Sequence[str], place: str) -> None:
    for key in keys:
        name = key.removesuffix(OBJECT)
        if name.startswith(place) and not OF_TRAINING & set(name.split("/")):
            raise ModelFileError(
                f"'{name}' is in the checkpoint, but no layer of the architecture has it. Do they belong together?"
            )


def _together(tensors: Tensors) -> Together:
    """The tensors of each object, the kernel first."""
    places: dict[str, dict[str, Array]] = {}
    for key in sorted(tensors, key=_usually):
        place, _, own = key.removesuffix(OBJECT).rpartition("/")
        places.setdefault(place or "model", {})[own] = tensors[key]
    return sorted(places.items())


def _usually(key: str) -> int:
    own = key.removesuffix(OBJECT).rpartition("/")[2]
    return USUAL_ORDER.index(own) if own in USUAL_ORDER else len(USUAL_ORDER)

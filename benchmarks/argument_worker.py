"""The process that builds models with one framework, an argument of a layer set in each, and predicts.

    python benchmarks/argument_worker.py keras FOLDER LSTM GRU ...

For every model there is NAME.keras or NAME.h5, by turns, NAME.x.npz and NAME.y.npz, and NAME.dropped.npz: what the
same model without the argument predicts, with the same weights, if that is something else. `models.json` lists them,
and the reasons for those that the framework could not build. Nothing here imports `lstm_verify`.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import sys
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from argument_recipes import ALSO, BY_CLASS, NO_VALUE, RECIPES, RECURRENT, SAMPLES, SHAPES, VALUES, Recipe, Value, array

OF_EVERY_LAYER = ("trainable", "dtype", "activity_regularizer", "autocast", "name")
WITHOUT_EFFECT = {"_initializer": "ones", "_regularizer": "l2", "_constraint": "non_neg"}
SEQUENCES = ("sequence", "lines", "films", "volumes")
CALLS: dict[str, list[Value]] = {
    "training": [Value(True), Value(False)],
    "return_attention_scores": [Value(True)],
    "use_causal_mask": [Value(True)],
    "key": [Value(("third",), "a tensor")],
    "query_mask": [Value(("kept",), "a tensor")],
    "value_mask": [Value(("kept_too",), "a tensor")],
    "key_mask": [Value(("kept_as_well",), "a tensor")],
    "attention_mask": [Value(("pairs",), "a tensor")],
}
"""Arguments of calls; a tuple is of the kinds of inputs."""


@dataclass(frozen=True)
class Setting:
    """A model: a layer with an argument set, or called with one."""

    class_name: str
    argument: str
    value: str
    arguments: dict[str, Any]
    without: dict[str, Any]
    """The arguments of the same layer without the one that is set."""
    masked: bool = False
    called_with: dict[str, Any] = field(default_factory=dict)
    by_place: bool = False

    @property
    def name(self) -> str:
        number = zlib.crc32(f"{self.value} {self.masked} {self.by_place}".encode()) % 100000
        return f"{self.class_name}.{self.argument}.{number}"


def main() -> None:
    """Build the models of some classes."""
    framework, place, *classes = sys.argv[1:]
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    keras = imported(framework)
    records, missing = [], []
    for class_name in classes:
        if hasattr(keras.layers, class_name):
            missing += [
                f"{class_name}.{name}" for name in arguments_of(keras, class_name) if not values(class_name, name)
            ]
            for setting in settings(keras, class_name):
                records.append(record(keras, setting, folder, len(records)))
    listed = {"models": records, "without_value": missing}
    (folder / "models.json").write_text(json.dumps(listed, indent=1) + "\n")


def imported(framework: str) -> Any:
    """A framework, without noise and without costs that change no result."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
    warnings.simplefilter("ignore")
    keras = importlib.import_module(framework)
    importlib.import_module("absl.logging").set_verbosity("error")
    if framework == "tf_keras":  # it traces a GPU variant of every LSTM and GRU that it only registers
        recurrent: Any = importlib.import_module("tf_keras.src.layers.rnn.gru_lstm_utils")
        recurrent.function_register = lambda *_, **__: None
    gc.disable()
    return keras


# --- which models


def arguments_of(keras: Any, class_name: str) -> list[str]:
    """The arguments of a constructor, by the framework's own signature."""
    parameters = inspect.signature(getattr(keras.layers, class_name).__init__).parameters
    own = [name for name in parameters if name not in ("self", "args", "kwargs", *NO_VALUE)]
    return list(dict.fromkeys([*own, *ALSO.get(class_name, ()), *OF_EVERY_LAYER]))


def values(class_name: str, argument: str) -> list[Value]:
    """The values that an argument is set to."""
    listed = BY_CLASS.get((class_name, argument), VALUES.get(argument, []))
    effectless = [value for suffix, value in WITHOUT_EFFECT.items() if argument.endswith(suffix)]
    return [item if isinstance(item, Value) else Value(item) for item in (*listed, *effectless)]


def recipe_of(class_name: str) -> Recipe:
    return RECIPES.get(class_name, Recipe())


def settings(keras: Any, class_name: str) -> Iterator[Setting]:
    """All models of a class."""
    base = recipe_of(class_name).arguments
    maskable = recipe_of(class_name).inputs[0] in SEQUENCES
    yield Setting(class_name, "none", "as it is", base, base)
    if maskable:
        yield Setting(class_name, "mask", "of the input", base, base, masked=True)
    for argument in arguments_of(keras, class_name):
        for value in values(class_name, argument):
            without = {**base, **value.others}
            given = {**without, argument: value.value}
            if not value.masked:
                yield Setting(class_name, argument, str(value), given, without)
            if value.masked or (class_name in RECURRENT and argument not in OF_EVERY_LAYER):
                yield Setting(class_name, argument, f"{value} behind a mask", given, without, masked=True)
    yield from calls(keras, class_name)


def calls(keras: Any, class_name: str) -> Iterator[Setting]:
    """The models in which the layer is called with something."""
    base, recipe = recipe_of(class_name).arguments, recipe_of(class_name)
    parameters = list(inspect.signature(getattr(keras.layers, class_name).call).parameters)
    taken = [name for name in parameters if name not in ("self", "args", "kwargs")]
    for argument in taken[1:]:
        found = list(CALLS.get(argument, []))
        found += [Value(recipe.mask, "a tensor")] if argument == "mask" else []
        found += [Value(None, "None")] if argument == "mask" else []
        found += [Value("states", "tensors")] if argument == "initial_state" else []
        for value in found:
            given = {argument: value.value}
            behind_mask = value.value is None
            yield Setting(class_name, f"{argument} of the call", str(value), base, base, behind_mask, given)
            if isinstance(value.value, tuple | str) and recipe.inputs[0] in SEQUENCES:
                yield Setting(class_name, f"{argument} of the call", f"{value} over a mask", base, base, True, given)
            if isinstance(value.value, tuple | str) and keras.__version__ >= "3":
                yield Setting(
                    class_name, f"{argument} of the call", f"{value} by place", base, base, False, given, by_place=True
                )


# --- one model


def record(keras: Any, setting: Setting, folder: Path, number: int) -> dict[str, Any]:
    """Build a model, and write its files."""
    keras.backend.clear_session()
    if number % 50 == 0:
        gc.collect()
    suffix = (".keras", ".h5")[number % 2]
    found: dict[str, Any] = {
        "class": setting.class_name,
        "argument": setting.argument,
        "value": setting.value,
        "name": setting.name,
        "suffix": suffix,
        "failed": None,
        "dropped": False,
    }
    try:
        model, arrays = built(keras, setting, setting.arguments, True)
        model.save(folder / f"{setting.name}{suffix}")
        outputs = predicted(model, arrays)
        np.savez(folder / f"{setting.name}.x.npz", **dict(zip(names_of(model), arrays, strict=True)))
        np.savez(folder / f"{setting.name}.y.npz", **outputs)
    except Exception as error:  # whatever a framework cannot do is a fact about it, to be listed
        found["failed"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
        return found
    other = dropped(keras, setting, model, outputs)
    if other is not None:
        np.savez(folder / f"{setting.name}.dropped.npz", **other)
        found["dropped"] = True
    return found


def dropped(keras: Any, setting: Setting, model: Any, outputs: dict[str, Any]) -> dict[str, Any] | None:
    """What the model predicts without the argument, if the weights fit and it is something else."""
    if setting.argument == "none":
        return None
    masked = setting.masked and setting.value not in ("of the input", "None")
    without = Setting(setting.class_name, "", "", setting.without, {}, masked)
    try:
        twin, arrays = built(keras, without, setting.without, False)
        if [tuple(w.shape) for w in twin.weights] != [tuple(w.shape) for w in model.weights]:
            return None
        for weight, value in zip(twin.weights, model.weights, strict=True):
            weight.assign(np.asarray(value))
        other = dict(zip(outputs, predicted(twin, arrays).values(), strict=False))
    except Exception:  # what is left out was needed
        return None
    same_shapes = {k: v.shape for k, v in other.items()} == {k: v.shape for k, v in outputs.items()}
    if not same_shapes or all(np.allclose(other[name], outputs[name], atol=1e-3) for name in outputs):
        return None
    return other


def built(keras: Any, setting: Setting, arguments: dict[str, Any], called: bool) -> tuple[Any, list[Any]]:
    """A functional model, and the arrays of its inputs."""
    recipe, layers = recipe_of(setting.class_name), keras.layers
    made = {key: value(layers) if callable(value) else value for key, value in arguments.items()}
    fixed = SAMPLES if made.get("stateful") or "noise_shape" in made else None
    kinds = list(recipe.inputs)
    tensors = [input_of(keras, kind, fixed) for kind in kinds]
    layer = getattr(layers, setting.class_name)(**made)
    if setting.class_name == "Normalization" and "mean" not in made:
        layer.adapt(array(kinds[0]))
    behind = [layers.Masking(name=f"masking_{n}")(x) if setting.masked else x for n, x in enumerate(tensors)]
    given, more, extra = with_arguments(keras, setting, layer, behind, fixed) if called else ({}, [], [])
    output = called_on(setting, layer, behind, given)
    outputs = flat(output)
    if setting.masked and len(outputs[0].shape) == 3:
        outputs.append(layers.GlobalAveragePooling1D(name="mask_left")(outputs[0]))  # shows where the mask went
    model = keras.Model(tensors + more, outputs)
    randomise(model, zlib.crc32(setting.class_name.encode()))
    return model, [array(kind) for kind in kinds] + extra


def input_of(keras: Any, kind: str, samples: int | None) -> Any:
    dtype = "bool" if kind.startswith(("kept", "seen", "pairs")) else "int32" if kind == "ids" else "float32"
    return keras.Input(SHAPES[kind], batch_size=samples, dtype=dtype, name=kind)


def with_arguments(keras: Any, setting: Setting, layer: Any, tensors: list[Any], fixed: int | None) -> Any:
    """The arguments of the call, and the inputs and arrays that they need."""
    given: dict[str, Any] = {}
    more: list[Any] = []
    extra: list[Any] = []
    for argument, value in setting.called_with.items():
        if value == "states":
            shapes = state_shapes(keras, setting, tensors)
            found = [keras.Input(shape, batch_size=fixed, name=f"state_{n}") for n, shape in enumerate(shapes)]
            rng = np.random.default_rng(5)
            extra += [rng.standard_normal((SAMPLES, *shape)).astype(np.float32) for shape in shapes]
        elif isinstance(value, tuple):
            length = tensors[0].shape[1]
            found = [mask_of(keras, kind, length, fixed) for kind in value]
            extra += [array(kind)[:, :length] for kind in value]
        else:
            given[argument] = value
            continue
        more += found
        given[argument] = found[0] if len(found) == 1 else found
    return given, more, extra


def mask_of(keras: Any, kind: str, length: int, samples: int | None) -> Any:
    dtype = "float32" if kind == "third" else "bool"
    return keras.Input((length, *SHAPES[kind][1:]), batch_size=samples, dtype=dtype, name=kind)


def state_shapes(keras: Any, setting: Setting, tensors: list[Any]) -> list[tuple[int, ...]]:
    """The shapes of the states of one sample."""
    arguments = {key: v(keras.layers) if callable(v) else v for key, v in setting.arguments.items()}
    if setting.class_name == "Bidirectional":
        arguments["layer"].return_state = True
        probe = keras.layers.Bidirectional(arguments["layer"])
    else:
        probe = getattr(keras.layers, setting.class_name)(**arguments, return_state=True)
    return [tuple(state.shape[1:]) for state in flat(probe(tensors[0]))[1:]]


def called_on(setting: Setting, layer: Any, tensors: list[Any], given: dict[str, Any]) -> Any:
    together = [tensors[0] if len(tensors) == 1 else tensors]
    first = tensors if setting.class_name == "MultiHeadAttention" else together
    if not setting.by_place:
        return layer(*first, **given)
    (argument,) = given
    names = [n for n in inspect.signature(type(layer).call).parameters if n not in ("self", "args", "kwargs")]
    between = names[len(first) : names.index(argument)]
    return layer(*first, *[None] * len(between), given[argument])


def flat(outputs: Any) -> list[Any]:
    return [one for item in outputs for one in flat(item)] if isinstance(outputs, list | tuple) else [outputs]


def randomise(model: Any, seed: int) -> None:
    """Give every weight seeded values: gates differ, no bias is zero, variances are positive."""
    for index, weight in enumerate(model.weights):
        name, rng = weight.name.split("/")[-1].split(":")[0], np.random.default_rng([seed, index])
        if name in ("mean", "variance", "count", "seed_generator_state"):
            continue
        positive = name in ("gamma", "scale", "moving_variance")
        drawn = rng.uniform(0.6, 1.4, weight.shape) if positive else rng.uniform(-0.7, 0.7, weight.shape)
        weight.assign(drawn.astype("float32"))


def predicted(model: Any, arrays: list[Any]) -> dict[str, Any]:
    """The predictions, by number."""
    model.run_eagerly = True
    outputs = model.predict(arrays[0] if len(arrays) == 1 else arrays, batch_size=SAMPLES, verbose=0)
    wide = [np.asarray(y) if np.asarray(y).dtype.kind in "biuf" else np.asarray(y, np.float32) for y in flat(outputs)]
    return {f"output_{number}": y for number, y in enumerate(wide)}


def names_of(model: Any) -> list[str]:
    return [tensor.name.split(":")[0] for tensor in model.inputs]


if __name__ == "__main__":
    main()

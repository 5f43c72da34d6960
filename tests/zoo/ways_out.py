"""Models that are refused, and what becomes of them on the way that the refusal names, followed to the letter.

    python -m tests.zoo.ways_out --framework keras|tf_keras --out DIR

Every entry gets a folder of its own: what is refused, with `x.npy` and the predictions `y.npy` for it; what the way
leads to, by entry in `ways.json`, with `way.x.npy`, `way.y.npy`, and `model.json` where it is to be given as well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.make import randomise
from lstm_verify.formats.keras.ways import AUGMENTATION
from tests.command import run
from tests.zoo.build import prepare

Array = np.ndarray[Any, Any]
Build = Callable[[Any], Any]
BATCH = 6


@dataclass(frozen=True)
class Way:
    """A model that is refused, and how one gets on."""

    build: Build
    """Take the framework and return the model."""
    says: str
    """What the refusal has to say."""
    rebuilt: Build | None = None
    """The model built otherwise, as the refusal says; None where it names the code, which is run as it is there."""
    has_weights: bool = True
    """Whether the rebuilt model is given the weights of the refused one, and so predicts the same."""
    refused: str = "model.keras"
    """The file that is refused."""
    write: Callable[[Any, str], object] = lambda model, name: model.save(name)
    lengths: tuple[int, ...] = ()
    """Of the samples of a ragged input, whose other steps are zero in the arrays."""


# --- models


def sequential(shape: tuple[int | None, ...], *layers: Callable[[Any], Any], dtype: str = "float32") -> Build:
    """A model of layers one after the other, with an LSTM and a Dense at the end."""

    def build(keras: Any) -> Any:
        made = [layer(keras.layers) for layer in layers]
        return keras.Sequential([keras.Input(shape, dtype=dtype), *made, keras.layers.LSTM(3), keras.layers.Dense(2)])

    return build


def functional(connect: Callable[[Any, Any], Any], shape: tuple[int | None, ...] = (5, 4), **options: Any) -> Build:
    """A model with one input."""

    def build(keras: Any) -> Any:
        x = keras.Input(shape, **options)
        return keras.Model(x, connect(keras, x))

    return build


def registered(keras: Any, base: Any, **methods: Any) -> Any:
    """A class of the user's, registered as such."""
    return keras.saving.register_keras_serializable("mine")(type("Custom", (base,), methods))


def scale(layers: Any) -> Any:
    """A custom layer, which has a weight."""
    keras = framework_of(layers)

    def build(self: Any, shape: Any) -> None:
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")
        self.built = True

    return registered(keras, keras.layers.Layer, build=build, call=lambda self, x: x * self.scale)()


def framework_of(layers: Any) -> Any:
    return __import__(layers.__name__.split(".")[0])


def subclassed(keras: Any) -> Any:
    """A model of the user's own class."""

    def init(self: Any, **options: Any) -> None:
        keras.Model.__init__(self, **options)
        self.lstm, self.head = keras.layers.LSTM(3), keras.layers.Dense(2)

    methods = {"__init__": init, "call": lambda self, x: self.head(self.lstm(x)), "get_config": lambda self: {}}
    model = registered(keras, keras.Model, **methods)()
    model(np.zeros((1, 5, 4), "float32"))
    return model


def images(*layers: Callable[[Any], Any]) -> Build:
    return sequential((5, 4, 3), *layers, lambda layers: layers.Reshape((5, 12)))


def constant_states(keras: Any, x: Any) -> Any:
    states = [np.full((BATCH, 3), value, "float32") for value in (0.3, -0.2)]
    return keras.layers.LSTM(3)(x, initial_state=[tensorflow().constant(state) for state in states])


def constant_summand(keras: Any, x: Any) -> Any:
    return keras.layers.LSTM(3)(
        keras.layers.Add()([x, np.linspace(0, 1, BATCH * 20, dtype="float32").reshape(6, 5, 4)])
    )


def quantized(keras: Any) -> Any:
    model = sequential((5, 4))(keras)
    model.quantize("int8")
    return model


def adapted(keras: Any) -> Any:
    model = sequential((5, 4))(keras)
    model.layers[-1].enable_lora(2)
    return model


def dropped(keras: Any, x: Any, **options: Any) -> Any:
    return keras.layers.Dense(2)(keras.layers.Dropout(0.5)(keras.layers.LSTM(3)(x), **options))


def argmax(keepdims: bool) -> Callable[[Any, Any], Any]:
    def connect(keras: Any, x: Any) -> Any:
        ops = keras.ops
        place = ops.argmax(x, axis=-1, keepdims=True) if keepdims else ops.expand_dims(ops.argmax(x, -1), -1)
        return keras.layers.LSTM(3)(ops.cast(place, "float32"))

    return connect


def called_in_training(keras: Any, x: Any) -> Any:
    """What `predict` of Keras 3 runs as at inference all the same."""
    layers = keras.layers
    y = layers.LSTM(3)(layers.Reshape((5, 12))(layers.RandomFlip()(x)), training=True)
    return layers.BatchNormalization()(layers.Dropout(0.5)(y, training=True), training=True)


def arithmetic(keras: Any, x: Any) -> Any:
    """What Keras 3 writes into a `.h5` and cannot read from it."""
    return keras.layers.LSTM(3)(1.0 - x * 2.0)


ARGUMENTS = {"factor": 1, "height_factor": 0.2, "width_factor": 0.2, "value_range": (0, 1)}


AT_THE_BEGINNING = ("Equalization",)
"""Layers that Keras 3.15 cannot put behind another one, since they return their symbolic input itself."""


def augmented(keras: Any) -> Any:
    """A model with all layers of the framework that change images in training alone."""
    layers = keras.layers
    names = sorted(AUGMENTATION, key=lambda name: (name not in AT_THE_BEGINNING, name))
    classes = [getattr(layers, name) for name in names if hasattr(layers, name)]
    takes = {cls: signature(cls).parameters for cls in classes}
    made = [cls(**{name: ARGUMENTS[name] for name in ARGUMENTS if name in takes[cls]}) for cls in classes]
    head = (layers.Conv2D(4, 2, activation="tanh"), layers.GlobalAveragePooling2D(), layers.Dense(2))
    return keras.Sequential([keras.Input((5, 4, 3)), *made, *head])


def channels(data_format: str) -> Build:
    def build(keras: Any) -> Any:
        layers = keras.layers
        conv = layers.Conv1D(5, 2, data_format=data_format)
        turned = [layers.Permute((2, 1)), conv, layers.Permute((2, 1))] if data_format == "channels_last" else [conv]
        return keras.Sequential([keras.Input((3, 7)), *turned, layers.LSTM(3), layers.Dense(2)])

    return build


def padded(keras: Any) -> Any:
    return keras.Sequential([keras.Input((None, 4)), keras.layers.Masking(), keras.layers.LSTM(3)])


def tensorflow() -> Any:
    return __import__("tensorflow")


def checkpoint(keyword: str) -> Callable[[Any, str], object]:
    def write(model: Any, name: str) -> None:
        tensorflow().train.Checkpoint(**{keyword: model}).write(name)

    return write


WAYS: dict[str, dict[str, Way]] = {
    "keras": {
        "lambda": Way(sequential((5, 4), lambda layers: layers.Lambda(lambda x: x * 2.0)), "Python code"),
        "custom_layer": Way(sequential((5, 4), scale), "custom layer (mine>Custom)", refused="model.h5"),
        "subclassed": Way(subclassed, "subclassed model (Custom)"),
        "constant_states": Way(functional(constant_states), "a constant for initial_state"),
        "constant_argument": Way(functional(constant_summand), "a constant for inputs"),
        "lora": Way(adapted, "LoRA (lora_rank=2)"),
        "attention_axes": Way(
            functional(lambda keras, x: keras.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x), (3, 4, 5)),
            "attention_axes=[1, 2]",
        ),
        "operation": Way(
            functional(lambda keras, x: keras.layers.LSTM(3)(keras.ops.roll(x, 1, axis=1))), "the operation Roll"
        ),
        "images_in_training": Way(
            images(
                lambda layers: layers.Solarization(value_range=(0, 1)), lambda layers: layers.Lambda(lambda x: x * 2.0)
            ),
            "(Solarization) as in training",
        ),
        "quantized": Way(quantized, "as it was before quantize()", sequential((5, 4)), has_weights=False),
        "channels_first": Way(channels("channels_first"), "between two Permute layers", channels("channels_last")),
        "in_part": Way(
            sequential(
                (2, 5, 4, 3),
                lambda layers: layers.TimeDistributed(layers.Resizing(4, 4), name="smaller"),
                lambda layers: layers.Reshape((8, 12)),
            ),
            "model.get_layer('smaller')",
        ),
        "bilinear": Way(
            images(
                lambda layers: layers.UpSampling2D(2, interpolation="bilinear"),
                lambda layers: layers.AveragePooling2D(2),
            ),
            "Verify the part behind it",
        ),
        "dropout_in_training": Way(
            functional(lambda keras, x: keras.layers.Lambda(lambda x: x * 2.0)(dropped(keras, x, training=True))),
            "model.export alone would run 'dropout",
        ),
        "argmax": Way(functional(argmax(True)), "keras.ops.expand_dims(keras.ops.argmax", functional(argmax(False))),
        "checkpoint": Way(sequential((5, 4)), "--architecture model.json", refused="weights", write=checkpoint("net")),
    },
    "tf_keras": {
        "images_in_training": Way(
            images(lambda layers: layers.RandomFlip(), lambda layers: layers.Lambda(lambda x: x * 2.0)), "model.save("
        ),
        "time_major": Way(
            functional(lambda keras, x: keras.layers.LSTM(3, time_major=True, return_sequences=True)(x)),
            "time_major=True",
            refused="model.h5",
        ),
        "renorm": Way(sequential((5, 4), lambda layers: layers.BatchNormalization(renorm=True)), "renorm=True"),
        "ragged": Way(
            functional(lambda keras, x: keras.layers.LSTM(3)(x), (None, 4), ragged=True),
            "padded.set_weights(model.get_weights())",
            padded,
            lengths=(5, 3, 2, 5, 1, 4),
        ),
        "called_in_training": Way(
            functional(partial(dropped, training=True)),
            "Call it without, or with training=False",
            functional(dropped),
            has_weights=False,
        ),
        "checkpoint": Way(
            sequential((5, 4)),
            "--architecture model.json",
            refused="weights",
            write=lambda model, name: model.save_weights(name),
        ),
    },
}


FILES = ("model.h5", "model.keras")
READ: dict[str, dict[str, tuple[Build, tuple[str, ...]]]] = {
    "keras": {
        "augmented": (augmented, ("model.keras",)),
        "called_in_training": (functional(called_in_training, (5, 4, 3)), FILES),
        "not_reopened": (functional(arithmetic), FILES),
    },
    "tf_keras": {"augmented": (augmented, FILES)},
}
"""Models that are not refused, and the files written of them: Keras 3.15 can write some in one format alone."""


# --- the ways


def code_in(message: str) -> list[str]:
    """The calls that a message names, such as `model.export('folder')`, with those of what they return."""
    found, end = [], 0
    for match in re.finditer(r"(?:keras\.Model|tf\.train\.Checkpoint|model\.(?:export|save))\(", message):
        if match.start() >= end:
            end = closed(message, match.end())
            while more := re.compile(r"\.\w+\(").match(message, end):
                end = closed(message, more.end())
            found.append(message[match.start() : end])
    return found


def closed(text: str, start: int) -> int:
    """Where the bracket that was opened before `start` is closed."""
    depth = 1
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if not depth:
            return end + 1
    raise ValueError(text)


def follow(keras: Any, way: Way, name: str) -> str:
    """Build a model, have it refused, go the way that the refusal names, and return where it leads to."""
    model = way.build(keras)
    randomise(model, zlib.crc32(name.encode()))
    x = inputs_of(model, way.lengths)
    y = predicted(model, tensorflow().RaggedTensor.from_tensor(x, way.lengths) if way.lengths else x)
    write_arrays("", x, y)
    way.write(model, way.refused)
    if way.rebuilt is not None:
        return rebuild(way.rebuilt(keras), model if way.has_weights else None, x, y)
    refusal = run(way.refused, "-i", "x.npy", "-e", "y.npy").stderr
    if "--architecture model.json, which is model.to_json()" in refusal:
        Path("model.json").write_text(model.to_json())
        refusal = run(way.refused, "-i", "x.npy", "-e", "y.npy", "--architecture", "model.json").stderr
        if not refusal:
            write_arrays("way.", x, y)
            return way.refused
        model = way.build(keras)
    for code in code_in(refusal):
        exec(code, {"keras": keras, "tf": tensorflow(), "model": model, "path": way.refused})
    part = re.search(r"model\.get_layer\('(\w+)'\)", refusal)
    if part:
        x = predicted(keras.Model(model.inputs, model.get_layer(part[1]).output), x)
    write_arrays("way.", x, y)
    return next(file for file in ("folder", "part.keras", "model.keras") if file != way.refused and Path(file).exists())


def rebuild(made: Any, refused: Any, x: Array, y: Array) -> str:
    """Save a model that was built otherwise; with the weights of the refused one if it is to predict the same."""
    if refused is None:
        randomise(made, 1)
        y = predicted(made, x)
    else:
        made.set_weights(refused.get_weights())
    made.save("rebuilt.keras")
    write_arrays("way.", x, y)
    return "rebuilt.keras"


def write(model: Any, name: str, files: tuple[str, ...]) -> None:
    """Write a model, with its predictions, into the current folder."""
    randomise(model, zlib.crc32(name.encode()))
    x = inputs_of(model)
    write_arrays("", x, predicted(model, x))
    for file in files:
        model.save(file)


def inputs_of(model: Any, lengths: tuple[int, ...] = ()) -> Array:
    """Inputs of 5 steps where any number will do."""
    shape = getattr(model, "input_shape", None) or (None, 5, 4)  # a subclassed model does not say
    lacking = [5 if length is None else length for length in shape[1:]]
    x = np.random.default_rng(5).random((BATCH, *lacking)).astype("float32")
    for sample, length in enumerate(lengths):
        x[sample, length:] = 0
    return x


def predicted(model: Any, x: Any) -> Array:
    return np.asarray(model.predict(x, batch_size=BATCH, verbose=0))


def write_arrays(prefix: str, x: Array, y: Array) -> None:
    np.save(f"{prefix}x.npy", x)
    np.save(f"{prefix}y.npy", y)


def enter(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.chdir(folder)


def main() -> None:
    """Go all ways of one framework."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--framework", choices=WAYS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    keras, out, gone = prepare(arguments.framework), arguments.out.resolve(), {}
    for name, (build, files) in READ[arguments.framework].items():
        enter(out / name)
        write(build(keras), name, files)
    for name, way in WAYS[arguments.framework].items():
        enter(out / name)
        gone[name] = follow(keras, way, name)
    (out / "ways.json").write_text(json.dumps(gone, indent=1) + "\n")


if __name__ == "__main__":
    main()

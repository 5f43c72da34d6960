"""Graphs that decide something, fed the number at which they turn: ``python -m tests.zoo.graph_decisions --out DIR``.

``decisions/`` is a SavedModel with a signature for every decision and format, and ``decisions.npz`` has for each what
was fed, as ``NAME.x``, and what TensorFlow returned, as ``NAME.y``. ``cast_FRAMEWORK_FORMAT/`` are functional models of
Keras 2 and 3 with a cast to a narrower format between two layers, each with its ``.npz``. ``operations.json`` has the
definitions of operations whose names come on standard input: their attributes, and the defaults of those.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EDGE = 0.001
COMPARISONS = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual")
EDGES = dict.fromkeys(COMPARISONS, EDGE) | {
    "SelectV2": EDGE,
    "Select": EDGE,
    "ClipByValue": EDGE,
    "Minimum": EDGE,
    "ArgMax": EDGE,
    "ArgMin": EDGE,
    "TopKV2": EDGE,
    "Floor": 1.0,
    "Ceil": 2.0,
    "Rint": 1.5,
    "Round": 0.5,
    "Sign": 0.0,
    "Relu6": 6.0,
    "Cast_int32": 2.0,
    "FloorDiv": 0.3,
    "FloorMod": 0.3,
}
"""Where the decisions turn, by name."""
FORMATS = ("float32", "float16", "bfloat16")
FLOAT32_ALONE = ("Rint", "Minimum")
"""Those that a CPU runs in no narrower format, or that are equal there to a number that was rounded before."""
PAIRS = [(name, dtype) for name in EDGES for dtype in FORMATS if dtype == "float32" or name not in FLOAT32_ALONE]
NAMES = ["_".join(pair) for pair in PAIRS]
CASTS = [f"cast_{framework}_{dtype}" for framework in ("keras", "tf_keras") for dtype in FORMATS[1:]]
UNITS = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def decided(tf: Any, name: str, x: Any) -> Any:
    """What is decided by numbers, (samples, 2) of any format."""
    raw = tf.raw_ops
    edge = tf.constant(EDGE, x.dtype)
    unary = {"Floor": "x", "Ceil": "x", "Rint": "x", "Round": "x", "Sign": "x", "Relu6": "features"}
    if name in COMPARISONS:
        return getattr(raw, name)(x=x, y=edge)
    if name in unary:
        return getattr(raw, name)(**{unary[name]: x})
    if name in ("FloorDiv", "FloorMod"):
        return getattr(raw, name)(x=x, y=tf.constant(0.1, x.dtype))
    if name in ("ArgMax", "ArgMin"):
        return getattr(raw, name)(input=x, dimension=1)
    made: dict[str, Callable[[], Any]] = {
        "SelectV2": lambda: raw.SelectV2(condition=x > edge, t=x, e=-edge),
        "Select": lambda: raw.Select(condition=x[:, 0] > edge, x=x, y=-x),
        "ClipByValue": lambda: raw.ClipByValue(t=x, clip_value_min=-edge, clip_value_max=edge),
        "Minimum": lambda: tf.cast(tf.minimum(x, edge) == edge, tf.float32),
        "Cast_int32": lambda: tf.cast(x, tf.int32),
        "TopKV2": lambda: tf.nn.top_k(x, 1).indices,
    }
    return made[name]()


def numbers(edge: float, dtype: str) -> Array:
    """(samples, 2): the number at the edge and those next to it, beside the edge itself; and two far away."""
    at = np.float32(edge)
    tiny = np.finfo(np.float32).tiny  # what is nearer to 0 is taken for it by some operations of TensorFlow
    near = [at, *([np.nextafter(at, np.float32(side)) for side in (np.inf, -np.inf)] if edge else [tiny, -tiny])]
    unit = UNITS[dtype] * max(abs(edge), 1e-6)
    near += [np.float32(edge + unit * steps) for steps in (-4, -2, -1.01, -0.99, -0.5, 0.5, 0.99, 1.01, 2, 4)]
    first = np.array([*near, at + 0.25, at - 0.25], np.float32)
    return np.stack([first, np.full_like(first, edge)], 1)


def decisions(tf: Any, folder: Path) -> None:
    """Write the SavedModel of all decisions, and what it returns."""
    module, functions, arrays = tf.Module(), {}, {}
    for name, dtype in PAIRS:
        key = f"{name}_{dtype}"
        functions[key] = function(tf, name, dtype)
        setattr(module, key, functions[key])
        arrays[f"{key}.x"] = numbers(EDGES[name], dtype)
        arrays[f"{key}.y"] = functions[key](tf.constant(arrays[f"{key}.x"]))["y"].numpy()
    tf.saved_model.save(module, str(folder / "decisions"), signatures=functions)
    np.savez(folder / "decisions.npz", **arrays)


def function(tf: Any, name: str, dtype: str) -> Any:
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])  # type: ignore[untyped-decorator]
    def decide(x: Any) -> Any:
        return {"y": tf.cast(decided(tf, name, tf.cast(x, dtype)), tf.float32)}

    return decide


def casts(tf: Any, keras: Any, name: str, folder: Path) -> None:
    """Write functional models with a cast between a recurrent layer and a dense one."""
    layers = keras.layers
    for dtype in FORMATS[1:]:
        keras.utils.set_random_seed(4)
        x = keras.Input((5, 3), name="x")
        h = layers.LSTM(6, return_sequences=True)(x)
        cast = keras.ops.cast if name == "keras" else tf.cast
        narrow = cast(h, dtype)
        y = layers.Dense(2)(cast(narrow, "float32"))
        model = keras.Model(x, y)
        given = np.random.default_rng(5).standard_normal((8, 5, 3)).astype(np.float32)
        model.export(str(folder / f"cast_{name}_{dtype}"))
        np.savez(folder / f"cast_{name}_{dtype}.npz", x=given, y=model.predict(given, verbose=0))


def definitions(names: list[str]) -> dict[str, dict[str, Any]]:
    """The attributes of operations that have a default, and the names of all."""
    from tensorflow.python.framework import op_def_registry

    from lstm_verify.formats.tensorflow.protobufs import Tensors, attribute

    known = {name: op_def_registry.get(name) for name in names}
    return {
        name: {
            "attributes": [one.name for one in definition.attr],
            "defaults": {
                one.name: attribute(one.default_value, Tensors())
                for one in definition.attr
                if one.HasField("default_value")
            },
        }
        for name, definition in known.items()
        if definition is not None
    }


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    import keras
    import tensorflow as tf
    import tf_keras

    decisions(tf, folder)
    casts(tf, keras, "keras", folder)
    casts(tf, tf_keras, "tf_keras", folder)
    (folder / "operations.json").write_text(json.dumps(definitions(json.loads(input()))))


if __name__ == "__main__":
    main()

"""The process that makes the honest runs of one framework with oneDNN on or off: builds models, saves them, predicts.

    python benchmarks/honest_worker.py keras on FOLDER 1 'gate_*'

For every run there is NAME.x.npz, NAME.y.npz (what `predict` returned, widened to float32 where NumPy lacks the dtype)
and, where it is cheap, NAME.again.npz: the first samples once more, in batches of another size. `runs-keras-on.json`
lists the runs, and those that the framework could not do with its reason. Nothing here imports `lstm_verify`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import warnings
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from honest_recipe import Recipe
from honest_runs import Run, runs

Array = npt.NDArray[Any]
WORDS = 11
"""The number of words of an embedding; word 0 is the mask."""
AGAIN = 4
"""The number of samples that are predicted twice, at most."""


def main() -> None:
    """Make the runs of one process whose names match a pattern."""
    framework, onednn, place, modes, pattern = sys.argv[1:]
    folder = Path(place)
    os.environ.update(environment(onednn))
    keras = _imported(framework)
    mine = [run for run in runs(int(modes)) if (run.framework, run.onednn) == (framework, onednn == "on")]
    records = [made(keras, run, folder) for run in mine if fnmatchcase(run.name, pattern)]
    (folder / f"runs-{framework}-{onednn}.json").write_text(json.dumps(records, indent=1) + "\n")


def environment(onednn: str) -> dict[str, str]:
    """What is fixed for a whole process."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    return {**quiet, "TF_ENABLE_ONEDNN_OPTS": str(int(onednn == "on"))}


def made(keras: Any, run: Run, folder: Path) -> dict[str, Any]:
    """Make one run; returns its record."""
    keras.backend.clear_session()
    recipe = run.recipe
    suffix = ".h5" if zlib.crc32(run.name.encode()) % 2 else ".keras"
    record: dict[str, Any] = {"name": run.name, "framework": run.framework, "mode": run.mode, "groups": run.groups}
    record |= {"model": f"{run.model}{suffix}", "x": f"{run.name}.x.npz", "y": f"{run.name}.y.npz", "again": ""}
    try:
        model = _built(keras, recipe)
        _draw(model, recipe)
        x = _inputs(recipe, recipe.samples(run.batch))
        model.save(folder / record["model"])
        model.compile(jit_compile=run.jit)
        np.savez(folder / record["x"], x)
        np.savez(folder / record["y"], *_predicted(model, x, run.batch))
        if not run.jit and recipe.steps <= 100:
            record["again"] = f"{run.name}.again.npz"
            np.savez(folder / record["again"], *_predicted(model, x[:AGAIN], 32 if run.batch == 1 else 1))
    except Exception as error:  # what a framework cannot do is a fact about it
        record["failed"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    return record


def _imported(name: str) -> Any:
    """The framework; without what only costs time."""
    warnings.simplefilter("ignore")
    framework = importlib.import_module(name)
    importlib.import_module("absl.logging").set_verbosity("error")
    importlib.import_module("tensorflow").get_logger().setLevel("ERROR")
    gc.collect()
    gc.freeze()  # collecting garbage would walk through all of TensorFlow every time
    gc.set_threshold(300_000)
    return framework


def _built(keras: Any, recipe: Recipe) -> Any:
    """The model, with the weights of its initializers."""
    layers, dtype = keras.layers, {"dtype": recipe.policy}
    words = recipe.front == "Embedding"
    shape = (recipe.steps,) if words else (recipe.steps, recipe.features)
    model = inputs = keras.Input(shape, dtype="int32" if words else _input_dtype(recipe), name="x")
    if words:
        model = layers.Embedding(WORDS, recipe.features, mask_zero=True, **dtype)(model)
    elif recipe.front:
        options = {"filters": 6, "kernel_size": 3, "activation": "relu"} if recipe.front == "Conv1D" else {}
        model = getattr(layers, recipe.front)(**options, **dtype)(model)
    if recipe.cell != "Dense":
        for level in reversed(range(recipe.depth)):
            model = _recurrent(keras, recipe, recipe.sequences or level > 0)(model)
    if recipe.head:
        activation, units = recipe.head.split()
        heads = model if isinstance(model, list | tuple) else [model]
        outputs = [layers.Dense(int(units), activation=activation, **dtype)(head) for head in heads]
    else:
        outputs = list(model) if isinstance(model, list | tuple) else [model]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])


def _recurrent(keras: Any, recipe: Recipe, sequences: bool) -> Any:
    name, _, variant = recipe.cell.partition(" ")
    options: dict[str, Any] = {"reset_after": variant != "before"} if name == "GRU" else {}
    options |= {"return_sequences": sequences, "dtype": recipe.policy, **recipe.options}
    layer = getattr(keras.layers, name)(recipe.units, **options)
    if recipe.merge is None:
        return layer
    merge = None if recipe.merge == "none" else recipe.merge
    return keras.layers.Bidirectional(layer, merge_mode=merge, dtype=recipe.policy)


def _input_dtype(recipe: Recipe) -> str:
    return "float64" if recipe.policy == "float64" else "float32"


def _draw(model: Any, recipe: Recipe) -> None:
    """Give every weight of a model seeded values."""
    for index, weight in enumerate(model.weights):
        random = np.random.default_rng([zlib.crc32(recipe.name.encode()), index])
        name = weight.name.split("/")[-1].split(":")[0]
        weight.assign(_drawn(random, name, tuple(weight.shape), recipe).astype(_input_dtype(recipe)))


def _drawn(random: np.random.Generator, name: str, shape: tuple[int, ...], recipe: Recipe) -> Array:
    if name in ("gamma", "moving_variance"):
        return random.uniform(0.5, 2, shape)
    if name == "moving_mean":
        return random.normal(recipe.offset, 1, shape)
    if name == "embeddings":
        return random.uniform(-recipe.inputs, recipe.inputs, shape)
    if name == "recurrent_kernel" and recipe.growth:
        return random.uniform(0, 2 * recipe.growth / shape[0], shape)
    if name.endswith("kernel"):
        limit = recipe.weights * np.sqrt(6 / (np.prod(shape[:-1]) + shape[-1]))
        drawn = random.uniform(0 if recipe.growth else -limit, limit, shape)
        return np.abs(drawn) * _halves(shape) if recipe.opposed else drawn
    drawn = random.uniform(*recipe.bias, shape)
    blocks, keeping = {"LSTM": (4, 1), "GRU": (3, 0)}.get(recipe.cell.split()[0], (0, 0))
    if shape[-1] == blocks * recipe.units:
        drawn[..., keeping * recipe.units : (keeping + 1) * recipe.units] += recipe.memory
    return drawn


def _halves(shape: tuple[int, ...]) -> Array:
    """1 in the first half of the rows of a kernel, -1 in the second."""
    return np.where(np.arange(shape[-2]) < shape[-2] / 2, 1.0, -1.0)[:, None]


def _inputs(recipe: Recipe, samples: int) -> Array:
    """The input: (samples, steps, features), or numbers of words (samples, steps); with masked ends where it fits."""
    random = np.random.default_rng(zlib.crc32(recipe.name.encode()))
    lengths = random.integers(0, recipe.steps + 1, samples)
    hidden = np.arange(recipe.steps) >= lengths[:, None]
    if recipe.front == "Embedding":
        return np.where(hidden, 0, random.integers(1, WORDS, hidden.shape)).astype("int32")
    x = random.normal(recipe.offset, recipe.inputs, (samples, recipe.steps, recipe.features))
    if recipe.constant:
        x[:] = x[:, :1]
    if recipe.front == "Masking":
        x[hidden] = 0
    if recipe.growth:
        x = abs(x)
    return x if recipe.wide else x.astype("float32").astype(_input_dtype(recipe))


def _predicted(model: Any, x: Array, batch: int) -> list[Array]:
    """The outputs in the order of the model, in a dtype that NumPy can store."""
    outputs = model.predict(x, batch_size=batch, verbose=0)
    arrays = [np.asarray(y) for y in (outputs if isinstance(outputs, list | tuple) else [outputs])]
    return [array if array.dtype.kind == "f" else array.astype(np.float32) for array in arrays]


if __name__ == "__main__":
    main()

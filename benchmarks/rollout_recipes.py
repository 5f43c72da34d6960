"""Recipes of closed loops, all seeded, and the process of a framework that builds them and runs them."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
CELLS = ("LSTM", "GRU", "SimpleRNN")
KINDS = ("window", "states", "stateful", "tokens", "one_hot")
FEATURES, WINDOW, WORDS = 2, 6, 9
FAULTS = ("weight", "recurrent weight", "hard_sigmoid", "gates")
WRONG_WEIGHT = 2e-2
"""What is added to one weight."""


@dataclass(frozen=True)
class Recipe:
    """A model, its seed, and how it is fed; the defaults are an ordinary one."""

    name: str
    kind: str
    """`window` moves on by one value; `states` go in and out, or live in the layer (`stateful`); `tokens` in a window
    of words; `one_hot` is one word with states in and out."""
    cell: str = "LSTM"
    units: int = 8
    steps: int = 100
    weights: float = 1.0
    """The limit of the kernels, times Glorot's."""
    activation: str = "tanh"
    head: str = "linear"
    samples: int = 5
    policy: str = "float32"
    memory: float = 0.0
    """What is added to the bias of the gate that keeps the state."""
    rotates: bool = False
    """Whether the recurrent kernel turns the state and keeps its length."""
    sample: bool = False
    """Whether tokens are drawn by their probabilities."""
    framework: str = "keras"
    fault: str = ""
    """What is wrong in the model that the framework runs: one of `FAULTS`."""

    @property
    def from_tokens(self) -> bool:
        return self.kind in ("tokens", "one_hot")

    @property
    def width(self) -> int:
        """The numbers that go in at each time step."""
        return WORDS if self.from_tokens else FEATURES

    @property
    def states(self) -> int:
        """The states that go in."""
        return (2 if self.cell == "LSTM" else 1) if self.kind in ("states", "one_hot") else 0

    def random(self, index: int) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(self.name.encode()), index])

    def seed(self) -> list[Array]:
        """What the first step is given, in the order of the model's inputs."""
        random = self.random(1000)
        if self.kind == "tokens":
            return [random.integers(0, WORDS, (self.samples, WINDOW)).astype("int32")]
        if self.kind == "one_hot":
            main = np.eye(WORDS)[random.integers(0, WORDS, (self.samples, 1))]
        else:
            main = random.normal(0, 1, (self.samples, WINDOW if self.kind == "window" else 1, FEATURES))
        return [main.astype("float32"), *[np.zeros((self.samples, self.units), "float32")] * self.states]


def honest() -> Iterator[Recipe]:
    """Loops in which nothing is wrong; the frameworks take turns, but tf_keras cannot load bfloat16."""
    for index, recipe in enumerate(_honest()):
        first = (index + index // 4) % 2 == 0 or recipe.policy == "bfloat16"
        yield replace(recipe, framework="keras" if first else "tf_keras")


def _honest() -> Iterator[Recipe]:
    sizes, lengths, batches = (16, 4, 64, 1), (100, 300, 50), (5, 1)
    ways = list(product(CELLS, KINDS, (0.1, 1.0, 2.0, 4.0)))
    for index, (cell, kind, weights) in enumerate(ways):
        size, steps, batch = sizes[(index // 3) % 4], lengths[index % 3], batches[index % 2]
        yield Recipe(f"{kind}_{cell}_{weights:g}", kind, cell, size, steps, weights, samples=batch)
    for cell, weights in product(CELLS, (0.5, 1.0, 2.0)):
        yield Recipe(f"relu_{cell}_{weights:g}", "window", cell, 12, 60, weights, activation="relu", head="tanh")
    for kind, weights in product(("window", "stateful"), (1.0, 3.0)):
        yield Recipe(f"relu_states_{kind}_{weights:g}", kind, "GRU", 12, 60, weights, activation="relu")
    for cell, kind in product(CELLS, ("tokens", "one_hot")):
        yield Recipe(f"sampled_{kind}_{cell}", kind, cell, 16, 80, 2.0, sample=True)
    for policy, kind in product(("float16", "bfloat16", "mixed_float16", "float64"), ("window", "states", "stateful")):
        for cell, weights in (("LSTM", 1.0), ("GRU", 3.0)):
            yield Recipe(f"{policy}_{kind}_{cell}", kind, cell, 8, 60, weights, policy=policy)
    for policy in ("float16", "bfloat16", "float64"):
        yield Recipe(f"{policy}_tokens", "tokens", "GRU", 8, 60, 2.0, policy=policy)
    for cell, kind, weights in product(CELLS, ("window", "states", "stateful"), (6.0, 10.0)):
        yield Recipe(f"chaotic_{kind}_{cell}_{weights:g}", kind, cell, 32, 200, weights, samples=2)
    for cell, kind, memory in product(("LSTM", "GRU"), ("states", "stateful"), (3.0, 8.0)):
        yield Recipe(f"memory_{kind}_{cell}_{memory:g}", kind, cell, 8, 300, samples=2, memory=memory)
    for kind, weights in product(("states", "stateful", "one_hot"), (0.02, 0.3)):
        turning = Recipe(f"rotating_{kind}_{weights:g}", kind, "SimpleRNN", 8, 300, weights, samples=2)
        yield replace(turning, activation="linear", rotates=True)


def faulty() -> Iterator[Recipe]:
    """Loops in which the framework runs a model with a fault."""
    for index, (kind, fault, weights) in enumerate(product(KINDS, FAULTS, (1.0, 3.0))):
        cell = ("LSTM", "LSTM", "GRU")[index % 3]
        recipe = Recipe(
            f"{fault.replace(' ', '_')}_{kind}_{weights:g}", kind, cell, 12, 60, weights, samples=2, fault=fault
        )
        yield replace(recipe, framework=("keras", "tf_keras")[index % 2])


class Framework:
    """Keras 3 or tf_keras, in a process of its own: builds models, and runs them on their own outputs."""

    def start(self, name: str) -> None:
        """Import the framework."""
        warnings.simplefilter("ignore")
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        self.keras = importlib.import_module(name)
        importlib.import_module("absl.logging").set_verbosity("error")
        importlib.import_module("tensorflow").get_logger().setLevel("ERROR")

    def build(self, recipe: Recipe, path: Path) -> None:
        """Write the model of a recipe, with its fault if it has one."""
        self.keras.backend.clear_session()
        model = built(self.keras, recipe)
        for index, weight in enumerate(model.weights):
            weight.assign(_drawn(recipe, index, weight))
        model.save(path)

    def roll(self, path: Path, inputs: dict[str, Array], plan: dict[str, Any], draws: Array | None) -> list[Any]:
        """Run a model by a plan; returns outputs, tokens, and what went in, by name, (steps, ...)."""
        from lstm_verify.runtimes.programs import keras_model
        from lstm_verify.runtimes.programs.closed_loop import ClosedLoop, stacked

        about = {"module": self.keras.__name__, "title": "", "model": str(path), "unsafe": False, "batch_size": None}
        loop = ClosedLoop(keras_model.load({**about, "rollout": plan}).call, inputs, plan, draws)
        loop.run(lambda step: None)
        parts = [{n: stacked(kept) for n, kept in part.items()} for part in (loop.outputs, loop.tokens, loop.fed)]
        return [{n: a if a.dtype.kind in "fi" else a.astype("float32") for n, a in part.items()} for part in parts]


def built(keras: Any, recipe: Recipe) -> Any:
    """The model of a recipe, with any weights."""
    layers, dtype = keras.layers, {"dtype": recipe.policy}
    wide, narrow = "float64" if recipe.policy == "float64" else "float32", recipe.policy.removeprefix("mixed_")
    options: dict[str, Any] = {"activation": recipe.activation, "recurrent_initializer": "zeros", **dtype}
    if recipe.fault == "hard_sigmoid":
        options["recurrent_activation"] = "hard_sigmoid"
    if recipe.kind == "stateful":
        inputs = [keras.Input(batch_shape=(recipe.samples, 1, FEATURES), dtype=wide, name="x")]
    elif recipe.kind == "tokens":
        inputs = [keras.Input((WINDOW,), dtype="int32", name="x")]
    else:
        inputs = [keras.Input((WINDOW if recipe.kind == "window" else 1, recipe.width), dtype=wide, name="x")]
    inputs += [keras.Input((recipe.units,), dtype=narrow, name=f"state_{i}") for i in range(recipe.states)]
    x = layers.Embedding(WORDS, 4, **dtype)(inputs[0]) if recipe.kind == "tokens" else inputs[0]
    cell = getattr(layers, recipe.cell)
    layer = cell(recipe.units, stateful=recipe.kind == "stateful", return_state=recipe.states > 0, **options)
    y, *states = layer(x, initial_state=inputs[1:]) if recipe.states else [layer(x)]
    head = layers.Dense(recipe.width, activation="softmax" if recipe.from_tokens else recipe.head, name="y", **dtype)
    return keras.Model(inputs if recipe.states else inputs[0], [head(y), *states] if states else head(y))


def _drawn(recipe: Recipe, index: int, weight: Any) -> Array:
    name, shape, random = weight.name.split("/")[-1].split(":")[0], tuple(weight.shape), recipe.random(index)
    if name == "embeddings":
        return random.uniform(-1, 1, shape)
    if not name.endswith("kernel"):
        drawn = random.uniform(-0.3, 0.3, shape)
        if recipe.memory and shape[-1] > recipe.width:
            keeping = 1 if recipe.cell == "LSTM" else 0
            drawn[..., keeping * recipe.units : (keeping + 1) * recipe.units] += recipe.memory
    elif recipe.rotates and name == "recurrent_kernel":
        drawn = np.linalg.qr(random.normal(0, 1, shape))[0]
    else:
        drawn = recipe.weights * np.sqrt(6 / sum(shape)) * random.uniform(-1, 1, shape)
    if recipe.fault == "gates" and shape[-1] == recipe.units * {"LSTM": 4, "GRU": 3}.get(recipe.cell, 0):
        blocks = np.split(drawn, shape[-1] // recipe.units, axis=-1)
        drawn = np.concatenate([blocks[1], blocks[0], *blocks[2:]], axis=-1)
    wrong = {"weight": "kernel", "recurrent weight": "recurrent_kernel"}.get(recipe.fault)
    if name == wrong and shape[0] == recipe.units:  # the kernel of the Dense layer; the cell's has another first axis
        drawn[0, 0] += WRONG_WEIGHT
    return drawn


if __name__ == "__main__":
    sys.exit("run rounding_rollouts.py")

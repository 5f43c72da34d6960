"""The process that makes the faulty situations of one framework: honest models, their inputs, and predictions.

    python benchmarks/faulty_worker.py keras FOLDER

`MODEL.keras` has `MODEL.x.npz` and the predictions of the honest model, `MODEL.y.npz` and, in batches of one sample,
`MODEL.single.npz`; a situation has its predictions in `NUMBER.y.npz`. `situations.json` lists them. Nothing here
imports `lstm_verify`.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from faulty_faults import SITUATIONS, Situation, Weights
from faulty_models import MODELS, Array, Built
from honest_worker import environment


def main() -> None:
    """Make all models and situations of a framework."""
    name, place = sys.argv[1:]
    os.environ.update(environment("off"))
    from honest_worker import _imported as imported

    keras, folder = imported(name), Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    mine = [number for number, each in enumerate(SITUATIONS) if each.only in ("", name)]
    models = {model: Honest(keras, model, built) for model, built in MODELS.items() if name in built.frameworks}
    for honest in models.values():
        honest.save(folder)
    for number in mine:
        save(folder / f"{number}.y.npz", models[SITUATIONS[number].model].faulty(SITUATIONS[number]))
    index = {"models": list(models), "situations": mine}
    (folder / "situations.json").write_text(json.dumps(index) + "\n")


class Honest:
    """A model as it is in its file, with inputs."""

    def __init__(self, keras: Any, name: str, built: Built) -> None:
        self.keras, self.name, self.built = keras, name, built
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.x = built.draw(rng, built.samples)
        self.model = self.twin({})
        self.weights = drawn(weights_of(self.model), built, rng)
        assign(self.model, self.weights)
        self.y = self.predicted(self.model, self.x)

    def twin(self, options: Any) -> Any:
        """The model built anew, with options of its own."""
        self.keras.backend.clear_session()
        self.keras.utils.set_random_seed(0)
        return self.built.build(self.keras, **options)

    def save(self, folder: Path) -> None:
        """Write the model, its inputs and its predictions."""
        self.model.save(folder / f"{self.name}.keras")
        save(folder / f"{self.name}.x.npz", self.x)
        save(folder / f"{self.name}.y.npz", self.y)
        if self.name != "stateful":
            few = [array[:64] for array in self.x]
            save(folder / f"{self.name}.few.npz", few)
            save(folder / f"{self.name}.single.npz", self.predicted(self.model, few, 1))

    def predicted(self, model: Any, x: list[Array], batch: int | None = None) -> list[Array]:
        """What `predict` returns, in the order of the outputs."""
        found = model.predict(x if len(x) > 1 else x[0], batch_size=batch or self.built.batch, verbose=0)
        return [np.asarray(y) for y in (found if isinstance(found, list | tuple) else [found])]

    def faulty(self, situation: Situation) -> list[Array]:
        """What is predicted in a situation.

        Raises:
            ValueError: it is what the honest model predicts.
        """
        x, y = situation.inputs(self.x) if situation.inputs else self.x, self.y
        if situation.twin or situation.weights or situation.inputs:
            model = self.twin(situation.twin)
            assign(model, situation.weights(self.weights) if situation.weights else self.weights)
            y = self.predicted(model, x)
        if situation.predicted:
            y = situation.predicted(y)
        if all(np.array_equal(a, b) for a, b in zip(y, self.y, strict=True)):
            raise ValueError(f"{situation.name}: nothing is different")
        return y


def weights_of(model: Any) -> Weights:
    """The values of all weights of a model by path."""
    return {path: np.asarray(weight) for path, weight in variables(model).items()}


def variables(model: Any) -> dict[str, Any]:
    """The weights of a model by path, but for the states of random generators and of cells."""
    paths = {getattr(weight, "path", weight.name).removesuffix(":0"): weight for weight in model.weights}
    return {path: weight for path, weight in paths.items() if "seed" not in path and "/variable" not in path.lower()}


def assign(model: Any, weights: Weights) -> None:
    """Give a model weights: by path, or in their order where a twin has other paths."""
    mine = variables(model)
    given = weights if set(mine) <= set(weights) else dict(zip(mine, weights.values(), strict=True))
    for path, weight in mine.items():
        weight.assign(given[path])


def drawn(weights: Weights, built: Built, rng: np.random.Generator) -> Weights:
    """Seeded values, none of them 0 or 1."""
    return {path: _drawn(path, weight, built, rng) for path, weight in weights.items()}


def _drawn(path: str, weight: Array, built: Built, rng: np.random.Generator) -> Array:
    if path.endswith(("gamma", "moving_variance", "scale")):
        value = rng.uniform(0.5, 2, weight.shape)
    else:
        value = rng.uniform(-1, 1, weight.shape) * (1.2 / max(1, weight.ndim and weight.shape[0]) ** 0.5)
    if path.startswith("out/"):
        value = value * np.asarray(built.scale) + (built.shift if path.endswith("bias") else 0)
    return value.astype(weight.dtype)


def save(path: Path, arrays: list[Array]) -> None:
    """Write arrays in their order, in dtypes that NumPy has."""
    np.savez(path, *(array if array.dtype.kind in "fiu" else array.astype(np.float32) for array in arrays))


if __name__ == "__main__":
    main()

"""The honest runs that judge the rounding budget: which models, on which inputs, run by whom and how.

Keras 3 and tf_keras take turns where both have what a recipe needs, and so do the modes (oneDNN, jit_compile, batch
size), so that every kind of model meets every mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from honest_extremes import memories, orders, regimes
from honest_ordinary import activations, precisions, scales, shapes, sizes
from honest_recipe import Recipe

BATCHES = (1, 7, 32, 1000)


@dataclass(frozen=True)
class Run:
    """A recipe in a mode."""

    recipe: Recipe
    framework: str
    onednn: bool
    jit: bool
    batch: int

    @property
    def mode(self) -> str:
        """The mode, as part of a file's name."""
        return f"onednn{int(self.onednn)}-jit{int(self.jit)}-batch{self.batch}"

    @property
    def model(self) -> str:
        """The name of the model's file without its suffix; runs of one process share it."""
        return f"{self.recipe.name}.{self.framework}.onednn{int(self.onednn)}"

    @property
    def name(self) -> str:
        return f"{self.recipe.name}.{self.framework}.{self.mode}"

    @property
    def groups(self) -> dict[str, str]:
        """In which row of which table the run is counted."""
        recipe = self.recipe
        return {
            "cell": recipe.cell,
            "around it": recipe.kind,
            "activation": str(recipe.options.get("activation", "tanh")) if recipe.cell != "Dense" else "-",
            "recurrent activation": str(recipe.options.get("recurrent_activation", "default")),
            "activation of the Dense layer": recipe.head.partition(" ")[0] or "-",
            "units": str(recipe.units),
            "steps": str(recipe.steps),
            "precision": recipe.policy,
            "weights, times Glorot": f"{recipe.weights:g}",
            "inputs": f"{recipe.offset:g} ± {recipe.inputs:g}" if recipe.offset else f"± {recipe.inputs:g}",
            "regime": recipe.regime,
            "framework": self.framework,
            "oneDNN": "on" if self.onednn else "off",
            "jit_compile": "on" if self.jit else "off",
            "batch size": str(self.batch),
        }


def runs(modes: int = 1) -> list[Run]:
    """Every recipe in one or two modes, the same at every call."""
    recipes = chain(sizes(), activations(), scales(), shapes(), precisions(), regimes(), memories(), orders())
    turns = ((recipe, index, turn) for index, recipe in enumerate(recipes) for turn in range(modes))
    return list({run.name: run for run in (_run(*turn) for turn in turns)}.values())


def _run(recipe: Recipe, index: int, turn: int) -> Run:
    """A recipe by one of its frameworks in one of 16 modes; they take turns, each at another pace."""
    framework = recipe.frameworks[(index + turn) % len(recipe.frameworks)]
    mode = (5 * index + 7 * turn + index // 16) % 16
    return Run(recipe, framework, *(recipe.mode or (bool(mode & 1), bool(mode & 2), BATCHES[mode >> 2])))

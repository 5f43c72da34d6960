"""The closed loop of a framework: a model's outputs become its next inputs, step after step.

The request says what goes where; how it does is written here, in NumPy, and a second time for the replay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
Call = Callable[[Arrays], list[tuple[str, Any]]]


class ClosedLoop:
    """A closed loop in progress, with its results so far.

    `plan` is the request's: `steps`; `outputs`, names in order; `feedback`, each with `output`, `input`, `last_step`,
    `choose`, `one_hot` and `place`; `state`, pairs of an output and an input.
    """

    def __init__(self, call: Call, inputs: Arrays, plan: dict[str, Any], draws: Array | None) -> None:
        self.call, self.inputs, self.plan, self.draws = call, inputs, plan, draws
        self.outputs: dict[str, list[Array]] = {name: [] for name in plan["outputs"]}
        self.fed: dict[str, list[Array]] = {}
        """What every input that changes was given, from the second step on."""
        self.tokens: dict[str, list[Array]] = {}
        """The tokens chosen from each output that is a distribution over them."""

    def run(self, tell: Callable[[int], None]) -> None:
        """Run all steps."""
        for step in range(self.plan["steps"]):
            outputs = self._named(self.call(self.inputs))
            for name, values in outputs.items():
                self.outputs[name].append(values)
            following = self._following(outputs, step)
            if step + 1 < self.plan["steps"]:
                for name, values in following.items():
                    self.fed.setdefault(name, []).append(values)
                self.inputs = {**self.inputs, **following}
            tell(step + 1)

    def _named(self, answers: list[tuple[str, Any]]) -> Arrays:
        """The outputs by the request's names: matched by name if the names are the same, else in order."""
        names, given = self.plan["outputs"], dict(answers)
        if len(answers) != len(names):
            raise ValueError(f"the model has {len(answers)} outputs, expected {len(names)}: {', '.join(names)}")
        if set(given) == set(names):
            return {name: np.array(given[name]) for name in names}
        return {name: np.array(values) for name, (_, values) in zip(names, answers, strict=True)}

    def _following(self, outputs: Arrays, step: int) -> Arrays:
        """The inputs of the next step that are not those of this one."""
        following = {}
        for rule in self.plan["feedback"]:
            values = outputs[rule["output"]]
            if rule["last_step"]:
                values = values[:, -1]
            if rule["choose"] != "value":
                width = values.shape[-1]
                values = self._chosen(rule, values, step)
                self.tokens.setdefault(rule["output"], []).append(values)
                if rule["one_hot"]:
                    values = (values[..., None] == np.arange(width)).astype(np.float32)
            following[rule["input"]] = placed(values, self.inputs[rule["input"]], rule["place"])
        for output, name in self.plan["state"]:
            following[name] = outputs[output].astype(self.inputs[name].dtype)
        return following

    def _chosen(self, rule: dict[str, Any], likelihoods: Array, step: int) -> Array:
        """One token of each sample: the likeliest one, or the one in which this step's random number falls."""
        if rule["choose"] == "argmax":
            return np.asarray(np.argmax(likelihoods, axis=-1))
        assert self.draws is not None
        climbing = np.cumsum(likelihoods.astype(np.float64), axis=-1)
        threshold = self.draws[step][:, None] * climbing[:, -1:]
        return np.asarray(np.minimum((climbing <= threshold).sum(axis=-1), likelihoods.shape[-1] - 1))


def placed(values: Array, before: Array, place: str) -> Array:
    """Return values as the next input: in place of the last one, as its only time step, or after its others."""
    if place == "replace":
        return values.astype(before.dtype).reshape(before.shape)
    newest = values.astype(before.dtype).reshape((len(before), 1, *before.shape[2:]))
    return newest if place == "step" else np.concatenate([before[:, 1:], newest], axis=1)


def stacked(values: list[Array]) -> Array:
    """Stack the values of all steps, (steps, ...); of a longer first call, take the last time steps."""
    shape = values[-1].shape
    return np.stack([value if value.shape == shape else value[:, -shape[1] :] for value in values])

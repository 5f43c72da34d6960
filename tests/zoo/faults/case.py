"""What a case of the fault zoo is: an honest model, and what a faulty runtime makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tests.zoo.faults.plan import Plan, Sizes
from tests.zoo.faults.weights import Transform, Weights

Value = str | float | None
Framework = Literal["keras", "tf_keras"]
MakePlan = Callable[[Sizes], Plan]
PlanChange = Callable[[Plan, str], Plan]
WeightsChange = Callable[[Weights, str], Weights]

FRAMEWORKS: tuple[Framework, Framework] = ("keras", "tf_keras")
HARD_SIGMOID = {"keras": "hard_sigmoid(slope=0.166667)", "tf_keras": "hard_sigmoid(slope=0.2)"}
"""What the name means in each generation."""


@dataclass(frozen=True)
class Fault:
    """One thing that a runtime does otherwise than the file says."""

    name: str
    parameter: str | None = None
    file_says: Value = None
    behaves_as: Value = None
    layer: str = ""
    """A path; empty for the layer the model was made for; ``all`` when it is in several."""
    layers: tuple[str, ...] = ()
    """The paths, when it is in several."""
    plan: PlanChange = lambda plan, _: plan
    weights: WeightsChange = lambda weights, _: weights
    or_layers: tuple[str, ...] = ()
    """Other paths that name the same place as well."""

    def paths(self, plan: Plan) -> tuple[str, ...]:
        """Return the paths of all layers that have the fault."""
        return self.layers or (self.layer or plan.target,)

    def in_plan(self, plan: Plan, honest: Plan) -> Plan:
        """Return the plan of the faulty model."""
        for path in self.paths(honest):
            plan = self.plan(plan, path)
        return plan

    def in_weights(self, weights: Weights, honest: Plan) -> Weights:
        """Return the weights of the faulty model."""
        for path in self.paths(honest):
            weights = self.weights(weights, path)
        return weights


@dataclass(frozen=True)
class Case:
    """One honest model, and the fault that its runtime has, if any."""

    name: str
    plan: MakePlan
    faults: tuple[Fault, ...] = ()
    """None for an honest case; two for a pair."""
    only: Framework | None = None
    """The one generation that has it."""
    ties: tuple[tuple[str, str], ...] = ()
    """Other fault names that mathematics cannot tell apart from this one, and why."""
    note: str = ""
    scale: float = 1.5
    """Times the Glorot limit, for the random kernels."""
    batch_size: int | None = None
    """Samples at a time in the run that is recorded as the faulty one."""
    honest_batch_size: int | None = None
    """The same for the honest run."""
    runs: int = 1
    """How many times the faulty model predicts, of which the last counts."""
    training: bool = False
    """Whether the faulty model is called in training mode."""
    weights: Callable[[Weights], Weights] = lambda weights: weights
    """What is special in the honest weights."""


def with_weights(transform: Transform) -> WeightsChange:
    """Return the change of one layer's weights."""
    return lambda weights, path: {**weights, path: transform(weights[path])}


def at(fault: Fault, *layers: str, **changes: Any) -> Fault:
    """Return a fault at another place: in one layer, or in several."""
    if len(layers) > 1:
        return replace(fault, layer="all", layers=layers, **changes)
    return replace(fault, layer=layers[0], **changes)


def case(model: str, plan: MakePlan, *faults: Fault, detail: str = "", **options: Any) -> Case:
    """Return a case that is named by its fault, its model and a detail."""
    names = "_and_".join(fault.name for fault in faults) or "honest"
    return Case("_".join(part for part in (names, model, detail) if part), plan, faults, **options)


def shared_out(cases: Sequence[Case]) -> list[tuple[Case, Framework, str]]:
    """Return every case with the framework that runs it and the suffix of its file.

    The cases of one fault go to the two generations in turn, those of Keras 3 to its two formats.
    """
    turns: dict[str, int] = {}
    found: list[tuple[Case, Framework, str]] = []
    archives = 0
    for case in cases:
        key = "_and_".join(fault.name for fault in case.faults)
        turns.setdefault(key, len(turns))
        turns[key] += case.only is None
        framework = case.only or FRAMEWORKS[turns[key] % 2]
        archives += framework == "keras"
        found.append((case, framework, ".keras" if framework == "keras" and archives % 2 else ".h5"))
    return found

"""Other weights: a final Dense layer whose weights are not those of the file.

    g⁻¹(predicted) = [x; 1] · [W; b]            x: what comes into the layer, by the replay

is linear in W and b, so that least squares find them, whatever they are. As that could explain anything that has fewer
numbers than the layer has weights, they are found with one half of the samples, in which there must be clearly more
equations than weights, and have to explain the other half, which they have not seen. It is the last thing that is
tried: what is wrong before the layer, or done to the predictions after it, may have a part of its weights' effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from lstm_verify.arrays import Array, Rows
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.faults import sites
from lstm_verify.inputs import count_samples
from lstm_verify.layers import Activation as ActivationLayer
from lstm_verify.layers import Dense, Identity
from lstm_verify.model import Model, Tensor
from lstm_verify.operations.activations import ActivationFunction

ENOUGH = 1.5
"""Times as many equations as weights of a unit there must be, among those that are fitted."""
UNSEEN = 0.5
"""Times as many equations as weights that have to agree without having been fitted."""
MOST = 4096
"""The samples that are looked at."""
ALIKE = 1e-3
"""A column, or a row, that is so near to a multiple of one of the file is that one."""


@dataclass(frozen=True)
class Fitted:
    """Fitted weights that explain the predictions."""

    change: Change
    before: Misfit
    after: Misfit
    """Of the samples that were not fitted."""
    samples: int
    """How many those are."""


@dataclass(frozen=True)
class _Last:
    """A Dense layer whose output becomes an output of the model, by functions of each element or of each row."""

    path: str
    dense: Dense
    input: Tensor
    output: int
    functions: tuple[ActivationFunction, ...]
    """What is applied after the product, the first one first."""


def other_weights(model: Model, inputs: Mapping[str, Rows], predicted: Mapping[str, Rows]) -> Fitted | None:
    """Solve for weights of a final Dense layer that explain the predictions, if there are any.

    Args:
        model: the model; its samples must be independent.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
    """
    samples = count_samples(inputs)
    if model.stateful or not model.divisible or model.batch_size or samples < 2:
        return None
    chosen = np.arange(min(samples, MOST))
    seen, unseen = (experiment(model, inputs, predicted, chosen[start::2]) for start in (0, 1))
    for last in _last_layers(seen.model):
        change = _fitted(seen, unseen, last)
        after = unseen.confirmed(change) if change else None
        if change and after and after.explains and seen.confirmed(change).explains:
            return Fitted(change, unseen.misfit(unseen.replayed, unseen.sigma), after, unseen.samples)
    return None


def _last_layers(model: Model) -> Iterator[_Last]:
    """The Dense layers that outputs come from."""
    made = {Tensor(node.layer, node.call): node for node in model.nodes}
    uses = [node.layer for node in model.nodes]
    for place, output in enumerate(model.outputs):
        tensor, functions = output.tensor, list[ActivationFunction]()
        while (node := made.get(tensor)) is not None and len(node.inputs) == 1:
            layer = model.layers[node.layer]
            inside, dense = layer.unwrapped()
            if isinstance(dense, Dense):
                if uses.count(node.layer) == 1:
                    yield _Last(node.layer + inside, dense, node.inputs[0], place, (dense.activation, *functions))
                break
            if not isinstance(layer, ActivationLayer | Identity):
                break
            functions[:0] = [layer.activation] if isinstance(layer, ActivationLayer) else []
            tensor = node.inputs[0]


def _fitted(seen: Experiment, unseen: Experiment, last: _Last) -> Change | None:
    """The layer with the weights that least squares find; None if there are too few equations, or it explains less."""
    x = _with_one(_rows(seen.known[last.input].value), last.dense)
    assert seen.predicted is not None
    assert unseen.predicted is not None
    found = inverse(_rows(seen.predicted[last.output]), last.functions)
    if found is None or len(found[0]) != len(x):
        return None
    z, weight = found
    width = x.shape[1]
    others = len(_rows(unseen.predicted[last.output]))
    if np.count_nonzero(weight, axis=0).min() < ENOUGH * width or others < UNSEEN * width:
        return None
    with np.errstate(all="ignore"):
        columns = [np.linalg.lstsq(w[:, None] * x, w * y, rcond=None)[0] for y, w in zip(z.T, weight.T, strict=True)]
    solved = np.stack(columns, axis=1)
    kernel = solved[: len(last.dense.kernel)]
    bias = solved[-1] if last.dense.bias is not None else None
    if not np.isfinite(solved).all() or _is_derived(kernel, bias, _comparable(last), x):
        return None
    put = next(site.put for site in sites(seen.model) if site.path == last.path)
    return Change(
        "other_weights",
        (last.path,),
        "kernel" + (" and bias" if bias is not None else ""),
        "those of the layer",
        f"others, which {len(x):,} equations for the {width:,} weights of a unit determine",
        partial(_put, put=put, dense=replace(last.dense, kernel=kernel, bias=bias)),
        frozenset({last.path.split("/")[0]}),
    )


def _put(model: Model, put: Callable[[Dense], Model], dense: Dense) -> Model:
    return put(dense)


def _rows(values: Array) -> Array:
    return values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)


def _with_one(x: Array, dense: Dense) -> Array:
    return x if dense.bias is None else np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _comparable(last: _Last) -> Dense:
    """The layer of the file as far as its output shows: a softmax hides what is the same for all units."""
    if not any(function.name == "softmax" for function in last.functions):
        return last.dense
    kernel, bias = last.dense.kernel, last.dense.bias
    centred = None if bias is None else bias - bias.mean()
    return replace(last.dense, kernel=kernel - kernel.mean(axis=1, keepdims=True), bias=centred)


def _is_derived(kernel: Array, bias: Array | None, dense: Dense, x: Array) -> bool:
    """Whether weights are such that the cause is another: predictions that hardly change, or that were scaled or put in
    another order, an input that was, or a single weight that is another."""
    of_input = np.std(x[:, : len(kernel)] @ kernel, axis=0)
    if np.any(of_input <= ALIKE * np.std(x[:, : len(kernel)] @ dense.kernel, axis=0)):
        return True
    scale = np.abs(dense.kernel).max(initial=0)
    moved = np.count_nonzero(np.abs(kernel - dense.kernel) > ALIKE * scale)
    if bias is not None and dense.bias is not None:
        moved += np.count_nonzero(np.abs(bias - dense.bias) > ALIKE * np.abs(dense.bias).max(initial=0))
    return bool(moved <= 1) or _are_multiples(kernel.T, dense.kernel.T) or _are_multiples(kernel, dense.kernel)


def _are_multiples(found: Array, known: Array) -> bool:
    """Whether every row is a multiple of some row that is known."""
    if found.shape[1] < 2:
        return False
    lengths = np.linalg.norm(found, axis=1), np.linalg.norm(known, axis=1)
    with np.errstate(all="ignore"):
        cosines = np.abs((found / lengths[0][:, None]) @ (known / lengths[1][:, None]).T)
    return bool(np.min(np.nan_to_num(cosines, nan=1.0).max(axis=1)) > 1 - ALIKE**2)


# ------------------------------------------------------------------------------------------------- inverses


def inverse(y: Array, functions: tuple[ActivationFunction, ...]) -> tuple[Array, Array] | None:
    """Invert activation functions, where possible; None if one of them has no inverse.

    Args:
        y: (rows, units), what they gave.
        functions: the first one first.

    Returns:
        (rows, units) of what went in, a softmax's up to the same number for all units of a row, and how closely it is
        known: the slope of the functions there, 0 where nothing follows.
    """
    weight = np.isfinite(y).astype(float)
    with np.errstate(all="ignore"):
        for function in reversed(functions):
            if function.name not in INVERSES or dict(function.parameters).get("axis", -1) != -1:
                return None  # as it has none, or goes along another axis
            y, slope = INVERSES[function.name](y)
            weight = np.where(np.isfinite(y) & np.isfinite(slope), weight * slope, 0.0)
            y = np.where(weight > 0, y, 0.0)
    return y, weight


def _softmax(y: Array) -> tuple[Array, Array]:
    z = np.log(y)
    z = z - z.mean(axis=1, keepdims=True)
    return z, np.ones_like(z)


INVERSES: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "linear": lambda y: (y, np.ones_like(y)),
    "sigmoid": lambda y: (np.log(y) - np.log1p(-y), y * (1 - y)),
    "tanh": lambda y: (np.arctanh(y), 1 - y * y),
    "softmax": _softmax,
    "softplus": lambda y: (np.log(np.expm1(y)), -np.expm1(-y)),
    "exponential": lambda y: (np.log(y), y),
    "relu": lambda y: (y, (y > 0).astype(float)),
}
"""By name, from outputs to what went in and the slope there."""

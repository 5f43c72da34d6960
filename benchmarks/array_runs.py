"""What is diagnosed by `arrays.py`: models with honest predictions, and what is done to inputs and predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_verify._replay import replay
from lstm_verify.arrays import Array
from lstm_verify.formats import load
from lstm_verify.inputs import bind, by_name
from lstm_verify.layers import RNN, Bidirectional, Dense, GRUCell, Layer, LSTMCell
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SUFFIXES = ("keras", "h5", "pb")
SAMPLES, STEPS, FEATURES, UNITS = 48, 7, 3, 6
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Subject:
    """A model, an input, and what an honest framework predicts for it."""

    name: str
    model: Model
    x: Arrays
    y: Arrays


@dataclass(frozen=True)
class Wrong:
    """What was done to the arrays of a subject."""

    what: str
    causes: frozenset[str]
    """The names that are right for it."""
    subject: Subject
    """With the arrays changed."""


def subjects() -> Iterator[Subject]:
    """The fixtures, with what the real frameworks predicted, and models made here, with a replay in float32."""
    for path in sorted(FIXTURES.glob("*.y.npz")):
        stem = path.name.removesuffix(".y.npz")
        files = [FIXTURES / f"{stem}.{suffix}" for suffix in SUFFIXES if (FIXTURES / f"{stem}.{suffix}").is_file()]
        if files:
            yield _of_file(stem, files[0], dict(np.load(path)))
    for name, layers in _made().items():
        model = _sequential(name, layers)
        x = {"x": np.random.default_rng(len(name)).standard_normal((SAMPLES, STEPS, FEATURES)).astype(np.float32)}
        yield Subject(name, model, x, dict(replay(model, x, "float32")))


def _of_file(stem: str, file: Path, predicted: Arrays) -> Subject:
    model = load(file)
    x, _ = bind(model, dict(np.load(FIXTURES / f"{stem.partition('.')[0]}.x.npz")))
    y, _ = by_name(predicted, [output.name for output in model.outputs], "output")
    return Subject(stem, model, dict(x), dict(y))  # type: ignore[arg-type]


def _made() -> dict[str, list[Layer]]:
    """One number, classes, probabilities of both directions, and a sequence."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Array:
        return (rng.standard_normal(shape) * 0.6).astype(np.float32)

    def lstm(name: str, features: int = FEATURES, **options: bool) -> RNN:
        cell = LSTMCell(
            name="cell",
            kernel=weights(features, 4 * UNITS),
            recurrent_kernel=weights(UNITS, 4 * UNITS),
            bias=weights(4 * UNITS),
        )
        return RNN(name=name, cell=cell, **options)

    gru = GRUCell(
        name="cell",
        kernel=weights(UNITS, 3 * UNITS),
        recurrent_kernel=weights(UNITS, 3 * UNITS),
        bias=weights(2, 3 * UNITS),
        reset_after=True,
    )
    both = Bidirectional(name="both", forward_layer=lstm("ahead"), backward_layer=lstm("back", go_backwards=True))

    def dense(units: int, features: int = UNITS, activation: str = "linear") -> Dense:
        kernel, bias = weights(features, units), weights(units)
        return Dense(name="dense", kernel=kernel, bias=bias, activation=ActivationFunction.of(activation))

    return {
        "one number": [lstm("lstm"), dense(1)],
        "five classes": [lstm("lstm", return_sequences=True), RNN(name="gru", cell=gru), dense(5, UNITS, "softmax")],
        "both directions": [both, dense(1, 2 * UNITS, "sigmoid")],
        "sequence": [lstm("lstm", return_sequences=True), dense(4)],
    }


def _sequential(name: str, layers: list[Layer]) -> Model:
    named = {layer.name: layer for layer in layers}
    befores = ["x", *named][:-1]
    nodes = tuple(LayerCall(layer, (Tensor(before),)) for layer, before in zip(named, befores, strict=True))
    last = layers[-1].name
    return Model(
        name=name,
        layers=named,
        nodes=nodes,
        inputs=(Input("x", (None, STEPS, FEATURES), "float32"),),
        outputs=(Output(last, Tensor(last)),),
    )


# --------------------------------------------------------------------------------------------- what is done

Change = Callable[[Array], Array]


def mixed(y: Array) -> Array:
    """Rows in another order."""
    return y[np.random.default_rng(7).permutation(len(y))]


def units(y: Array) -> Array:
    """Targets with their own mean and standard deviation again."""
    return (y * np.float32(37.582) + np.float32(12.003)).astype(y.dtype)


def columns(y: Array) -> Array:
    """The same for each column."""
    count = y.shape[-1]
    return (y * np.linspace(2, 3, count) + np.linspace(-1, 5, count)).astype(y.dtype)


def one_twice(y: Array) -> Array:
    """One row a second time in place of another."""
    return y[[*range(len(y) - 1), 0]]


def one_hot(y: Array) -> Array:
    """1 for the likeliest class."""
    return np.eye(y.shape[-1], dtype=y.dtype)[y.argmax(axis=-1)]


def logits(y: Array) -> Array:
    """What a softmax makes these probabilities of."""
    return np.asarray(np.log(y) + 0.25)


def with_nan(values: Array) -> Array:
    """One number that is none."""
    changed = values.copy()
    changed.flat[changed.size // 2] = np.nan
    return changed


def late(x: Array) -> Array:
    """A step later, from zeros on."""
    return np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)


def normalised(x: Array) -> Array:
    """Each feature by its mean and standard deviation."""
    flat = x.reshape(-1, x.shape[-1])
    return ((x - flat.mean(axis=0)) / flat.std(axis=0)).astype(x.dtype)


ORDER, SCALE = {"permuted", "shifted", "other_samples"}, {"scaled", "offset", "negated"}
PREDICTIONS: list[tuple[str, set[str], Change]] = [
    ("rows in another order", ORDER, mixed),
    ("rows backwards", ORDER, lambda y: y[::-1]),
    ("rows one later", ORDER, lambda y: np.roll(y, 1, axis=0)),
    ("one row twice", {"other_samples"}, one_twice),
    ("times 100", SCALE, lambda y: y * np.float32(100)),
    ("targets not scaled back", SCALE, units),
    ("columns not scaled back", SCALE, columns),
    ("a constant added", SCALE, lambda y: y + np.float32(0.5)),
    ("sign", SCALE, np.negative),
    ("3 decimals", {"rounded"}, lambda y: np.round(y, 3)),
    ("one axis", {"reshaped"}, np.ravel),
    ("axes exchanged", {"reshaped"}, np.transpose),
    ("zero", {"constant"}, np.zeros_like),
    ("one row for all", {"constant", "other_samples"}, lambda y: np.repeat(y[:1], len(y), axis=0)),
    ("class numbers", {"argmax"}, lambda y: y.argmax(axis=-1)),
    ("one-hot", {"one_hot", "rounded"}, one_hot),  # the same, where one class has nearly all
    ("logits", {"logits"}, logits),
    ("NaN in the predictions", {"not_finite"}, with_nan),
    ("random numbers", set(), lambda y: np.random.default_rng(9).standard_normal(y.shape).astype(y.dtype)),
]
INPUTS: list[tuple[str, set[str], Change]] = [
    ("reversed in time", {"reversed"}, lambda x: x[:, ::-1]),
    ("a step late", {"shifted"}, late),
    ("features backwards", {"features_permuted"}, lambda x: x[..., ::-1]),
    ("divided by 255", {"scaled"}, lambda x: x / np.float32(255)),
    ("normalised once more", {"normalised"}, normalised),
]
BACKWARDS = {"direction", "directions_swapped", "backward_order"}
"""Faults that do to a sequence what reversing it does."""


def wrongs(subject: Subject) -> Iterator[Wrong]:
    """Everything that can be done to the arrays of a subject."""
    name = subject.model.outputs[0].name
    y = subject.y[name]
    for what, kinds, change in PREDICTIONS:
        made = change(y) if _applies(what, y) else y
        if made.shape != y.shape or not np.allclose(made, y, rtol=1e-4, atol=1e-5):
            alike = {"constant"} if (made == made[:1]).all() else set()  # as classes may be
            causes = frozenset(f"predictions: {kind}" for kind in kinds | alike)
            changed = Subject(subject.name, subject.model, subject.x, {**subject.y, name: made})
            yield Wrong(what, causes | ({"activation"} if kinds == {"logits"} else set()), changed)
    yield from _of_inputs(subject)


def _applies(what: str, y: Array) -> bool:
    probabilities = y.ndim > 1 and y.shape[-1] > 1 and np.allclose(y.sum(axis=-1), 1, atol=1e-5)
    needs = {"class numbers": y.shape[-1] > 1, "one-hot": y.shape[-1] > 1, "logits": bool(probabilities)}
    return needs.get(what, True)


def _of_inputs(subject: Subject) -> Iterator[Wrong]:
    spec = subject.model.inputs[0]
    x = subject.x[spec.name]
    if x.ndim != 3 or x.dtype.kind != "f" or not subject.model.divisible:
        return
    holed = Subject(subject.name, subject.model, {**subject.x, spec.name: with_nan(x)}, subject.y)
    yield Wrong("NaN in the input", frozenset({"input: not_finite"}), holed)
    for what, kinds, change in INPUTS:
        made = np.ascontiguousarray(change(x))
        y = dict(replay(subject.model, {**subject.x, spec.name: made}, "float32"))
        if any(not np.allclose(y[key], subject.y[key], rtol=1e-4, atol=1e-5) for key in y):
            causes = {f"input: {kind}" for kind in kinds} | (BACKWARDS if kinds == {"reversed"} else set())
            yield Wrong(f"input {what}", frozenset(causes), Subject(subject.name, subject.model, subject.x, y))

"""Small models that are fed with their own outputs, for the tests of rollouts; no framework is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify import Model
from lstm_verify._replay import run_once
from lstm_verify.layers import LSTMCell, Run
from lstm_verify.layers.dense import Dense
from lstm_verify.layers.embedding import Embedding
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.model import Input, LayerCall, Output, Source, Tensor
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.rollouts.closed_loop import Rolled, first_outputs
from lstm_verify.rollouts.pairing import Wishes
from lstm_verify.rollouts.plan import Plan, make_plan
from lstm_verify.runtimes.programs.closed_loop import ClosedLoop, stacked

SAMPLES, STEPS = 3, 11
NOTHING = Wishes({}, {})


def normal(*shape: int, seed: int = 5) -> Any:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def lstm(name: str, features: int, units: int, **options: Any) -> RNN:
    cell = LSTMCell(
        name=name,
        kernel=normal(features, 4 * units) * 1.5,
        recurrent_kernel=normal(units, 4 * units, seed=6),
        bias=normal(4 * units) * 0.3,
    )
    return RNN(name=name, cell=cell, **options)


def dense(name: str, features: int, units: int, activation: str = "linear") -> Dense:
    kernel = normal(features, units) * 2
    return Dense(name=name, kernel=kernel, bias=normal(units), activation=ActivationFunction.of(activation))


def chain(spec: Input, *layers: Any, states: tuple[str, ...] = (), call: dict[str, Any] | None = None) -> Model:
    """Layers one after the other; `states` are inputs of the first one that is recurrent, and its states outputs."""
    nodes, tensor, extra = [], Tensor(spec.name), []
    for layer in layers:
        given: tuple[Tensor, ...] = (tensor,)
        if states and isinstance(layer, RNN):
            given += tuple(Tensor(name) for name in states)
            extra = [Output(f"{layer.name}_{i}", Tensor(layer.name, 0, i + 1)) for i in range(len(states))]
        nodes.append(LayerCall(layer.name, given))
        tensor = Tensor(layer.name)
    units = layers[0].cell.state_sizes[0] if states else 0
    return Model(
        name="chain",
        layers={layer.name: layer for layer in layers},
        nodes=tuple(nodes),
        inputs=(spec, *(Input(name, (None, units), "float32") for name in states)),
        outputs=(Output(layers[-1].name, tensor), *extra),
        source=Source("chain", "", "", "keras", "", call or {}),
    )


def values(*shape: int | None) -> Input:
    return Input("x", (None, *shape), "float32")


def words(*shape: int | None, dtype: str = "int32") -> Input:
    return Input("x", (None, *shape), dtype)


TOKENS = [
    Embedding(name="embedding", embeddings=normal(7, 4)),
    lstm("lstm", 4, 6),
    dense("next", 6, 7, "softmax"),
]
SEQUENCE = lstm("lstm", 2, 5, return_sequences=True)
CASES: dict[str, tuple[Model, tuple[int, ...], Wishes, str]] = {
    "window": (chain(values(4, 2), lstm("lstm", 2, 5), dense("y", 5, 2)), (4, 2), NOTHING, "window"),
    "any_length": (chain(values(None, 2), lstm("lstm", 2, 5), dense("y", 5, 2)), (5, 2), NOTHING, "window"),
    "one_step": (chain(values(1, 2), lstm("lstm", 2, 5), dense("y", 5, 2)), (1, 2), NOTHING, "step"),
    "sequence": (chain(values(4, 2), SEQUENCE, dense("y", 5, 2)), (4, 2), NOTHING, "window"),
    "no_time": (chain(values(3), dense("y", 3, 3, "tanh")), (3,), NOTHING, "replace"),
    "states": (
        chain(values(None, 2), lstm("lstm", 2, 5, return_state=True), dense("y", 5, 2), states=("h", "c")),
        (6, 2),
        NOTHING,
        "step",
    ),
    "sequence_and_states": (
        chain(
            values(None, 2),
            lstm("lstm", 2, 5, return_state=True, return_sequences=True),
            dense("y", 5, 2),
            states=("h", "c"),
        ),
        (6, 2),
        NOTHING,
        "step",
    ),
    "stateful": (chain(values(1, 2), lstm("lstm", 2, 5, stateful=True), dense("y", 5, 2)), (1, 2), NOTHING, "step"),
    "tokens": (chain(words(4), *TOKENS), (4,), NOTHING, "window"),
    "tokens_as_floats": (chain(words(4, dtype="float32"), *TOKENS), (4,), NOTHING, "window"),
    "sampled": (chain(words(4), *TOKENS), (4,), Wishes({}, {}, sample=True), "window"),
    "one_hot": (
        chain(values(4, 7), lstm("lstm", 7, 5), dense("next", 5, 7, "softmax")),
        (4, 7),
        Wishes({}, {}, one_hot=True),
        "window",
    ),
    "one_hot_sampled": (
        chain(values(1, 7), lstm("lstm", 7, 5, return_sequences=True), dense("next", 5, 7, "softmax")),
        (1, 7),
        Wishes({}, {}, one_hot=True, sample=True),
        "step",
    ),
}


def seed_of(model: Model, shape: tuple[int, ...]) -> dict[str, Any]:
    given = {spec.name: np.zeros((SAMPLES, 5), "float32") for spec in model.inputs}
    main = model.inputs[0]
    tokens = len(shape) == 1 and "embedding" in model.layers
    x = np.random.default_rng(9).integers(0, 7, (SAMPLES, *shape)) if tokens else normal(SAMPLES, *shape)
    return {**given, main.name: x.astype(main.dtype)}


STATES = CASES["states"][0]


def planned(name: str) -> tuple[Model, dict[str, Any], Plan, Any]:
    model, shape, wishes, _ = CASES[name]
    given = seed_of(model, shape)
    plan, _ = make_plan(model, STEPS, given, (), first_outputs(model, given), wishes)
    return model, given, plan, np.random.default_rng(3).random((STEPS, SAMPLES)) if wishes.sample else None


def child_side(model: Model, given: dict[str, Any], plan: Plan, draws: Any) -> Rolled:
    """What the child's loop makes of a model whose `call` is the replay's."""
    state, model = Run(), model.astype("float64")

    def call(inputs: dict[str, Any]) -> list[tuple[str, Any]]:
        arrays = [inputs[spec.name] for spec in model.inputs]
        arrays = [array.astype("float64") if array.dtype.kind == "f" else array for array in arrays]
        return list(zip(plan.outputs, run_once(model, arrays, state), strict=True))

    wide = {name: array.astype("float64") if array.dtype.kind == "f" else array for name, array in given.items()}
    loop = ClosedLoop(call, wide, plan.to_dict(), draws)
    loop.run(lambda step: None)
    return Rolled(
        *({name: stacked(kept) for name, kept in part.items()} for part in (loop.outputs, loop.tokens, loop.fed))
    )

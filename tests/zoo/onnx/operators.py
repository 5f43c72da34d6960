"""One node LSTM, GRU or RNN in a file, with every attribute and input of their texts.

``NAME.text.npz`` is by `tests.oracle_onnx`. Where ONNX Runtime departs from the text, the index has the name of the
departure, which is known beforehand and not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.oracle_onnx import UndefinedError, by_text
from tests.zoo.onnx.writing import LATEST, Arrays, Folder, Graph, main, seeded

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OPTIONAL = {
    "LSTM": ("B", "sequence_lens", "initial_h", "initial_c", "P"),
    "GRU": ("B", "sequence_lens", "initial_h"),
    "RNN": ("B", "sequence_lens", "initial_h"),
}
OUTPUTS = {"LSTM": ("Y", "Y_h", "Y_c"), "GRU": ("Y", "Y_h"), "RNN": ("Y", "Y_h")}
WEIGHTS = ("W", "R", "B", "P")
STEPS, BATCH, FEATURES, UNITS = 7, 5, 3, 4
UNSORTED = (3, 7, 1, 5, 2)
WITH_ZERO = (3, 7, 0, 5, 0)


@dataclass(frozen=True)
class Case:
    """One node."""

    operator: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("B",)
    """The optional inputs that it has."""
    outputs: tuple[str, ...] = ()
    """Those that it has; all unless given."""
    lengths: tuple[int, ...] = UNSORTED
    weights: str = "initializer"
    """How they are there: a name of WAYS."""
    fed: bool = True
    """Whether states and lengths are inputs of the file, and not initializers."""
    opset: int = LATEST
    dtype: str = "float32"
    scale: float = 1.0
    """The standard deviation of inputs and weights."""
    departure: str = ""
    """How ONNX Runtime departs from the text."""


# --- how weights are there -----------------------------------------------------------------------------------


def unsqueezed(graph: Graph, array: Any, name: str) -> str:
    """Each direction a Constant, that is unsqueezed; two are concatenated."""
    parts = [graph.axes("Unsqueeze", graph.constant(part), [0]) for part in array]
    return graph.node("Concat", *parts, axis=0)


def transposed(graph: Graph, array: Any, name: str) -> str:
    """Kernels as Keras has them, (features, gates x units), which are transposed and unsqueezed."""
    if array.ndim < 3:
        return unsqueezed(graph, array, name)
    parts = [graph.node("Transpose", graph.initializer(part.T), perm=[1, 0]) for part in array]
    return graph.node("Concat", *(graph.axes("Unsqueeze", part, [0]) for part in parts), axis=0)


def sliced(graph: Graph, array: Any, name: str) -> str:
    """Gates in the reverse order, which are sliced and concatenated, as exporters of PyTorch do."""
    sizes = array.shape[1] // UNITS
    backwards = np.concatenate(np.split(array, sizes, axis=1)[::-1], axis=1)
    whole = graph.initializer(backwards)
    places = [place * UNITS for place in reversed(range(sizes))]
    return graph.node("Concat", *(graph.slice(whole, start, start + UNITS, axis=1) for start in places), axis=1)


def split(graph: Graph, array: Any, name: str) -> str:
    """Gates in the reverse order, which are split and concatenated."""
    gates = array.shape[1] // UNITS
    backwards = np.concatenate(np.split(array, gates, axis=1)[::-1], axis=1)
    parts = graph.split(graph.constant(backwards), [UNITS] * gates, axis=1)
    return graph.node("Concat", *reversed(parts), axis=1)


def reshaped(graph: Graph, array: Any, name: str) -> str:
    """A flat Constant that is reshaped."""
    return graph.node("Reshape", graph.constant(array.ravel()), graph.constant(np.int64(array.shape)))


def squeezed(graph: Graph, array: Any, name: str) -> str:
    """A Constant with an axis too many."""
    return graph.axes("Squeeze", graph.constant(array[:, None, None]), [1, 2])


def cast(graph: Graph, array: Any, name: str) -> str:
    """Weights in float16, which the values have been rounded to, as conversions to float16 write them."""
    return graph.node("Cast", graph.initializer(array.astype(np.float16)), to=1)


def gathered(graph: Graph, array: Any, name: str) -> str:
    """Rows in the reverse order, which are gathered."""
    rows = graph.constant(np.arange(array.shape[1])[::-1].astype(np.int64))
    return graph.node("Gather", graph.initializer(array[:, ::-1]), rows, axis=1)


def fed(graph: Graph, array: Any, name: str) -> str:
    """An input of the file."""
    return graph.input(name, array.shape, array.dtype)


Way = Callable[[Graph, Any, str], str]
WAYS: dict[str, Way] = {
    "initializer": lambda graph, array, name: graph.initializer(array, name),
    "constant": lambda graph, array, name: graph.constant(array),
    "identity": lambda graph, array, name: graph.node("Identity", graph.initializer(array)),
    **{way.__name__: way for way in (unsqueezed, transposed, sliced, split, reshaped, squeezed, cast, gathered, fed)},
}

# --- one file ------------------------------------------------------------------------------------------------


def arrays_of(name: str, case: Case) -> Arrays:
    """Return all inputs of the node."""
    rng, gates = seeded(name), GATES[case.operator]
    directions = 2 if case.attributes.get("direction") == "bidirectional" else 1
    batch_first = case.attributes.get("layout", 0) == 1
    state = (BATCH, directions, UNITS) if batch_first else (directions, BATCH, UNITS)
    shapes = {
        "X": (BATCH, STEPS, FEATURES) if batch_first else (STEPS, BATCH, FEATURES),
        "W": (directions, gates * UNITS, FEATURES),
        "R": (directions, gates * UNITS, UNITS),
        "B": (directions, 2 * gates * UNITS),
        "initial_h": state,
        "initial_c": state,
        "P": (directions, 3 * UNITS),
    }
    found = {key: (case.scale * 0.6 * rng.standard_normal(shape)).astype(case.dtype) for key, shape in shapes.items()}
    if case.weights == "cast":
        found |= {key: found[key].astype(np.float16).astype(case.dtype) for key in WEIGHTS}
    found["sequence_lens"] = np.int32(case.lengths)
    return {key: array for key, array in found.items() if key in ("X", "W", "R", *case.inputs)}


def graph_of(case: Case, arrays: Arrays) -> tuple[Graph, Arrays]:
    """Return the file's graph and what it is fed."""
    graph, x = Graph(case.opset), {}
    names: list[str] = []
    for key in ("X", "W", "R", *OPTIONAL[case.operator]):
        array = arrays.get(key)
        if array is None:
            names.append("")
            continue
        way = case.weights if key in WEIGHTS else "fed" if case.fed or key == "X" else "initializer"
        names.append(WAYS[way](graph, array, key))
        if way == "fed":
            x[key] = array
    while not names[-1]:
        names.pop()
    given = case.outputs or OUTPUTS[case.operator]
    outputs = [key if key in given else "" for key in OUTPUTS[case.operator]]
    while not outputs[-1]:
        outputs.pop()
    attributes = {"hidden_size": UNITS, **case.attributes}
    graph.node(case.operator, *names, outputs=outputs, **attributes)
    for key in filter(None, outputs):
        graph.output(key, dtype=case.dtype)
    return graph, x


def write(folder: Folder, name: str, case: Case) -> None:
    """Write one case."""
    arrays = arrays_of(name, case)
    graph, x = graph_of(case, arrays)
    said = {"operator": case.operator, "departure": case.departure, "undefined": ""}
    try:
        text = by_text(case.operator, dict(arrays), dict(case.attributes))
        kept = case.outputs or tuple(text)
        folder.add(name, graph.model(), x, text={key: text[key] for key in kept}, **said)
    except UndefinedError as error:
        folder.add(name, graph.model(), x, **{**said, "undefined": str(error)})


# --- the table -----------------------------------------------------------------------------------------------

DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
ALPHA, BETA = "activation_alpha", "activation_beta"
FUNCTIONS: dict[str, tuple[dict[str, float], str]] = {
    "Relu": ({}, ""),
    "Tanh": ({}, ""),
    "Sigmoid": ({}, ""),
    "Affine": ({ALPHA: 0.7, BETA: 0.1}, "Affine is 0 by default"),
    "LeakyRelu": ({ALPHA: 0.3}, ""),
    "ThresholdedRelu": ({ALPHA: 0.4}, "ThresholdedRelu's alpha is 0 by default"),
    "ScaledTanh": ({ALPHA: 1.3, BETA: 0.6}, "ScaledTanh is 0 by default"),
    "HardSigmoid": ({ALPHA: 0.4, BETA: 0.6}, ""),
    "Elu": ({ALPHA: 0.5}, ""),
    "Softsign": ({}, ""),
    "Softplus": ({}, ""),
}
"""Values of alpha and beta that are not the default, and how ONNX Runtime departs where none is given."""
CLIP = "clip is not applied to the input of h"
ZERO_LENGTH = "a sequence of no steps ends in 0, not in its initial state"
LAYOUT = "layout 1 is refused"
DOUBLE = "double is refused"
NO_SIZE = "hidden_size is demanded"
ANY_CASE = "RNN refuses names in another case"


PER_DIRECTION: dict[str, dict[str, Any]] = {
    "LSTM": {
        "activations": ["Sigmoid", "Tanh", "Elu", "HardSigmoid", "Softsign", "LeakyRelu"],
        ALPHA: [0.6, 0.3, 0.25],
        BETA: [0.45],
    },
    "GRU": {"activations": ["Sigmoid", "Elu", "Softsign", "LeakyRelu"], ALPHA: [0.6, 0.25]},
    "RNN": {"activations": ["Elu", "LeakyRelu"], ALPHA: [0.6, 0.25]},
}


def functions_of(operator: str) -> dict[str, Case]:
    """Return a case for every function, given as the last one of the operator, with and without alpha and beta."""
    first = DEFAULTS[operator][:-1]
    found = {}
    for name, (values, departure) in FUNCTIONS.items():
        key = f"{operator.lower()}_{name.lower()}"
        attributes = {"activations": [*first, name]}
        if values:
            given = {attribute: [value] for attribute, value in values.items()}
            found[f"{key}_given"] = Case(operator, attributes | given)
        found[key] = Case(operator, attributes, departure=departure)
    return found


def common(operator: str) -> dict[str, Case]:
    """Return what all three operators have."""
    states = tuple(key for key in OPTIONAL[operator] if key.startswith("initial"))
    lengths = ("B", "sequence_lens")
    both = {"direction": "bidirectional"}
    every = OPTIONAL[operator]
    clip = CLIP if operator == "LSTM" else ""
    cases = {
        "plain": Case(operator),
        "no_bias": Case(operator, inputs=()),
        "states": Case(operator, inputs=("B", *states)),
        "states_constant": Case(operator, inputs=("B", *states), fed=False),
        "lengths": Case(operator, inputs=lengths),
        "lengths_constant": Case(operator, inputs=lengths, fed=False),
        "lengths_no_bias": Case(operator, inputs=("sequence_lens",)),
        "zero_length": Case(operator, inputs=lengths, lengths=WITH_ZERO),
        "zero_length_states": Case(operator, inputs=(*lengths, *states), lengths=WITH_ZERO, departure=ZERO_LENGTH),
        "reverse": Case(operator, {"direction": "reverse"}, inputs=("B", *states)),
        "reverse_lengths": Case(operator, {"direction": "reverse"}, inputs=(*lengths, *states)),
        "bidirectional": Case(operator, both),
        "bidirectional_everything": Case(operator, both, inputs=every),
        "clip": Case(operator, {"clip": 0.4}, departure=clip),
        "clip_bidirectional": Case(operator, {"clip": 0.4, **both}, departure=clip),
        "layout": Case(operator, {"layout": 1}, inputs=("B", *states), departure=LAYOUT),
        "layout_bidirectional": Case(operator, {"layout": 1, **both}, inputs=every, departure=LAYOUT),
        "layout_0": Case(operator, {"layout": 0}),
        "only_y": Case(operator, outputs=("Y",)),
        "only_y_h": Case(operator, outputs=("Y_h",)),
        "float16": Case(operator, dtype="float16"),
        "double": Case(operator, dtype="float64", departure=DOUBLE),
        "opset_7": Case(operator, both, inputs=every, opset=7),
        "opset_14": Case(operator, both, inputs=every, opset=14),
        "names_in_any_case": Case(
            operator,
            {"activations": [name.upper() for name in DEFAULTS[operator][:-1]] + ["softSIGN"]},
            departure=ANY_CASE if operator == "RNN" else "",
        ),
        "functions_per_direction": Case(operator, {**both, **PER_DIRECTION[operator]}),
        "no_hidden_size": Case(operator, {"hidden_size": None}, departure=NO_SIZE),
    }
    ways = {f"weights_{way}": Case(operator, both, weights=way) for way in WAYS if way != "initializer"}
    old = {f"{key}_opset_7": Case(operator, both, weights=way, opset=7) for key, way in OLD_WAYS.items()}
    return {f"{operator.lower()}_{key}": case for key, case in {**cases, **ways, **old}.items()}


OLD_WAYS = {f"weights_{way}": way for way in ("unsqueezed", "transposed", "sliced", "split", "squeezed")}
"""Whose operators had other attributes once."""

LSTM_ONLY = {
    "lstm_initial_h_alone": Case("LSTM", inputs=("B", "initial_h")),
    "lstm_initial_c_alone": Case("LSTM", inputs=("B", "initial_c")),
    "lstm_peepholes": Case("LSTM", inputs=("B", "P")),
    "lstm_peepholes_no_bias": Case("LSTM", inputs=("P",)),
    "lstm_peepholes_bidirectional": Case("LSTM", {"direction": "bidirectional"}, inputs=("B", "P")),
    "lstm_peepholes_clip": Case("LSTM", {"clip": 0.4}, inputs=("B", "P"), departure=CLIP),
    "lstm_everything": Case("LSTM", inputs=OPTIONAL["LSTM"]),
    "lstm_everything_constant": Case("LSTM", inputs=OPTIONAL["LSTM"], fed=False),
    "lstm_everything_fed": Case("LSTM", inputs=OPTIONAL["LSTM"], weights="fed"),
    "lstm_coupled": Case("LSTM", {"input_forget": 1}),
    "lstm_coupled_peepholes": Case("LSTM", {"input_forget": 1}, inputs=("B", "P", "initial_c")),
    "lstm_coupled_bidirectional": Case("LSTM", {"input_forget": 1, "direction": "bidirectional"}),
    "lstm_not_coupled": Case("LSTM", {"input_forget": 0}),
    "lstm_only_y_c": Case("LSTM", outputs=("Y_c",)),
    "lstm_y_and_y_c": Case("LSTM", outputs=("Y", "Y_c")),
    "lstm_y_h_and_y_c": Case("LSTM", outputs=("Y_h", "Y_c")),
    "lstm_hard_sigmoid_gates": Case("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"]}),
    "lstm_hard_sigmoid_keras_3": Case(
        "LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"], ALPHA: [1 / 6], BETA: [0.5]}
    ),
    "lstm_hard_sigmoid_alpha_alone": Case("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"], ALPHA: [0.4]}),
    "lstm_values_in_order": Case("LSTM", {"activations": ["Sigmoid", "Elu", "LeakyRelu"], ALPHA: [0.6, 0.2]}),
    "lstm_values_of_three": Case(
        "LSTM", {"activations": ["HardSigmoid", "ScaledTanh", "Affine"], ALPHA: [0.3, 1.2, 0.7], BETA: [0.4, 0.8, 0.05]}
    ),
    "lstm_relu_cell": Case("LSTM", {"activations": ["Sigmoid", "Relu", "Relu"]}, scale=0.7),
    "lstm_clip_never_reached": Case("LSTM", {"clip": 1000.0}),
    "lstm_clip_relu": Case("LSTM", {"clip": 0.2, "activations": ["Sigmoid", "Relu", "Relu"]}, scale=2, departure=CLIP),
    "lstm_values_too_many": Case(
        "LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"], ALPHA: [0.3, 5.0, 6.0], BETA: [0.4, 7.0, 8.0]}
    ),
}
GRU_ONLY = {
    f"gru_linear_before_reset{suffix}": Case(
        "GRU", {"linear_before_reset": 1, **attributes}, inputs, departure=LAYOUT if "layout" in attributes else ""
    )
    for suffix, attributes, inputs in [
        ("", {}, ("B",)),
        ("_no_bias", {}, ()),
        ("_states", {}, ("B", "initial_h")),
        ("_reverse", {"direction": "reverse"}, ("B",)),
        ("_bidirectional_everything", {"direction": "bidirectional"}, OPTIONAL["GRU"]),
        ("_clip", {"clip": 0.4}, ("B",)),
        ("_layout", {"layout": 1}, ("B",)),
        ("_functions", {"activations": ["HardSigmoid", "Softsign"], ALPHA: [0.3], BETA: [0.4]}, ("B",)),
    ]
}
GRU_ONLY |= {
    "gru_reset_before": Case("GRU", {"linear_before_reset": 0}),
    "gru_hard_sigmoid_gates": Case("GRU", {"activations": ["HardSigmoid", "Tanh"]}),
}

CASES: dict[str, Case] = {
    **{name: case for operator in GATES for name, case in (functions_of(operator) | common(operator)).items()},
    **LSTM_ONLY,
    **GRU_ONLY,
}


def build(folder: Folder) -> None:
    """Write all cases."""
    for name, case in CASES.items():
        write(folder, name, case)


if __name__ == "__main__":
    main(build)

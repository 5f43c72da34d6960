"""Small ONNX files, made by hand with `onnx.helper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES, UNITS, OPSET = 3, 4, 17
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def model_of(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any] | None],
    outputs: Sequence[str],
    constants: Mapping[str, np.ndarray[Any, Any]],
    opset: int = OPSET,
) -> Any:
    """A model of some nodes whose inputs are float32."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )


def weights_of(op: str, directions: int = 1, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """W, R and B of a recurrent operator."""
    random, gates = np.random.default_rng(seed), GATES[op]
    shapes = {"W": (gates * UNITS, FEATURES), "R": (gates * UNITS, UNITS), "B": (2 * gates * UNITS,)}
    return {name: random.uniform(-0.8, 0.8, (directions, *shape)).astype(np.float32) for name, shape in shapes.items()}


def one_operator(op: str, directions: int = 1, **attributes: Any) -> Any:
    """A model that is one recurrent operator, (timesteps, samples, features)."""
    outputs = ["Y", "Y_h", "Y_c"][: 3 if op == "LSTM" else 2]
    node = helper.make_node(op, ["X", "W", "R", "B"], outputs, name=op.lower(), hidden_size=UNITS, **attributes)
    return model_of([node], {"X": ["timesteps", "samples", FEATURES]}, outputs, weights_of(op, directions))


def save(model: Any, path: Any) -> Any:
    """Write a model; the path again."""
    onnx.save(model, str(path))
    return path

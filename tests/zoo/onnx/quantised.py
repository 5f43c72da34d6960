"""Quantised files: what ONNX Runtime's tools make of float networks, and the operators for it, one in a file each.

Of the networks ``NAME.origin.npz`` has the outputs of the float file, ``FLOAT.onnx``, by the operators' text; how far
ONNX Runtime is off is how much quantisation costs. ``NAME.unoptimised.npz`` is without its optimisations, one of which
multiplies by weights in int8 that have one scale with the activations in int8 too (MatMulNBits).
Of the operators ``NAME.text.npz`` has what `tests.oracle_quantised` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from tests import oracle_quantised
from tests.oracle_quantised import dynamic_quantise, quantise
from tests.zoo.onnx.made import BATCH, FEATURES, STEPS, UNITS, Cell, Made, sequence, write
from tests.zoo.onnx.shapes import FREE, dense, multiplied, network
from tests.zoo.onnx.writing import Arrays, Folder, Graph, main, run, seeded

# --- networks ------------------------------------------------------------------------------------------------------


def stacked() -> Made:
    """Return two LSTM, a Dense layer with relu and a Dense layer."""
    first, second, graph = Cell.drawn("quantised_1"), Cell.drawn("quantised_2", features=UNITS), Graph(17)
    (inner, inner_bias), (kernel, bias) = dense("inner", units=6), dense("outer", features=6)
    turned = graph.node("Transpose", graph.input("x", FREE), perm=[1, 0, 2])
    y = graph.axes("Squeeze", first.node(graph, turned)[0], [1])
    last = graph.axes("Squeeze", second.node(graph, y)[1], [0])
    product = graph.node("MatMul", last, graph.initializer(inner, "inner/kernel"))
    hidden = graph.node("Relu", graph.node("Add", product, graph.initializer(inner_bias, "inner/bias")))
    weights = graph.initializer(kernel, "outer/kernel"), graph.initializer(bias, "outer/bias")
    graph.node("Gemm", hidden, *weights, outputs=["y"])
    graph.output("y", ("batch", 2))
    array = sequence("quantised", BATCH, STEPS, FEATURES)
    text = second.text(first.text(np.swapaxes(array, 0, 1))["Y"])["Y_h"]
    found = multiplied(np.maximum(multiplied(text, inner, inner_bias), 0), kernel, bias)
    return Made(graph.model(), {"x": array}, {"y": found})


NETWORKS: dict[str, Callable[[], Made]] = {
    **{kind.lower(): partial(network, 17, kind=kind, y_shape=("batch", 2)) for kind in ("LSTM", "GRU", "RNN")},
    "stacked": stacked,
}


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """The data that ranges are measured with: the inputs of the entry, sample by sample."""

    def __init__(self, x: Arrays) -> None:
        self.samples: Iterator[Arrays] = iter(
            [{name: array[n : n + 1] for name, array in x.items()} for n in range(BATCH)]
        )

    def get_next(self) -> Arrays | None:
        return next(self.samples, None)


Convert = Callable[[Path, Path, Arrays], object]


def dynamic(weight_type: QuantType, per_channel: bool, source: Path, target: Path, x: Arrays) -> None:
    """Quantise the weights beforehand, and the activations as they come."""
    options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(source, target, per_channel=per_channel, weight_type=weight_type, extra_options=options)


def static(form: QuantFormat, kind: QuantType, per_channel: bool, source: Path, target: Path, x: Arrays) -> None:
    """Quantise weights and activations with ranges that are measured beforehand."""
    quantize_static(
        source,
        target,
        Calibration(x),
        quant_format=form,
        per_channel=per_channel,
        activation_type=kind,
        weight_type=kind if form == QuantFormat.QDQ else QuantType.QInt8,
    )


def float16(inside_alone: bool, source: Path, target: Path, x: Arrays) -> None:
    """Convert to float16, inputs and outputs too or not."""
    onnx.save(convert_float_to_float16(onnx.load(str(source)), keep_io_types=inside_alone), str(target))


def weights_in_float16(source: Path, target: Path, x: Arrays) -> None:
    """Store the weights in float16, each with a Cast behind it."""
    rewritten(source, target, np.float16, lambda graph, array, name: cast(graph, array, name))


def weights_in_int8(per_axis: bool, source: Path, target: Path, x: Arrays) -> None:
    """Store the weights in int8, each with a DequantizeLinear behind it, of one scale or of one for each row."""
    rewritten(source, target, np.int8, partial(dequantised, per_axis))


def cast(graph: Graph, array: Any, name: str) -> None:
    """Add a weight in float16 and its Cast."""
    graph.node("Cast", graph.initializer(array.astype(np.float16), f"{name}_half"), outputs=[name], to=1)


def dequantised(per_axis: bool, graph: Graph, array: Any, name: str) -> None:
    """Add a weight in int8 and its DequantizeLinear."""
    axis = array.ndim - 2 if per_axis and array.ndim > 1 else None
    others = None if axis is None else tuple(place for place in range(array.ndim) if place != axis)
    scale = np.float32(np.abs(array).max(axis=others, keepdims=True) / 127)
    quantised = np.clip(np.round(array / scale), -127, 127).astype(np.int8)
    scales = scale.ravel() if axis is not None else scale.reshape(())
    said = {} if axis is None else {"axis": axis}
    tensors = graph.initializer(quantised, f"{name}_int8"), graph.initializer(scales, f"{name}_scale")
    graph.node("DequantizeLinear", *tensors, outputs=[name], **said)


def rewritten(source: Path, target: Path, dtype: Any, put: Callable[[Graph, Any, str], None]) -> None:
    """Put every weight into a file in another way."""
    model = onnx.load(str(source))
    graph = Graph(17, "weights")
    for tensor in model.graph.initializer:
        put(graph, numpy_helper.to_array(tensor), tensor.name)
    nodes = [*graph.nodes, *model.graph.node]
    for field, values in ((model.graph.initializer, graph.initializers), (model.graph.node, nodes)):
        del field[:]
        field.extend(values)
    onnx.save(model, str(target))


INT8, UINT8 = QuantType.QInt8, QuantType.QUInt8
WAYS: dict[str, Convert] = {
    "dynamic_int8": partial(dynamic, INT8, False),
    "dynamic_uint8": partial(dynamic, UINT8, False),
    "dynamic_int8_per_channel": partial(dynamic, INT8, True),
    "dynamic_uint8_per_channel": partial(dynamic, UINT8, True),
    "qdq_int8": partial(static, QuantFormat.QDQ, INT8, False),
    "qdq_uint8": partial(static, QuantFormat.QDQ, UINT8, False),
    "qdq_int8_per_channel": partial(static, QuantFormat.QDQ, INT8, True),
    "qoperator": partial(static, QuantFormat.QOperator, UINT8, False),
    "float16": partial(float16, False),
    "float16_inside": partial(float16, True),
    "weights_float16": weights_in_float16,
    "weights_int8": partial(weights_in_int8, False),
    "weights_int8_per_axis": partial(weights_in_int8, True),
}

# --- operators -----------------------------------------------------------------------------------------------------

HALVES = np.float32([[-3.0, -2.5, -1.5, -0.5, 0.0], [0.5, 1.5, 2.5, 200.0, -200.0]])
"""With a scale of 1 these are to be rounded to even, and cut off."""
Operators = dict[str, Callable[[], Made]]


def operator(name: str, x: Arrays, constants: list[Any], text: Arrays, **attributes: Any) -> Made:
    """Return a file of one operator, whose first inputs are fed."""
    graph = Graph(21)
    fed = [graph.input(key, array.shape, array.dtype) for key, array in x.items()]
    given = [graph.initializer(array) for array in constants]
    graph.node(name, *fed, *given, outputs=list(text), **attributes)
    for key, array in text.items():
        graph.output(key, None, array.dtype)
    return Made(graph.model(), x, text)


def quantize_linear(dtype: Any, zero: int, scale: float = 1.0) -> Made:
    """Return QuantizeLinear of one scale."""
    constants = [np.float32(scale), np.asarray(zero, dtype)]
    return operator("QuantizeLinear", {"x": HALVES}, constants, {"y": quantise(HALVES, *constants)})


def quantize_linear_per_axis() -> Made:
    """Return QuantizeLinear of one scale for each column."""
    scale, zero = np.float32([0.5, 1, 2, 0.1, 0.3]), np.int8([0, 1, -1, 5, -7])
    return operator("QuantizeLinear", {"x": HALVES}, [scale, zero], {"y": quantise(HALVES, scale, zero)}, axis=1)


def dequantize_linear(dtype: Any, per_axis: bool) -> Made:
    """Return DequantizeLinear, of one scale or of one for each row."""
    x = seeded("dequantise").integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (2, 5)).astype(dtype)
    scale, zero = np.float32([0.5, 0.03]), np.asarray([3, 2], dtype)
    if not per_axis:
        y = (x.astype(np.float32) - np.float32(zero[0])) * scale[0]
        return operator("DequantizeLinear", {"x": x}, [scale[0], zero[0]], {"y": y})
    y = (x.astype(np.float32) - np.float32(zero)[:, None]) * scale[:, None]
    return operator("DequantizeLinear", {"x": x}, [scale, zero], {"y": y}, axis=0)


def dynamic_quantize_linear(x: Any) -> Made:
    """Return DynamicQuantizeLinear."""
    y, scale, zero = dynamic_quantise(x)
    return operator("DynamicQuantizeLinear", {"x": x}, [], {"y": y, "scale": scale, "zero": zero})


def dynamic_quantize_lstm(dtype: Any, per_channel: bool, states: bool) -> Made:
    """Return DynamicQuantizeLSTM of one direction, with its states as inputs or without."""
    rng, graph, width = seeded(f"dynamic lstm {dtype.__name__} {per_channel}"), Graph(17), 4 * UNITS
    limits = np.iinfo(dtype)
    W, R = (rng.integers(limits.min, limits.max, (1, rows, width)).astype(dtype) for rows in (FEATURES, UNITS))
    shape = (1, width) if per_channel else (1,)
    scales = [rng.uniform(0.003, 0.006, shape).astype(np.float32) for _ in range(2)]
    middle = 128 if dtype is np.uint8 else 0  # of one for each channel ONNX Runtime allows the middle alone
    spread = 0 if per_channel else 10
    zeros = [rng.integers(middle - spread, middle + spread + 1, shape).astype(dtype) for _ in range(2)]
    B = (0.4 * rng.standard_normal((1, 2 * width))).astype(np.float32)
    x = graph.input("X", ("time", "batch", FEATURES))
    given = {key: sequence(key, 1, BATCH, UNITS) for key in ("initial_h", "initial_c")} if states else {}
    names = [graph.input(key, (1, "batch", UNITS)) for key in given] or ["", ""]
    weights = [graph.initializer(array) for array in (W, R, B)]
    ends = [graph.initializer(array) for array in (scales[0], zeros[0], scales[1], zeros[1])]
    outputs, said = ["Y", "Y_h", "Y_c"], {"domain": MICROSOFT, "hidden_size": UNITS}
    graph.node("DynamicQuantizeLSTM", x, *weights, "", *names, "", *ends, outputs=outputs, **said)
    for key in outputs:
        graph.output(key)
    array = sequence("dynamic lstm")
    first = given or dict.fromkeys(("initial_h", "initial_c"), np.zeros((1, BATCH, UNITS)))
    text = oracle_quantised.dynamic_quantize_lstm(array, W, R, B, tuple(scales), tuple(zeros), **first)
    return Made(graph.model(domains={MICROSOFT: 1}), {"X": array, **given}, text)


def matmul_integer(left: Any, right: Any, zeros: tuple[Any, ...]) -> Made:
    """Return MatMulInteger of two types, with zero points or without."""
    rng = seeded("matmul_integer")
    a, b = (
        rng.integers(np.iinfo(t).min, np.iinfo(t).max, shape).astype(t)
        for t, shape in ((left, (4, 3)), (right, (3, 5)))
    )
    minus = [np.int32(zero) for zero in zeros] or [0, 0]
    y = (a.astype(np.int32) - minus[0]) @ (b.astype(np.int32) - minus[1])
    return operator("MatMulInteger", {"a": a}, [b, *zeros], {"y": y.astype(np.int32)})


def qlinear_matmul() -> Made:
    """Return QLinearMatMul."""
    rng = seeded("qlinear")
    a, b = rng.integers(0, 255, (4, 3)).astype(np.uint8), rng.integers(-128, 127, (3, 5)).astype(np.int8)
    scales, zeros = np.float32([0.02, 0.03, 0.05]), (np.uint8(120), np.int8(3), np.uint8(130))
    product = (np.int32(a) - np.int32(zeros[0])) @ (np.int32(b) - np.int32(zeros[1]))
    y = quantise(product * np.float64(scales[0]) * scales[1], scales[2], zeros[2])
    constants = [scales[0], zeros[0], b, scales[1], zeros[1], scales[2], zeros[2]]
    return operator("QLinearMatMul", {"a": a}, constants, {"y": y})


MICROSOFT = "com.microsoft"
OPERATORS: Operators = {
    **{
        f"dynamic_quantize_lstm_{dtype.__name__}{'_per_channel' * per_channel}{'_states' * states}": partial(
            dynamic_quantize_lstm, dtype, per_channel, states
        )
        for dtype in (np.int8, np.uint8)
        for per_channel in (False, True)
        for states in (False, True)
    },
    "quantize_linear_uint8": partial(quantize_linear, np.uint8, 128),
    "quantize_linear_int8": partial(quantize_linear, np.int8, 0),
    "quantize_linear_int8_zero": partial(quantize_linear, np.int8, 3, 0.25),
    "quantize_linear_int16": partial(quantize_linear, np.int16, -5, 0.01),
    "quantize_linear_per_axis": quantize_linear_per_axis,
    "dequantize_linear_uint8": partial(dequantize_linear, np.uint8, False),
    "dequantize_linear_int8": partial(dequantize_linear, np.int8, False),
    "dequantize_linear_per_axis": partial(dequantize_linear, np.int8, True),
    "dynamic_quantize_linear": partial(dynamic_quantize_linear, sequence("dynamic", 4, 5)),
    "dynamic_quantize_linear_positive": partial(dynamic_quantize_linear, np.float32([[1, 2, 3.5]])),
    "dynamic_quantize_linear_negative": partial(dynamic_quantize_linear, np.float32([[-1, -2, -3.5]])),
    "dynamic_quantize_linear_halves": partial(dynamic_quantize_linear, np.float32([[0, 255, 0.5, 1.5, 2.5, 3.5]])),
    "matmul_integer": partial(matmul_integer, np.uint8, np.int8, (np.uint8(7), np.int8(-3))),
    "matmul_integer_no_zeros": partial(matmul_integer, np.uint8, np.uint8, ()),
    "matmul_integer_per_column": partial(matmul_integer, np.uint8, np.int8, (np.uint8(7), np.int8([1, -2, 3, 0, 5]))),
    "qlinear_matmul": qlinear_matmul,
}


def build(folder: Folder) -> None:
    """Write the operators, the networks in float32, and what they are converted to."""
    write(folder, {f"operator_{name}": make for name, make in OPERATORS.items()})
    for network_name, make in NETWORKS.items():
        made = make()
        write(folder, {network_name: lambda made=made: made})  # type: ignore[misc]
        for way, convert in WAYS.items():
            name = f"{network_name}_{way}"
            convert(folder.file(network_name), folder.file(name), made.x)
            x = {key: array.astype(np.float16) for key, array in made.x.items()} if way == "float16" else made.x
            folder.add(name, None, x, origin=made.text, float=network_name, way=way)
            y = run(folder.file(name), x, optimised=False)
            np.savez(folder.file(name, ".unoptimised.npz"), **y)


if __name__ == "__main__":
    main(build)

"""Exports with one injected fault each: what a wrong converter would have written.

The honest export is ``NAME.honest.onnx``; ``NAME.origin.npz`` has the predictions of the framework that it comes from,
whose file is beside it where that is Keras. ``fault`` in the index is named as in `lstm_verify.faults`; where that has
no such fault, it is ``other``. ``REAL`` are mistakes that exporters make on their own.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.building import RECIPES, built
from tests.zoo.onnx import editing
from tests.zoo.onnx.editing import BIAS, Edit, File
from tests.zoo.onnx.writing import Folder, main, one_line

VISIBLE = 1e-4
"""How far the predictions must be off, at least."""
KERAS, TF2ONNX, TF_KERAS = "keras export", "keras tf2onnx", "tf_keras tf2onnx"
DYNAMO, TORCHSCRIPT = "torch dynamo", "torch torchscript"


@dataclass(frozen=True)
class Fault:
    """A fault in one export."""

    name: str
    model: str
    """The row of the table of exports."""
    exporter: str
    """The framework and the exporter."""
    edit: Edit
    file_says: str = ""
    """What the honest file has."""
    behaves_as: str = ""
    """What the faulty one has."""

    @property
    def source(self) -> tuple[Path, str]:
        """The folder of the honest export, and its name."""
        framework, exporter = self.exporter.split()
        return built(RECIPES[f"onnx_exports_{framework}"]), f"{self.model}_{exporter}"


def in_float16(array: Any) -> Any:
    return array.astype(np.float16)


def in_bfloat16(array: Any) -> Any:
    """Round to nearest even by the bits."""
    bits = np.float32(array).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def in_int8(array: Any) -> Any:
    scale = np.abs(array).max() / 127
    return np.round(array / scale) * scale


def noisy(array: Any) -> Any:
    """Another checkpoint of the same training."""
    return array + 0.05 * np.random.default_rng(0).standard_normal(array.shape)


def fresh_bias(array: Any) -> Any:
    """The bias that Keras begins with, in the order i, o, f, c: one for the forget gate."""
    fresh = np.zeros_like(array)
    units = array.shape[1] // 8
    fresh[:, 2 * units : 3 * units] = 1
    return fresh


def reshaped(part: Any) -> Any:
    """A gate's kernel that is read in the order of its memory where it should be transposed."""
    return part.ravel().reshape(part.shape[::-1]).T


GATE_ORDERS = [
    ("lstm", KERAS, "iofc", "ifco", "Keras' own order"),
    ("lstm", KERAS, "iofc", "icfo", "TensorFlow 1"),
    ("lstm", TORCHSCRIPT, "iofc", "ifco", "PyTorch's own order"),
    ("bidirectional", DYNAMO, "iofc", "ifco", "PyTorch's own order"),
    ("stacked", TF2ONNX, "iofc", "fico", "OpenVINO"),
    ("lstm_sequences", DYNAMO, "iofc", "ifoc", "MIOpen, CoreML"),
    ("gru", DYNAMO, "zrh", "rzh", "PyTorch's own order"),
    ("gru", TF_KERAS, "zrh", "rzh", "PyTorch, cuDNN"),
]
FAULTS: list[Fault] = [
    *(
        Fault("gate_order", model, exporter, editing.reordered(own, order), own, f"{order}: {who}")
        for model, exporter, own, order, who in GATE_ORDERS
    ),
    Fault("gate_order", "lstm", TF2ONNX, editing.reordered("iofc", "ifco", (1, 2)), "iofc", "ifco, but for the bias"),
    Fault("gate_order", "gru", TORCHSCRIPT, editing.reordered("zrh", "rzh", (3,)), "zrh", "rzh, the bias alone"),
    Fault("bias", "lstm", KERAS, editing.scaled(BIAS, 0), "as it is", "zero"),
    Fault("bias", "lstm_sequences", TF_KERAS, editing.scaled(BIAS, 2), "as it is", "twice"),
    Fault("bias", "lstm", TORCHSCRIPT, editing.scaled(BIAS, [1] * 4 + [0] * 4), "both biases", "without the recurrent"),
    Fault(
        "bias", "stacked", DYNAMO, editing.scaled(BIAS, [0] * 4 + [1] * 4), "both biases", "without that of the input"
    ),
    Fault("bias", "gru", DYNAMO, editing.recurrent_bias_outside, "recurrent, inside", "outside of the reset gate"),
    Fault("bias", "lstm", TF2ONNX, editing.weight(1, np.zeros_like, "Add", node=-1), "of Dense", "zero"),
    Fault("forget_bias", "lstm", KERAS, editing.added(2, 1.0), "0", "1"),
    Fault("forget_bias", "lstm_sequences", TORCHSCRIPT, editing.added(2, -1.0), "0", "-1"),
    Fault("reset_after", "gru", DYNAMO, editing.with_attributes(linear_before_reset=0), "true", "false"),
    Fault("reset_after", "gru", TF_KERAS, editing.with_attributes(linear_before_reset=None), "true", "false"),
    Fault(
        "reset_after", "bidirectional_gru", TORCHSCRIPT, editing.with_attributes(linear_before_reset=0), "true", "false"
    ),
    Fault("update_gate_inverted", "gru", TORCHSCRIPT, editing.update_gate_inverted, "z", "1 - z"),
    Fault(
        "directions_swapped",
        "bidirectional",
        TF2ONNX,
        editing.directions_swapped,
        "forward, backward",
        "backward, forward",
    ),
    Fault(
        "directions_swapped",
        "bidirectional_gru",
        DYNAMO,
        editing.directions_swapped,
        "forward, backward",
        "backward, forward",
    ),
    Fault(
        "directions_swapped",
        "bidirectional",
        TORCHSCRIPT,
        editing.halves_swapped,
        "forward, then backward",
        "backward, then forward",
    ),
    Fault("merge_mode", "bidirectional_sum", TF2ONNX, editing.replaced("Add", "Mul"), "sum", "mul"),
    Fault("direction", "backwards", KERAS, editing.dropped("ReverseSequence"), "backwards", "forwards"),
    Fault("direction", "lstm", DYNAMO, editing.with_attributes(direction="reverse"), "forwards", "backwards"),
    Fault("backward_order", "backwards", TF2ONNX, editing.output_flipped, "as processed", "as the sequence"),
    Fault(
        "recurrent_activation", "lstm", KERAS, editing.activations("HardSigmoid"), "sigmoid", "hard_sigmoid(slope=0.2)"
    ),
    Fault(
        "recurrent_activation",
        "hard_sigmoid",
        TF_KERAS,
        editing.activations(None, alpha=1 / 6),
        "hard_sigmoid(slope=0.2)",
        "hard_sigmoid(slope=0.166667)",
    ),
    Fault(
        "recurrent_activation",
        "hard_sigmoid",
        TF_KERAS,
        editing.activations("Sigmoid"),
        "hard_sigmoid(slope=0.2)",
        "sigmoid",
    ),
    Fault(
        "recurrent_activation",
        "hard_sigmoid",
        DYNAMO,
        editing.of_all("HardSigmoid", alpha=None),
        "hard_sigmoid(slope=0.166667)",
        "hard_sigmoid(slope=0.2)",
    ),
    Fault(
        "recurrent_activation",
        "hard_sigmoid",
        KERAS,
        editing.slope_changed,
        "hard_sigmoid(slope=0.166667)",
        "hard_sigmoid(slope=0.2)",
    ),
    Fault("activation", "relu", TF2ONNX, editing.with_attributes(activations=None), "relu", "tanh"),
    Fault(
        "activation",
        "lstm",
        TORCHSCRIPT,
        editing.with_attributes(activations=["Sigmoid", "Tanh", "Softsign"]),
        "tanh",
        "softsign, of the cell's output",
    ),
    Fault("activation", "simple_rnn_relu", TORCHSCRIPT, editing.with_attributes(activations=["Tanh"]), "relu", "tanh"),
    Fault("activation", "simple_rnn", KERAS, editing.replaced("Tanh", "Relu"), "tanh", "relu"),
    Fault("activation", "seq2seq", TF2ONNX, editing.replaced("Softmax", "Sigmoid", axis=None), "softmax", "sigmoid"),
    Fault("clip", "lstm", TF2ONNX, editing.with_attributes(clip=0.5), "none", "0.5, of what goes into the gates"),
    Fault(
        "clip",
        "gru_sequences",
        TORCHSCRIPT,
        editing.with_attributes(clip=0.5),
        "none",
        "0.5, of what goes into the gates",
    ),
    Fault("coupled_gates", "lstm", DYNAMO, editing.with_attributes(input_forget=1), "f", "1 - i"),
    Fault("initial_state", "states", KERAS, editing.first_zero("h"), "given", "h is zero"),
    Fault("initial_state", "states", TORCHSCRIPT, editing.first_zero("hc"), "given", "zero"),
    Fault("initial_state", "seq2seq", DYNAMO, editing.first_zero("hc", place=1), "of the encoder", "zero"),
    Fault("state_order", "states", DYNAMO, editing.first_swapped(), "h, c", "c, h"),
    Fault("state_order", "seq2seq", TF2ONNX, editing.first_swapped(1), "h, c", "c, h"),
    Fault("time_steps", "lstm", KERAS, editing.steps(0, 1), "all", "the first alone"),
    Fault("time_steps", "gru", TORCHSCRIPT, editing.steps(0, -1), "all", "all but the last"),
    Fault(
        "recurrent_kernel_transposed",
        "lstm",
        TF2ONNX,
        editing.each_gate(2, np.transpose),
        "",
        "transposed, gate by gate",
    ),
    Fault(
        "recurrent_kernel_transposed", "gru", DYNAMO, editing.each_gate(2, np.transpose), "", "transposed, gate by gate"
    ),
    Fault("recurrent_kernel_dropped", "lstm_sequences", KERAS, editing.scaled(2, 0), "", "zero"),
    Fault("kernel_layout", "lstm", KERAS, editing.each_gate(1, reshaped), "transposed", "reshaped"),
    Fault("mask", "masked", TF2ONNX, editing.mask_ignored, "padded steps are skipped", "they are not"),
    Fault("mask", "masked", KERAS, editing.mask_ignored, "padded steps are skipped", "they are not"),
    Fault(
        "mask",
        "packed",
        TORCHSCRIPT,
        editing.without_lengths,
        "sequences have their lengths",
        "all are as long as the longest",
    ),
    Fault(
        "equal_shape_weights_swapped",
        "three_layers",
        DYNAMO,
        editing.swapped_with(2, 1, 2, 3, place=1),
        "",
        "rnn 1 and 2",
    ),
    Fault(
        "equal_shape_weights_swapped",
        "three_layers",
        TORCHSCRIPT,
        editing.swapped_with(2, 1, 2, 3, place=1),
        "",
        "rnn 1 and 2",
    ),
    Fault("initial_weights", "lstm", TF_KERAS, editing.weight(BIAS, fresh_bias), "as trained", "the bias as it began"),
    Fault(
        "other_weights",
        "stacked",
        TF2ONNX,
        editing.weight(1, noisy, node=1),
        "as trained",
        "of another checkpoint, in the second layer",
    ),
    Fault("weight_precision", "gru_sequences", TF_KERAS, editing.weights(in_float16), "float32", "float16"),
    Fault("weight_precision", "lstm", KERAS, editing.weights(in_bfloat16), "float32", "bfloat16"),
    Fault("weight_precision", "bidirectional", DYNAMO, editing.weights(in_int8), "float32", "int8"),
    Fault("epsilon", "normalised", DYNAMO, editing.of_all("LayerNormalization", epsilon=1e-3), "1e-05", "0.001"),
    Fault(
        "normalization",
        "normalised",
        TORCHSCRIPT,
        editing.weight(1, np.ones_like, "LayerNormalization"),
        "scaled",
        "not scaled",
    ),
    Fault(
        "kernel_flipped",
        "conv_lstm",
        DYNAMO,
        editing.weight(1, lambda array: array[..., ::-1], "Conv"),
        "",
        "flipped in time",
    ),
    Fault("padding_symmetric", "conv_lstm", TORCHSCRIPT, editing.of_all("Conv", pads=[2, 0]), "1 and 1", "2 and 0"),
]
REAL = [
    ("keras", "qkeras_gate_export", "recurrent_activation", "hard_sigmoid(slope=0.5)", "hard_sigmoid(slope=0.2)"),
    ("tf_keras", "qkeras_gate_tf2onnx", "recurrent_activation", "hard_sigmoid(slope=0.5)", "hard_sigmoid(slope=0.2)"),
    ("keras_torch", "any_length_export", "time_steps", "all", "the first alone"),
    ("torch", "any_length_dynamo_longer", "other", "any length", "the length of the example"),
    ("torch", "projected_dynamo", "other", "a projection", "refused by ONNX Runtime"),
]


def name_of(fault: Fault) -> str:
    """Return a name that says which fault is in which export."""
    return f"{fault.name}_{fault.model}_{fault.exporter.replace(' ', '_')}"


def write(folder: Folder, fault: Fault) -> None:
    """Write one fault.

    Raises:
        ValueError: it does not show.
    """
    source, honest = fault.source
    name = unique(folder, name_of(fault))
    model = onnx.load(str(source / f"{honest}.onnx"))
    onnx.save(model, str(folder.file(name, ".honest.onnx")))
    try:
        fault.edit(File(model))
    except Exception as error:
        error.add_note(name)
        raise
    said = beside(folder, name, source, fault.model)
    record = folder.add(
        name,
        model,
        arrays(source / f"{honest}.x.npz"),
        origin=arrays(source / f"{honest}.origin.npz"),
        fault=fault.name,
        file_says=fault.file_says,
        behaves_as=fault.behaves_as,
        framework=fault.exporter.split()[0],
        honest=f"{name}.honest.onnx",
        **said,
    )
    found = record["deviation"]["origin"]
    if not isinstance(found, float) or found < VISIBLE:
        folder.failed[name] = f"the fault does not show: {found}, {record['onnxruntime']}"


def unique(folder: Folder, name: str) -> str:
    """Return a name that no entry has."""
    places = (name, *(f"{name}_{number}" for number in range(2, 9)))
    return next(found for found in places if found not in folder.entries)


def arrays(path: Path) -> dict[str, Any]:
    """Return what is in an archive."""
    with np.load(path) as found:
        return dict(found)


def beside(folder: Folder, name: str, source: Path, model: str) -> dict[str, Any]:
    """Copy the file of Keras, if there is one."""
    path = source / f"{model}.keras"
    if not path.exists():
        return {"keras": None}
    shutil.copy(path, folder.file(name, ".keras"))
    return {"keras": f"{name}.keras"}


def write_real(folder: Folder, framework: str, entry: str, fault: str, file_says: str, behaves_as: str) -> None:
    """Write a mistake of an exporter, which the export itself has; there is no honest file."""
    source = built(RECIPES[f"onnx_exports_{framework}"])
    name = f"real_{entry}"
    x, origin = arrays(source / f"{entry}.x.npz"), arrays(source / f"{entry}.origin.npz")
    said = beside(folder, name, source, entry.rpartition("_")[0])
    said |= {"fault": fault, "file_says": file_says, "behaves_as": behaves_as, "framework": framework, "honest": None}
    folder.add(name, onnx.load(str(source / f"{entry}.onnx")), x, origin=origin, **said)


def build(folder: Folder) -> None:
    """Write all faults.

    Raises:
        ValueError: some do not show.
    """
    for fault in FAULTS:
        try:
            write(folder, fault)
        except Exception as error:
            folder.failed[name_of(fault)] = one_line(error)
    for real in REAL:
        write_real(folder, *real)
    if folder.failed:
        raise ValueError("\n".join(f"{name}: {why}" for name, why in folder.failed.items()))


if __name__ == "__main__":
    main(build)

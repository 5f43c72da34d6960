"""Where ONNX Runtime departs from the operator specification: the file is right, and the runtime is not.

Source: onnx.ai/onnx/operators/onnx__LSTM.html, and ONNX Runtime 1.32 as measured; microsoft/onnxruntime#27224.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lstm_verify.faults.activation import variant_of
from lstm_verify.faults.edit import Edit, Edits, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.layers.recurrent.time_first import STATES, TimeFirst
from lstm_verify.operations.activations import ActivationFunction, Clipped

DEFAULTS = {
    ActivationFunction.of("threshold", default_value=0.0, threshold=1.0): {"default_value": 0.0, "threshold": 0.0},
    ActivationFunction.of("scaled_tanh", alpha=1.0, beta=1.0): {"alpha": 0.0, "beta": 0.0},
    ActivationFunction.of("affine", alpha=1.0, beta=0.0): {"alpha": 0.0, "beta": 0.0},
}
"""Functions with the numbers that they have where the file names none, and the numbers that ONNX Runtime takes."""
FUNCTIONS = ("recurrent_activation", "activation", "output_activation")


def clip_of_the_output(item: Any) -> Edits:
    """The cell state is not clipped before the last activation of an LSTM, although gates and candidate are."""
    if not isinstance(item, LSTMCell | LSTMVariantCell):
        return
    cell = variant_of(item)
    last = cell.output_activation or cell.activation
    if isinstance(last, Clipped):
        plain = ActivationFunction(last.name, last.parameters)
        says = f"clipped to ±{last.limit:g}"
        yield Edit("input of the output activation", says, "not clipped", replaced(cell, output_activation=plain))


def default_numbers(item: Any) -> Edits:
    """Activations without explicit parameters use 0 for them."""
    if not isinstance(item, KernelCell):
        return
    found = {name: DEFAULTS[function] for name, function in _functions(item) if function in DEFAULTS}
    if found:
        changes = {name: ActivationFunction.of(getattr(item, name).name, **numbers) for name, numbers in found.items()}
        says, behaves = (
            ", ".join(map(str, functions)) for functions in ([getattr(item, name) for name in found], changes.values())
        )
        yield Edit(", ".join(found), says, behaves, replaced(item, **changes))


def _functions(cell: KernelCell) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name in FUNCTIONS if (value := getattr(cell, name, None)) is not None)


def empty_sequences(item: Any) -> Edits:
    """The final states of a sample without any steps are zeros, not its initial states."""
    if isinstance(item, TimeFirst) and "sequence_lens" in item.given and set(STATES) & set(item.given):
        yield Edit("states of empty sequences", "the initial ones", "zeros", replaced(item, empties_keep_states=False))


CLIP_OF_THE_OUTPUT = Fault(
    "onnxruntime_clip",
    clip_of_the_output,
    "The file is right: ONNX Runtime does not clip what goes into the last activation of an LSTM, as the operator's "
    "text says (microsoft/onnxruntime#27224). Export without clip, or use another runtime.",
    is_departure=True,
)
DEFAULT_NUMBERS = Fault(
    "onnxruntime_defaults",
    default_numbers,
    "The file is right: for ThresholdedRelu, ScaledTanh and Affine, ONNX Runtime takes 0 where activation_alpha and "
    "activation_beta are not there. Write the numbers into the file.",
    is_departure=True,
)
EMPTY_SEQUENCES = Fault(
    "onnxruntime_empty_sequences",
    empty_sequences,
    "The file is right: where sequence_lens is 0, ONNX Runtime returns zeros for the final states. Leave such samples "
    "out, or set their states yourself.",
    is_departure=True,
)

"""Another activation: `activation` and `recurrent_activation`.

`hard_sigmoid` alone means four functions (slopes 1/5, 1/6, 1/2 and, as a default of other versions, sigmoid); rebuilt
layers get the default of another version; converters drop what they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from lstm_verify.faults.edit import Edit, Edits, replaced
from lstm_verify.faults.interface import Fault, begins
from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.operations.activations import FUNCTIONS, ActivationFunction

PARAMETERS: dict[str, tuple[dict[str, Any], ...]] = {
    "hard_sigmoid": ({"slope": 0.2}, {"slope": 1 / 6}, {"slope": 0.5}),
    "leaky_relu": ({"negative_slope": 0.2},),
    "threshold": (),
    "affine": (),
    "scaled_tanh": (),
}
FIRST = ("sigmoid", "hard_sigmoid", "tanh", "relu", "linear")
"""The functions that are met most often."""
FIRST_OF_OUTPUTS = ("linear", "tanh", "sigmoid", "relu")
FIRST_OF_CANDIDATES = ("sigmoid", "tanh", "relu", "linear")


def candidates(elementwise: bool) -> Iterator[ActivationFunction]:
    """Yield every known activation, common ones first."""
    for name in (*FIRST, *(name for name in FUNCTIONS if name not in FIRST)):
        for parameters in PARAMETERS.get(name, ({},)):
            activation = ActivationFunction.of(name, **parameters)
            if activation.elementwise or not elementwise:
                yield activation


def _others(activation: ActivationFunction, elementwise: bool) -> Iterator[ActivationFunction]:
    for other in candidates(elementwise):
        if other.name != activation.name or (other.name == "hard_sigmoid" and str(other) != str(activation)):
            yield other


def recurrent_activation(item: Any) -> Edits:
    """Another activation for the gates."""
    if isinstance(item, KernelCell) and hasattr(item, "recurrent_activation"):
        yield from _of(item, "recurrent_activation")


def activation(item: Any) -> Edits:
    """Another activation at the end of a layer, or for the candidate and state of a cell."""
    if isinstance(getattr(item, "activation", None), ActivationFunction):
        yield from _of(item, "activation")
    if isinstance(item, LSTMCell):
        yield from _of_a_part(item, "activation of the output", "output_activation", FIRST_OF_OUTPUTS)
        yield from _of_a_part(item, "activation of the candidate", "activation", FIRST_OF_CANDIDATES)


def _of(item: Any, parameter: str) -> Iterator[Edit]:
    now = getattr(item, parameter)
    for other in _others(now, isinstance(item, KernelCell)):
        yield Edit(parameter, str(now), str(other), replaced(item, **{parameter: other}))


def _of_a_part(cell: LSTMCell, words: str, parameter: str, names: tuple[str, ...]) -> Iterator[Edit]:
    """Only the function on the way from the cell state to the output, or only that of the candidate."""
    both = replace(variant_of(cell), output_activation=cell.activation)
    for name in names:
        other = ActivationFunction.of(name)
        if other != cell.activation:
            yield Edit(words, str(cell.activation), str(other), replaced(both, **{parameter: other}))


def variant_of(cell: LSTMCell | LSTMVariantCell) -> LSTMVariantCell:
    """Return the same LSTM as an `LSTMVariantCell`."""
    if isinstance(cell, LSTMVariantCell):
        return cell
    return LSTMVariantCell(**{entry.name: getattr(cell, entry.name) for entry in fields(cell)})


HANDWRITTEN = {("activation of the output", "linear"), ("activation of the candidate", "sigmoid")}
"""What is forgotten in a part of an LSTM, or taken for that of the gates, by who writes one."""


def _is_usual(parameter: str, behaves_as: str) -> bool:
    if parameter != "activation":
        return (parameter, behaves_as) in HANDWRITTEN
    return behaves_as.startswith(("tanh", "relu", "linear", "sigmoid"))


RECURRENT_ACTIVATION = Fault(
    "recurrent_activation",
    recurrent_activation,
    (
        "Name the activation when you rebuild the layer, or load the file with the version that wrote it: its "
        "default, and what hard_sigmoid means, differ between versions."
    ),
    is_common=begins("sigmoid", "hard_sigmoid"),
)

ACTIVATION = Fault(
    "activation",
    activation,
    "Check how the activation was exported: converters drop the ones they do not know.",
    is_common=_is_usual,
    comes_with=("recurrent_activation",),
)

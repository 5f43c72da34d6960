"""Where a file contradicts itself: Keras 2 puts the configs of layers beside the graph, and the graph is what runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lstm_verify.errors import LstmVerifyError
from lstm_verify.formats.keras.activations import activation
from lstm_verify.layers import Cell
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model

WRITER = (2,)
"""The version of Keras that puts configs beside graphs."""
ACTIVATIONS = ("activation", "recurrent_activation")
SETTINGS = ("units", "reset_after")


def contradictions(model: Model, configs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return where the configs of recurrent layers contradict the graph, one line each."""
    found = []
    for name, layer in model.layers.items():
        if isinstance(layer, Scan) and len(layer.cells) == 1:
            own = [config for config in configs if config.get("name") == name.rpartition("/")[2]]
            if len(own) == 1:
                found += [f"layer '{name}': {line}" for line in _differences(layer.cells[0], own[0])]
    return tuple(found)


def _differences(cell: Cell, entry: Mapping[str, Any]) -> Iterator[str]:
    config = entry["config"]
    kind = str(entry.get("class_name", ""))
    if kind in ("LSTM", "GRU", "SimpleRNN") and kind != cell.kind:
        yield f"the graph computes {cell.kind}, the config beside it says {kind}. The graph is what runs"
        return
    for key in (*ACTIVATIONS, *SETTINGS):
        if key in config and hasattr(cell, key):
            computed, said = getattr(cell, key), _said(key, config[key])
            if said is not None and computed != said:
                yield f"the graph computes {key} {computed}, the config beside it says {said}. The graph is what runs"


def _said(key: str, value: Any) -> Any:
    """What a config says, in our terms; None if it is not known, such as for a function of the user's."""
    if key not in ACTIVATIONS:
        return value
    try:
        return activation(value, WRITER, key)
    except LstmVerifyError:
        return None

"""The calls of layers in a functional model: nodes, as either generation of Keras writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.model import Tensor


@dataclass(frozen=True)
class Call:
    """What a layer is called with: its inputs, a recurrent layer's initial states after them, and a mask."""

    inputs: tuple[Tensor, ...]
    mask: Tensor | None = None

    def tensors(self) -> tuple[Tensor, ...]:
        return (*self.inputs, self.mask) if self.mask else self.inputs


INPUT_ARGUMENTS = ("inputs", "sequences", "x", "initial_state")


def read_call(node: Any, config: Config) -> Call:
    """Read a node of either generation.

    Raises:
        UnsupportedError: the layer is called with something else, such as `training=True`.
    """
    inputs, keywords = _keras3_call(node) if isinstance(node, Mapping) else _keras2_call(node, config)
    mask = None
    for key, value in keywords.items():
        found = list(_tensors_in(value))
        if key == "mask" and len(found) == 1:
            mask = found[0]
        elif key in INPUT_ARGUMENTS and found:
            inputs += found
        elif found or not _says_nothing(value):
            raise UnsupportedError(f"{config.where}: it is called with {key}={str(value)[:60]}, which is not supported")
    if not inputs:
        raise UnsupportedError(f"{config.where}: it is called without an input tensor, which is not supported")
    return Call(tuple(inputs), mask)


def _says_nothing(value: Any) -> bool:
    """Whether an argument is the default of every Keras layer: None, False, or a list of them."""
    return all(_says_nothing(item) for item in value) if isinstance(value, list) else value in (None, False)


def _keras3_call(node: Mapping[str, Any]) -> tuple[list[Tensor], dict[str, Any]]:
    return list(_tensors_in(node.get("args", []))), dict(node.get("kwargs") or {})


def _keras2_call(node: Any, config: Config) -> tuple[list[Tensor], dict[str, Any]]:
    inputs: list[Tensor] = []
    keywords: dict[str, Any] = {}
    for item in [node] if isinstance(node, list) and node and isinstance(node[0], str) else _leaves(node):
        if item[0] == "_CONSTANT_VALUE":
            raise UnsupportedError(f"{config.where}: it is called with a constant, which is not supported")
        inputs.append(read_tensor(item, config))
        keywords |= item[3] if len(item) > 3 and isinstance(item[3], Mapping) else {}
    return inputs, keywords


def _leaves(node: Any) -> Iterator[list[Any]]:
    """The `[layer, node, tensor, ...]` lists in a nested structure."""
    if isinstance(node, list) and len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _leaves(item)
    elif isinstance(node, Mapping):
        for key in sorted(node):
            yield from _leaves(node[key])


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in an argument of either generation."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            layer, call, index = value["config"]["keras_history"]
            yield Tensor(str(layer), int(call), int(index))
        else:
            for key in sorted(value):
                yield from _tensors_in(value[key])
    elif isinstance(value, list):
        for leaf in _leaves(value):
            yield Tensor(str(leaf[0]), int(leaf[1]), int(leaf[2]))
        if not any(True for _ in _leaves(value)):
            for item in value:
                yield from _tensors_in(item)


def read_tensor(item: Any, config: Config) -> Tensor:
    """Read `[layer, node, tensor]`.

    Raises:
        ModelFileError: it is something else.
    """
    try:
        layer, call, index = item[:3]
        return Tensor(str(layer), int(call), int(index))
    except (TypeError, ValueError, KeyError):
        raise ModelFileError(f"{config.where}: {str(item)[:80]!r} is not a tensor. Is the file whole?") from None

"""The calls of layers in a functional model: nodes, as either generation of Keras writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.training import trains_as_it_predicts
from lstm_verify.formats.keras.ways import NotExported
from lstm_verify.model import Tensor


@dataclass(frozen=True)
class Call:
    """What a layer is called with: its inputs, a recurrent layer's initial states after them, and a mask."""

    inputs: tuple[Tensor, ...]
    mask: Tensor | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of layers that are called with more than tensors: what the canonical layer calls it, and its value."""

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
        found = list(tensors_in(value))
        if key == "mask" and len(found) == 1:
            mask = found[0]
        elif key in INPUT_ARGUMENTS and found:
            inputs += found
        elif found or not (says_nothing(value) or trains_as_it_predicts(key, value, config)):
            raise unsupported_argument(config, key, value)
    if not inputs:
        raise UnsupportedError(f"{config.where}: it is called without an input tensor, which is not supported")
    return Call(tuple(inputs), mask)


def says_nothing(value: Any) -> bool:
    """Whether an argument is the default of every Keras layer: None, False, or a list of them."""
    return all(says_nothing(item) for item in value) if isinstance(value, list) else value in (None, False)


def unsupported_argument(config: Config, key: str, value: Any) -> UnsupportedError:
    """The refusal of a call with an argument that is not supported."""
    if key == "training" and value is True:
        what = "it computes as in training (training=True): at random, or with the statistics of the batch"
        return NotExported(f"{config.where}: {what}. Verify the model with the same weights and without training=True")
    written = str(value)
    if any(kind in written for kind in CONSTANTS) or (
        isinstance(value, list) and not any(True for _ in _leaves(value))
    ):
        return UnsupportedError(f"{config.where}: it is called with a constant for {key}, which is not supported")
    return UnsupportedError(f"{config.where}: it is called with {key}={written[:60]}, which is not supported")


CONSTANTS = ("__numpy__", "__tensor__")
"""What Keras 3 calls a constant among the arguments of a call; Keras 2 writes its numbers as lists."""


def arguments_of(node: Any, config: Config, names: Sequence[str]) -> dict[str, Any]:
    """The arguments of a call by name, in the order in which Keras goes through them; `names` are those by place.

    Raises:
        UnsupportedError: there are more arguments than names.
    """
    if isinstance(node, Mapping):
        args, keywords = list(node.get("args", [])), dict(node.get("kwargs") or {})
    else:
        tensors, keywords = _keras2_call(node, config)
        first = [[tensor.layer, tensor.call, tensor.output] for tensor in tensors]
        args = [first if names[0] == "inputs" else first[0]] if first else []
        if len(first) > 1 and names[0] != "inputs":
            raise UnsupportedError(f"{config.where}: it is called with a list of tensors, expected one")
    if len(args) > len(names):
        raise UnsupportedError(
            f"{config.where}: it is called with {len(args)} arguments, expected {len(names)} at most"
        )
    return dict(zip(names, args, strict=False)) | {key: keywords[key] for key in sorted(keywords)}


def _keras3_call(node: Mapping[str, Any]) -> tuple[list[Tensor], dict[str, Any]]:
    return list(tensors_in(node.get("args", []))), dict(node.get("kwargs") or {})


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


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in an argument of either generation."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            layer, call, index = value["config"]["keras_history"]
            yield Tensor(str(layer), int(call), int(index))
        else:
            for key in sorted(value):
                yield from tensors_in(value[key])
    elif isinstance(value, list):
        for leaf in _leaves(value):
            yield Tensor(str(leaf[0]), int(leaf[1]), int(leaf[2]))
        if not any(True for _ in _leaves(value)):
            for item in value:
                yield from tensors_in(item)


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

"""The calls of layers in a functional model: nodes, as either generation of Keras writes them.

Every argument of a call is known here, or the model is not supported. Nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import WITHOUT_EFFECT_SUFFIXES, Config, as_list, as_mapping
from lstm_verify.formats.keras.ways import AUGMENTATION, NotExported
from lstm_verify.model import Tensor

MODELS = ("Sequential", "Functional", "Model")
RECURRENT = (
    *("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "RNN", "Bidirectional"),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
)
TAKES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(RECURRENT, ("sequences", "initial_state", "mask", "training")),
    **dict.fromkeys((*MODELS, "TimeDistributed", "BatchNormalization"), ("inputs", "training", "mask")),
    **dict.fromkeys(("GlobalAveragePooling1D", "GroupNormalization", "Softmax"), ("inputs", "mask")),
    "RMSNormalization": ("x",),
}
"""What a call may hand to a layer, by class, in the order in which Keras 3 takes it. BatchNormalization has a use for
its mask only in training."""
OTHERS_TAKE = ("inputs", "training")
FIRST = ("inputs", "sequences", "x")
"""The names of the first argument."""
RANDOM = ("dropout", "recurrent_dropout", "rate", "stddev")
"""The keys of configs that make a layer random in training, unless they are 0."""


@dataclass(frozen=True)
class CallArguments:
    """The arguments of a layer call: inputs, then the initial states of a recurrent layer, and a mask."""

    inputs: tuple[Tensor, ...]
    mask: Tensor | None = None
    unmasked: bool = False
    """Whether the call says that there is no mask, so that the one that travels with the input does not count."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of layers that are called with more than tensors: what the canonical layer calls it, and its value."""

    def tensors(self) -> tuple[Tensor, ...]:
        return (*self.inputs, self.mask) if self.mask else self.inputs


def read_call(node: Any, config: Config) -> CallArguments:
    """Read a node of either generation.

    Raises:
        UnsupportedError: the layer is called with something else, such as a constant.
    """
    names = TAKES.get(config.class_name, OTHERS_TAKE)
    arguments = arguments_of(node, config, names)
    inputs: list[Tensor] = []
    for key in (*FIRST, *({"initial_state"} & set(names))):
        inputs += tensors_of(key, _in_order_of_names(arguments.pop(key, None), config), config)
    if not inputs:
        raise UnsupportedError(f"{config.where}: it is called without an input tensor, which is not supported")
    check_training(arguments.pop("training", None), config)
    masks: list[Tensor] = []
    unmasked = False
    if "mask" in arguments and "mask" in names:
        given = arguments.pop("mask")
        masks = [] if says_nothing(given) else tensors_of("mask", given, config)
        unmasked = config.generation == 2 and given is None  # Keras 3 goes by the mask of the input then
    if len(masks) > 1:
        raise UnsupportedError(f"{config.where}: it is called with {len(masks)} masks, expected one")
    refuse_rest(arguments, config)
    return CallArguments(tuple(inputs), masks[0] if masks else None, unmasked)


def refuse_rest(arguments: Mapping[str, Any], config: Config) -> None:
    """Check that arguments which nothing has used have no effect.

    Raises:
        UnsupportedError: one does.
    """
    for key, value in arguments.items():
        if not says_nothing(value):
            shown = "…" if isinstance(value, list | Mapping) else str(value)[:60]
            raise UnsupportedError(f"{config.where}: it is called with {key}={shown}, which is not supported")


def says_nothing(value: Any) -> bool:
    """Whether an argument is the default of every Keras layer: None, False, or a list or dictionary of them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return all(says_nothing(item) for item in value) if isinstance(value, list) else value in (None, False)


def check_training(value: Any, config: Config) -> None:
    """Check that training changes nothing, if the layer is called with `training=True`.

    In Keras 3 it never does: `model.predict` of a functional model hands its own `training=False` to every layer, in
    the place of what the call says (`operation_fn` in `keras.src.models.functional`, 3.0 to 3.15).

    Raises:
        UnsupportedError: it does.
    """
    if value not in (None, False, True):
        raise UnsupportedError(f"{config.where}: it is called with a tensor for training, which is not supported")
    if value and config.generation == 2 and differs_in_training(config.class_name, config.values):
        raise NotExported(
            f"{config.where}: it is called with training=True, so that its outputs are random or depend on the batch. "
            "Call it without, or with training=False"
        )


def differs_in_training(class_name: str, values: Any) -> bool:
    """Whether a layer, or one inside it, computes something else in training."""
    if isinstance(values, list):
        return any(differs_in_training("", item) for item in values)
    if not isinstance(values, Mapping):
        return False
    if class_name in AUGMENTATION or (class_name == "BatchNormalization" and values.get("trainable", True)):
        return True
    inner = str(values.get("class_name", ""))
    return any(values.get(key) for key in RANDOM) or any(
        differs_in_training(inner if key == "config" else "", value)
        for key, value in values.items()
        if not key.endswith(WITHOUT_EFFECT_SUFFIXES)  # the deviation of an initializer is no noise
    )


def _in_order_of_names(value: Any, config: Config) -> Any:
    """The first argument of a model that is called with its inputs by name, as a list; any other as it is."""
    listed = config.values.get("input_layers")
    if not isinstance(value, Mapping) or "class_name" in value or not isinstance(listed, list) or not listed:
        return value
    names = [read_tensor(item, config).layer for item in ([listed] if isinstance(listed[0], str) else listed)]
    if not set(names) <= set(value):
        raise UnsupportedError(f"{config.where}: it is called with inputs by other names than its own")
    return [value[name] for name in names]


def arguments_of(node: Any, config: Config, names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a call by name, in Keras's order; `names` are the names of positional ones.

    Raises:
        UnsupportedError: there are more arguments than names.
    """
    if config.generation == 3 and isinstance(node, Mapping):
        args = as_list(node.get("args", []), f"{config.where}: args of a call")
        keywords = dict(as_mapping(node.get("kwargs") or {}, f"{config.where}: kwargs of a call"))
    else:  # Keras 2 adds all but the first argument, by name, to every tensor of the first
        args, keywords = [node], {}
        for leaf in _leaves(node):
            keywords |= leaf[3] if len(leaf) > 3 and isinstance(leaf[3], Mapping) else {}
    if len(args) > len(names):
        raise UnsupportedError(
            f"{config.where}: it is called with {len(args)} arguments, expected {len(names)} at most"
        )
    return dict(zip(names, args, strict=False)) | {key: keywords[key] for key in sorted(keywords)}


def _is_leaf(value: Any) -> bool:
    """Whether it is a `[layer, node, tensor, ...]` of Keras 2."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int


def _leaves(node: Any) -> Iterator[list[Any]]:
    if _is_leaf(node):
        yield node
    elif isinstance(node, list | Mapping):
        for item in node.values() if isinstance(node, Mapping) else node:
            yield from _leaves(item)


def tensors_of(argument: str, value: Any, config: Config) -> list[Tensor]:
    """Return the tensors in an argument of either generation, in the order in which Keras flattens it; None has none.

    Raises:
        UnsupportedError: it holds something else, such as a constant.
    """
    return [] if value is None else list(_flat(argument, value, config))


def _flat(argument: str, value: Any, config: Config) -> Iterator[Tensor]:
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        inner = value.get("config")
        yield read_tensor(inner.get("keras_history") if isinstance(inner, Mapping) else inner, config)
    elif _is_leaf(value) and value[0] != "_CONSTANT_VALUE":
        yield read_tensor(value, config)
    elif isinstance(value, Mapping) and "class_name" not in value:
        for key in sorted(value):
            yield from _flat(argument, value[key], config)
    elif isinstance(value, list) and not _is_leaf(value):
        for item in value:
            yield from _flat(argument, item, config)
    else:
        raise UnsupportedError(
            f"{config.where}: it is called with a constant for {argument}, which is not supported, only tensors of the "
            "model are"
        )


def read_tensor(item: Any, config: Config) -> Tensor:
    """Read `[layer, node, tensor]`.

    Raises:
        ModelFileError: it is something else.
    """
    try:
        layer, call, index = item[:3]
        return Tensor(str(layer), int(call), int(index))
    except (TypeError, ValueError, KeyError):
        raise ModelFileError(f"{config.where}: {str(item)[:80]!r} is not a tensor. Is the file complete?") from None

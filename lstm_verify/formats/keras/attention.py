"""Attention layers, and layers that often accompany them: EinsumDense, RMSNormalization.

An attention layer is called with several tensors that mean different things, and with options. What each means is by
its place or its name; all must be known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lstm_verify import layers as canonical
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.calls import CallArguments, arguments_of, check_training, refuse_rest, tensors_of
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.registry import Arrays, LayerVariable, activation_of, below, named, prefixed, with_bias
from lstm_verify.layers import Layer
from lstm_verify.layers.attention import Attending
from lstm_verify.layers.einsum_dense import EinsumDense
from lstm_verify.model import Tensor
from lstm_verify.operations.activations import ActivationFunction

INPUTS = ("query", "value", "key")
MASKS = ("query_mask", "value_mask", "key_mask")
OPTIONS = {"use_causal_mask": "causal", "return_attention_scores": "returns_scores"}
"""Arguments of calls that are true or false, and what they are called here."""


# --- Attention, AdditiveAttention


def attention_variables(config: Config) -> list[LayerVariable]:
    additive = config.class_name == "AdditiveAttention"
    concat = not additive and _score_mode(config) == "concat"
    return named(*["scale"] * config.flag("use_scale", additive), *["concat_score_weight"] * concat)


def _score_mode(config: Config) -> str:
    return str(config.choice("score_mode", {"dot", "concat"}, "dot"))


def attention(config: Config, arrays: Arrays) -> Layer:
    return canonical.Attention(
        name=config.name,
        score_mode="additive" if config.class_name == "AdditiveAttention" else _score_mode(config),
        scale=arrays.get(("scale",)),
        concat_score_weight=arrays.get(("concat_score_weight",)),
        causal=config.flag("causal"),  # which Keras 2 had before there was an argument for it
    )


def attention_call(node: Any, config: Config) -> CallArguments:
    """Read a call with a list of two or three tensors, and optionally a list of their masks.

    Raises:
        UnsupportedError: it is called with something else.
    """
    arguments = arguments_of(node, config, ("inputs", "mask", "training", "return_attention_scores", "use_causal_mask"))
    inputs = tensors_of("inputs", arguments.pop("inputs", None), config)
    if not 2 <= len(inputs) <= 3:
        raise UnsupportedError(f"{config.where}: it is called with {len(inputs)} tensors, expected 2 or 3 in a list")
    found = list(zip(INPUTS, inputs, strict=False))
    given = "mask" in arguments and (config.generation == 2 or arguments["mask"] is not None)
    masks = arguments.pop("mask", None)
    if masks is not None:
        found += _masks(masks, config)
    return _call(found, arguments, config, {"masks_given": True} if given else {})


def _masks(listed: Any, config: Config) -> Iterator[tuple[str, Tensor]]:
    if not isinstance(listed, list) or not 2 <= len(listed) <= 3:
        raise UnsupportedError(f"{config.where}: it is called with a mask that is not a list of two")
    for role, item in zip(MASKS[:2], listed, strict=False):  # a mask of the key does nothing
        tensors = tensors_of(role, item, config)
        if len(tensors) > 1:
            raise UnsupportedError(f"{config.where}: it is called with a list for {role}, expected one tensor")
        yield from ((role, tensor) for tensor in tensors)


# --- MultiHeadAttention


def _sublayers(config: Config) -> list[str]:
    gate = ["gate"] * config.flag("use_gate")
    return ["query", "key", *gate, "value", "output"]


def _attribute(config: Config, name: str) -> str:
    """What the attribute is called: only in Keras 3 it has a public name, and not that of the gate."""
    return f"{name}_dense" if config.generation == 3 and name != "gate" else f"_{name}_dense"


def multi_head_attention_variables(config: Config) -> list[LayerVariable]:
    each = with_bias("kernel")(config)
    return [v for name in _sublayers(config) for v in prefixed(each, _attribute(config, name))]


def multi_head_attention(config: Config, arrays: Arrays) -> Layer:
    axes = config.get("attention_axes", None)
    if axes not in (None, 1, [1], (1,)):
        raise UnsupportedError(f"{config.where}: attention_axes={axes!r} is not supported, expected [1], that of time")
    for key in ("query_shape", "key_shape", "value_shape"):  # which Keras 2 built the weights from
        config.get(key, None)
    config.get("flash_attention", None)  # another way to the same result
    window = config.get("sliding_window", None)
    parts = {name: _part(config, name, below(arrays, _attribute(config, name))) for name in _sublayers(config)}
    return canonical.MultiHeadAttention(
        name=config.name,
        query_dense=parts["query"],
        key_dense=parts["key"],
        value_dense=parts["value"],
        gate_dense=parts.get("gate"),
        output_dense=parts["output"],
        sliding_window=None if window is None else config.whole("sliding_window"),
        all_hidden=_all_hidden(config, returns_scores=False),
        supports_masking=config.version >= (2, 10),
        takes_query_mask=config.version < (3, 8),
        counts_mask=config.generation == 2,
        factor_in_float32=config.generation == 3,
    )


def _all_hidden(config: Config, returns_scores: bool) -> str:
    if config.generation == 2:
        return "equal" if config.flag("softmax_robust_masking") else "rounded"
    if config.version >= (3, 7) and not returns_scores and config.number("dropout", 0.0) == 0:
        return "equal"
    return "zero" if config.version >= (3, 10) else "rounded"


def _part(config: Config, name: str, arrays: Arrays) -> EinsumDense:
    """One of the projections, of which the config says the sizes."""
    heads, key_dim = config.whole("num_heads"), config.whole("key_dim")
    value_dim = key_dim if config.get("value_dim", None) is None else config.whole("value_dim")
    kernel, unit = arrays[("kernel",)], key_dim if name in ("query", "key") else value_dim
    output = config.get("output_shape", None)
    lengths = tuple(output) if isinstance(output, list | tuple) else (output,) if output else kernel.shape[2:3]
    wanted = (heads, unit, *lengths) if name == "output" else (*kernel.shape[:1], heads, unit)
    if kernel.shape != wanted:
        raise ModelFileError(
            f"{config.where}: {name} kernel has shape {kernel.shape}, expected {wanted} for num_heads={heads}, "
            f"key_dim={key_dim}, value_dim={value_dim}. Do the weights belong to this config?"
        )
    letters = "efghij"[: kernel.ndim - 2]
    equation, bias_axes = (f"abcd,cd{letters}->ab{letters}", letters) if name == "output" else ("abc,cde->abde", "de")
    return EinsumDense(
        name=f"{config.name}/{name}",
        equation=equation,
        kernel=kernel,
        bias=arrays.get(("bias",)),
        bias_axes=bias_axes,
        activation=ActivationFunction.of("sigmoid" if name == "gate" else "linear"),
        cancels=("bias",) if name == "key" else (),
        compute_dtype=config.compute_dtype(),
    )


def multi_head_attention_call(node: Any, config: Config) -> CallArguments:
    """Read a call with query, value, optional key, and masks.

    Raises:
        UnsupportedError: it is called with something else.
    """
    roles = (*INPUTS, *MASKS, "attention_mask")
    names = (*roles, "return_attention_scores", "training", "use_causal_mask")
    arguments = arguments_of(node, config, names if config.generation == 3 else (*INPUTS, "attention_mask"))
    named = [name for name in arguments if name in roles]
    found = [(role, tensor) for role in named for tensor in tensors_of(role, arguments.pop(role), config)]
    if len({role for role, _ in found}) < len(found):
        raise UnsupportedError(f"{config.where}: it is called with a list of tensors, expected one")
    if not {"query", "value"} <= {role for role, _ in found}:
        raise UnsupportedError(f"{config.where}: it is called without a tensor for query or value")
    return _call(found, arguments, config, {})


# --- calls of both


def _call(
    found: list[tuple[str, Tensor]], arguments: dict[str, Any], config: Config, options: dict[str, Any]
) -> CallArguments:
    for key in [key for key in OPTIONS if key in arguments]:
        value = arguments.pop(key)
        if value not in (True, False, None):
            raise UnsupportedError(f"{config.where}: it is called with {key}={str(value)[:60]}, expected true or false")
        options[OPTIONS[key]] = bool(value)
    check_training(arguments.pop("training", None), config)
    refuse_rest(arguments, config)
    options["roles"] = tuple(role for role, _ in found)
    return CallArguments(tuple(tensor for _, tensor in found), options=options)


def as_called(layer: Layer, options: Mapping[str, Any], config: Config) -> Layer:
    """Return the layer adapted to the arguments of its calls."""
    if not isinstance(layer, Attending) or not options:
        return layer
    settings = dict(options)
    settings["causal"] = layer.causal or bool(options.get("causal"))
    if isinstance(layer, canonical.MultiHeadAttention):
        settings["all_hidden"] = _all_hidden(config, bool(options.get("returns_scores")))
    return replace(layer, **settings)


# --- EinsumDense


def einsum_dense_variables(config: Config) -> list[LayerVariable]:
    return named("kernel", *["bias"] * (config.get("bias_axes", None) is not None))


def einsum_dense(config: Config, arrays: Arrays) -> Layer:
    equation, kernel = str(config.get("equation")).replace(" ", ""), arrays[("kernel",)]
    sides, _, output = equation.partition("->")
    first, _, axes = sides.partition(",")
    letters = (first + axes + output).replace("...", "")
    if not (output and axes.isalpha() and letters.isalpha() and len(axes) == kernel.ndim):
        raise ModelFileError(
            f"{config.where}: kernel has shape {kernel.shape}, which does not fit equation={equation!r}"
        )
    listed = config.get("output_shape")
    sizes = list(listed) if isinstance(listed, list | tuple) else [listed]
    if output.startswith("..."):
        pairs = dict(zip(output[::-1], sizes[::-1], strict=False))
    else:
        pairs = dict(zip(output.replace("...", "")[1:], sizes, strict=False))
    wanted = tuple(pairs.get(axis) or length for axis, length in zip(axes, kernel.shape, strict=True))
    if kernel.shape != wanted:
        raise ModelFileError(
            f"{config.where}: kernel has shape {kernel.shape}, expected {wanted} = {axes} for output_shape={listed}"
        )
    bias_axes = str(config.get("bias_axes", None) or "")
    if not set(bias_axes) <= set(output):
        raise ModelFileError(f"{config.where}: bias_axes is {bias_axes!r}, expected some of {output!r}")
    config.get("lora_alpha", None)  # of lora_rank, which is refused
    return canonical.EinsumDense(
        name=config.name,
        equation=equation,
        kernel=kernel,
        bias=arrays.get(("bias",)),
        bias_axes=bias_axes,
        activation=activation_of(config, default=None),
    )

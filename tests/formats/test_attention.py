"""The calls of attention layers as files have them, and what each version of Keras makes of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.keras.attention import attention_call, multi_head_attention_call
from lstm_verify.formats.keras.config import Config, Version
from lstm_verify.formats.keras.registry import build, variables_of
from lstm_verify.layers import MultiHeadAttention
from lstm_verify.model import Tensor

NEW, OLD = (3, 15, 1), (2, 21, 0)
HEADS = {"name": "heads", "num_heads": 2, "key_dim": 3}


def tensor(name: str, output: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 7], "keras_history": [name, 0, output]}}


def node(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": kwargs}


def roles(call: Any) -> dict[str, str]:
    return {role: tensor.layer for role, tensor in zip(call.options["roles"], call.inputs, strict=True)}


def heads_call(node: Any, version: Version = NEW) -> Any:
    return multi_head_attention_call(node, Config("MultiHeadAttention", HEADS, version))


def single_call(node: Any, version: Version = NEW) -> Any:
    return attention_call(node, Config("Attention", {"name": "attention"}, version))


@pytest.mark.parametrize(
    "given",
    [
        node(tensor("q"), tensor("v"), tensor("k"), attention_mask=tensor("m")),
        node(tensor("q"), value=tensor("v"), key=tensor("k"), attention_mask=tensor("m")),
        node(query=tensor("q"), value=tensor("v"), key=tensor("k"), attention_mask=tensor("m"), training=None),
        node(tensor("q"), tensor("v"), tensor("k"), None, None, None, tensor("m")),
    ],
)
def test_tensors_by_place_and_by_name(given: Any) -> None:
    assert roles(heads_call(given)) == {"query": "q", "value": "v", "key": "k", "attention_mask": "m"}


def test_tensors_of_keras_2() -> None:
    keywords = {"value": ["v", 0, 0], "attention_mask": ["m", 0, 1], "use_causal_mask": True, "training": None}
    call = heads_call([["q", 0, 0, keywords]], OLD)
    assert roles(call) == {"query": "q", "value": "v", "attention_mask": "m"}
    assert call.inputs[call.options["roles"].index("attention_mask")] == Tensor("m", 0, 1)
    assert call.options["causal"]
    call = single_call([["q", 0, 0, {"mask": [None, ["m", 0, 0]]}], ["v", 0, 0, {"mask": [None, ["m", 0, 0]]}]], OLD)
    assert roles(call) == {"query": "q", "value": "v", "value_mask": "m"}
    assert call.options["masks_given"]


def test_masks_in_a_list() -> None:
    both = single_call(node([tensor("q"), tensor("v")], mask=[tensor("a"), tensor("b")], return_attention_scores=True))
    assert roles(both) == {"query": "q", "value": "v", "query_mask": "a", "value_mask": "b"}
    assert both.options["returns_scores"]
    assert "masks_given" not in single_call(node([tensor("q"), tensor("v"), tensor("k")], mask=None)).options


@pytest.mark.parametrize(
    "given",
    [
        node(tensor("q")),
        node(tensor("q"), tensor("v"), training=tensor("m")),
        node(tensor("q"), tensor("v"), use_causal_mask=tensor("m")),
        node(tensor("q"), tensor("v"), attention_mask=[tensor("m"), tensor("m")]),
        node(tensor("q"), tensor("v"), attention_mask={"class_name": "__numpy__", "config": {"value": [1]}}),
        node(tensor("q"), tensor("v"), another=1),
    ],
)
def test_other_calls_of_heads_are_refused(given: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"^layer 'heads' \(MultiHeadAttention\): it is called "):
        heads_call(given)


@pytest.mark.parametrize(
    "given",
    [
        node([tensor("q")]),
        node([tensor(name) for name in "qvkx"]),
        node([tensor("q"), tensor("v")], training=tensor("m")),
        node([tensor("q"), tensor("v")], mask=tensor("m")),
        node([tensor("q"), tensor("v")], mask=[tensor("m")]),
        node([tensor("q"), tensor("v")], mask=[[tensor("m"), tensor("m")], None]),
        node([tensor("q"), tensor("v")], mask=[None, {"class_name": "__numpy__", "config": {"value": [1]}}]),
        node([tensor("q"), tensor("v")], use_causal_mask=1.5),
    ],
)
def test_other_calls_of_attention_are_refused(given: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"^layer 'attention' \(Attention\): i"):
        single_call(given)


def built(version: Version, **values: Any) -> MultiHeadAttention:
    config = Config("MultiHeadAttention", {**HEADS, **values}, version)
    shapes = {"kernel": (4, 2, 3), "bias": (2, 3)}
    arrays = {v.path: np.ones(shapes[v.path[-1]]) for v in variables_of(config) if "output" not in v.path[0]}
    output = next(v.path[0] for v in variables_of(config) if "output" in v.path[0])
    layer = build(config, {**arrays, (output, "kernel"): np.ones((2, 3, 4)), (output, "bias"): np.ones(4)})
    assert isinstance(layer, MultiHeadAttention)
    return layer


@pytest.mark.parametrize(
    ("version", "values", "wanted"),
    [
        (OLD, {"dropout": 0.1}, "rounded"),
        (OLD, {"softmax_robust_masking": True}, "equal"),
        ((3, 6, 0), {}, "rounded"),
        ((3, 7, 0), {}, "equal"),
        ((3, 9, 2), {"dropout": 0.1}, "rounded"),
        ((3, 10, 0), {"dropout": 0.1}, "zero"),
        (NEW, {"dropout": 0.0}, "equal"),
    ],
)
def test_what_hidden_queries_get_in_each_version(version: Version, values: dict[str, Any], wanted: str) -> None:
    assert built(version, **values).all_hidden == wanted


@pytest.mark.parametrize(("version", "wanted"), [((2, 9, 0), False), ((2, 10, 0), True), ((3, 0, 5), True)])
def test_masks_have_a_meaning_since_keras_2_10(version: Version, wanted: bool) -> None:
    assert built(version).supports_masking is wanted


@pytest.mark.parametrize("axes", [[2], [1, 2], (0,), 3, "x"])
def test_attention_over_other_axes_is_refused(axes: Any) -> None:
    with pytest.raises(UnsupportedError, match="attention_axes"):
        built(NEW, attention_axes=axes)

"""The calls of layers as files have them: every argument is used, or refused by its name."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.keras.calls import RANDOM, read_call
from lstm_verify.formats.keras.config import Config, Version
from lstm_verify.formats.keras.registry import variables_of
from tests.formats.test_attention import NEW, OLD, node, tensor

CONSTANT = {"class_name": "__numpy__", "config": {"value": [[0.25, 0.5]], "dtype": "float32"}}

TRAINING = {OLD: [["x", 0, 0, {"training": True}]], NEW: node(tensor("x"), training=True)}
"""A call with `training=True`; what `predict` of Keras 3 passes on takes its place (see `test_ways_out`)."""


def call(class_name: str, given: Any, version: Version = NEW, **config: Any) -> Any:
    return read_call(given, Config(class_name, {"name": "layer", **config}, version))


@pytest.mark.parametrize(
    "given",
    [
        node(tensor("x"), [tensor("h"), tensor("c")], tensor("m")),
        node(tensor("x"), [tensor("h"), tensor("c")], mask=tensor("m")),
        node(sequences=tensor("x"), mask=tensor("m"), initial_state=[tensor("h"), tensor("c")], training=False),
    ],
)
def test_a_mask_by_place_is_no_state(given: Any) -> None:
    found = call("LSTM", given)
    assert [item.layer for item in found.inputs] == ["x", "h", "c"]
    assert found.mask.layer == "m"


def test_a_mask_of_a_softmax_by_place() -> None:
    found = call("Softmax", node(tensor("x"), tensor("m")))
    assert ([item.layer for item in found.inputs], found.mask.layer) == (["x"], "m")


def test_a_mask_of_none_says_something_in_keras_2_alone() -> None:
    assert call("LSTM", [["x", 0, 0, {"mask": None}]], OLD).unmasked
    assert not call("LSTM", [["x", 0, 0, {}]], OLD).unmasked
    assert not call("LSTM", node(tensor("x"), mask=None)).unmasked


def test_inputs_by_name_come_in_the_order_of_the_model() -> None:
    inner = {"input_layers": [["z", 0, 0], ["a", 0, 0]]}
    found = call(
        "Functional", node({"a": tensor("second"), "z": tensor("first")}, mask={"a": None, "z": None}), **inner
    )
    assert [item.layer for item in found.inputs] == ["first", "second"]
    with pytest.raises(UnsupportedError, match="by other names"):
        call("Functional", node({"a": tensor("second"), "y": tensor("first")}), **inner)


@pytest.mark.parametrize(
    ("class_name", "given", "named"),
    [
        ("Dense", node(tensor("x"), mask=tensor("m")), "mask="),
        ("Dense", node(tensor("x"), another=1.5), "another=1.5"),
        ("Add", node([tensor("x"), CONSTANT]), "constant for inputs"),
        ("LSTM", node(tensor("x"), initial_state=[tensor("h"), CONSTANT]), "constant for initial_state"),
        ("LSTM", node(tensor("x"), mask=CONSTANT), "constant for mask"),
        ("LSTM", node(tensor("x"), constants=[tensor("k")]), "constants="),
        ("Functional", node([tensor("x"), tensor("y")], mask=[tensor("m"), tensor("n")]), "2 masks"),
        ("Softmax", node(tensor("x"), tensor("m"), tensor("n")), "3 arguments"),
        ("Dropout", node(tensor("x"), training=tensor("t")), "tensor for training"),
    ],
)
def test_what_is_not_known_is_refused_by_name(class_name: str, given: Any, named: str) -> None:
    with pytest.raises(
        UnsupportedError, match=rf"^layer 'layer' \({class_name}\): it is called with .*{named}"
    ) as error:
        call(class_name, given)
    assert "0.25" not in str(error.value)


@pytest.mark.parametrize("key", RANDOM)
def test_training_is_refused_where_it_changes_something(key: str) -> None:
    cell = {"class_name": "LSTMCell", "config": {key: 0.5}}
    for config in ({key: 0.5}, {"cell": cell}, {"layer": {"class_name": "RNN", "config": {"cell": cell}}}):
        with pytest.raises(UnsupportedError, match="training=True"):
            call("RNN", TRAINING[OLD], OLD, **config)
        assert call("RNN", TRAINING[NEW], **config).inputs
    assert call("RNN", TRAINING[OLD], OLD, **{key: 0.0}).inputs


def test_training_is_refused_by_a_normalization_that_learns() -> None:
    given, layers = TRAINING[OLD], [{"class_name": "BatchNormalization", "config": {}}]
    with pytest.raises(UnsupportedError, match="training=True"):
        call("BatchNormalization", given, OLD)
    with pytest.raises(UnsupportedError, match="training=True"):
        call("Sequential", given, OLD, layers=layers)
    assert call("BatchNormalization", given, OLD, trainable=False).inputs


@pytest.mark.parametrize(
    ("class_name", "key", "value"),
    [
        ("Dense", "lora_rank", 2),
        ("Embedding", "lora_rank", 2),
        ("BatchNormalization", "renorm", True),
        ("Dense", "quantization_config", {"class_name": "Int8QuantizationConfig", "config": {}}),
    ],
)
def test_weights_that_no_class_has_are_refused_before_they_are_counted(class_name: str, key: str, value: Any) -> None:
    with pytest.raises(UnsupportedError, match=f"^layer 'layer' \\({class_name}\\): .*({key}|quantized)"):
        variables_of(Config(class_name, {"name": "layer", key: value}, NEW))

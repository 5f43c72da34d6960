"""Models whose config asks for what cannot be replayed, or makes no sense: refused by name, never guessed at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from tests.command import assert_refused, inputs, model, recorded, run
from tests.model_files import read_config, with_config, with_hdf5, with_layer

ORIGIN = "origin_tanh_sigmoid"
KINDS = ("keras2.h5", "keras2.keras", "keras3.h5", "keras3.keras")
SAVED = {kind: "model.save('folder')" if kind.startswith("keras2") else "model.export('folder')" for kind in KINDS}
"""How a SavedModel of the model is written."""


def refused(
    name: str, kind: str, layer: str, change: Callable[[Any], object], folder: Path, *mentioned: object
) -> None:
    path = with_layer(model(name, kind), folder / f"model.{kind}", layer, change)
    result = run(path, "-i", inputs(name), "-e", recorded(name, kind))
    assert_refused(result, path, *mentioned)


def setting(key: str, value: object) -> Callable[[Any], object]:
    return lambda entry: entry["config"].__setitem__(key, value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("class_name", ["MelSpectrogram", "attention", "lstm", "", "GroupedQueryAttention"])
def test_unknown_layer(class_name: str, kind: str, tmp_path: Path) -> None:
    def change(entry: Any) -> None:
        entry["class_name"] = class_name
        if entry.get("registered_name"):
            entry["registered_name"] = class_name

    way = "keras.Model(model.get_layer('lstm').output" if class_name == "MelSpectrogram" else SAVED[kind]
    refused(ORIGIN, kind, "lstm", change, tmp_path, f"layer 'lstm' ({class_name})", way)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "mentioned"),
    [
        pytest.param(
            {"class_name": "Lambda", "config": {"name": "dense", "function": "x"}}, "Python code", id="Lambda"
        ),
        pytest.param({"module": "my.layers", "registered_name": "Dense"}, "custom layer", id="module"),
        pytest.param({"module": "keras.layers", "registered_name": "Mine>Dense"}, "Mine>Dense", id="registered"),
        pytest.param({"module": None, "registered_name": "Mine>Dense"}, "Mine>Dense", id="registered_only"),
    ],
)
def test_code_of_the_user(kind: str, change: dict[str, Any], mentioned: str, tmp_path: Path) -> None:
    name = "layer 'dense'"
    refused(ORIGIN, kind, "dense", lambda entry: entry.update(change), tmp_path, name, mentioned, SAVED[kind])


def test_lambda_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    entry = {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "dense", "function": function}}
    refused(ORIGIN, "keras3.keras", "dense", lambda old: old.update(entry), tmp_path, "never run")
    assert not trace.exists()


FUNCTION = {"module": "builtins", "class_name": "function", "config": "my_activation", "registered_name": "function"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", ["activation", "recurrent_activation"])
@pytest.mark.parametrize("value", ["Tanh", "my_activation", "", FUNCTION, 3, ["tanh"], {"class_name": "Snake"}])
def test_unknown_activation(value: Any, key: str, kind: str, tmp_path: Path) -> None:
    refused(ORIGIN, kind, "lstm", setting(key, value), tmp_path, "layer 'lstm' (LSTM)", "activation")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("layer", "key", "value"),
    [
        ("lstm", "peephole", True),
        ("lstm", "clip", 3.0),
        ("lstm", "projection", {"units": 4}),
        ("lstm", "time_major", True),
        ("dense", "kernel_scale", 2),
        ("dense", "lora_rank", 4),
        ("dense", "quantization_config", {"mode": "int8"}),
    ],
)
def test_a_key_that_is_not_known(layer: str, key: str, value: Any, kind: str, tmp_path: Path) -> None:
    refused(ORIGIN, kind, layer, setting(key, value), tmp_path, f"layer '{layer}'", key)


POLICY = "keras"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "dtype",
    [
        "int8_from_float32",
        "float8",
        "x",
        {"module": POLICY, "class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}},
        {"module": POLICY, "class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_mixed_bfloat16"}},
        {"module": POLICY, "class_name": "QuantizedFloat8DTypePolicy", "config": {"name": "float8_from_float32"}},
        {"module": POLICY, "class_name": "DTypePolicyMap", "config": {"default_policy": "float32"}},
    ],
    ids=range(7),
)
def test_quantized_or_unknown_dtype_policy(dtype: Any, kind: str, tmp_path: Path) -> None:
    refused(ORIGIN, kind, "dense", setting("dtype", dtype), tmp_path, "layer 'dense'", "dtype")


def _training_in_keras2(entry: Any) -> None:
    entry["inbound_nodes"][0][0][3]["training"] = True


def _training_in_keras3(entry: Any) -> None:
    entry["inbound_nodes"][0]["kwargs"]["training"] = True


WITH_TRAINING = pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("keras2.h5", _training_in_keras2),
        ("keras2.keras", _training_in_keras2),
        ("keras3.h5", _training_in_keras3),
        ("keras3.keras", _training_in_keras3),
    ],
)


@pytest.mark.parametrize("kind", ["keras2.h5", "keras2.keras"])
@pytest.mark.parametrize("key", ["dropout", "recurrent_dropout"])
def test_training_in_the_call_of_a_layer_with_dropout(key: str, kind: str, tmp_path: Path) -> None:
    def with_dropout(entry: Any) -> None:
        _training_in_keras2(entry)
        entry["config"][key] = 0.25

    mentioned = ("layer 'encoder' (LSTM)", "training=True")
    refused("encoder_decoder", kind, "encoder", with_dropout, tmp_path, *mentioned)


@WITH_TRAINING
def test_training_in_the_call_of_a_layer_that_does_the_same_then(
    kind: str, change: Callable[[Any], object], tmp_path: Path
) -> None:
    def without_dropout(entry: Any) -> None:
        change(entry)
        entry["config"].update(dropout=0.0, recurrent_dropout=0.0)

    path = with_layer(model("encoder_decoder", kind), tmp_path / f"model.{kind}", "encoder", without_dropout)
    result = run(path, "-i", inputs("encoder_decoder"), "-e", recorded("encoder_decoder", kind))
    assert result.exit_code == 0, result.stderr


# --- settings that make no sense


@pytest.mark.parametrize("kind", ["keras2.h5", "keras3.keras"])
@pytest.mark.parametrize(
    ("name", "layer", "key", "value"),
    [
        (ORIGIN, "lstm", "units", 9),
        (ORIGIN, "lstm", "units", 0),
        (ORIGIN, "lstm", "units", -8),
        (ORIGIN, "lstm", "units", "8"),
        (ORIGIN, "lstm", "units", None),
        (ORIGIN, "lstm", "units", 8.5),
        (ORIGIN, "dense", "units", 3),
        (ORIGIN, "dense", "use_bias", False),
        (ORIGIN, "lstm", "name", "other"),
        ("stacked_gru", "reset_after", "reset_after", False),
        ("stacked_gru", "reset_before", "reset_after", True),
        ("conv_pool_lstm", "conv", "padding", "full"),
        ("conv_pool_lstm", "conv", "padding", ["same"]),
        ("conv_pool_lstm", "conv", "kernel_size", [9]),
        ("conv_pool_lstm", "conv", "kernel_size", "3"),
        ("conv_pool_lstm", "conv", "strides", 0),
        ("conv_pool_lstm", "conv", "data_format", "channels_first"),
        ("conv_pool_lstm", "batch_normalization", "axis", 5),
        ("conv_pool_lstm", "batch_normalization", "epsilon", "small"),
        ("conv_pool_lstm", "batch_normalization", "scale", False),
        ("conv_pool_lstm", "layer_normalization", "axis", "last"),
        ("conv_pool_lstm", "layer_normalization", "axis", [7]),
        ("bidirectional_masked", "embedding", "input_dim", 12),
        ("bidirectional_masked", "bidirectional", "merge_mode", "max"),
        ("bidirectional_masked", "bidirectional", "merge_mode", ["sum"]),
    ],
)
def test_settings_that_make_no_sense(
    name: str, kind: str, layer: str, key: str, value: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if key == "name" and kind.endswith(".keras"):
        pytest.skip("a .keras file finds weights by the place of the layer, not by its name")
    refused(name, kind, layer, setting(key, value), tmp_path, "" if key == "name" else layer)


# --- names as they may come


@pytest.mark.parametrize("name", ["[/bold]", "[red]", "out:smile:", "Schicht ä", "%s {0}"])
def test_odd_names_are_shown_as_they_are(name: str, tmp_path: Path) -> None:
    path = _renamed(tmp_path, name)
    for shown in (run(path, "-i", inputs(ORIGIN), "-e", recorded(ORIGIN)), run("inspect", path)):
        assert shown.exit_code in (0, 1)
        assert name in shown.stdout


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2Jcleared", "zero\x00", "\udcff"])
def test_names_never_reach_the_terminal_as_control_codes(name: str, tmp_path: Path) -> None:
    path = _renamed(tmp_path, name, class_name="Unknown")
    result = run("inspect", path)
    assert_refused(result, path)
    assert all(character.isprintable() for character in result.stderr.removesuffix("\n"))


def _renamed(folder: Path, name: str, class_name: str = "Dense") -> Path:
    """A model whose last layer has another name, in the config and among the weights."""

    def change(entry: Any) -> None:
        entry["class_name"], entry["config"]["name"] = class_name, name

    path = with_layer(model(ORIGIN), folder / "renamed.h5", "dense", change)
    if class_name == "Dense":
        with_hdf5(path, folder / "model.h5", lambda file: _move(file["model_weights"], "dense", name))
        return folder / "model.h5"
    return path


def _move(group: h5py.Group, old: str, new: str) -> None:
    group.move(old, f"{new}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ["x", {"a": 1}, [[], 3, 2], ["x", 3, 2], [{}, 3, 2], [None, -1, 2], [None, 3.5, 2]])
def test_an_input_of_no_shape(kind: str, shape: object, tmp_path: Path) -> None:
    def change(config: Any) -> None:
        first = config["config"]["layers"][0]
        key = next(key for key in ("batch_input_shape", "batch_shape") if key in first["config"])
        first["config"][key] = shape

    source, path = model(ORIGIN, kind), tmp_path / f"model.{kind}"
    config = read_config(source)
    change(config)
    result = run(with_config(source, path, config), "-i", inputs(ORIGIN), "-e", recorded(ORIGIN, kind))
    assert_refused(result, path, "its input has shape")

"""Files as older versions of Keras wrote them, made of current ones by putting back what has changed since."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstm_verify import UnsupportedError, Verdict, load, replay, verify
from tests.command import inputs, model, recorded
from tests.model_files import read_config, with_config, with_hdf5, with_layer

KEYS_SINCE_THEN = ("dtype", "ragged", "groups", "time_major", "zero_output_for_mask")


def sequential_as_a_list(config: Any) -> None:
    """Keras 2.2.2 and before: no name, no input layer, the input's shape on the first layer, few keys."""
    layers = config["config"]["layers"]
    first = next(entry for entry in layers if entry["class_name"] != "InputLayer")
    shape = layers[0]["config"]["batch_input_shape"]
    config["config"] = [entry for entry in layers if entry["class_name"] != "InputLayer"]
    for entry in config["config"]:
        for key in KEYS_SINCE_THEN:
            entry["config"].pop(key, None)
    first["config"]["batch_input_shape"] = shape


def functional_called_model(config: Any) -> None:
    """Keras 2.0 to tf.keras 2.3: functional models have the class name `Model`."""
    config["class_name"] = "Model"


@pytest.mark.parametrize(
    ("name", "change", "version"),
    [
        ("origin_relu_sigmoid", sequential_as_a_list, "2.1.6"),
        ("conv_pool_lstm", sequential_as_a_list, "2.2.2"),
        ("stacked_gru", sequential_as_a_list, "2.2.2"),
        ("encoder_decoder", functional_called_model, "2.2.4-tf"),
        ("nested_shared", functional_called_model, "2.3.1"),
    ],
)
def test_configs_of_older_versions(name: str, change: Callable[[Any], None], version: str, tmp_path: Path) -> None:
    source = model(name, "keras2.h5")
    config = read_config(source)
    change(config)
    path = with_config(source, tmp_path / "old.h5", config)
    path = with_hdf5(path, tmp_path / "older.h5", lambda file: file.attrs.__setitem__("keras_version", version))
    report = verify(path, inputs(name), expected=recorded(name, "keras2.h5"))
    assert report.verdict is Verdict.MATCH, report.summary()
    assert load(path).source == dataclasses.replace(load(path).source, writer=f"Keras {version}", runtime="tf_keras")


def test_dtype_policies_with_a_loss_scale(tmp_path: Path) -> None:
    config = read_config(model("origin_tanh_sigmoid", "keras2.h5"))
    for entry in config["config"]["layers"][1:]:
        entry["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "float32", "loss_scale": None}}
    path = with_config(model("origin_tanh_sigmoid", "keras2.h5"), tmp_path / "old.h5", config)
    report = verify(path, inputs("origin_tanh_sigmoid"), expected=recorded("origin_tanh_sigmoid", "keras2.h5"))
    assert report.verdict is Verdict.MATCH


def test_a_gru_whose_config_does_not_say_resets_before(tmp_path: Path) -> None:
    """Up to Keras 2.1.3 there was no `reset_after`; the later default is another layer."""
    path = with_layer(
        model("stacked_gru", "keras2.h5"),
        tmp_path / "old.h5",
        "reset_before",
        lambda entry: entry["config"].pop("reset_after"),
    )
    x = dict(np.load(inputs("stacked_gru")))
    assert not load(path).layers["reset_before"].cell.reset_after
    assert np.array_equal(replay(load(path), x), replay(load(model("stacked_gru", "keras2.h5")), x))


def test_names_in_several_attributes(tmp_path: Path) -> None:
    """Keras divides a list of names that is too long for one attribute into `weight_names0`, `weight_names1`, ..."""

    def divide(file: h5py.File) -> None:
        group = file["model_weights/lstm"]
        names = list(group.attrs["weight_names"])
        del group.attrs["weight_names"]
        group.attrs["weight_names0"] = [str(name) for name in names[:2]]
        group.attrs["weight_names1"] = [str(name).encode() for name in names[2:]]

    path = with_hdf5(model("origin_tanh_relu"), tmp_path / "divided.h5", divide)
    report = verify(path, inputs("origin_tanh_relu"), expected=recorded("origin_tanh_relu"))
    assert report.verdict is Verdict.MATCH


def put_back(group: h5py.Group) -> None:
    """Number the layers of a model as Keras 2.13 did, which counted each that has weights twice."""
    for name in sorted(group["layers"], reverse=True):
        inner = group["layers"][name]
        if "layers" in inner:
            put_back(inner)
        stem, _, number = name.rpartition("_")
        if number.isdigit():
            group["layers"].move(name, f"{stem}_{2 * int(number)}")
    group.move("layers", "_layer_checkpoint_dependencies")


@pytest.mark.parametrize("version", ["1.2.2", None])
def test_keras_1_is_refused_by_name(version: str | None, tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        for group in (file, file["model_weights"]):
            del group.attrs["keras_version"]
        if version:
            file.attrs["keras_version"] = version

    path = with_hdf5(model("origin_tanh_relu", "keras2.h5"), tmp_path / "old.h5", write)
    with pytest.raises(UnsupportedError, match="written by Keras 1"):
        load(path)


@pytest.mark.parametrize("name", ["encoder_decoder", "nested_shared", "stacked_gru"])
def test_the_layout_of_keras_2_13_archives(name: str, tmp_path: Path) -> None:
    """There the list of layers was called `_layer_checkpoint_dependencies`, and had layers with weights twice."""
    source, target = model(name, "keras2.keras"), tmp_path / "old.keras"
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        put_back(file)
    parts["model.weights.h5"] = buffer.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    report = verify(target, inputs(name), expected=recorded(name, "keras2.h5"))
    assert report.verdict is Verdict.MATCH, report.summary()

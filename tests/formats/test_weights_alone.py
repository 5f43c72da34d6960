"""Weights in files of their own: with the config of their model they compute what the framework did that wrote them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstm_verify import ModelFileError, Verdict, load, replay, verify
from lstm_verify.formats.weights.alone import looks_like
from tests.command import assert_refused, inputs, model, recorded, run
from tests.graph_files import reading
from tests.model_files import datasets, with_hdf5
from tests.zoo.weights_alone import FORMS, NAMES

Folder = Callable[[str], Path]

CASES = [(framework, name, form) for framework in FORMS for name in (*NAMES, "trained") for form in FORMS[framework]]
LSTM = "lstm_return_state"


def parts(folder: Path, name: str, form: str) -> tuple[Path, Path, Path]:
    """A file of weights, its config, and its inputs."""
    return folder / f"{name}{form}", folder / f"{name}.json", folder / f"{name}.x.npz"


def copied(folder: Path, name: str, form: str, target: Path) -> Path:
    """A copy of a file of weights, to be changed."""
    for file in folder.glob(f"{name}{form}*"):
        shutil.copy(file, target)
    return target / f"{name}{form}"


@pytest.fixture(scope="module")
def checkpoints(weights_alone: Folder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Any]:
    """All checkpoints, read at once, since it takes seconds to import TensorFlow."""
    prefixes = [path.with_suffix("") for path in weights_alone("tf_keras").glob("*.ckpt.index")]
    return reading([*prefixes, model("basic_lstm", "weights.ckpt")], tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(autouse=True)
def _as_read(checkpoints: Callable[[], Any]) -> Iterator[None]:
    with checkpoints():
        yield


@pytest.mark.parametrize(("framework", "name", "form"), CASES, ids=map("-".join, CASES))
def test_replay_agrees_with_the_framework(weights_alone: Folder, framework: str, name: str, form: str) -> None:
    folder = weights_alone(framework)
    path, config, x = parts(folder, name, form)
    report = verify(path, x, expected=folder / f"{name}.y.npz", architecture=config)
    assert report.verdict is Verdict.MATCH, report.summary()


def test_the_model_may_be_in_an_object(weights_alone: Folder) -> None:
    folder = weights_alone("tf_keras")
    path, config, x = parts(folder, "trained", ".object.ckpt")
    assert verify(path, x, expected=folder / "trained.y.npz", architecture=config).verdict is Verdict.MATCH
    assert verify(path, x, architecture=config).verdict is Verdict.MATCH


@pytest.mark.parametrize(
    ("framework", "config_of", "form"),
    [
        ("keras", "keras", ".weights.h5"),
        ("keras", "keras", ".weights.json"),
        ("keras", "keras", ".npz"),
        ("tf_keras", "tf_keras", ".weights.h5"),
        ("tf_keras", "tf_keras", ".layers.h5"),
        ("tf_keras", "tf_keras", ".ckpt"),
        ("tf_keras", "keras", ".ckpt"),
    ],
)
def test_the_framework_puts_them_together_by_itself(
    weights_alone: Folder, framework: str, config_of: str, form: str
) -> None:
    """The weights of one Keras may be loaded into the model of the other, where that has them by the same names."""
    name = "bidirectional_words_tagger"
    path, _, x = parts(weights_alone(framework), name, form)
    report = verify(path, x, architecture=weights_alone(config_of) / f"{name}.json", blind_spots=False)
    assert report.verdict is Verdict.MATCH, report.reason or report.summary()
    assert report.predicted.name == config_of


def test_a_faulty_prediction_of_such_a_model_is_diagnosed(weights_alone: Folder) -> None:
    """The framework is asked for its layers, too, of a model that it has put together."""
    folder = weights_alone("keras")
    path, config, x = parts(folder, "gru_plain", ".weights.h5")
    result = run(path, "--architecture", config, "-i", x, "--atol", "0", "--json", "-")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["diagnosis"] is not None


def test_a_rollout_of_a_model_in_two_files(weights_alone: Folder, tmp_path: Path) -> None:
    path, config, x = parts(weights_alone("keras"), "trained", ".npz")
    result = run("rollout", path, "--architecture", config, "-i", x, "--steps", 3)
    assert result.exit_code == 0, result.output


# --- the config


def halved(file: h5py.File) -> None:
    """Change every weight of a model."""
    for name in datasets(Path(file.filename)):
        file[name][...] = file[name][()] / 2


@pytest.mark.parametrize("kind", ["keras2.h5", "keras3.h5"])
def test_the_config_may_come_from_a_model_whose_weights_are_not_used(kind: str, tmp_path: Path) -> None:
    name = "origin_tanh_sigmoid"
    path, x, expected = model(name, "keras3.keras"), inputs(name), recorded(name)
    config = with_hdf5(model(name, kind), tmp_path / "other.h5", halved)
    assert verify(config, x, expected=expected, diagnose=False).verdict is Verdict.MISMATCH
    assert verify(path, x, expected=expected, architecture=config).verdict is Verdict.MATCH
    assert verify(path, x, architecture=config, blind_spots=False).verdict is Verdict.MATCH


def test_a_whole_archive_is_taken_for_its_weights() -> None:
    name = "stacked_gru"
    path, config = model(name, "keras2.keras"), model(name, "keras3.keras")
    report = verify(path, inputs(name), expected=recorded(name, "keras2.h5"), architecture=config)
    assert report.verdict is Verdict.MATCH


def with_tuples(yaml: Any, entry: Any) -> str:
    """A config as Keras 2.0 to 2.5 wrote it: in YAML, with tuples."""
    entry["config"]["layers"][0]["config"]["batch_input_shape"] = (None, 7, 3)
    return str(yaml.dump(entry))


@pytest.mark.parametrize("form", ["text in JSON", "YAML"])
def test_forms_of_a_config(weights_alone: Folder, form: str, tmp_path: Path) -> None:
    folder = weights_alone("tf_keras")
    path, config, x = parts(folder, LSTM, ".layers.h5")
    if form == "YAML":
        text = with_tuples(pytest.importorskip("yaml"), json.loads(config.read_text()))
        assert "!!python/tuple" in text
        other = tmp_path / "model.yaml"
    else:
        text, other = json.dumps(config.read_text()), tmp_path / "model.json"
    other.write_text(text)
    assert verify(path, x, expected=folder / f"{LSTM}.y.npz", architecture=other).verdict is Verdict.MATCH
    assert verify(path, x, architecture=other, blind_spots=False).verdict is Verdict.MATCH


BAD_CONFIGS = {
    "none.json": (None, "cannot be read (No such file or directory)"),
    "empty.json": ("", "not JSON"),
    "list.json": ("[]", "not the config of a model, expected model.to_json()"),
    "layer.json": ('{"class_name": "Custom", "config": {}}', "a subclassed model (Custom)"),
    "code.yaml": ("!!python/object/apply:os.system ['true']", "not YAML of plain data"),
    "aliases.yaml": ("a: &a [x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*{p}'] * 9)}]\n" for n, p in enumerate(
        ["a", *(f"b{n}" for n in range(9))])), "more than 1,000,000 values"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_what_is_no_config(weights_alone: Folder, name: str, tmp_path: Path) -> None:
    content, said = BAD_CONFIGS[name]
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    if content is not None:
        (tmp_path / name).write_text(content)
    path, _, x = parts(weights_alone("keras"), LSTM, ".weights.h5")
    assert_refused(run(path, "--architecture", tmp_path / name, "-i", x), tmp_path / name, said)


def test_a_lambda_in_a_config_is_refused(weights_alone: Folder, tmp_path: Path) -> None:
    path, config, x = parts(weights_alone("keras"), LSTM, ".weights.h5")
    entry = json.loads(config.read_text())
    entry["config"]["layers"].append({"module": "keras.layers", "class_name": "Lambda", "config": {"name": "code"}})
    (tmp_path / "model.json").write_text(json.dumps(entry))
    result = run(path, "--architecture", tmp_path / "model.json", "-i", x)
    assert_refused(result, "layer 'code' (Lambda)")


# --- what does not belong together


@pytest.mark.parametrize(("framework", "form"), [(framework, form) for framework in FORMS for form in FORMS[framework]])
@pytest.mark.parametrize(
    "other", ["gru_plain", "bidirectional_unequal", "mask_words_lstm_stacked", "only_batch_normalization"]
)
def test_the_config_of_another_model(weights_alone: Folder, framework: str, form: str, other: str) -> None:
    folder = weights_alone(framework)
    path, *_ = parts(folder, LSTM, form)
    config = folder / f"{other}.json"
    assert_refused(run(path, "--architecture", config, "-i", folder / f"{other}.x.npz"), path, config)
    assert_refused(run("inspect", path, "--architecture", config), path, config)


@pytest.mark.parametrize(("framework", "form"), [(framework, form) for framework in FORMS for form in FORMS[framework]])
@pytest.mark.parametrize("change", ["units", "a layer less", "the last layer less", "a layer more"])
def test_a_config_that_has_been_changed(
    weights_alone: Folder, framework: str, form: str, change: str, tmp_path: Path
) -> None:
    folder = weights_alone(framework)
    path, config, x = parts(folder, "trained", form)
    entry = json.loads(config.read_text())
    layers = entry["config"]["layers"]
    lstm = next(item for item in layers if item["class_name"] == "LSTM")
    if change == "units":
        lstm["config"]["units"] = 5
    elif change == "a layer less":
        layers[:] = [item for item in layers if item["class_name"] != "BatchNormalization"]
    elif change == "the last layer less":
        del layers[-1]
    else:
        again = json.loads(json.dumps(layers[-1]))
        again["config"]["name"] = "once_more"
        layers.append(again)
    (tmp_path / "model.json").write_text(json.dumps(entry))
    assert_refused(run(path, "--architecture", tmp_path / "model.json", "-i", x), path)


def one_more(path: Path, name: str, listed: str = "") -> None:
    """Put one more tensor into an HDF5 file; `listed` names the layer on whose list it is to be."""
    with h5py.File(path, "r+") as file:
        file[name] = np.zeros(3, np.float32)
        if listed:
            names = file[listed].attrs["weight_names"]
            file[listed].attrs["weight_names"] = [*names, name.removeprefix(f"{listed}/")]


@pytest.mark.parametrize(
    ("framework", "form", "name", "listed"),
    [
        ("keras", ".weights.h5", "layers/lstm/cell/vars/3", ""),
        ("keras", ".weights.h5", "layers/dense_9/vars/0", ""),
        ("keras", ".weights.h5", "vars/0", ""),
        ("keras", ".weights.h5", "elsewhere/vars/0", ""),
        ("tf_keras", ".layers.h5", "lstm/one_more", "lstm"),
        ("tf_keras", ".layers.h5", "lstm/one_more", ""),
        ("tf_keras", ".layers.h5", "elsewhere", ""),
        ("tf_keras", ".layers.h5", "top_level_model_weights/scale", "top_level_model_weights"),
    ],
)
def test_one_tensor_more(
    weights_alone: Folder, framework: str, form: str, name: str, listed: str, tmp_path: Path
) -> None:
    folder = weights_alone(framework)
    _, config, x = parts(folder, LSTM, form)
    path = copied(folder, LSTM, form, tmp_path)
    one_more(path, name, listed)
    assert_refused(run(path, "--architecture", config, "-i", x), path, config)


def test_one_array_more_or_less_or_by_another_name(weights_alone: Folder, tmp_path: Path) -> None:
    folder = weights_alone("keras")
    path, config, _ = parts(folder, LSTM, ".npz")
    arrays = list(dict(np.load(path)).values())
    for name, others in {"more": [*arrays, arrays[-1]], "less": arrays[:-1]}.items():
        np.savez(tmp_path / f"{name}.npz", *others)
        with pytest.raises(ModelFileError, match=f"{len(others)} arrays, expected 3"):
            load(tmp_path / f"{name}.npz", architecture=config)
    np.savez(tmp_path / "named.npz", **dict(zip("abc", arrays, strict=True)))
    with pytest.raises(ModelFileError, match="an array is named 'a', expected arr_0"):
        load(tmp_path / "named.npz", architecture=config)


def test_layers_of_the_same_names_in_another_order(weights_alone: Folder, tmp_path: Path) -> None:
    """Keras would give each the weights of the other, without a word if their shapes allow."""
    folder = weights_alone("tf_keras")
    _, config, _ = parts(folder, "mask_words_lstm_stacked", ".layers.h5")
    path = copied(folder, "mask_words_lstm_stacked", ".layers.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = list(file.attrs["layer_names"])[::-1]
    with pytest.raises(ModelFileError, match="the layers come in the order lstm_1, lstm, embedding"):
        load(path, architecture=config)


def test_layers_by_other_names_are_taken_in_their_order(weights_alone: Folder, tmp_path: Path) -> None:
    """As Keras does: the second model that a program makes has layers with other numbers."""
    folder = weights_alone("tf_keras")
    path, config, x = parts(folder, "mask_words_lstm_stacked", ".layers.h5")
    other = tmp_path / "model.json"
    other.write_text(config.read_text().replace('"lstm_1"', '"lstm_7"').replace('"lstm"', '"lstm_6"'))
    arrays = dict(np.load(x))
    expected = replay(load(path, architecture=config), arrays)
    found = replay(load(path, architecture=other), arrays)
    np.testing.assert_array_equal(*(next(iter(outputs.values())) for outputs in (found, expected)))


def test_a_checkpoint_with_two_models(weights_alone: Folder) -> None:
    path, config, x = parts(weights_alone("tf_keras"), "trained", ".two.ckpt")
    assert_refused(run(path, "--architecture", config, "-i", x), path, "a checkpoint of 2 models (net, twin)")


def test_a_checkpoint_of_tensorflow_1(weights_alone: Folder) -> None:
    path, config = model("basic_lstm", "weights.ckpt"), weights_alone("keras") / f"{LSTM}.json"
    assert_refused(run("inspect", path, "--architecture", config), path, "a checkpoint of TensorFlow 1")


def test_a_graph_takes_no_config(weights_alone: Folder) -> None:
    config = weights_alone("keras") / f"{LSTM}.json"
    for path in (model("basic_lstm", "tf1.pb"), model("origin_tanh_sigmoid", "keras3.export")):
        assert_refused(run("inspect", path, "--architecture", config), path, "no file of weights")


def test_a_config_in_the_place_of_weights(weights_alone: Folder) -> None:
    config = weights_alone("keras") / f"{LSTM}.json"
    assert_refused(run("inspect", config), config, "JSON without weights", "--architecture")


def test_shards_that_are_missing_or_elsewhere(weights_alone: Folder, tmp_path: Path) -> None:
    folder = weights_alone("keras")
    _, config, _ = parts(folder, "trained", ".weights.json")
    path = copied(folder, "trained", ".weights.json", tmp_path)
    assert_refused(run("inspect", path, "--architecture", config), path, "trained_00000.weights.h5 is missing")
    path.write_text(path.read_text().replace("trained_00000", "../trained_00000"))
    assert_refused(run("inspect", path, "--architecture", config), path, "expected a file beside it")


# --- folders of checkpoints


def test_a_folder_with_a_checkpoint_or_several(weights_alone: Folder, tmp_path: Path) -> None:
    folder = weights_alone("tf_keras")
    _, config, x = parts(folder, LSTM, ".ckpt")
    copied(folder, LSTM, ".ckpt", tmp_path)
    assert verify(tmp_path, x, architecture=config, blind_spots=False).verdict is Verdict.MATCH
    copied(folder, "gru_plain", ".ckpt", tmp_path)
    with pytest.raises(ModelFileError, match=r"a folder with 2 checkpoints \(gru_plain.ckpt, lstm_return_state.ckpt\)"):
        load(tmp_path, architecture=config)
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "/home/elsewhere/{LSTM}.ckpt"\n')
    assert verify(tmp_path, x, architecture=config, blind_spots=False).verdict is Verdict.MATCH


# --- without a config


@pytest.mark.parametrize(("framework", "form"), [(framework, form) for framework in FORMS for form in FORMS[framework]])
def test_without_a_config_nothing_is_replayed(weights_alone: Folder, framework: str, form: str) -> None:
    path, _, x = parts(weights_alone(framework), "gru_plain", form)
    for command in (["verify", path], ["diagnose", path], ["rollout", path, "--steps", 2]):
        assert_refused(run(*command, "-i", x), path, "nothing to replay", "--architecture model.json")
    assert_refused(run(path, "--random", 3), path, "nothing to replay", "--architecture model.json")


@pytest.mark.parametrize(("framework", "form"), [(framework, form) for framework in FORMS for form in FORMS[framework]])
def test_without_a_config_every_tensor_is_shown(
    weights_alone: Folder, framework: str, form: str, tmp_path: Path
) -> None:
    folder = weights_alone(framework)
    path = folder / f"gru_plain{form}"
    result = run("inspect", path, "--json", "-")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [layer["type"] for layer in found["layers"]] == [
        "tensors, by their shapes of GRU of 4 units, reset_after=True"
    ]
    assert "--architecture" in found["findings"][0]
    extracted = run("extract", path, "-o", tmp_path / "tensors.npz")
    assert extracted.exit_code == 0, extracted.output
    with np.load(tmp_path / "tensors.npz") as found, np.load(folder / "gru_plain.npz") as written:
        ours, theirs = (sorted((array.shape, array.tobytes()) for array in file.values()) for file in (found, written))
    assert ours == theirs


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(3, 16), (4, 16), (16,)], "LSTM of 4 units"),
        ([(3, 16), (4, 16)], "LSTM of 4 units without bias"),
        ([(3, 16), (4, 16), (32,)], "CuDNNLSTM of 4 units"),
        ([(3, 12), (4, 12), (12,)], "GRU of 4 units, reset_after=False"),
        ([(3, 12), (4, 12), (2, 12)], "GRU of 4 units, reset_after=True"),
        ([(3, 12), (4, 12), (24,)], "CuDNNGRU of 4 units"),
        ([(3, 4), (4, 4), (4,)], "SimpleRNN of 4 units"),
        ([(3, 3, 2, 16), (3, 3, 4, 16), (16,)], "ConvLSTM of 4 units"),
        ([(3, 4), (4,)], "Dense of 4 units"),
        ([(5, 3, 4), (4,)], "convolution of 4 filters"),
        ([(4,), (4,), (4,), (4,)], "BatchNormalization of 4 values"),
        ([(3, 16), (4, 16), (16,), (3, 16), (4, 16), (16,), (8, 2), (2,)],
         "LSTM of 4 units; LSTM of 4 units; Dense of 2 units"),
        ([(7,)], ""),
        ([()], ""),
        ([(3, 4), (4, 4)], ""),
    ],
)  # fmt: skip
def test_what_tensors_look_like(shapes: list[tuple[int, ...]], words: str) -> None:
    """By the published layouts: a kernel has a block as wide as there are units for each gate; CuDNN has two biases."""
    assert looks_like(shapes) == words


def test_an_archive_that_unpacks_to_far_more_is_not_unpacked(weights_alone: Folder, tmp_path: Path) -> None:
    config = weights_alone("keras") / f"{LSTM}.json"
    np.savez_compressed(tmp_path / "weights.npz", np.zeros(20_000_000, np.float32))
    assert_refused(run("inspect", tmp_path / "weights.npz"), "arr_0.npy: 76 MiB, packed in")
    assert_refused(run("inspect", tmp_path / "weights.npz", "--architecture", config), "arr_0.npy: 76 MiB, packed in")

"""Files that are no model, damaged ones, and models that cannot be replayed: one clear line, exit code 2."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.command import assert_refused, inputs, model, recorded, run
from tests.model_files import datasets, replace_dataset, with_hdf5, with_parts

ORIGIN = "origin_tanh_sigmoid"
WEIGHTS = [
    pytest.param(name, weight, id=f"{name}-{weight.split('/')[1]}-{weight.split('/')[-1]}")
    for name in (ORIGIN, "conv_pool_lstm")
    for weight in datasets(model(name))
]
H5, ARCHIVE = model(ORIGIN, "keras3.h5"), model(ORIGIN, "keras3.keras")


def refused(path: Path, *mentioned: object) -> None:
    """Every command refuses a file, and none of them leaves anything behind but what it says of it."""
    folder = path.parent / "results"
    folder.mkdir()
    files = [folder / name for name in ("report.json", "junit.xml", "deviations.csv", "replayed.npz", "weights.npz")]
    options = [
        f"{key}={file}" for key, file in zip(("--json", "--junit", "--per-sample", "--output"), files, strict=False)
    ]
    assert_refused(run(path, "-i", inputs(ORIGIN), "-e", recorded(ORIGIN), *options), path, *mentioned)
    assert_refused(run(path, "-i", inputs(ORIGIN), *options), path, *mentioned)
    assert_refused(run("inspect", path, f"--json={files[0]}"), path, *mentioned)
    assert_refused(run("extract", path, "-o", files[4]), path, *mentioned)
    assert sorted(file.name for file in folder.iterdir()) == ["junit.xml", "report.json"]
    assert json.loads(files[0].read_text())["verdict"] == "error"


# --- no model at all


@pytest.mark.parametrize("suffix", [".h5", ".keras", ""])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"epoch,loss\n1,0.5\n", id="text"),
        pytest.param(np.random.default_rng(0).bytes(5000), id="random"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), id="png"),
        pytest.param(b"\x89HDF\r\n\x1a\n", id="hdf5-magic"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="zip-magic"),
        pytest.param(b"\x93NUMPY\x01\x00", id="npy"),
    ],
)
def test_not_a_model(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    refused(path)


def test_a_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "missing.h5", "No such file")


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "model.h5").mkdir()
    refused(tmp_path / "model.h5", "a directory")


def test_a_file_as_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert_refused(run("inspect", tmp_path / "file" / "model.h5"), "Not a directory")


def test_a_name_that_no_file_can_have() -> None:
    assert_refused(run("inspect", "x" * 300), "File name too long")


@pytest.mark.parametrize("kind", ["keras2.h5", "keras3.h5", "keras2.keras", "keras3.keras"])
@pytest.mark.parametrize("kept", [1, 7, 16, 100, 0.25, 0.5, 0.75, 0.95, -1])
def test_truncated(kind: str, kept: float, tmp_path: Path) -> None:
    content = model(ORIGIN, kind).read_bytes()
    path = tmp_path / f"model.{kind}"
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    refused(path)


# --- HDF5


def test_h5_without_a_config(tmp_path: Path) -> None:
    path = with_hdf5(H5, tmp_path / "model.h5", lambda file: file.attrs.pop("model_config"))
    assert_refused(run(path, "-i", inputs(ORIGIN)), path, "nothing to replay", "--architecture model.json")


def test_h5_with_weights_only(tmp_path: Path) -> None:
    with h5py.File(H5, "r") as whole, h5py.File(tmp_path / "model.weights.h5", "w") as weights:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", weights)
        weights.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]
    path = tmp_path / "model.weights.h5"
    assert_refused(run(path, "-i", inputs(ORIGIN)), path, "nothing to replay", "--architecture model.json")


def test_h5_that_is_not_of_keras(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["temperature"] = np.arange(10.0)
    refused(tmp_path / "data.h5", "without a model config")


def _dataset_for_weights(file: h5py.File) -> None:
    del file["model_weights"]
    file["model_weights"] = np.zeros(3)


def _dataset_for_layer(file: h5py.File) -> None:
    del file["model_weights/lstm"]
    file["model_weights/lstm"] = np.zeros(3)


def _surplus_layer(file: h5py.File) -> None:
    file.copy("model_weights/dense", "model_weights/dense_9")


def _surplus_weight(file: h5py.File) -> None:
    group = file["model_weights/dense"]
    names = [*group.attrs["weight_names"], "surplus"]
    group["surplus"] = np.zeros(2, np.float32)
    group.attrs["weight_names"] = names


@pytest.mark.parametrize(
    ("change", "mentioned"),
    [
        pytest.param(
            lambda file: file.attrs.__setitem__("model_config", "{'class_name': "),
            "model_config: not JSON",
            id="half_config",
        ),
        pytest.param(
            lambda file: file.attrs.__setitem__("model_config", np.bytes_(b'{"\xff": 1}')),
            "model_config",
            id="config_not_utf8",
        ),
        pytest.param(
            lambda file: file.attrs.__setitem__("model_config", np.arange(3)), "model_config", id="config_of_numbers"
        ),
        pytest.param(
            lambda file: file.attrs.__setitem__("model_config", "[" * 100_000), "model_config", id="config_too_deep"
        ),
        pytest.param(lambda file: file.attrs.__setitem__("keras_version", "4.0.0"), "Keras 4.0.0", id="version_4"),
        pytest.param(lambda file: file.attrs.__setitem__("keras_version", "new"), "Keras new", id="version_word"),
        pytest.param(lambda file: file.attrs.__setitem__("keras_version", "1.2.2"), "Keras 1.2.2", id="version_1"),
        pytest.param(lambda file: file.pop("model_weights"), "model_weights", id="no_weights"),
        pytest.param(_dataset_for_weights, "model_weights", id="weights_no_group"),
        pytest.param(
            lambda file: file.pop("model_weights/lstm"),
            "layer 'lstm' (LSTM): 0 weights in the file, expected 3",
            id="layer_without_weights",
        ),
        pytest.param(_dataset_for_layer, "lstm", id="layer_no_group"),
        pytest.param(
            lambda file: file["model_weights/lstm"].attrs.pop("weight_names"), "layer 'lstm'", id="no_weight_names"
        ),
        pytest.param(_surplus_layer, "'dense_9'", id="surplus_layer"),
        pytest.param(_surplus_weight, "layer 'dense' (Dense): 3 weights in the file, expected 2", id="surplus_weight"),
    ],
)
def test_damaged_h5(change: Callable[[h5py.File], object], mentioned: str, tmp_path: Path) -> None:
    refused(with_hdf5(H5, tmp_path / "model.h5", change), mentioned)


@pytest.mark.parametrize(("name", "weight"), WEIGHTS)
def test_missing_dataset(name: str, weight: str, tmp_path: Path) -> None:
    path = with_hdf5(model(name), tmp_path / "model.h5", lambda file: file.pop(weight))
    assert_refused(run("inspect", path), path, weight.split("/")[1], "is missing")


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 2), "S3"), np.zeros((8, 2), complex), np.zeros((8, 2), bool)],
    ids=lambda array: array.dtype.kind,
)
def test_weight_of_the_wrong_dtype(array: np.ndarray, tmp_path: Path) -> None:
    weight = next(name for name in datasets(H5) if "dense" in name and "kernel" in name)
    refused(with_hdf5(H5, tmp_path / "model.h5", replace_dataset(weight, lambda _: array)), "dense", "dtype")


# --- .keras archives


@pytest.mark.parametrize("part", ["config.json", "metadata.json", "model.weights.h5"])
def test_archive_without_a_part(part: str, tmp_path: Path) -> None:
    refused(with_parts(ARCHIVE, tmp_path / "model.keras", {part: None}), part)


@pytest.mark.parametrize("part", ["config.json", "metadata.json", "model.weights.h5"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null", b"3", b"{}", b"[" * 100_000], ids=range(7))
def test_archive_with_a_damaged_part(part: str, content: bytes, tmp_path: Path) -> None:
    refused(with_parts(ARCHIVE, tmp_path / "model.keras", {part: content}), part.removesuffix(".json"))


def test_zip_that_is_not_of_keras(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "model.keras", "zip archive without config.json")


@pytest.mark.parametrize("name", ["model.keras", "weights.npz"])
def test_archive_that_says_it_needs_another_zip(name: str, tmp_path: Path) -> None:
    """A version that nobody has written yet, in the entry of a part in the central directory."""
    path = tmp_path / name
    content = bytearray(ARCHIVE.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 6 : at + 8] = (127).to_bytes(2, "little")
    path.write_bytes(content)
    refused(path, "zip file version 12.7")


def test_archive_with_damaged_compression(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name))
    content = bytearray(path.read_bytes())
    content[100:180] = bytes(80)
    path.write_bytes(content)
    refused(path)


def test_archive_with_surplus_weights(tmp_path: Path) -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        (tmp_path / "weights.h5").write_bytes(archive.read("model.weights.h5"))
    with h5py.File(tmp_path / "weights.h5", "r+") as file:
        file["layers/dense/vars/2"] = np.zeros(2, np.float32)
    parts = {"model.weights.h5": (tmp_path / "weights.h5").read_bytes()}
    refused(with_parts(ARCHIVE, tmp_path / "model.keras", parts), "layers/dense/vars/2")


@pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
def test_archive_with_a_part_that_unpacks_to_nothing_but_size(part: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            copy.writestr(name, bytes(100 * 2**20) if name == part else archive.read(name))
    refused(path, part, "100 MiB, packed in 0.1 MiB")


# --- values that were never written


def test_a_dataset_without_its_values(tmp_path: Path) -> None:
    """HDF5 would read zeros, and as many as it says."""

    def unwritten(file: h5py.File) -> None:
        name = next(name for name in datasets(H5) if name.endswith("recurrent_kernel"))
        del file[name]
        file.create_dataset(name, (10**6, 4 * 10**6), np.float32, chunks=(1000, 1000))

    refused(with_hdf5(H5, tmp_path / "model.h5", unwritten), "recurrent_kernel", "not all of its 4,000,000,000,000")


@pytest.mark.parametrize("layout", [{}, {"chunks": (4, 8)}, {"chunks": (4, 8), "compression": "gzip"}])
@pytest.mark.parametrize("rows", [0, 4, 8])
def test_a_dataset_that_was_written_in_part(layout: dict[str, object], rows: int, tmp_path: Path) -> None:
    name = next(name for name in datasets(H5) if name.endswith("recurrent_kernel"))

    def rewritten(file: h5py.File) -> None:
        values = file[name][()]
        del file[name]
        new = file.create_dataset(name, values.shape, values.dtype, **layout)
        if rows:
            new[:rows] = values[:rows]

    path = with_hdf5(H5, tmp_path / "model.h5", rewritten)
    if rows == 8 or (rows and not layout):  # in one piece there is space for all as soon as there is for some
        assert run("inspect", path).exit_code == 0
    else:
        refused(path, "recurrent_kernel", "not all of its 256 values")


# --- the content counts, not the name


@pytest.mark.parametrize("kind", ["keras2.h5", "keras3.keras"])
@pytest.mark.parametrize("name", ["model.bin", "model", "model.onnx", "Modell für Ä.txt"])
def test_recognised_by_content(kind: str, name: str, tmp_path: Path) -> None:
    shutil.copyfile(model(ORIGIN, kind), tmp_path / name)
    assert run(tmp_path / name, "-i", inputs(ORIGIN), "-e", recorded(ORIGIN, kind)).exit_code == 0
    assert json.loads(run("inspect", tmp_path / name, "--json", "-").stdout)["path"] == str(tmp_path / name)

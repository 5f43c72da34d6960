"""A model file that points to other files: they are not opened."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lstm_verify import UnsupportedError, load
from tests.command import model
from tests.model_files import with_hdf5


def kernel_of(path: Path) -> tuple[str, np.ndarray]:
    """Where the kernel of the dense layer is, and what it is."""
    found: list[str] = []
    with h5py.File(path, "r") as file:
        file.visit(lambda name: found.append(name) if name.startswith("model_weights/dense/") else None)
        name = next(name for name in found if name.endswith("kernel"))
        return name, file[name][()]


def test_an_external_link_is_refused(tmp_path: Path) -> None:
    source = model("origin_tanh_sigmoid")
    name, kernel = kernel_of(source)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = kernel

    def link(file: h5py.File) -> None:
        del file[name]
        file[name] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "data")

    with pytest.raises(UnsupportedError, match="in another file, which is not opened"):
        load(with_hdf5(source, tmp_path / "model.h5", link))


def test_external_storage_is_refused(tmp_path: Path) -> None:
    source = model("origin_tanh_sigmoid")
    name, kernel = kernel_of(source)
    raw = tmp_path / "raw.bin"
    raw.write_bytes(kernel.tobytes())

    def store(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, kernel.shape, kernel.dtype, external=[(str(raw), 0, kernel.nbytes)])

    with pytest.raises(UnsupportedError, match="in another file, which is not opened"):
        load(with_hdf5(source, tmp_path / "model.h5", store))


def test_a_virtual_dataset_is_refused(tmp_path: Path) -> None:
    source = model("origin_tanh_sigmoid")
    name, kernel = kernel_of(source)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = kernel

    def map_it(file: h5py.File) -> None:
        del file[name]
        layout = h5py.VirtualLayout(kernel.shape, kernel.dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "data", kernel.shape)
        file.create_virtual_dataset(name, layout)

    with pytest.raises(UnsupportedError, match="in another file, which is not opened"):
        load(with_hdf5(source, tmp_path / "model.h5", map_it))

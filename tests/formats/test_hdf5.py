"""HDF5 is read in a process of its own: what hangs or crashes its library is one line here, and costs little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from lstm_verify import ModelFileError, load
from lstm_verify.formats.hdf5 import Dataset, Group, read_tree, reader
from tests.command import assert_refused, model, run
from tests.conftest import FIXTURES, ROOT

ORIGIN = "origin_tanh_sigmoid"
HANGS = {**dict.fromkeys(range(1330, 1338), 255), 4000: 0, 4008: 0}
"""Bytes of a file of Keras 2 with which the HDF5 library never returns from reading an attribute."""


def array(tree: Group, path: str) -> np.ndarray:
    found = tree.find(path)
    assert isinstance(found, Dataset)
    return found.array(path)


def hanging(folder: Path) -> Path:
    content = bytearray(model(ORIGIN, "keras2.h5").read_bytes())
    for place, byte in HANGS.items():
        content[place] = byte
    path = folder / "hangs.h5"
    path.write_bytes(content)
    return path


def test_a_file_that_the_library_never_returns_from(tmp_path: Path) -> None:
    path = hanging(tmp_path)
    begun = time.monotonic()
    assert_refused(run("inspect", path), path, "the HDF5 library did not finish", "Was it copied completely?")
    assert time.monotonic() - begun < 60  # 2 s of computing, on a machine that may be busy
    assert load(model(ORIGIN)).layers  # and the next file is read


def test_a_library_that_does_not_even_compute_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reader, "SECONDS", 0.5)
    monkeypatch.setattr(reader, "PATIENCE", 1.0)
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(ModelFileError, match=r"did not finish with it in 0.5 s"):
        read_tree(tmp_path / "pipe.h5", list)


def test_a_reader_that_is_killed_is_started_again() -> None:
    load(model(ORIGIN))
    server = reader._started[os.getpid()].process
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert load(model(ORIGIN)).layers


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-signal.SIGSEGV, "the HDF5 library crashed, SIGSEGV"),
        (-signal.SIGABRT, "the HDF5 library crashed, SIGABRT"),
        (None, "the process that reads it ended early"),
        (1, "the process that reads it ended early"),
    ],
)
def test_a_crash_is_one_line(status: int | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_ask", lambda request: status)
    assert_refused(run("inspect", model(ORIGIN)), model(ORIGIN), words)


def test_values_that_take_more_memory_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MEMORY", 2**25)
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file.create_dataset("large", data=np.zeros(2**26), compression="gzip", chunks=(2**22,))
        file["small"] = np.arange(3.0)
    with pytest.raises(ModelFileError, match="more memory than a file of this size can need"):
        read_tree(tmp_path / "large.h5", lambda tree: array(tree, "large"))
    assert read_tree(tmp_path / "large.h5", lambda tree: array(tree, "small")).tolist() == [0, 1, 2]


@pytest.mark.parametrize("start", [0, 3000])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2", ">f4", "<i8", "|u1", "|V2"])
@pytest.mark.parametrize("layout", [{}, {"chunks": (2, 3)}, {"chunks": (2, 3), "compression": "gzip"}])
def test_every_layout_and_dtype_comes_out_as_it_went_in(
    start: int, dtype: str, layout: dict[str, object], tmp_path: Path
) -> None:
    """Of one piece, it is read from the file itself, which may be a part of another."""
    values = np.random.default_rng(0).integers(0, 120, 28).astype("<u2").view("|V2").reshape(4, 7)
    values = values if dtype == "|V2" else values.view("<u2").astype(dtype)
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file.create_dataset("group/values", data=values, **layout)
        file["group/one"] = values[0, 0]
        file["group/none"] = np.zeros((0, 3), dtype)
    content = (tmp_path / "plain.h5").read_bytes()
    (tmp_path / "part.bin").write_bytes(bytes(start) + content + bytes(10))
    found = read_tree(
        tmp_path / "part.bin",
        lambda tree: [array(tree, f"group/{name}") for name in ("values", "one", "none")],
        start,
        len(content),
    )
    wanted = values
    if dtype == "|V2":  # raw bfloat16: the upper halves of float32
        wanted = (values.view("<u2").astype("<u4") << 16).view("<f4")
    assert found[0].dtype == wanted.dtype
    assert np.array_equal(found[0], wanted)
    assert np.array_equal(found[1], wanted[0, 0])
    assert found[2].shape == (0, 3)


def test_floats_that_numpy_does_not_have_are_converted_by_the_library(tmp_path: Path) -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 20, 11, 0, 20)  # another division into exponent and mantissa
    kind.set_ebias(1023)
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        dataset = h5py.h5d.create(file.id, b"odd", kind, h5py.h5s.create_simple((3,)))
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1.0, -2.5, 0.125]))
    found = read_tree(tmp_path / "odd.h5", lambda tree: array(tree, "odd"))
    assert found.tolist() == [1.0, -2.5, 0.125]


@pytest.mark.parametrize("soft", [False, True])
def test_groups_that_lie_in_themselves(soft: bool, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "round.h5", "w") as file:
        group = file.create_group("group")
        group["again"] = h5py.SoftLink("/group") if soft else group
    with pytest.raises(ModelFileError, match="its groups are nested without end"):
        read_tree(tmp_path / "round.h5", list)


def test_links_within_the_file_are_followed_and_those_to_nowhere_are_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["values"] = np.arange(4.0)
        file["soft"], file["hard"] = h5py.SoftLink("/values"), file["values"]
        file["nowhere"] = h5py.SoftLink("/missing")
    names = read_tree(tmp_path / "links.h5", lambda tree: {name: array(tree, name) for name in tree.datasets()})
    assert set(names) == {"values", "soft", "hard"}
    assert all(values.tolist() == [0, 1, 2, 3] for values in names.values())


def test_a_keras_archive_that_packs_its_weights(tmp_path: Path) -> None:
    """Keras stores them as they are, and they are read in place; other archivers pack them."""
    source, packed = model(ORIGIN, "keras3.keras"), tmp_path / "packed.keras"
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name))
    weights = [dict(load(path).weights()) for path in (source, packed)]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(array, weights[1][name]) for name, array in weights[0].items())


def test_a_changed_byte_in_the_weights_of_an_archive(tmp_path: Path) -> None:
    content = bytearray(model(ORIGIN, "keras3.keras").read_bytes())
    weights = dict(load(model(ORIGIN, "keras3.keras")).weights())
    kernel = next(array for name, array in weights.items() if name.endswith("kernel"))
    content[content.index(kernel.tobytes()) + 5] ^= 1
    path = tmp_path / "changed.keras"
    path.write_bytes(content)
    assert_refused(run("inspect", path), path, "Bad CRC-32")


def test_the_optimizer_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["optimizer_weights/moments"] = np.zeros(100)
        file["model_weights/optimizer/kernel"] = np.zeros(3)
    assert read_tree(tmp_path / "model.h5", lambda tree: list(tree.datasets())) == ["model_weights/optimizer/kernel"]


def test_no_process_is_left_behind() -> None:
    """The reader is gone when the program is that used it, however that ended."""
    for ending in ("", "import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)"):
        code = f"""
import lstm_verify, os
from lstm_verify.formats.hdf5 import reader
lstm_verify.load({str(FIXTURES / "origin_tanh_sigmoid.keras3.h5")!r})
print(reader._started[os.getpid()].process.pid, flush=True)
{ending}
"""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
        for _ in range(100):
            if not _runs(int(done.stdout)):
                break
            time.sleep(0.1)
        assert not _runs(int(done.stdout)), ending
        assert done.stderr == ""


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"

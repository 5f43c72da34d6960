"""Arrays on disk: read by rows, written by rows, replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError, OutputError
from lstm_verify.array_files import read_arrays
from lstm_verify.arrays import NpyRows, NpyWriter, replacing, write_npz
from tests.builders import random_array

X = random_array(7, 3, 2)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool", ">f4"])
def test_npy_rows_are_the_array(tmp_path: Path, dtype: str) -> None:
    x = (X * 100).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    rows = NpyRows(tmp_path / "x.npy")
    assert (rows.shape, rows.dtype, len(rows)) == ((7, 3, 2), np.dtype(dtype), 7)
    for part in (slice(0, 3), slice(3, 7), slice(6, 99), slice(None)):
        assert_array_equal(rows[part], x[part])


def test_rows_are_copies_that_outlive_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    part = NpyRows(tmp_path / "x.npy")[2:4]
    (tmp_path / "x.npy").unlink()
    part[...] += 1
    assert_array_equal(part, X[2:4] + 1)


def test_fortran_order_and_empty_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(X))
    np.save(tmp_path / "e.npy", X[:0])
    assert_array_equal(NpyRows(tmp_path / "f.npy")[1:3], X[1:3])
    assert NpyRows(tmp_path / "e.npy").shape == (0, 3, 2)
    assert NpyRows(tmp_path / "e.npy")[:].shape == (0, 3, 2)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_blocks_in_any_order_give_the_same_file(tmp_path: Path, dtype: str, order: list[int]) -> None:
    blocks = [slice(0, 3), slice(3, 5), slice(5, 7)]
    writer = NpyWriter(tmp_path / "y.npy", X.shape, dtype)
    for number in order:
        writer.put(blocks[number], X[blocks[number]].astype(dtype))
    assert_array_equal(np.load(tmp_path / "y.npy"), X.astype(dtype))
    assert_array_equal(NpyRows(tmp_path / "y.npy")[:], X.astype(dtype))


def test_a_writer_casts_to_its_dtype_and_takes_any_layout(tmp_path: Path) -> None:
    writer = NpyWriter(tmp_path / "y.npy", (7, 2, 3), "float32")
    writer.put(slice(0, 7), X.transpose(0, 2, 1))
    assert_array_equal(np.load(tmp_path / "y.npy"), X.transpose(0, 2, 1).astype("float32"))


def test_a_writer_of_one_axis(tmp_path: Path) -> None:
    writer = NpyWriter(tmp_path / "y.npy", (7,), "float64")
    writer.put(slice(5, 7), X[5:7, 0, 0])
    assert np.load(tmp_path / "y.npy").tolist() == [0.0] * 5 + X[5:7, 0, 0].tolist()


def test_arrays_are_told_apart_by_content_not_by_name(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "y.npz", **{"a:0": X, "b": X + 1})
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    (tmp_path / "y.npz").rename(tmp_path / "y.npy")
    assert list(read_arrays(tmp_path / "x.npz")) == [""]
    found = read_arrays(str(tmp_path / "y.npy"))
    assert list(found) == ["a", "b"]
    assert_array_equal(found["b"][:], X + 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read \(No such file or directory\). Expected a file of arrays: .npy, .npz, .csv"),
        (b"", "neither a .npy nor a .npz file"),
        (b"1,2,3\n", "neither a .npy nor a .npz file. Write one with numpy.save"),
        (b"PK\x03\x04 not really a zip", "not a readable .npz file"),
        (b"\x93NUMPY\x01\x00", "not a readable .npy file"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': 1}    \n", "not a readable .npy file"),
    ],
)
def test_a_file_that_is_no_array_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "objects.npy"  # a name that must not be taken for an error about objects
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_arrays(path)


@pytest.mark.parametrize("cut", [1, 100])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: int) -> None:
    for suffix, save in ((".npy", np.save), (".npz", np.savez)):
        path = tmp_path / f"x{suffix}"
        save(path, X)
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(InputError, match=f"not a readable {suffix} file"):
            read_arrays(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_arrays(tmp_path)


def test_an_empty_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz")
    with pytest.raises(InputError, match=r"an empty \.npz file"):
        read_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_structured_arrays_with_objects_are_refused(tmp_path: Path, suffix: str) -> None:
    x = np.zeros(3, [("number", "f4"), ("object", object)])
    (np.save if suffix == ".npy" else np.savez)(tmp_path / f"x{suffix}", x, allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        read_arrays(tmp_path / f"x{suffix}")


def test_write_npz_keeps_names_and_values(tmp_path: Path) -> None:
    write_npz(tmp_path / "y.npz", {"lstm/cell/kernel": X, "größe": X + 1})
    with np.load(tmp_path / "y.npz") as found:
        assert_array_equal(found["lstm/cell/kernel"], X)
        assert_array_equal(found["größe"], X + 1)


def test_write_npz_takes_the_names_of_numpys_own_arguments(tmp_path: Path) -> None:
    write_npz(tmp_path / "y.npz", {"file": X, "allow_pickle": X + 1})
    with np.load(tmp_path / "y.npz") as found:
        assert_array_equal(found["file"], X)
        assert_array_equal(found["allow_pickle"], X + 1)


def test_replacing_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "y"
    path.write_text("old, and longer than the new")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old, and longer than the new"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", ["old", None])
def test_replacing_leaves_nothing_half_written(tmp_path: Path, old: str | None, error: BaseException) -> None:
    path = tmp_path / "y"
    if old is not None:
        path.write_text(old)

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [file.read_text() for file in tmp_path.iterdir()] == ([old] if old is not None else [])


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"y.npz: cannot be written \(No such file or directory\). Choose another"):
        write_npz(tmp_path / "none" / "y.npz", {"y": X})
    with pytest.raises(OutputError, match=r"cannot be written \(Is a directory\)"):
        write_npz(tmp_path, {"y": X})
    assert not [*tmp_path.iterdir()]

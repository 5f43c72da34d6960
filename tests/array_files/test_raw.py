"""Raw numbers: the dtype and shape are a user's, the size of the file must be theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError
from lstm_verify.array_files import file_of, read_arrays

X = np.arange(24).reshape(4, 3, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "f4", "<f8", ">f4", "int64", "uint8", ">i2", "=f4"])
def test_numbers_come_back(dtype: str, tmp_path: Path) -> None:
    stored = np.dtype(dtype) if dtype[0] in "<>=" else np.dtype(dtype).newbyteorder("<")
    X.astype(stored).tofile(tmp_path / "x.dat")
    rows = read_arrays(f"{tmp_path}/x.dat:{dtype}:4x3x2")[""]
    assert rows.dtype == stored
    assert_array_equal(rows[:], X)


def test_booleans_are_0_and_1(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(bytes([0, 1, 1, 0]))
    assert read_arrays(f"{tmp_path}/x.bin:bool:2x2")[""][:].tolist() == [[False, True], [True, False]]
    (tmp_path / "x.bin").write_bytes(bytes([0, 1, 2, 0]))
    with pytest.raises(InputError, match=r"bytes other than 0 and 1, expected bool\. Are they uint8\?"):
        read_arrays(f"{tmp_path}/x.bin:bool:2x2")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("float32:5x3x2", "96 bytes, expected 120 for 5x3x2 of float32. It would hold {path}:float32:4x3x2"),
        (">f4:5x3x2", "96 bytes, expected 120 for 5x3x2 of float32. It would hold {path}:>f4:4x3x2"),
        ("float64:4x3x2", "96 bytes, expected 192 for 4x3x2 of float64. It would hold {path}:float64:2x3x2"),
        ("float64:8x3x5", "96 bytes, expected 960 for 8x3x5 of float64. It holds 12 such numbers"),
        ("float16:4x6", "96 bytes, expected 48 for 4x6 of float16. It would hold {path}:float16:8x6"),
        ("float64:1x24", "96 bytes, expected 192 for 1x24 of float64. It would hold {path}:float32:1x24"),
        ("complex64:12", "dtype complex64, expected float16, float32"),
        ("O:12", "dtype O, expected float16, float32"),
        ("f16:6", "dtype f16, expected float16, float32"),
        ("fourteen:6", "dtype fourteen, expected float16, float32"),
        ("4x3x2", "raw numbers need a dtype too, such as {path}:float32:4x3x2"),
        ("float32:999999999999999999x999999999999999999", "96 bytes, expected 3,999,"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(given: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    X.astype("<f4").tofile(path)
    with pytest.raises(InputError) as error:
        read_arrays(f"{path}:{given}")
    assert str(error.value).startswith(f"{path}: {message.format(path=path)}")


def test_raw_numbers_alone_are_refused(tmp_path: Path) -> None:
    X.tofile(tmp_path / "x.bin")
    with pytest.raises(InputError, match=r"Raw numbers need a dtype and a shape: .*x\.bin:float32:64x40x16"):
        read_arrays(tmp_path / "x.bin")


def test_numbers_that_begin_as_a_zip_file_does(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"PK\x03\x04" * 2)
    assert read_arrays(f"{tmp_path}/x.bin:uint8:8")[""].shape == (8,)


def test_the_path_is_found_in_what_is_given() -> None:
    names = ["x.npy", "x.csv:2x3", "a/x.bin:>f4:2", "x.bin:float32", "C:x.npy"]
    assert [file_of(name) for name in names] == ["x.npy", "x.csv", "a/x.bin", "x.bin:float32", "C:x.npy"]

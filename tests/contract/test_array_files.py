"""What every format of array files keeps to, by being in `FORMATS`: arrays come back, and anything else is one line."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError
from lstm_verify.array_files import FORMATS, SUFFIXES, read_arrays
from lstm_verify.arrays import Array
from tests.command import assert_refused, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"
X = np.random.default_rng(3).standard_normal((4, 6)).astype(np.float32)

WRITERS: dict[str, Callable[[Path, Array], object]] = {
    ".npy": np.save,
    ".npz": np.savez,
    ".csv": lambda path, x: np.savetxt(path, x, delimiter=","),
    ".tsv": lambda path, x: np.savetxt(path, x, delimiter="\t"),
    ".txt": np.savetxt,
    ".json": lambda path, x: path.write_text(json.dumps(x.tolist())),
}
"""Writes an array of two axes, by what names of files end in."""


def test_every_suffix_has_an_example() -> None:
    assert set(WRITERS) == set(SUFFIXES)
    assert len({format.name for format in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_arrays_come_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    WRITERS[suffix](path, X)
    (rows,) = read_arrays(path).values()
    assert (rows.shape, len(rows)) == (X.shape, 4)
    assert_array_equal(rows[1:3], X[1:3])
    assert_array_equal(rows[:], X)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_may_be_in_capitals(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    WRITERS[suffix](path, X)
    path = path.rename(tmp_path / f"X{suffix.upper()}")
    assert_array_equal(next(iter(read_arrays(path).values()))[:], X)


GARBAGE = {
    "empty": b"",
    "blank": b" \n\t\n",
    "zeros": bytes(1000),
    "noise": zlib.compress(bytes(range(256)) * 9),
    "utf-16": "1,2\n3,4\n".encode("utf-16"),
    "words": b"lorem ipsum\ndolor sit\n",
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00",
    "deep": b"[" * 200_000,
    "long": b"9" * 300_000,
    "huge": b"[1e400, 1e400]",
    "code": b"__import__('os').system('true')",
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_anything_else_is_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_arrays(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 400


PIECES = [bytes([character]) for character in b',;\t\n\r"\0\xff-.e#_[]{}:']
PIECES += [word.encode() for word in ("nan", "1e400", "null", "true", "9" * 30, "\u2028", "\u0661")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_read_or_refused(suffix: str, tmp_path: Path) -> None:
    """And nothing else happens."""
    path = tmp_path / f"x{suffix}"
    WRITERS[suffix](path, X[:2, :3])
    content, draw = path.read_bytes(), np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(draw.integers(1, 4)):
            start = int(draw.integers(len(damaged) + 1))
            damaged[start : start + int(draw.integers(4))] = PIECES[draw.integers(len(PIECES))]
        path.write_bytes(damaged)
        try:
            for rows in read_arrays(path).values():
                assert rows[:].shape == rows.shape
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".bin:float32:4x6"])
@pytest.mark.parametrize("kind", ["nothing", "a directory", "a pipe", "a device"])
def test_what_is_no_file_is_refused_at_once(suffix: str, kind: str, tmp_path: Path) -> None:
    given = tmp_path / f"x{suffix}"
    path = Path(str(given).partition(":")[0])
    if kind == "a directory":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    assert_refused(run(model(ORIGIN), "-i", given, "-e", recorded(ORIGIN)), path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_format_that_says_its_dtype_is_not_told_another(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    WRITERS[suffix](path, X)
    with pytest.raises(InputError, match="Leave :float64 out"):
        read_arrays(f"{path}:float64:4x6")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_shape_is_for_text_alone(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    WRITERS[suffix](path, X)
    if suffix in (".npy", ".npz"):
        with pytest.raises(InputError, match="Leave :4x3x2 out"):
            read_arrays(f"{path}:4x3x2")
    else:
        assert_array_equal(next(iter(read_arrays(f"{path}:4x3x2").values()))[:], X.reshape(4, 3, 2))


def test_a_file_that_is_really_called_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv:2x1").write_bytes(b"")
    np.save(tmp_path / "y.npy", X)
    (tmp_path / "y.npy").rename(tmp_path / "y:2x1")
    assert_array_equal(read_arrays(tmp_path / "y:2x1")[""][:], X)
    with pytest.raises(InputError, match="no file of arrays"):
        read_arrays(tmp_path / "x.csv:2x1")

"""Models in directories and patterns: all that are there, none twice, and never none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_verify import record
from lstm_verify.checking.discover import discovered, golden_beside
from lstm_verify.checking.problems import Problems
from tests.command import FIXTURES, inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with models of every kind, and with much that is none."""
    for name in ("b.keras", "a.h5", "deep/er/c.onnx", "deep/d.pb", "deep/e.ckpt.meta", "deep/e.ckpt.index"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in (
        "x.npz",
        "w.weights.h5",
        "deep/f.meta",
        ".hidden/g.h5",
        "deep/notes.json",
        "deep/e.ckpt.data-00000-of-1",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copytree(FIXTURES / "origin_tanh_relu.keras3.export", tmp_path / "saved")
    (tmp_path / "a.h5.golden").mkdir()
    (tmp_path / "a.h5.golden" / "golden.json").touch()
    (tmp_path / "a.h5.golden" / "copy.h5").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(*paths: str, folder: Path) -> list[str]:
    return [name for name, _ in discovered(paths, folder)]


def test_a_directory_is_all_models_in_it(place: Path) -> None:
    found = discovered(["."], place)
    expected = ["a.h5", "b.keras", "saved", "deep/d.pb", "deep/e.ckpt", "deep/er/c.onnx"]
    assert [name for name, _ in found] == expected
    assert [path for _, path in found] == [place / name for name in expected]


def test_a_file_is_taken_whatever_it_is_called(place: Path) -> None:
    assert names("x.npz", "deep/e.ckpt", folder=place) == ["x.npz", "deep/e.ckpt"]


def test_a_pattern_is_what_fits(place: Path) -> None:
    assert names("*.h5", folder=place) == ["a.h5", "w.weights.h5"]
    assert names("**/*.onnx", folder=place) == ["deep/er/c.onnx"]
    assert names("s*", folder=place) == ["saved"]


def test_a_name_with_brackets_is_no_pattern_if_it_is_there(place: Path) -> None:
    (place / "m[1].h5").touch()
    assert names("m[1].h5", folder=place) == ["m[1].h5"]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["missing.h5"], ["missing.h5: cannot be read"]),
        (["empty"], ["empty: no models in this directory"]),
        (["*.tflite"], ["*.tflite: no file fits"]),
        (["a.h5", "a.h5"], ["a.h5: is there twice"]),
        (["a.h5", "*.h5"], ["a.h5: is there twice"]),
        (["missing.h5", "empty", "a.h5"], ["missing.h5", "empty"]),
    ],
)
def test_nothing_is_missed_in_silence(paths: list[str], said: list[str], place: Path) -> None:
    with pytest.raises(Problems) as found:
        discovered(paths, place)
    assert len(found.value.lines) == len(said)
    assert all(line.startswith(start) for line, start in zip(found.value.lines, said, strict=True))


def test_a_link_to_a_model_is_that_model(place: Path) -> None:
    (place / "link.h5").symlink_to(place / "a.h5")
    with pytest.raises(Problems, match=r"link\.h5: is there twice, as a\.h5 too"):
        discovered(["a.h5", "link.h5"], place)


def golden_at(name: str, place: Path) -> None:
    shutil.copy(model(ORIGIN), place / "m.h5")
    record(place / "m.h5", inputs(ORIGIN), place / name, expected=recorded(ORIGIN))


Change = Callable[[Path], None]


def test_the_golden_folder_beside_a_model(tmp_path: Path) -> None:
    golden_at("golden", tmp_path)
    assert golden_beside(tmp_path / "m.h5") == tmp_path / "golden"
    assert golden_beside(tmp_path / "other.h5") is None
    shutil.copytree(tmp_path / "golden", tmp_path / "m.h5.golden")
    assert golden_beside(tmp_path / "m.h5") == tmp_path / "m.h5.golden"


def test_a_damaged_one_is_not_passed_over(tmp_path: Path) -> None:
    """The check then says what is wrong, and does not fall back to generated inputs."""
    golden_at("golden", tmp_path)
    (tmp_path / "golden" / "golden.json").write_text("{}")
    assert golden_beside(tmp_path / "m.h5") == tmp_path / "golden"

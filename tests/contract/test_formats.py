"""What every format keeps to, by being in `FORMATS`: a format without a file to try it on fails."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from lstm_verify.errors import InputError, ModelFileError
from lstm_verify.formats import FORMATS, load, recognised
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.interface import Format
from lstm_verify.model import Model
from lstm_verify.runtimes import RUNTIMES
from tests.conftest import FIXTURES
from tests.graph_files import read_at_once
from tests.onnx_files import one_operator

pytestmark = pytest.mark.framework


def of_fixture(*names: str) -> Callable[[Path], list[Path]]:
    return lambda folder: [FIXTURES / name for name in names]


def weights(folder: Path) -> list[Path]:
    path = folder / "weights.npz"
    np.savez(path, np.ones((3, 4)), np.ones(4))
    return [path]


def of_onnx(folder: Path) -> list[Path]:
    path = folder / "lstm.onnx"
    onnx.save(one_operator("LSTM"), path)
    return [path]


EXAMPLES: dict[str, Callable[[Path], list[Path]]] = {
    "weights": weights,
    "keras_h5": of_fixture("origin_tanh_sigmoid.keras3.h5", "stacked_gru.keras2.h5"),
    "keras_zip": of_fixture("origin_tanh_sigmoid.keras3.keras", "states.keras2.keras"),
    "saved_model": of_fixture("origin_tanh_sigmoid.keras3.export"),
    "onnx": of_onnx,
    "tf1": of_fixture("basic_lstm.tf1.pb", "basic_lstm.tf1.ckpt"),
}
"""By the name of a format, what makes files of it, or finds them."""
CUTS = (0, 0.3, 0.9)
"""What is kept of a file that is cut."""
every = pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.name)
Files = dict[str, list[Path]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    return {name: make(folder) for name, make in EXAMPLES.items()}


@pytest.fixture(scope="module")
def cut(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The first file of each format, cut at several places; of a directory, its largest file is."""
    folder = tmp_path_factory.mktemp("cut")
    return {
        name: [_cut(paths[0], folder / f"{kept}-{paths[0].name}", kept) for kept in CUTS]
        for name, paths in files.items()
    }


def _cut(path: Path, copy: Path, kept: float) -> Path:
    shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy)
    target = copy / "saved_model.pb" if path.is_dir() else copy
    content = target.read_bytes()
    target.write_bytes(content[: int(kept * len(content))])
    return copy


@pytest.fixture(scope="module", autouse=True)
def _read(files: Files, cut: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files of TensorFlow are read at once, since it takes seconds to import."""
    graphs = [format_.name for format_ in FORMATS if format_.read_between is not None]
    paths = [path for name in graphs for path in (*files.get(name, ()), *cut.get(name, ()))]
    with read_at_once(paths, tmp_path_factory.mktemp("read")):
        yield


def first_bytes(path: Path) -> bytes:
    return path.read_bytes()[:16] if path.is_file() else b""


def test_every_format_has_an_example() -> None:
    assert [format_.name for format_ in FORMATS if format_.name not in EXAMPLES] == []


@every
def test_a_format_says_what_it_is(format_: Format) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", format_.name)
    assert [other.name for other in FORMATS].count(format_.name) == 1
    assert format_.title
    assert re.fullmatch(r"(config|graph) is not one that \w+ (writes|allows)", format_.expected)
    assert format_.recognise.__doc__
    assert format_.read.__doc__


@every
def test_a_format_recognises_its_own_files_and_takes_none_from_others(format_: Format, files: Files) -> None:
    before = {other.name for other in FORMATS[: FORMATS.index(format_)]}
    for name, paths in files.items():
        for path in paths:
            found = format_.recognise(path, first_bytes(path))
            assert found or name != format_.name, path
            assert not found or name in before | {format_.name}, path  # whatever comes before it is asked first
            assert (recognised(path, first_bytes(path)) is format_) == (name == format_.name)


@every
def test_a_model_is_read(format_: Format, files: Files) -> None:
    for path in files[format_.name]:
        model = load(path)
        assert isinstance(model, Model)
        assert model.source is not None
        assert model.source.path == str(path)
        assert model.source.format
        assert model.source.runtime in {runtime.name for runtime in RUNTIMES}
        assert list(model.weights())
        assert all(not array.flags.writeable for _, array in model.weights())


@every
@pytest.mark.parametrize("place", range(len(CUTS)), ids=map(str, CUTS))
def test_a_file_that_is_cut_is_refused_in_one_line(format_: Format, place: int, cut: Files) -> None:
    path = cut[format_.name][place]
    with pytest.raises(ModelFileError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@every
def test_what_only_graphs_have_is_refused_by_others(format_: Format, files: Files) -> None:
    path = files[format_.name][0]
    if format_.read_between is None:
        with pytest.raises(InputError, match="no signatures"):
            load(path, endpoints=Endpoints(signature="serving_default"))
        with pytest.raises(InputError, match="tensors can be named in TensorFlow and ONNX graphs"):
            load(path, endpoints=Endpoints(("no_such:0",), ()))
    else:
        with pytest.raises(InputError, match="no_such"):
            load(path, endpoints=Endpoints(("no_such:0",), ()))


def test_a_file_of_no_format_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_text("no model")
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert all(format_.title in str(caught.value) for format_ in FORMATS)

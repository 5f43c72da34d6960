"""Inputs and recorded predictions that do not fit the model: one clear line and exit code 2, or no match."""

from __future__ import annotations

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.command import assert_refused, assert_usage_error, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"
TOKENS = "bidirectional_masked"
PAIR = "encoder_decoder"


class Payload:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> object:
        return (open, (str(self.trace), "w"))


def saved(path: Path, array: object) -> Path:
    np.save(path, np.asarray(array))
    return path


def refused_input(name: str, path: Path, *mentioned: object) -> None:
    """An input is refused, with recorded predictions and before a framework starts, and nothing is written."""
    output = path.parent / "replayed.npz"
    for options in (("-e", recorded(name)), ()):
        assert_refused(run(model(name), "-i", path, *options, "--output", output), *mentioned)
    assert not output.exists()


# --- inputs of the wrong shape or dtype


@pytest.mark.parametrize(
    ("shape", "mentioned"),
    [
        ((), "shape ()"),
        ((4,), "shape (4,) has 1 axes, expected (samples, 3, 2)"),
        ((3, 2), "shape (3, 2) has 2 axes, expected (samples, 3, 2)"),
        ((4, 3, 2, 1), "shape (4, 3, 2, 1) has 4 axes, expected (samples, 3, 2)"),
        ((4, 3, 1), "shape (4, 3, 1), expected (samples, 3, 2)"),
        ((4, 3, 3), "shape (4, 3, 3), expected (samples, 3, 2)"),
        ((4, 2, 3), "shape (4, 2, 3), expected (samples, 3, 2)"),
        ((4, 0, 2), "shape (4, 0, 2), expected (samples, 3, 2)"),
        ((0, 3, 2), "no samples"),
    ],
)
def test_input_of_the_wrong_shape(shape: tuple[int, ...], mentioned: str, tmp_path: Path) -> None:
    refused_input(ORIGIN, saved(tmp_path / "x.npy", np.ones(shape, np.float32)), "input", mentioned)


@pytest.mark.parametrize("dtype", ["U3", "S3", "complex64", "datetime64[s]", "V4", "f4,f4"])
def test_input_of_the_wrong_dtype(dtype: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npy", np.zeros((4, 3, 2), dtype))
    refused_input(ORIGIN, path, "input 'input'", "dtype", "expected numbers")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("role", ["-i", "-e"])
def test_objects_are_never_unpickled(suffix: str, role: str, tmp_path: Path) -> None:
    array = np.empty(4, object)
    array[:] = Payload(tmp_path / "trace")
    path = tmp_path / f"x{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, array, allow_pickle=True)
    given = ("-i", path, "-e", recorded(ORIGIN)) if role == "-i" else ("-i", inputs(ORIGIN), "-e", path)
    assert_refused(run(model(ORIGIN), *given), path, "Python objects", "unpickling can run code")
    assert not (tmp_path / "trace").exists()


def test_a_pickle_by_itself_is_no_array(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Payload(tmp_path / "trace")))
    refused_input(ORIGIN, tmp_path / "x.npy", tmp_path / "x.npy", "neither a .npy nor a .npz file")
    assert not (tmp_path / "trace").exists()


# --- tokens


@pytest.mark.parametrize(
    ("token", "mentioned"),
    [
        (11, "token 11 at [2, 3]"),
        (-1, "token -1 at [2, 3]"),
        (2**32 + 1, "4294967297"),  # as int32 it would be 1
        (2**63 + 1, "922337203685477"),
        (1.5, "not whole"),
        (np.nan, "not whole"),
        (np.inf, ""),
        (1e20, ""),
    ],
)
def test_token_out_of_range(token: float, mentioned: str, tmp_path: Path) -> None:
    tokens = np.ones((6, 7), np.result_type(np.min_scalar_type(token), np.int8))
    tokens[2, 3] = token
    refused_input(TOKENS, saved(tmp_path / "x.npy", tokens), mentioned)


# --- files


def test_input_is_missing(tmp_path: Path) -> None:
    refused_input(ORIGIN, tmp_path / "x.npy", tmp_path / "x.npy", "No such file")


def test_input_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "x.npy").mkdir()
    refused_input(ORIGIN, tmp_path / "x.npy", tmp_path / "x.npy", "directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_input_that_must_not_be_read(tmp_path: Path) -> None:
    saved(tmp_path / "x.npy", np.ones((4, 3, 2))).chmod(0)
    refused_input(ORIGIN, tmp_path / "x.npy", tmp_path / "x.npy", "Permission denied")


def as_bytes(save: object, *arrays: object, **named: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)  # type: ignore[operator]
    return buffer.getvalue()


X = np.arange(24.0).reshape(4, 3, 2)
NPY, NPZ, COMPRESSED = (as_bytes(save, X) for save in (np.save, np.savez, np.savez_compressed))


def overwritten(content: bytes, start: int, with_: bytes) -> bytes:
    return content[:start] + with_ + content[start + len(with_) :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"1,2,3\n", id="text"),
        pytest.param(NPY[:6], id="npy-magic"),
        pytest.param(NPY[:40], id="npy-half-header"),
        pytest.param(NPY[:-8], id="npy-truncated"),
        pytest.param(NPY[:128], id="npy-header-only"),
        pytest.param(overwritten(NPY, 6, b"\x09"), id="npy-version-9"),
        pytest.param(overwritten(NPY, 10, b"{'descr': __import__('os').getcwd()}"), id="npy-code"),
        pytest.param(NPY.replace(b"(4, 3, 2)", b"(4, 3,-2)"), id="npy-negative-shape"),
        pytest.param(NPY.replace(b"'<f8'", b"'<q9'"), id="npy-unknown-dtype"),
        pytest.param(NPZ[:-30], id="npz-truncated"),
        pytest.param(overwritten(NPZ, 200, b"\xff" * 40), id="npz-damaged"),
        pytest.param(overwritten(COMPRESSED, 60, b"\xff" * 40), id="npz-damaged-compression"),
        pytest.param(as_bytes(np.savez), id="npz-empty"),
        pytest.param(b"PK\x03\x04" + bytes(50), id="npz-magic"),
    ],
)
@pytest.mark.parametrize("role", ["-i", "-e"])
def test_damaged_arrays(content: bytes, role: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    given = ("-i", path, "-e", recorded(ORIGIN)) if role == "-i" else ("-i", inputs(ORIGIN), "-e", path)
    assert_refused(run(model(ORIGIN), *given), path)


@pytest.mark.parametrize(
    ("names", "mentioned"),
    [
        (("source",), "1 given (source), expected 2: source, target"),
        (("source", "target", "other"), "3 given (source, target, other), expected 2: source, target"),
        (("source", "Target"), "no input is named Target; they are source, target"),
    ],
)
def test_npz_with_wrong_names(names: tuple[str, ...], mentioned: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **dict.fromkeys(names, np.ones((6, 7, 3), np.float32)))
    refused_input(PAIR, tmp_path / "x.npz", mentioned)


def test_inputs_with_different_numbers_of_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", source=np.ones((6, 7, 3)), target=np.ones((5, 4, 2)))
    refused_input(PAIR, tmp_path / "x.npz", "different numbers of samples", "'source': 6", "'target': 5")


def test_a_stateful_model_wants_whole_batches(tmp_path: Path) -> None:
    refused_input("stateful", saved(tmp_path / "x.npy", np.ones((5, 4, 3))), "5 samples, expected a multiple of 2")


def test_a_missing_named_input_file(tmp_path: Path) -> None:
    given = ("-i", f"source={tmp_path}/a.npy", "-i", f"target={tmp_path}/b.npy")
    assert_refused(run(model(PAIR), *given), tmp_path / "a.npy", "No such file")


# --- NaN and Inf in the input


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("expected", ["recorded", "nan"])
def test_input_that_is_not_finite_is_no_match(value: float, expected: str, tmp_path: Path) -> None:
    with np.load(inputs(ORIGIN)) as archive:
        x = archive["input"].copy()
    x[1, 2, 0] = value
    y = recorded(ORIGIN)
    if expected == "nan":
        y = saved(tmp_path / "y.npy", np.full((4, 2), np.nan))
    result = run(model(ORIGIN), "-i", saved(tmp_path / "x.npy", x), "-e", y)
    assert result.exit_code in (1, 3)


def test_input_that_float32_cannot_hold_is_infinite_without_a_warning(tmp_path: Path) -> None:
    x = saved(tmp_path / "x.npy", np.full((4, 3, 2), 1e300))
    result = run(model(ORIGIN), "-i", x, "-e", recorded(ORIGIN), "--no-diagnose")
    assert (result.exit_code, result.stderr) == (1, "")


# --- recorded predictions


def verdict(tmp_path: Path, expected: object, name: str = ORIGIN) -> tuple[str, str]:
    path = tmp_path / "y.npz"
    np.savez(path, **expected) if isinstance(expected, dict) else np.savez(path, expected)
    result = run(model(name), "-i", inputs(name), "-e", path, "--json", "-")
    report = json.loads(result.stdout)
    assert result.exit_code == report["exit_code"] != 0
    assert run(model(name), "-i", inputs(name), "-e", path).exit_code == result.exit_code  # the tables take it too
    return report["verdict"], report["reason"]


@pytest.fixture
def y() -> np.ndarray:
    with np.load(recorded(ORIGIN)) as archive:
        return archive["dense"]


@pytest.mark.parametrize("shape", [(2, 4), (8,), (4, 2, 1), (1, 4, 2), (4, 1, 2)])
def test_expected_of_another_shape(shape: tuple[int, ...], y: np.ndarray, tmp_path: Path) -> None:
    found, reason = verdict(tmp_path, y.reshape(shape))
    assert found == "mismatch"
    assert f"predicted shape {shape}, replayed (4, 2)" in reason


@pytest.mark.parametrize("samples", [0, 1, 3, 5])
def test_expected_of_another_number_of_samples(samples: int, y: np.ndarray, tmp_path: Path) -> None:
    found, reason = verdict(tmp_path, np.resize(y, (samples, 2)))
    assert found == "mismatch"
    assert f"predicted shape ({samples}, 2), replayed (4, 2)" in reason


def test_expected_is_a_single_number(tmp_path: Path) -> None:
    assert verdict(tmp_path, np.float32(0.5))[0] == "mismatch"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_expected_that_is_not_finite(value: float, y: np.ndarray, tmp_path: Path) -> None:
    y[3, 1] = value
    assert verdict(tmp_path, y) == ("mismatch", "dense: 1 of 4 samples beyond what rounding explains")


@pytest.mark.parametrize("dtype", ["U9", "S9", "complex64", "datetime64[s]", "V4"])
def test_expected_of_the_wrong_dtype(dtype: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "y.npy", np.zeros((4, 2), dtype))
    named = f"{path}: predictions: dtype"
    assert_refused(run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", path), named, "expected numbers")


@pytest.mark.parametrize("names", [("dense",), ("dense", "decoder"), ("dense", "decoder", "decoder_1", "more")])
def test_expected_with_missing_or_extra_outputs(names: tuple[str, ...], tmp_path: Path) -> None:
    with np.load(recorded(PAIR)) as archive:
        np.savez(tmp_path / "y.npz", **{name: archive[name if name in archive else "dense"] for name in names})
    result = run(model(PAIR), "-i", inputs(PAIR), "-e", tmp_path / "y.npz")
    assert_refused(result, f"outputs: {len(names)} given", "expected 3: dense, decoder, decoder_1")


def test_an_archive_that_says_it_is_encrypted(tmp_path: Path) -> None:
    """One bit of a header does that, and zipfile asks for a password."""
    content = bytearray(inputs("origin_tanh_sigmoid").read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.npz").write_bytes(content)
    result = run(model("origin_tanh_sigmoid"), "-i", tmp_path / "x.npz", "-e", recorded("origin_tanh_sigmoid"))
    assert_refused(result, tmp_path / "x.npz", "not a readable .npz file", "encrypted")


# --- text and raw numbers


def as_csv(path: Path, x: np.ndarray) -> Path:
    np.savetxt(path, x, delimiter=",")
    return path


def test_inputs_in_every_form_are_the_same(tmp_path: Path) -> None:
    with np.load(inputs(ORIGIN)) as archive:
        x = archive["input"]
    as_csv(tmp_path / "x.csv", x.reshape(4, 6))
    as_csv(tmp_path / "long.csv", x.reshape(12, 2))
    (tmp_path / "x.json").write_text(json.dumps({"input": x.tolist()}))
    x.astype(">f8").tofile(tmp_path / "x.bin")
    files = [f"{tmp_path}/{name}" for name in ("x.csv", "x.csv:4x3x2", "long.csv:4x3x2", "x.bin:>f8:4x3x2")]
    for given in [f"{tmp_path}/x.json", *files, *(f"input={file}" for file in files)]:
        result = run(model(ORIGIN), "-i", given, "-e", recorded(ORIGIN), "--no-blind-spots")
        assert result.exit_code == 0, given
        assert ("each line is taken for one sample, 3 x 2" in result.stderr) == given.endswith("/x.csv")


def test_an_object_is_not_one_array_for_one_name(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": [[1]], "b": [[2]]}')
    result = run(model(ORIGIN), "-i", f"input={tmp_path}/x.json", "-e", recorded(ORIGIN))
    assert_usage_error(result, "2 arrays (a, b), expected one for one name")


def test_the_only_array_of_a_file_may_be_called_otherwise(tmp_path: Path) -> None:
    with np.load(inputs(ORIGIN)) as archive:
        np.savez(tmp_path / "x.npz", anything=archive["input"])
    result = run(model(ORIGIN), "-i", f"input={tmp_path}/x.npz", "-e", recorded(ORIGIN), "--no-blind-spots")
    assert result.exit_code == 0


def test_a_table_that_could_be_several_things(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "x.csv", np.ones((12, 2)))
    refused_input(ORIGIN, path, f"{path}: input 'input': 12 lines of 2 numbers", f"time step: {path}:4x3x2")


def test_a_result_must_not_replace_raw_inputs(tmp_path: Path) -> None:
    np.ones((4, 3, 2)).tofile(tmp_path / "x.bin")
    given = ("-i", f"{tmp_path}/x.bin:float64:4x3x2", "-e", recorded(ORIGIN))
    assert_refused(run(model(ORIGIN), *given, "--output", tmp_path / "x.bin"), "already used by this command")


def test_a_name_with_an_equals_sign_in_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "seed=1"
    folder.mkdir()
    np.ones((4, 3, 2)).tofile(folder / "x.bin")
    result = run(model(ORIGIN), "-i", f"{folder}/x.bin:float64:4x3x2", "-e", recorded(ORIGIN), "--no-diagnose")
    assert result.exit_code == 1


@pytest.mark.parametrize("token", ["1.5", "-1", "99"])
def test_tokens_in_text(token: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"1,2,3,4,5,6,7\n1,1,1,1,1,1,{token}\n")
    refused_input(TOKENS, tmp_path / "x.csv", token)


def test_states_in_json(tmp_path: Path) -> None:
    with np.load(inputs(PAIR)) as archive:
        arrays = dict(archive)
    np.save(tmp_path / "source.npy", arrays["source"])
    (tmp_path / "states.json").write_text(json.dumps({"target": arrays["target"].tolist()}))
    given = ("-i", f"source={tmp_path}/source.npy", "--state-from", tmp_path / "states.json")
    assert run(model(PAIR), *given, "-e", recorded(PAIR), "--no-blind-spots").exit_code == 0

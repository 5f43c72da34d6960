"""Golden folders: the same run gives the same bytes, a changed folder is an error, and a changed model is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstm_verify import InputError, MismatchError, OutputError, Tolerance, Verdict, load, record, replay, verify
from lstm_verify.golden import ARRAYS, FACTS, read
from tests.command import inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"


def make(folder: Path, name: str = ORIGIN, kind: str = "keras3.h5", **options: Any) -> Path:
    record(model(name, kind), inputs(name), folder, expected=recorded(name, kind), **options)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def wrong(tmp_path: Path) -> Path:
    """Predictions of the fixture, one of them off by 0.1."""
    with np.load(recorded(ORIGIN)) as archive:
        ((name, array),) = archive.items()
    array[2, 1] += np.float32(0.1)
    np.savez(tmp_path / "wrong.npz", **{name: array})
    return tmp_path / "wrong.npz"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    assert bytes_of(make(tmp_path / "a")) == bytes_of(make(tmp_path / "b"))
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}, "nothing else is left"


def test_it_holds_what_was_predicted_replayed_and_hashed(tmp_path: Path) -> None:
    facts = json.loads((make(tmp_path / "a") / FACTS).read_text())
    with np.load(tmp_path / "a" / ARRAYS) as archive, np.load(recorded(ORIGIN)) as expected:
        assert {name.partition("/")[0] for name in archive} == {"inputs", "predicted", "replayed", "sigma"}
        predicted, (wanted,) = archive["predicted/dense"], expected.values()
        assert predicted.dtype == wanted.dtype
        np.testing.assert_array_equal(predicted, wanted)
        np.testing.assert_array_equal(
            archive["replayed/dense"], np.asarray(replay(load(model(ORIGIN)), dict(np.load(inputs(ORIGIN)))))
        )
        assert archive["sigma/dense"].shape == wanted.shape
        assert (archive["sigma/dense"] > 0).all()
    assert facts["model"]["sha256"] == sha256(model(ORIGIN).read_bytes()).hexdigest()
    assert facts["arrays"]["sha256"] == sha256((tmp_path / "a" / ARRAYS).read_bytes()).hexdigest()
    assert facts["verdict"] == "match"
    assert facts["versions"]["numpy"] == np.__version__


def test_the_facts_are_sorted_one_a_line(tmp_path: Path) -> None:
    lines = (make(tmp_path / "a") / FACTS).read_text().splitlines()
    keys = [line.split('"')[1] for line in lines if line.startswith('  "')]
    assert keys == sorted(keys)
    assert all(line.count('": ') <= 1 for line in lines)


def test_the_recorded_file_is_known(tmp_path: Path) -> None:
    found = verify(model(ORIGIN), golden=make(tmp_path / "a"))
    assert (found.verdict, found.golden.same_file, found.golden.moved) == (Verdict.MATCH, True, False)  # type: ignore[union-attr]
    assert found.golden.max_abs_deviation == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["keras3.keras", "keras3.onnx"])
def test_another_format_of_the_same_model_matches(kind: str, tmp_path: Path) -> None:
    found = verify(model(ORIGIN, kind), golden=make(tmp_path / "a"))
    assert (found.verdict, found.golden.same_file, found.golden.moved) == (Verdict.MATCH, False, False)  # type: ignore[union-attr]


def with_weight(tmp_path: Path, change: Callable[[Any], Any]) -> Path:
    """The model with one weight of its Dense layer changed."""
    changed = tmp_path / "changed.h5"
    shutil.copy(model(ORIGIN), changed)
    with h5py.File(changed, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        (name,) = [name for name in names if "dense" in name and name.endswith("kernel")]
        file[name][0, 0] = change(file[name][0, 0])
    return changed


def test_a_changed_weight_moves_the_replay(tmp_path: Path) -> None:
    found = verify(with_weight(tmp_path, lambda w: w + 0.5), golden=make(tmp_path / "a"))
    assert found.verdict is Verdict.MISMATCH
    assert found.golden.moved  # type: ignore[union-attr]
    assert "has moved by" in found.golden.words  # type: ignore[union-attr]


def test_a_change_within_rounding_matches_and_is_told(tmp_path: Path) -> None:
    """One unit in the last place: far above float64, far below 8σ of float32."""
    found = verify(with_weight(tmp_path, lambda w: np.nextafter(w, np.float32(9))), golden=make(tmp_path / "a"))
    assert found.verdict is Verdict.MATCH
    assert found.golden.moved  # type: ignore[union-attr]
    assert 0 < found.golden.max_sigmas < 8  # type: ignore[union-attr]


def test_another_model_is_a_mismatch(tmp_path: Path) -> None:
    found = verify(model("origin_tanh_relu"), golden=make(tmp_path / "a"))
    assert (found.verdict, found.golden.moved) == (Verdict.MISMATCH, True)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [ORIGIN, "stacked_gru", "encoder_decoder"])
def test_names_of_graphs_are_kept_as_they_are(name: str, tmp_path: Path) -> None:
    """Those of ONNX files that come of TensorFlow end in `:0`, which is left out elsewhere."""
    folder = make(tmp_path / "a", name, "keras3.onnx")
    assert any(key.endswith(":0") for key in read(folder).arrays)
    found = verify(model(name, "keras3.onnx"), golden=folder)
    assert (found.verdict, found.golden.same_file, found.golden.moved) == (Verdict.MATCH, True, False)  # type: ignore[union-attr]


def test_several_outputs_are_matched_by_name(tmp_path: Path) -> None:
    found = verify(model("encoder_decoder", "keras3.keras"), golden=make(tmp_path / "a", "encoder_decoder"))
    assert found.verdict is Verdict.MATCH
    assert [output.name for output in found.outputs] == ["dense", "decoder", "decoder_1"]


def test_its_tolerance_holds_unless_another_is_given(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", tolerance=Tolerance(sigmas=100.0))
    assert verify(model(ORIGIN), golden=folder).tolerance.sigmas == 100
    assert verify(model(ORIGIN), golden=folder, tolerance=Tolerance(sigmas=1e-4)).verdict is Verdict.MISMATCH


def test_predictions_with_few_digits_are_so_by_any_tolerance(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        np.savez(tmp_path / "rounded.npz", **{name: array.round(3) for name, array in archive.items()})
    record(
        model(ORIGIN),
        inputs(ORIGIN),
        tmp_path / "a",
        expected=tmp_path / "rounded.npz",
        tolerance=Tolerance(decimals=3),
    )
    assert verify(model(ORIGIN), golden=tmp_path / "a", tolerance=Tolerance(sigmas=4.0)).verdict is Verdict.MATCH


def test_no_match_is_recorded_only_if_asked(tmp_path: Path) -> None:
    x, expected = inputs(ORIGIN), wrong(tmp_path)
    with pytest.raises(MismatchError, match="nothing recorded"):
        record(model(ORIGIN), x, tmp_path / "a", expected=expected)
    assert not (tmp_path / "a").exists()
    report = record(model(ORIGIN), x, tmp_path / "a", expected=expected, any_verdict=True)
    assert report.verdict is Verdict.MISMATCH
    assert read(tmp_path / "a").facts["verdict"] == "mismatch"
    assert verify(model(ORIGIN), golden=tmp_path / "a").verdict is Verdict.MISMATCH


def test_a_record_is_replaced_only_if_asked(tmp_path: Path) -> None:
    before = bytes_of(make(tmp_path / "a"))
    with pytest.raises(OutputError, match="--update"):
        make(tmp_path / "a", "origin_tanh_relu")
    assert bytes_of(tmp_path / "a") == before
    make(tmp_path / "a", "origin_tanh_relu", update=True)
    assert read(tmp_path / "a").facts["model"]["name"] == "origin_tanh_relu.keras3.h5"


def edit_arrays(folder: Path) -> None:
    content = bytearray((folder / ARRAYS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / ARRAYS).write_bytes(content)


def edit_tolerance(folder: Path) -> None:
    text = (folder / FACTS).read_text()
    (folder / FACTS).write_text(text.replace('"sigmas": 8.0', '"sigmas": 8000.0'))


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a bit of the arrays": (edit_arrays, "is not the file"),
    "no arrays": (lambda folder: (folder / ARRAYS).unlink(), "cannot be read"),
    "another tolerance": (edit_tolerance, "its checksum does not fit"),
    "no facts": (lambda folder: (folder / FACTS).unlink(), "no golden folder"),
    "half of the facts": (lambda folder: (folder / FACTS).write_text("{"), "not readable as JSON"),
    "a list": (lambda folder: (folder / FACTS).write_text("[]"), "schema_version"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_changed_folder_is_an_error(name: str, tmp_path: Path) -> None:
    damage, message = DAMAGES[name]
    damage(make(tmp_path / "a"))
    with pytest.raises(InputError, match=message):
        verify(model(ORIGIN), golden=tmp_path / "a")


def sealed(folder: Path, **changes: Any) -> None:
    """Change facts, with a checksum that fits."""
    from lstm_verify.golden.folder import _checksum

    facts = {**json.loads((folder / FACTS).read_text()), **changes}
    facts["checksum"] = _checksum(facts)
    (folder / FACTS).write_text(json.dumps(facts))


@pytest.mark.parametrize("key", ["outputs", "runtime", "tolerance"])
@pytest.mark.parametrize("value", [None, [], {"dense": {}}, {"other": {"samples_axis": 0}}])
def test_what_record_does_not_write_is_an_error(key: str, value: Any, tmp_path: Path) -> None:
    sealed(make(tmp_path / "a"), **{key: value})
    with pytest.raises(InputError, match="Record it anew"):
        read(tmp_path / "a")


def test_inputs_besides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="inputs and predictions of its own"):
        verify(model(ORIGIN), inputs(ORIGIN), golden=make(tmp_path / "a"))


def test_a_model_that_changes_meanwhile_is_not_recorded(tmp_path: Path) -> None:
    path = Path(shutil.copy(model(ORIGIN), tmp_path / "m.h5"))

    def change(*_: Any) -> None:
        path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(InputError, match="changed while"):
        record(path, inputs(ORIGIN), tmp_path / "a", expected=recorded(ORIGIN), progress=change)
    assert not (tmp_path / "a").exists()


def test_names_that_end_as_tensors_do(tmp_path: Path) -> None:
    """Outputs of ONNX files that come from TensorFlow are called `Identity:0`."""
    folder = make(tmp_path / "a", "sine", "keras3.onnx")
    assert list(read(folder).of("predicted")) == ["Identity:0"]
    report = verify(model("sine", "keras3.onnx"), golden=folder)
    assert report.verdict is Verdict.MATCH
    assert report.golden is not None
    assert (report.golden.moved, report.golden.max_abs_deviation) == (False, 0)


def test_a_record_keeps_the_decimals_of_a_text(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        ((_, y),) = archive.items()
    np.savetxt(tmp_path / "y.csv", y, "%.5f", ",")
    record(model(ORIGIN), inputs(ORIGIN), tmp_path / "golden", expected=str(tmp_path / "y.csv"))
    assert verify(model(ORIGIN), golden=tmp_path / "golden").verdict is Verdict.MATCH
    assert read(tmp_path / "golden").tolerance.decimals == 5


def test_outputs_of_texts_with_other_digits_are_not_recorded(tmp_path: Path) -> None:
    """A record has one number of decimals for all."""
    with np.load(recorded("encoder_decoder")) as archive:
        arrays = dict(archive)
    assert len(arrays) > 1
    rounded = {name: np.char.mod(f"%.{4 + n}f", array).tolist() for n, (name, array) in enumerate(arrays.items())}
    texts = (f'"{name}": ' + json.dumps(numbers).replace('"', "") for name, numbers in rounded.items())
    (tmp_path / "y.json").write_text("{" + ", ".join(texts) + "}")
    with pytest.raises(InputError, match="--decimals or --digits"):
        record(
            model("encoder_decoder"), inputs("encoder_decoder"), tmp_path / "golden", expected=str(tmp_path / "y.json")
        )
    assert not (tmp_path / "golden").exists()


def test_a_tolerance_of_ones_own_keeps_the_digits_of_the_record(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        rounded = {name: np.float64(np.char.mod("%.4g", array)) for name, array in archive.items()}
    np.savez(tmp_path / "y.npz", **rounded)
    record(
        model(ORIGIN), inputs(ORIGIN), tmp_path / "golden", expected=tmp_path / "y.npz", tolerance=Tolerance(digits=4)
    )
    for asked, verdict in ((Tolerance(sigmas=8), Verdict.MATCH), (Tolerance(sigmas=8, digits=9), Verdict.MISMATCH)):
        report = verify(model(ORIGIN), golden=tmp_path / "golden", tolerance=asked, diagnose=False, blind_spots=False)
        assert report.verdict is verdict

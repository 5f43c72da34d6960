"""The cache: nothing that differs is taken for the same, and nothing is kept that cannot be relied on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import record
from lstm_verify.checking import cache as caching
from lstm_verify.checking import checks, circumstances
from lstm_verify.checking.cache import Cache, key_of
from lstm_verify.checking.run import Outcome, checked
from lstm_verify.checking.task import Task
from tests.checking.tasks import Here, here
from tests.command import FIXTURES, inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def own(tmp_path: Path) -> Task:
    """A task of which every file may be changed."""
    files = {"m.h5": model(ORIGIN), "x.npz": inputs(ORIGIN), "y.npz": recorded(ORIGIN)}
    for name, path in files.items():
        shutil.copy(path, tmp_path / name)
    named = {"input": (("", str(tmp_path / "x.npz")),), "expected": (("", str(tmp_path / "y.npz")),)}
    return Task("m.h5", str(tmp_path / "m.h5"), str(tmp_path), **named)  # type: ignore[arg-type]


def done(given: Task, folder: Path) -> tuple[Outcome, bool]:
    """The outcome with a cache, and whether the task was done for it."""
    executor = Here()
    (outcome,) = checks([given], 1, Cache(folder), here(executor))
    return outcome, bool(executor.done)


def test_what_has_not_changed_is_not_done_again(own: Task, tmp_path: Path) -> None:
    first, was_done = done(own, tmp_path / "cache")
    again, was_done_again = done(own, tmp_path / "cache")
    assert (was_done, was_done_again) == (True, False)
    assert (first.cached, again.cached) == (False, True)
    assert replace(again, cached=False) == first


def changed(path: Path) -> None:
    """Change a number of an array, or a byte that is in no array."""
    if path.suffix == ".npz":
        with np.load(path) as archive:
            np.savez(path, **{name: array + np.float32(1e-3) for name, array in archive.items()})
    else:
        with path.open("ab") as file:
            file.write(b"\0")


@pytest.mark.parametrize("name", ["m.h5", "x.npz", "y.npz"])
def test_a_changed_file_is_another(name: str, own: Task, tmp_path: Path) -> None:
    done(own, tmp_path / "cache")
    changed(tmp_path / name)
    assert done(own, tmp_path / "cache")[1]


CHANGES: dict[str, dict[str, Any]] = {
    "sigmas": {"sigmas": 4.0},
    "atol": {"atol": 1.0},
    "rtol": {"rtol": 1.0},
    "decimals": {"decimals": 3},
    "digits": {"digits": 3},
    "allow_unjudged": {"allow_unjudged": True},
    "random": {"random": 7},
    "seed": {"seed": 7},
    "runtime": {"runtime": "tf_keras"},
    "batch_size": {"batch_size": 3},
    "timeout": {"timeout": 3.0},
    "products": {"products": "tf32"},
    "optimize": {"optimize": False},
    "unsafe": {"unsafe": True},
    "diagnose": {"diagnose": False},
    "allowed_blind_spots": {"allowed_blind_spots": ()},
    "signature": {"signature": "other"},
    "input_tensors": {"input_tensors": ("a",)},
    "output_tensors": {"output_tensors": ("a",)},
    "map": {"map": (("a", "b"),)},
    "runs": {"runs": False},
    "name": {"name": "another"},
    "input": {"input": (("x", str(inputs(ORIGIN))),)},
    "expected": {"expected": ()},
    "golden": {"golden": "GOLDEN"},
    "against": {"against": (str(model(ORIGIN, "keras3.onnx")),)},
    "state_from": {"state_from": str(inputs(ORIGIN))},
    "architecture": {"architecture": str(model(ORIGIN))},
    "path": {"path": str(model("stacked_gru"))},
}


def test_every_field_of_a_task_is_tried() -> None:
    """The folder only says how paths are shown, and they are part of the key."""
    assert set(CHANGES) == set(Task.__dataclass_fields__) - {"folder"}


@pytest.mark.parametrize("name", CHANGES)
def test_another_setting_is_another(name: str, own: Task, tmp_path: Path) -> None:
    change = dict(CHANGES[name])
    if name == "golden":
        change["golden"] = str(tmp_path / "golden")
        record(model(ORIGIN), inputs(ORIGIN), tmp_path / "golden", expected=recorded(ORIGIN))
    keys = [key_of(own), key_of(replace(own, **change))]
    assert None not in keys
    assert keys[0] != keys[1]


def test_a_changed_golden_folder_is_another(own: Task, tmp_path: Path) -> None:
    given = replace(own, input=(), expected=(), golden=str(tmp_path / "golden"))
    keys = []
    for name in (ORIGIN, "origin_tanh_relu"):
        record(model(name), inputs(name), tmp_path / "golden", expected=recorded(name), update=True)
        keys.append(key_of(given))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("start", "part"),
    [
        ("origin_tanh_relu.keras3.export", "saved_model.pb"),
        ("origin_tanh_relu.keras3.export", "variables/variables.data-00000-of-00001"),
        ("basic_lstm.tf1.ckpt", "basic_lstm.tf1.ckpt.data-00000-of-00001"),
        ("basic_lstm.tf1.ckpt", "basic_lstm.tf1.ckpt.meta"),
        ("basic_lstm.tf1.ckpt.meta", "basic_lstm.tf1.ckpt.data-00000-of-00001"),
        ("basic_lstm.tf1.ckpt.index", "basic_lstm.tf1.ckpt.meta"),
    ],
)
def test_every_part_of_a_model_counts(start: str, part: str, own: Task, tmp_path: Path) -> None:
    for path in FIXTURES.glob(f"{start.removesuffix('.meta').removesuffix('.index')}*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    given = replace(own, path=str(tmp_path / start))
    before = key_of(given)
    inside = tmp_path / part if ".ckpt" in start else tmp_path / start / part
    changed(inside)
    assert before is not None
    assert key_of(given) not in (before, None)


def test_a_folder_behind_a_link_counts(own: Task, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "origin_tanh_relu.keras3.export", tmp_path / "saved")
    (tmp_path / "saved" / "variables").rename(tmp_path / "elsewhere")
    (tmp_path / "saved" / "variables").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "saved")
    given = replace(own, path=str(tmp_path / "saved"))
    before = key_of(given)
    changed(tmp_path / "elsewhere" / "variables.data-00000-of-00001")
    assert key_of(given) not in (before, None)


def test_external_data_of_onnx_counts(own: Task, tmp_path: Path) -> None:
    import onnx

    proto = onnx.load(model(ORIGIN, "keras3.onnx"))
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    given = replace(own, path=str(tmp_path / "m.onnx"))
    before = key_of(given)
    changed(tmp_path / "m.data")
    assert key_of(given) != before


def test_other_circumstances_are_another(own: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(own)
    monkeypatch.setattr(caching, "circumstances", lambda: "elsewhere")
    assert key_of(own) != before


@pytest.mark.parametrize("variable", ["TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE", "CUDA_VISIBLE_DEVICES"])
def test_circumstances_are_those_of_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = circumstances.circumstances.__wrapped__
    before = found()
    assert found() == before
    monkeypatch.setenv(variable, "7")
    assert found() != before


def test_circumstances_are_those_of_versions_and_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = circumstances.circumstances.__wrapped__
    before = found()
    monkeypatch.setattr(circumstances, "versions", lambda: {"tensorflow": "0"})
    of_versions = found()
    (tmp_path / "changed.py").write_text("")
    monkeypatch.setattr(circumstances, "PACKAGE", tmp_path)
    assert len({before, of_versions, found()}) == 3


UNRELIABLE: dict[str, Callable[[Outcome], Outcome]] = {
    "an error": lambda o: replace(o, verdict="error", exit_code=2),
    "inconclusive": lambda o: replace(o, verdict="inconclusive", exit_code=3),
    "what is not repeated": lambda o: replace(o, repeats=False),
    "what was done elsewhere": lambda o: replace(o, circumstances="elsewhere"),
}


@pytest.mark.parametrize("name", UNRELIABLE)
def test_what_cannot_be_relied_on_is_not_kept(name: str, own: Task, tmp_path: Path) -> None:
    outcome = UNRELIABLE[name](checked(own))
    assert not Cache(tmp_path / "cache").put(own, key_of(own), outcome)
    assert Cache(tmp_path / "cache").get(key_of(own)) is None


def test_a_mismatch_is_kept(own: Task, tmp_path: Path) -> None:
    changed(tmp_path / "y.npz")
    assert done(own, tmp_path / "cache")[0].verdict == "mismatch"
    outcome, was_done = done(own, tmp_path / "cache")
    assert (outcome.verdict, outcome.exit_code, was_done) == ("mismatch", 1, False)


def test_a_file_that_changes_meanwhile_is_not_kept(own: Task, tmp_path: Path) -> None:
    """Whatever was read of it: the key is that of the old file, and the outcome may be that of the new one."""

    def do(given: Task) -> Outcome:
        outcome = checked(given)
        changed(tmp_path / "x.npz")
        return outcome

    before = key_of(own)
    list(checks([own], 1, Cache(tmp_path / "cache"), here(Here(do))))
    assert Cache(tmp_path / "cache").get(before) is None


DAMAGES: dict[str, Callable[[str], str]] = {
    "another verdict": lambda text: text.replace('"verdict": "mismatch"', '"verdict": "match"', 1),
    "cut short": lambda text: text[:-20],
    "a list": lambda text: "[]",
    "nothing in it": lambda text: json.dumps({"outcome": {}, "checksum": ""}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_entry_is_not_used(name: str, own: Task, tmp_path: Path) -> None:
    changed(tmp_path / "y.npz")
    done(own, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").glob("*.json")
    entry.write_text(DAMAGES[name](entry.read_text()))
    outcome, was_done = done(own, tmp_path / "cache")
    assert (outcome.verdict, was_done) == ("mismatch", True)


def test_an_entry_is_not_taken_for_another(own: Task, tmp_path: Path) -> None:
    done(own, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").glob("*.json")
    changed(tmp_path / "y.npz")
    shutil.copy(entry, tmp_path / "cache" / f"{key_of(own)}.json")
    assert done(own, tmp_path / "cache")[1]


def test_a_cache_that_cannot_be_written_is_no_failure(own: Task, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert done(own, tmp_path / "cache")[0].verdict == "match"


def test_it_keeps_itself_out_of_repositories(own: Task, tmp_path: Path) -> None:
    done(own, tmp_path / "cache")
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "cache" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")

"""Manifests: what they say becomes tasks, and all that is wrong with one is told, before anything is done."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from lstm_verify import record
from lstm_verify.checking.keys import KEYS
from lstm_verify.checking.manifest import found_upwards, tasks_of_manifest
from lstm_verify.checking.problems import Problems
from lstm_verify.checking.task import Task
from tests.command import inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two models, inputs and predictions."""
    files = {"a.h5": model(ORIGIN), "b.keras": model(ORIGIN, "keras3.keras"), "b.onnx": model(ORIGIN, "keras3.onnx")}
    for name, path in {**files, "x.npz": inputs(ORIGIN), "y.npz": recorded(ORIGIN)}.items():
        shutil.copy(path, tmp_path / name)
    return tmp_path


def tasks(place: Path, text: str, name: str = "models.toml") -> list[Task]:
    (place / name).write_text(text)
    return tasks_of_manifest(place / name)


def problems(place: Path, text: str, name: str = "models.toml") -> tuple[str, ...]:
    with pytest.raises(Problems) as found:
        tasks(place, text, name)
    return found.value.lines


def test_a_model_with_everything_by_default(place: Path) -> None:
    (found,) = tasks(place, '[[model]]\npath = "a.h5"\n')
    assert found == Task("a.h5", str(place / "a.h5"), str(place))


VALUES: dict[str, tuple[str, Any]] = {
    "input": ('"x.npz"', (("", "PLACE/x.npz"),)),
    "random": ("5", 5),
    "seed": ("7", 7),
    "expected": ('{ dense = "y.npz" }', (("dense", "PLACE/y.npz"),)),
    "golden": ('"golden"', "PLACE/golden"),
    "against": ('["b.onnx", "b.keras"]', ("PLACE/b.onnx", "PLACE/b.keras")),
    "map": ('{ dense = "Identity:0" }', (("dense", "Identity:0"),)),
    "run": ("false", False),
    "state-from": ('"x.npz"', "PLACE/x.npz"),
    "architecture": ('"b.keras"', "PLACE/b.keras"),
    "signature": ('"serve"', "serve"),
    "input-tensor": ('"a"', ("a",)),
    "output-tensor": ('["a", "b"]', ("a", "b")),
    "sigmas": ("4", 4.0),
    "atol": ("1e-6", 1e-6),
    "rtol": ("1e-5", 1e-5),
    "decimals": ("3", 3),
    "digits": ("3", 3),
    "allow-unjudged": ("true", True),
    "allowed-blind-spots": ("[]", ()),
    "runtime": ('"tf_keras"', "tf_keras"),
    "batch-size": ("3", 3),
    "timeout": ("20", 20.0),
    "products": ('"tf32"', "tf32"),
    "optimize": ("false", False),
    "unsafe": ("true", True),
    "diagnose": ("false", False),
}
NEEDED = {"expected": 'input = "x.npz"', "map": 'against = "b.onnx"', "run": 'against = "b.onnx"'}
NEEDED |= {"state-from": 'input = "x.npz"', "decimals": 'input = "x.npz"\nexpected = "y.npz"'}
NEEDED |= {"digits": NEEDED["decimals"]}


def test_every_key_is_tried() -> None:
    assert set(VALUES) == set(KEYS) - {"path", "name"}


@pytest.mark.parametrize("key", VALUES)
def test_a_key_becomes_its_field(key: str, place: Path) -> None:
    (place / "golden").mkdir()
    text, value = VALUES[key]
    (found,) = tasks(place, f'[[model]]\npath = "a.h5"\n{NEEDED.get(key, "")}\n{key} = {text}\n')
    expected = eval(repr(value).replace("PLACE", str(place)))
    assert getattr(found, KEYS[key].field) == expected


def test_a_key_above_is_for_all_that_do_not_say_otherwise(place: Path) -> None:
    text = (
        'sigmas = 4\nrandom = 5\n[[model]]\npath = "a.h5"\n[[model]]\npath = "b.keras"\nsigmas = 6\ninput = "x.npz"\n'
    )
    one, other = tasks(place, text)
    assert (one.sigmas, one.random) == (4, 5)
    assert (other.sigmas, other.random, other.is_generated) == (6, 32, False)


def test_a_tolerance_of_one_model_is_in_the_place_of_that_of_all(place: Path) -> None:
    (found,) = tasks(place, 'atol = 1e-3\nrtol = 1e-3\n[[model]]\npath = "a.h5"\nsigmas = 4\n')
    assert (found.sigmas, found.atol, found.rtol) == (4, None, None)


def test_a_pattern_is_as_many_models_as_fit(place: Path) -> None:
    found = tasks(place, '[[model]]\npath = "b.*"\nsigmas = 4\n')
    assert [(each.name, each.sigmas) for each in found] == [("b.keras", 4), ("b.onnx", 4)]


def test_a_golden_folder_beside_is_used_unless_something_else_is_said(place: Path) -> None:
    record(place / "a.h5", place / "x.npz", expected=place / "y.npz")
    text = '[[model]]\npath = "a.h5"\n[[model]]\nname = "again"\npath = "a.h5"\nrandom = 3\n'
    one, other = tasks(place, text)
    assert (one.golden, other.golden) == (str(place / "a.h5.golden"), None)


def test_pyproject_is_a_manifest(place: Path) -> None:
    text = '[project]\nname = "x"\n[tool.lstm-verify]\nsigmas = 4\n[[tool.lstm-verify.model]]\npath = "a.h5"\n'
    (found,) = tasks(place, text, "pyproject.toml")
    assert (found.path, found.sigmas) == (str(place / "a.h5"), 4)


def test_it_is_found_upwards(place: Path) -> None:
    inner = place / "some" / "where"
    inner.mkdir(parents=True)
    assert found_upwards(inner) is None
    (place / "pyproject.toml").write_text("[tool.lstm-verify]\n")
    (place / "some" / "pyproject.toml").write_text("[tool.ruff]\n")
    assert found_upwards(inner) == place / "pyproject.toml"
    (place / "some" / "pyproject.toml").write_text("[tool.ruff\n")
    with pytest.raises(Problems, match="not readable as TOML"):
        found_upwards(inner)


A = '[[model]]\npath = "a.h5"\n'
WRONG = {
    "an unknown key": (A + "sigma = 4", "unknown key 'sigma'. Did you mean sigmas?"),
    "nothing like a key": (A + "zzz = 4", "unknown key 'zzz'. The keys are path, name, input"),
    "a key of one model for all": (
        'input = "x.npz"\n' + A,
        "unknown key 'input'. It is for one model, and not for all",
    ),
    "text for a number": (A + 'sigmas = "8"', "sigmas = '8', expected a number"),
    "a boolean for a number": (A + "sigmas = true", "sigmas = True, expected a number"),
    "a negative number": (A + "sigmas = -1", "sigmas: -1.0, expected a finite number that is not negative"),
    "no samples": (A + "random = 0", "random = 0, expected a positive integer"),
    "text for a list": (A + 'allowed-blind-spots = "clip"', "expected a list of texts"),
    "no such runtime": (A + 'runtime = "torch"', "unknown runtime 'torch'"),
    "no path": ('[[model]]\nname = "a"', "model a: has no path"),
    "no model": ("sigmas = 8", "names no models"),
    "an empty list": ("model = []", "names no models"),
    "one table": ('[model]\npath = "a.h5"', "names no models"),
    "no such model": ('[[model]]\npath = "c.h5"', "c.h5: cannot be read"),
    "an empty pattern": ('[[model]]\npath = "c.*"', "c.*: no file fits this pattern"),
    "no such input": (A + 'input = "z.npy"', "input: there is no z.npy"),
    "no such predictions": (A + 'input = "x.npz"\nexpected = "z.npy"', "expected: there is no z.npy"),
    "no such golden folder": (A + 'golden = "golden"', "golden: there is no golden"),
    "no such other file": (A + 'against = "z.onnx"', "against: there is no z.onnx"),
    "the same twice": (A + A, "model a.h5 is there twice"),
    "the same name twice": (A + 'name = "m"\n[[model]]\nname = "m"\npath = "b.keras"', "model m is there twice"),
    "one name for two": ('[[model]]\npath = "b.*"\nname = "b"', "name: the path has 2 models"),
    "inputs twice": (A + 'input = "x.npz"\nrandom = 3', "input and random exclude each other"),
    "predictions twice": (
        A + 'input = "x.npz"\nexpected = "y.npz"\nruntime = "keras"',
        "expected and runtime exclude each other",
    ),
    "predictions without inputs": (A + 'expected = "y.npz"', "expected needs input too"),
    "two tolerances": (A + "sigmas = 4\natol = 1e-6", "sigmas and atol exclude each other"),
    "a seed for a golden folder": (A + 'golden = "a.h5"\nseed = 1', "golden and seed exclude each other"),
    "no TOML": ("[[model]", "not readable as TOML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(name: str, place: Path) -> None:
    text, said = WRONG[name]
    (line,) = problems(place, text)
    assert said in line
    assert line.startswith(str(place / "models.toml"))


def test_all_that_is_wrong_is_told_at_once(place: Path) -> None:
    text = 'sigma = 8\n[[model]]\npath = "c.h5"\n[[model]]\npath = "a.h5"\ninput = "z.npy"\n[[model]]\nfile = "b.h5"\n'
    found = problems(place, text)
    assert len(found) == 5
    for said in ("'sigma'", "c.h5", "z.npy", "'file'", "has no path"):
        assert sum(said in line for line in found) == 1


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="cannot be read"):
        tasks_of_manifest(tmp_path / "none.toml")

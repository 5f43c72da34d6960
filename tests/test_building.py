"""Folders that frameworks build: kept until what makes them changes, and never taken for whole when half."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests import building, conftest
from tests.building import RECIPES, ROOT, Recipe, built, key_of, sources
from tests.without_frameworks.sitecustomize import FRAMEWORKS, NOTES

RECIPE = Recipe("models", "tests.zoo.recipe", reads=("fixtures/*.h5",))
TREE = {
    "tests/__init__.py": "",
    "tests/zoo/__init__.py": "",
    "tests/zoo/recipe.py": "from tests.zoo import layers\n\ndef late():\n    import fixtures.make as make\n",
    "tests/zoo/layers.py": "from tests.zoo.entry import Entry",
    "tests/zoo/entry.py": "import numpy",
    "fixtures/make.py": "",
    "fixtures/model.h5": "",
    "tests/zoo/other.py": "",
    "tests/test_zoo.py": "",
}
MATTER = [*TREE][:-2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A recipe, what it imports and what it reads; and beside these, files that do not matter."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", TREE)
def test_a_source_that_changes_is_another_key(tree: Path, name: str) -> None:
    before = key_of(RECIPE, tree)
    (tree / name).write_text(TREE[name] + "\n# changed")
    assert (key_of(RECIPE, tree) != before) == (name in MATTER)


@pytest.mark.parametrize(
    "change", [{"arguments": ("--all",)}, {"environment": {"TF_USE_LEGACY_KERAS": "1"}}, {"given": "names"}]
)
def test_a_recipe_that_changes_is_another_key(tree: Path, change: dict[str, object]) -> None:
    assert key_of(replace(RECIPE, **change), tree) != key_of(RECIPE, tree)  # type: ignore[arg-type]


@pytest.mark.parametrize("package", building.FRAMEWORKS)
def test_another_version_is_another_key(tree: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(RECIPE, tree)
    genuine = building.metadata.version
    monkeypatch.setattr(building.metadata, "version", lambda name: f"{genuine(name)}{'.1' * (name == package)}")
    building.versions.cache_clear()
    assert key_of(RECIPE, tree) != before
    building.versions.cache_clear()


@pytest.mark.parametrize("name", RECIPES)
def test_the_key_of_a_zoo_has_its_program_and_what_makes_oracles(name: str) -> None:
    found = {path.relative_to(ROOT).as_posix() for path in sources(RECIPES[name].module)}
    assert f"{RECIPES[name].module.replace('.', '/')}.py" in found
    assert found & {"fixtures/make.py", "tests/zoo/onnx/writing.py"}
    assert not {path for path in found if path.startswith("lstm_verify/")}  # so its oracle is not the code under test


# --- building


def writing(text: str) -> Recipe:
    """A recipe that runs a line of Python: `timeit` is a module that does."""
    return Recipe("numbers", "timeit", ("-n1", "-r1", text))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(building, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def test_a_folder_is_built_once(kept: Path) -> None:
    recipe = writing("open('{out}/../log', 'a').write('x'); open('{out}/file', 'w').write('y')")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(built, [recipe] * 2)
    assert first == second == built(recipe)
    assert (first / "file").read_text() == "y"
    assert (kept / "log").read_text() == "x"


def test_another_recipe_takes_the_place_of_the_old(kept: Path) -> None:
    old = built(writing("open('{out}/file', 'w').write('1')"))
    new = built(writing("open('{out}/file', 'w').write('2')"))
    assert (new / "file").read_text() == "2"
    assert not old.exists()


def test_what_fails_half_way_is_not_built_and_says_why(kept: Path) -> None:
    recipe = writing("open('{out}/half', 'w').write('y'); raise OSError('no space left')")
    for _ in range(2):
        with pytest.raises(AssertionError, match="no space left"):
            built(recipe)
    whole = writing("open('{out}/file', 'w').write('y')")
    assert [path.name for path in built(whole).iterdir()] == ["file"]
    assert len([path for path in kept.iterdir() if path.is_dir()]) == 1  # half of it is gone, too


# --- tests without a mark


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_is_refused_in_every_process_of_a_test_without_a_mark(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    with pytest.raises(ImportError, match=f"not the mark `framework` imports {name}"):
        __import__(name)
    code = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-P', '-c', 'import {name}']).returncode)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 1
    assert [line.split()[0] for line in (tmp_path / "notes").read_text().splitlines()] == [name, name]


def test_a_test_that_gets_over_the_refusal_fails() -> None:
    assert NOTES in os.environ
    with suppress(ImportError):
        __import__("keras")
    with pytest.raises(pytest.fail.Exception, match=r"needs pytestmark = pytest\.mark\.framework: keras"):
        conftest.pytest_runtest_teardown()


def test_who_uses_what_a_framework_built_is_marked(request: pytest.FixtureRequest) -> None:
    users = [item for item in request.session.items if "build" in getattr(item, "fixturenames", ())]
    assert all(item.get_closest_marker("zoo") for item in users)

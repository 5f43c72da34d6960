"""The doors for CI: the action, the image, the hook and the recipes of docs/ci.md name only what there is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from lstm_verify.cli import cli
from tests.command import inputs, model, recorded
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, VERIFY = ACTION["runs"]["steps"]
ORIGIN = "origin_tanh_sigmoid"


def options(command: str = "verify") -> set[str]:
    """Every option of a command."""
    return {name for option in cli.commands[command].params for name in (*option.opts, *option.secondary_opts)}


# --- the action


def test_the_action_is_a_composite_with_its_inputs_described() -> None:
    assert {"name", "description", "inputs", "runs"} <= set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    assert list(ACTION["inputs"]) == ["model", "input", "expected", "golden", "against", "args", "extras", "version"]
    for entry in ACTION["inputs"].values():
        assert entry["description"]
        assert entry.get("required") or "default" in entry


def test_inputs_come_by_the_environment_and_are_no_part_of_a_script() -> None:
    given = {value for step in (INSTALL, VERIFY) for value in step["env"].values()}
    assert given == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    for step in (INSTALL, VERIFY):
        assert step["shell"] == "python"
        assert "${{" not in step["run"]


def commands_of(step: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[list[str]]:
    """The commands that the script of a step would run."""
    for name in (*step["env"], "GITHUB_ACTION_PATH"):
        monkeypatch.setenv(name, environment.get(name, ""))
    ran: list[list[str]] = []
    monkeypatch.setattr(subprocess, "call", lambda command: ran.append(command) or 0)
    with pytest.raises(SystemExit) as ended:
        exec(compile(step["run"], step["name"], "exec"), {})
    assert ended.value.code == 0
    return ran


EVIL = ("x.npy; touch pwned", "$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '" --quiet "', "--quiet")


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_an_input_is_it_is_one_argument(evil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "MODEL": evil,
        "INPUT": f"a={evil}\n b.npy \n",
        "EXPECTED": evil,
        "GOLDEN": evil,
        "AGAINST": evil,
        "ARGS": "-q --top 3",
    }
    ((python, *command),) = commands_of(VERIFY, monkeypatch, **environment)
    assert python == sys.executable
    start = ["-P", "-m", "lstm_verify", "verify", "-q", "--top", "3"]
    files = [f"--input=a={evil}", "--input=b.npy", f"--expected={evil}", f"--golden={evil}", f"--against={evil}"]
    assert command == [*start, *files, "--", evil]
    assert {word.split("=")[0] for word in files} <= options()


def test_arguments_are_quoted_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, *command),) = commands_of(VERIFY, monkeypatch, MODEL="m.h5", ARGS="--junit 'a b.xml'\n  --json r.json")
    assert command[4:] == ["--junit", "a b.xml", "--json", "r.json", "--", "m.h5"]


@pytest.mark.parametrize(
    ("extras", "version", "package"),
    [("", "", "/action"), ("onnx,yaml", "", "/action[onnx,yaml]"), ("onnx", "0.2.0", "lstm-verify[onnx]==0.2.0")],
)
def test_what_is_installed(extras: str, version: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, *command),) = commands_of(INSTALL, monkeypatch, GITHUB_ACTION_PATH="/action", EXTRAS=extras, VERSION=version)
    assert command[:4] == ["-P", "-m", "pip", "install"]
    assert command[-1] == package


@pytest.mark.parametrize("evil", ["1 --index-url http://a", "1; touch pwned", "] @ https://a/b.whl", "$(touch pwned)"])
@pytest.mark.parametrize("name", ["EXTRAS", "VERSION"])
def test_what_is_no_version_is_refused(name: str, evil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("EXTRAS", "VERSION"):
        monkeypatch.setenv(key, evil if key == name else "")
    monkeypatch.setattr(subprocess, "call", lambda command: pytest.fail(f"ran {command}"))
    with pytest.raises(SystemExit, match=f"{name.lower()}: .*, expected letters, digits"):
        exec(compile(INSTALL["run"], "install", "exec"), {})


def test_an_older_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or later"):
        exec(compile(INSTALL["run"], "install", "exec"), {})


@pytest.mark.parametrize(("expected", "code"), [(ORIGIN, 0), ("origin_relu_sigmoid", 1)])
def test_the_action_ends_as_the_command_does(expected: str, code: int, tmp_path: Path) -> None:
    """And a module in the folder where it runs is not taken for one of its own."""
    (tmp_path / "click.py").write_text("raise SystemExit(9)\n")
    environment = {
        "PYTHONPATH": str(ROOT),
        "MODEL": str(model(ORIGIN)),
        "INPUT": str(inputs(ORIGIN)),
        "EXPECTED": str(recorded(expected)),
        "GOLDEN": "",
        "AGAINST": "",
        "ARGS": "--no-diagnose --no-blind-spots --quiet",
    }
    script = tmp_path / "folder of the runner" / "script.py"
    script.parent.mkdir()
    script.write_text(VERIFY["run"])
    done = subprocess.run([sys.executable, script], env=os.environ | environment, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


# --- the hook


def test_the_hook() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language", "files"} <= set(hook)
    assert hook["entry"] in PROJECT["scripts"]
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    for name in ("a/model.keras", "model.h5", "model.onnx", "y.npz", "a.golden/golden.json"):
        assert re.search(hook["files"], name)
    assert not re.search(hook["files"], "README.md")


# --- the image


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, with their lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def test_the_image() -> None:
    found = instructions()
    names = [name for name, _ in found]
    assert set(names) <= {"FROM", "ARG", "COPY", "RUN", "USER", "WORKDIR", "ENTRYPOINT"}
    version = re.fullmatch(r"python:(3\.\d+)-slim", found[0][1])
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]
    assert found[-1] == ("ENTRYPOINT", '["lstm-verify"]')
    assert dict(found)["USER"] not in ("root", "0")
    assert names.index("USER") > names.index("RUN")


def test_the_image_has_no_framework_unless_it_is_asked_for() -> None:
    (install,) = [text for name, text in instructions() if name == "RUN"]
    assert 'pip install --no-cache-dir --disable-pip-version-check "/src[$EXTRAS]"' in install
    assert ("ARG", "EXTRAS=onnx") in instructions()
    lean = {Requirement(one).name for one in PROJECT["dependencies"]}
    assert lean == {"click", "h5py", "numpy", "rich", "threadpoolctl"}


def test_every_extra_that_is_named_anywhere_exists() -> None:
    extras = set(PROJECT["optional-dependencies"])
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("lstm_verify/**/*.py"), ROOT / "Dockerfile"]
    named = {
        name
        for path in texts
        for found in re.findall(r"lstm-verify\[([a-z,]+)\]", path.read_text())
        for name in found.split(",")
    }
    assert {"keras", "onnx", "report"} <= named <= extras


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = (ROOT / ".dockerignore").read_text().splitlines()
    assert let_through[0] == "*"
    copied = [word for name, text in instructions() if name == "COPY" for word in text.split()[:-1]]
    for path in copied:
        assert (ROOT / path).exists()
        assert f"!{path}" in let_through


# --- the recipes


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def recipes() -> Iterator[Any]:
    for text in fences("yaml"):
        yield yaml.safe_load(text)


def steps() -> Iterator[dict[str, Any]]:
    """The steps of GitHub Actions."""
    for recipe in recipes():
        yield from recipe if isinstance(recipe, list) else recipe.get("jobs", {}).get("verify", {}).get("steps", [])


def uses_of_the_action() -> list[dict[str, Any]]:
    return [step for step in steps() if "lstm-verify@" in step.get("uses", "")]


def test_the_recipes_use_the_action_as_it_is() -> None:
    found = uses_of_the_action()
    assert len(found) == 2
    required = {name for name, entry in ACTION["inputs"].items() if entry.get("required")}
    for step in found:
        assert required <= set(step["with"]) <= set(ACTION["inputs"])
        assert set(step["with"].get("extras", "").split(",")) <= {"", *PROJECT["optional-dependencies"]}


def commands() -> Iterator[list[str]]:
    """The words behind `lstm-verify` in every recipe."""
    for step in uses_of_the_action():
        yield shlex.split(step["with"].get("args", ""))
    yield from (shlex.split(step["run"])[1:] for step in steps() if step.get("run", "").startswith("lstm-verify"))
    for recipe in recipes():
        for hook in recipe.get("repos", [{}])[0].get("hooks", []) if isinstance(recipe, dict) else []:
            yield hook["args"]
        if isinstance(recipe, dict) and "verify" in recipe:
            yield shlex.split(recipe["verify"]["script"][-1])[1:]
    yield from (shlex.split(words)[1:] for words in re.findall(r"'\S*(lstm-verify .*)'", *fences("groovy")))
    yield from (shlex.split(words)[1:] for words in re.findall(r":ro\" (lstm-verify .*)", *fences("sh")))


def test_every_option_of_a_recipe_exists() -> None:
    found = list(commands())
    assert len(found) == 7
    for words in found:
        command = words[0] if words[0] in cli.commands else "verify"
        assert {word for word in words if word.startswith("-")} <= options(command), words


def test_gitlab_finds_the_report() -> None:
    (job,) = (recipe["verify"] for recipe in recipes() if isinstance(recipe, dict) and "verify" in recipe)
    assert f"--junit {job['artifacts']['reports']['junit']}" in job["script"][-1]
    assert job["artifacts"]["when"] == "always"  # also after a mismatch


def test_the_hook_of_the_recipe_is_there() -> None:
    (repository,) = next(recipe["repos"] for recipe in recipes() if isinstance(recipe, dict) and "repos" in recipe)
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [one["id"] for one in repository["hooks"]] == [hook["id"]]


def test_the_version_is_the_one_there_is() -> None:
    assert set(re.findall(r"(?:lstm-verify@|rev: )v([\d.]+)", PAGE)) == {PROJECT["version"]}

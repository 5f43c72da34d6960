"""The runtimes of TensorFlow graphs, against what the frameworks that wrote the graphs compute.

Starts take seconds: the graphs are built by one process, most requests are answered by another, and a few go the
whole way from the parent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import FrameworkError
from lstm_verify.runtimes import Prediction, Request, find, predicting
from tests.building import OUT, Build, Recipe
from tests.runtimes.graph_cases import ALL, FAILING, PREDICTING, SCALED, TENSORS, Arrays, Case, with_more

HERE = Path(__file__).parent
RECIPE = Recipe("graphs", "tests.runtimes.build_graphs", (OUT,), environment={"TF_USE_LEGACY_KERAS": "1"})


@dataclass(frozen=True)
class Graphs:
    """The folder that `build_graphs.py` has written."""

    folder: Path

    def arrays(self, name: str) -> Arrays:
        with np.load(self.folder / f"{name}.npz") as archive:
            return dict(archive)


@pytest.fixture(scope="module")
def graphs(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    folder = tmp_path_factory.mktemp("graphs")
    shutil.copytree(build(RECIPE), folder, dirs_exist_ok=True)
    for broken, change in BROKEN.items():
        shutil.copytree(folder / "keras3", folder / broken)
        change(folder / broken)
    content = (folder / "frozen.pb").read_bytes()
    (folder / "cut.pb").write_bytes(content[: len(content) // 2])
    (folder / "empty.pb").write_bytes(b"")
    return Graphs(folder)


def run(script: str, *arguments: object, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", str(HERE / script), *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BROKEN: dict[str, Callable[[Path], None]] = {
    "cut_graph": lambda folder: cut(folder / "saved_model.pb"),
    "cut_variables": lambda folder: cut(folder / "variables" / "variables.data-00000-of-00001"),
    "no_variables": lambda folder: shutil.rmtree(folder / "variables"),
}


@pytest.fixture(scope="module")
def answers(graphs: Graphs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The replies to every case, from one process."""
    cases = PREDICTING | FAILING
    assert len(cases) == len(PREDICTING) + len(FAILING)
    folder = tmp_path_factory.mktemp("answers")
    requests = [request(case, graphs, folder / name) for name, case in cases.items()]
    (folder / "requests.json").write_text(json.dumps(requests))
    run("ask_child.py", folder / "requests.json", folder / "answers.json")
    return dict(zip(cases, json.loads((folder / "answers.json").read_text()), strict=True))


def request(case: Case, graphs: Graphs, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    inputs = []
    for name, values in case.given(with_more(case.source, graphs.arrays(case.source))).items():
        np.save(folder / f"{name}.npy", values)
        inputs.append({"name": name, "path": str(folder / f"{name}.npy")})
    return {
        "program": case.program,
        "module": "tensorflow",
        "title": "TensorFlow",
        "model": str(graphs.folder / case.model),
        "inputs": inputs,
        "directory": str(folder),
        "batch_size": case.batch_size,
        "unsafe": False,
        "call": dict(case.call),
    }


@pytest.mark.parametrize("name", PREDICTING)
def test_predicts_what_was_recorded(name: str, graphs: Graphs, answers: dict[str, list[dict[str, Any]]]) -> None:
    case, last = PREDICTING[name], answers[name][-1]
    assert "error" not in last, last["error"]
    found = {item["name"]: np.load(item["path"]) for item in last["outputs"]}
    if case.call.get("outputs"):
        assert list(found) == list(case.outputs)
    recorded = with_more(case.source, graphs.arrays(case.source))
    for output, of in case.outputs.items():
        assert found[output].dtype == np.float32
        assert found[output].shape == recorded[of].shape
        np.testing.assert_allclose(found[output], recorded[of], rtol=0, atol=5e-7)


def test_states_matter(graphs: Graphs) -> None:
    """Or the tests of stateful models would prove nothing."""
    recorded = graphs.arrays("stateful")
    assert np.abs(recorded["y"][2:4] - recorded["forgetful"]).max() > 1e-3


@pytest.mark.parametrize("name", FAILING)
def test_failure_has_its_reason_in_one_line(name: str, answers: dict[str, list[dict[str, Any]]]) -> None:
    error = answers[name][-1]["error"]
    assert FAILING[name].error in error
    assert error.isprintable()
    assert len(error) < 700
    assert not any("outputs" in reply for reply in answers[name])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("default_signature", "signature serving_default"),
        ("chosen_signature", "signature serve"),
        ("tf1_in_tf2", "signature serving_default"),
        ("frozen", "session, frozen graph"),
        ("meta_graph", "session, graph and checkpoint"),
        ("saved_by_signature", "session, signature serving_default"),
    ],
)
def test_says_what_predicts(name: str, what: str, answers: dict[str, list[dict[str, Any]]]) -> None:
    description = answers[name][0]["description"]
    assert description.startswith("TensorFlow 2.")
    assert description.endswith(f" ({what})")


@pytest.mark.parametrize(
    ("name", "done"), [("batches", [4, 6]), ("default_signature", [6]), ("states_go_on", [2, 4, 6]), ("frozen", [1])]
)
def test_says_how_far_it_is(name: str, done: list[int], answers: dict[str, list[dict[str, Any]]]) -> None:
    assert [reply["done"] for reply in answers[name] if "done" in reply] == done


# --- the whole way from the parent


def predicted(runtime: str, request: Request) -> tuple[dict[str, Any], Prediction]:
    with predicting(find(runtime), request) as prediction:
        return {
            name: rows[:] if rows.shape else np.asarray(rows) for name, rows in prediction.result().items()
        }, prediction


@pytest.mark.cold
def test_saved_model_from_the_parent(graphs: Graphs) -> None:
    """With a number among the inputs and the outputs, and a directory that has no ending."""
    arrays = graphs.arrays("functions")
    call = {**SCALED, "outputs": {"first": "time_major", "second": "mean", "third": "y"}}
    inputs = {"x": arrays["x"], "scale": arrays["scale"]}
    outputs, prediction = predicted("saved_model", Request(graphs.folder / "functions", inputs, call=call))
    assert list(outputs) == ["first", "second", "third"]
    for name, of in call["outputs"].items():
        np.testing.assert_array_equal(outputs[name], arrays[of])
    assert prediction.description.endswith("(signature scaled)")
    assert prediction.seconds > 0


@pytest.mark.cold
def test_a_checkpoint_behind_links_from_the_parent(graphs: Graphs, tmp_path: Path) -> None:
    """A prefix is no file, and what it begins may be links to files of other names."""
    for file in graphs.folder.glob("model.ckpt.*"):
        shutil.copy(file, tmp_path / f"blob{file.suffix[1:3]}")
        (tmp_path / file.name).symlink_to(tmp_path / f"blob{file.suffix[1:3]}")
    arrays = graphs.arrays("session")
    inputs = {"words": arrays["x"], "keep": np.float32(1)}
    call = {"kind": "meta_graph", **TENSORS}
    outputs, _ = predicted("tf1", Request(tmp_path / "model.ckpt.meta", inputs, call=call))
    for name, of in ALL.items():
        np.testing.assert_allclose(outputs[name], arrays[of], rtol=0, atol=5e-7)


@pytest.mark.cold
def test_failure_from_the_parent(graphs: Graphs) -> None:
    call = {"signature": "other", "inputs": {}, "outputs": {}}
    with pytest.raises(
        FrameworkError, match=r"^saved_model: LookupError: it has no signature 'other'; its signatures: "
    ):
        predicted("saved_model", Request(graphs.folder / "keras3", graphs.arrays("keras3"), call=call))

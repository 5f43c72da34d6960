"""Graphs that are fed and fetched inside, as `Session.run` does it: `tests.zoo.tf1_ends` has what it returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Endpoints, Verdict, load, replay, rollout, verify
from lstm_verify.formats.endpoints import with_given
from lstm_verify.inspection import recurrences
from tests.building import Build, Recipe
from tests.command import assert_refused, run
from tests.graph_files import read_at_once
from tests.zoo.tf1_ends import ENTRIES

Arrays = dict[str, Any]
FORMS = ("pb", "ckpt")
RUNS = [(name, number, form) for name, entry in ENTRIES.items() for number in range(len(entry.runs)) for form in FORMS]
NO_CELL = {("heads", 4)}
"""Runs that begin behind the recurrent layer."""


@dataclass(frozen=True)
class Built:
    """The folder of the graphs, whose files have been read by one child process."""

    folder: Path

    def path(self, name: str, form: str = "pb") -> Path:
        return self.folder / f"{name}.{form}"

    def arrays(self, name: str, number: int = 0) -> tuple[Arrays, Arrays]:
        """What was fed and what was fetched, by tensor."""
        run = ENTRIES[name].runs[number]
        with (
            np.load(self.folder / f"{name}.{number}.x.npz") as x,
            np.load(self.folder / f"{name}.{number}.y.npz") as y,
        ):
            return dict(zip(run.feeds, x.values(), strict=True)), dict(zip(run.outputs, y.values(), strict=True))


@pytest.fixture(scope="module")
def built(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = build(Recipe("tf1_ends", "tests.zoo.tf1_ends"))
    paths = [folder / f"{name}.{form}" for name in ENTRIES for form in FORMS]
    with read_at_once(paths, tmp_path_factory.mktemp("found")):
        yield Built(folder)


def plain(name: str) -> str:
    return name.removesuffix(":0")


@pytest.mark.parametrize(("name", "number", "form"), RUNS)
def test_as_the_session_did(built: Built, name: str, number: int, form: str) -> None:
    x, y = built.arrays(name, number)
    expected = {plain(key): values for key, values in y.items()}
    report = verify(
        built.path(name, form), x, expected=expected, endpoints=Endpoints(outputs=tuple(y)), blind_spots=False
    )
    assert report.verdict is Verdict.MATCH, report.summary()
    assert {spec.name for spec in report.model.inputs} == {plain(key) for key in x}
    assert [output.name for output in report.outputs] == [plain(key) for key in y]
    assert [found["type"] for found in report.recurrences] == ([] if (name, number) in NO_CELL else ["LSTM"])


@pytest.mark.parametrize("name", ["iterator", "prepared", "split"])
def test_what_is_fed_matters(built: Built, name: str) -> None:
    x, y = built.arrays(name)
    other = {key: values * 1.01 if values.dtype.kind == "f" else values for key, values in x.items()}
    report = verify(built.path(name), other, expected=y, endpoints=Endpoints(outputs=tuple(y)), diagnose=False)
    assert report.verdict is Verdict.MISMATCH


@pytest.mark.parametrize(
    ("name", "inputs", "shapes"),
    [
        ("iterator", ("IteratorGetNext:1", "IteratorGetNext"), [(None,), (None, 7, 3)]),
        ("queue", ("batch:0",), [(None, 7, 3)]),
        ("files", ("signal",), [(None, 7, 3)]),
        ("prepared", ("prep/div",), [(None, 7, 3)]),
        ("split", ("halves:1", "x"), [(None, 7, 3), (None, 7, 6)]),
    ],
)
def test_shapes_without_arrays(built: Built, name: str, inputs: tuple[str, ...], shapes: list[Any]) -> None:
    """From an iterator, a queue, a reshaping, or what computes the tensor, so that cells can be recognised."""
    for form in FORMS:
        model = load(built.path(name, form), endpoints=Endpoints(inputs))
        assert [spec.name for spec in model.inputs] == [plain(key) for key in inputs]
        if (name, form) != ("queue", "ckpt"):  # TensorFlow knows there that the queue gives five
            assert [spec.shape for spec in model.inputs] == shapes
        if name != "queue":  # whose state of zeros is for five
            assert [found["type"] for found in recurrences(model)] == ["LSTM"]


def test_dtypes_of_what_is_fed(built: Built) -> None:
    assert [
        spec.dtype
        for spec in load(built.path("iterator"), endpoints=Endpoints(("IteratorGetNext:1", "IteratorGetNext"))).inputs
    ] == [
        "int32",
        "float32",
    ]
    assert load(built.path("unheard"), endpoints=Endpoints(("numbers",))).inputs[0].dtype == "int64"


def test_outputs_follow_from_what_is_fed(built: Built) -> None:
    """Without names of outputs those are compared that nothing else takes, as far as they depend on what is fed."""
    names = {
        inputs: [output.name for output in load(built.path("heads"), endpoints=Endpoints(inputs)).outputs]
        for inputs in [("x",), ("extra",), ("logits", "extra", "target")]
    }
    assert sorted(names[("x",)]) == ["loss", "shifted", "squashed"]
    assert sorted(names[("extra",)]) == ["shifted"]
    assert sorted(names[("logits", "extra", "target")]) == ["loss", "shifted"]
    assert [spec.name for spec in load(built.path("heads"), endpoints=Endpoints(("extra",))).inputs] == ["extra", "x"]


def test_inputs_follow_from_outputs(built: Built) -> None:
    path = built.path("heads", "ckpt")
    assert [spec.name for spec in load(path, endpoints=Endpoints(outputs=("squashed",))).inputs] == ["x"]
    assert {spec.name for spec in load(path, endpoints=Endpoints(outputs=("squashed", "loss"))).inputs} == {
        "x",
        "target",
    }


def test_replay_of_an_inner_tensor(built: Built) -> None:
    """By plain arithmetic: `shifted` is the sum of the two tensors that are fed."""
    logits, extra = np.arange(6.0).reshape(3, 2), np.ones((3, 2))
    model = load(built.path("heads"), endpoints=Endpoints(("logits", "extra"), ("shifted",)))
    np.testing.assert_array_equal(replay(model, {"extra": extra, "logits": logits})["shifted"], logits + 1)


def test_names_of_arrays_that_are_no_tensors_are_taken_in_order(built: Built) -> None:
    x, y = built.arrays("prepared", 2)
    report = verify(built.path("prepared"), {"whatever": x["x"]}, expected=y, blind_spots=False)
    assert report.verdict is Verdict.MATCH
    assert "inputs taken in order: whatever as x" in report.notes


def test_ends_of_what_is_given() -> None:
    given = with_given(Endpoints(outputs=("y",)), {"a:0": np.zeros((2, 3)), "": np.zeros(4)})
    assert (given.outputs, dict(given.given)) == (("y",), {"a:0": (2, 3)})
    assert with_given(None, np.zeros(3)).shapes_for(["a"]) == {"a": (3,)}
    assert Endpoints("x", outputs="y").asked == ("y", "x")  # type: ignore[arg-type]  # as somebody will write it


def saved(folder: Path, arrays: Arrays) -> list[str]:
    """The arrays as options of the command line."""
    options = []
    for number, (name, values) in enumerate(arrays.items()):
        np.save(folder / f"{number}.npy", values)
        options += ["-i", f"{name}={folder / str(number)}.npy"]
    return options


@pytest.mark.parametrize(
    ("name", "fed", "options", "mentioned"),
    [
        (
            "iterator",
            ("IteratorGetNxt:0",),
            (),
            "'IteratorGetNxt:0': the graph has none of that name. Near it: IteratorG",
        ),
        ("iterator", ("IteratorGetNext:2",), (), "operation 'IteratorGetNext' has 2 outputs"),
        ("iterator", ("IteratorGetNext:0",), (), "feed it too: --input IteratorGetNext:1=x.npy"),
        ("iterator", ("some",), (), "no output that depends on a placeholder. Feed what IteratorGetNext would return"),
        ("prepared", ("div:0",), (), "Near it: prep/div"),
        ("prepared", ("prep:0",), (), "Near it: prep/sub, prep/div"),
        ("prepared", ("zz:0",), (), "Its placeholders: x"),
        ("prepared", ("x", "prep/div"), (), "input 'x': no output depends on this tensor; they need prep/div"),
        ("prepared", ("x",), ("--output-tensor", "nothing"), "tensor 'nothing': the graph has none of that name"),
        ("heads", ("extra",), ("--output-tensor", "squashed"), "no output depends on this tensor; they need x"),
        ("heads", ("x",), ("--output-tensor", "dense/kernel"), "input 'x': no output depends on this tensor"),
        (
            "heads",
            ("rnn/while/basic_lstm_cell/Sigmoid",),
            (),
            "inside a loop, where it has a value for every iteration",
        ),
        ("heads", ("x",), ("--output-tensor", "rnn/while/basic_lstm_cell/Sigmoid"), "inside a loop"),
        ("heads", ("some",), ("--output-tensor", "dense/kernel"), "the outputs depend on no input. Feed a tensor"),
        ("files", ("file",), (), "input 'file:0': this tensor holds string, expected numbers"),
        ("files", ("x",), ("--output-tensor", "ReadFile"), "output 'ReadFile:0': this tensor holds string"),
    ],
)
def test_refused(built: Built, tmp_path: Path, name: str, fed: tuple[str, ...], options: Any, mentioned: str) -> None:
    x = np.zeros((5, 7, 3), np.float32)
    result = run(built.path(name), *saved(tmp_path, dict.fromkeys(fed, x)), *options, "-e", tmp_path / "0.npy")
    assert_refused(result, built.path(name), mentioned)


def test_inspect_and_extract(built: Built, tmp_path: Path) -> None:
    path, ends = built.path("files", "ckpt"), ("--input-tensor", "signal", "--output-tensor", "sequence")
    shown = run("inspect", path, *ends)
    assert "input signal" in shown.stdout
    assert "rnn  LSTM" in shown.stdout
    assert "logits" not in shown.stdout
    assert run("extract", path, *ends, "-o", tmp_path / "weights.npz").exit_code == 0
    with np.load(tmp_path / "weights.npz") as weights:
        assert sorted(weights.files) == ["rnn/bias", "rnn/kernel", "rnn/recurrent_kernel"]  # and not the dense layer's


# --- with the framework itself


@pytest.mark.parametrize("form", FORMS)
def test_against_a_session(built: Built, tmp_path: Path, form: str) -> None:
    fed = saved(tmp_path, built.arrays("iterator")[0])
    result = run(built.path("iterator", form), *fed, "--output-tensor", "logits:0", "--no-blind-spots")
    assert result.exit_code == 0, result.output
    assert "MATCH" in result.stdout
    assert "(session, " in result.stdout
    assert "sequence" not in result.stdout


def test_rollout_into_an_inner_tensor(built: Built) -> None:
    x, _ = built.arrays("generator")
    report = rollout(built.path("generator"), x, steps=6)
    assert report.verdict is Verdict.MATCH, report.summary()
    assert [rule.input for rule in report.plan.feedback] == ["doubled"]

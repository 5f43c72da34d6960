"""TensorFlow files that are damaged, incomplete, or no model: one clear line, exit code 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lstm_verify.formats.weights.alone import alone
from lstm_verify.formats.weights.checkpoint import weights_in
from tests.break_graphs import DATA, FIXTURE
from tests.building import OUT, ROOT, Build, Recipe
from tests.command import assert_refused, inputs, model, recorded, run
from tests.graph_files import reading

FROZEN, CHECKPOINT = Path(f"{FIXTURE}.pb"), Path(f"{FIXTURE}.ckpt")
ARGUMENTS = ("-i", inputs("basic_lstm"), "-e", recorded("basic_lstm", "tf1.pb"))
WHOLE = FROZEN.read_bytes()

CHANGED = {
    "unknown_operation.pb": ["node 'rnn/while/basic_lstm_cell/BiasAdd': operation Unheard is not supported"],
    "missing_node.pb": ["node 'rnn/while/basic_lstm_cell/BiasAdd' is used but is not in the graph"],
    "two_of_one_name.pb": ["two nodes are named 'rnn/while/basic_lstm_cell/BiasAdd'"],
    "missing_function.pb": ["BiasAdd': it calls the function 'lost', which the file does not have"],
    "call_without_a_function.pb": ["its graph is not one that TensorFlow writes"],
    "calls_itself.pb": ["node 'call': functions call each other endlessly"],
    "no_condition.pb": ["loop 'rnn/while/while_context': it has no condition"],
    "loop_without_a_way_back.pb": ["node 'rnn/while/", "it depends on its own output"],
    "no_placeholder.pb": ["the graph has no output that depends on a placeholder"],
    "unheard_source.pb": ["the graph has no output that depends on a placeholder"],
    "output_that_is_none.pb": ["nothing computes output 7"],
    "attribute_of_another_type.pb": ["split"],
    "weights_of_another_shape.pb": ["do not fit an input of shape (2, 15), (16,)"],
    "several_signatures": ["there are several signatures: given, other. Choose one with --signature"],
    "input_left_out": ["node 'x': this placeholder is needed but is not an input of this signature"],
    "output_that_is_not_there": ["node 'nowhere' is used but is not in the graph"],
    "no_variables": ["variable 'rnn/basic_lstm_cell/", "there is no checkpoint. Is a folder variables/ missing"],
    "variables_without_data": ["checkpoint variables cannot be read", "Was it copied completely?"],
    "variables_cut_short": ["checkpoint variables cannot be read", "Was it copied completely?"],
    "index_cut_short": ["checkpoint variables cannot be read", "Was it copied completely?"],
    "unknown_variable": ["the checkpoint has no tensor 'lost/rnn/basic_lstm_cell/"],
}
"""What `tests.break_graphs` makes, and what is said of it."""

FED_BY_NAME = {"no_placeholder.pb", "unheard_source.pb"}
"""Those that go well if an array has the name of the tensor: it is fed, whatever computes it."""

ONLY_IN_A_REPLAY = {"weights_of_another_shape.pb", "attribute_of_another_type.pb", "output_that_is_none.pb"}
"""Those that can be looked at."""

WRITTEN = {
    "empty.pb": (b"", "not a known kind of model file"),
    "text.pb": (b"epoch,loss\n1,0.5\n", "not a known kind of model file"),
    "line.pb": (b"\nhello, this is no graph\n", "neither a GraphDef nor a MetaGraph of TensorFlow"),
    "word.pb": (b'node { name: "x" op: ', "neither a GraphDef nor a MetaGraph of TensorFlow"),
    "byte.pb": (WHOLE[:1], "a protobuf without a graph, expected a GraphDef, a MetaGraph or a SavedModel"),
    "half.pb": (WHOLE[: len(WHOLE) // 2], "neither a GraphDef nor a MetaGraph of TensorFlow"),
    "no_end.pb": (WHOLE[:-1], "neither a GraphDef nor a MetaGraph of TensorFlow"),
}
"""Files by name, and what is said of them."""


def text_for_graph(folder: Path) -> None:
    (folder / "saved_model.pb").write_text("hello\n")


def nothing_for_graph(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"")


def half_a_graph(folder: Path) -> None:
    content = (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(content[: len(content) // 2])


COPIED: dict[str, tuple[Callable[[Path], None], str]] = {
    "text_for_graph": (text_for_graph, "saved_model.pb is not a SavedModel"),
    "nothing_for_graph": (nothing_for_graph, "saved_model.pb holds no graph. Was it copied completely?"),
    "half_a_graph": (half_a_graph, "saved_model.pb is not a SavedModel"),
}
"""Copies of a whole SavedModel by name: what is done to them, and what is said."""

CHECKPOINTS = {
    "alone.ckpt": (("index", DATA), "nothing to replay. A checkpoint without its graph has neither the activations"),
    "no_data.ckpt": (("index", "meta"), "a checkpoint needs no_data.ckpt.index and .data-00000-of-00001 beside it"),
    "no_index.ckpt.meta": (("meta", DATA), "a checkpoint needs no_index.ckpt.index and .data-00000-of-00001"),
    "no_index.ckpt": ((), "No such file"),
}
"""Parts of a checkpoint that are there, and what is said."""


@pytest.fixture(scope="module")
def damaged(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of all these files; inside, they have been read by one child process."""
    folder = tmp_path_factory.mktemp("damaged")
    recipe = Recipe("broken_graphs", "tests.break_graphs", (OUT,), ("fixtures/basic_lstm.tf1.*",))
    shutil.copytree(build(recipe), folder, dirs_exist_ok=True)
    for name, (content, _) in WRITTEN.items():
        (folder / name).write_bytes(content)
    for name, (change, _) in COPIED.items():
        shutil.copytree(folder / "whole", folder / name)
        change(folder / name)
    for name, (suffixes, _) in CHECKPOINTS.items():
        for suffix in suffixes:
            shutil.copy(f"{CHECKPOINT}.{suffix}", folder / f"{name.removesuffix('.meta')}.{suffix}")
    shutil.copytree(folder / "whole", folder / "no_graph")
    (folder / "no_graph" / "saved_model.pb").unlink()
    names = [*CHANGED, *WRITTEN, *COPIED, *CHECKPOINTS, "whole"]
    as_read = reading([folder / name for name in names], tmp_path_factory.mktemp("found"))
    with as_read():
        yield folder


def refused(path: Path, *mentioned: object) -> None:
    """Every command refuses a file in one line without anything of Python, and writes nothing."""
    assert_refused(run(path, *ARGUMENTS), path.name, *mentioned)
    assert_refused(run("inspect", path, "--json", path.parent / "found.json"), path.name, *mentioned)
    assert_refused(run("extract", path, "-o", path.parent / "weights.npz"), path.name, *mentioned)
    assert not {"found.json", "weights.npz"} & set(os.listdir(path.parent))


@pytest.mark.parametrize("name", CHANGED)
def test_changed_graphs(damaged: Path, name: str) -> None:
    if name in ONLY_IN_A_REPLAY:
        assert_refused(run(damaged / name, *ARGUMENTS), name, *CHANGED[name])
    elif name in FED_BY_NAME:
        assert run(damaged / name, *ARGUMENTS).exit_code == 0
        assert_refused(run("inspect", damaged / name), name, *CHANGED[name])
    else:
        refused(damaged / name, *CHANGED[name])


@pytest.mark.parametrize("name", WRITTEN)
def test_files_that_are_no_graph(damaged: Path, name: str) -> None:
    refused(damaged / name, WRITTEN[name][1])


@pytest.mark.parametrize("name", COPIED)
def test_saved_models_that_hold_no_graph(damaged: Path, name: str) -> None:
    refused(damaged / name, COPIED[name][1])


def test_a_directory_without_saved_model(damaged: Path) -> None:
    refused(damaged / "no_graph", "a directory without saved_model.pb")


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name != "alone.ckpt"])
def test_incomplete_checkpoints(damaged: Path, name: str) -> None:
    refused(damaged / name, CHECKPOINTS[name][1])


def test_a_checkpoint_without_a_graph_can_be_looked_at_but_not_replayed(damaged: Path, tmp_path: Path) -> None:
    path = damaged / "alone.ckpt"
    assert_refused(run(path, *ARGUMENTS), CHECKPOINTS[path.name][1], "forget bias", "model.ckpt.meta")
    assert "rnn/basic_lstm_cell/kernel" in run("inspect", path).stdout
    assert run("extract", path, "-o", tmp_path / "weights.npz").exit_code == 0


def test_signatures(damaged: Path) -> None:
    path, several = damaged / "whole", damaged / "several_signatures"
    assert_refused(run("inspect", path, "--signature", "call"), "no signature is named 'call'; there are: given")
    assert_refused(run("inspect", several, "--signature", "call"), "'call'; there are: given, other")
    for arguments in [(path,), (path, "--signature", "given"), (several, "--signature", "other")]:
        assert run("inspect", *arguments).exit_code == 0
    keras = model("origin_tanh_sigmoid")
    assert_refused(run("inspect", keras, "--signature", "given"), keras, "this format has no signatures. Leave it out")


def test_tensors_that_a_saved_model_does_not_hand_out(damaged: Path, tmp_path: Path) -> None:
    path, x = damaged / "whole", tmp_path / "x.npy"
    np.save(x, np.zeros((2, 3, 4)))
    reason = "a SavedModel is called by a signature, whose {} are {}; tensors inside it cannot be reached"
    inputs_are, outputs_are = reason.format("inputs", "x"), reason.format("outputs", "y")
    assert_refused(run("inspect", path, "--output-tensor", "output"), path, "output 'output'", outputs_are)
    assert_refused(run("inspect", path, "--input-tensor", "nothing"), path, "input 'nothing'", inputs_are)
    assert_refused(run(path, "-i", f"rnn/transpose={x}", "-e", x), path, "input 'rnn/transpose'", inputs_are)
    assert run("inspect", path, "--input-tensor", "x:0", "--output-tensor", "y").exit_code == 0
    assert run(path, "-i", f"x={x}", "-e", x).exit_code == 1


def test_tensors_of_files_that_are_no_graph(damaged: Path) -> None:
    keras = model("origin_tanh_sigmoid")
    for options in [("--output-tensor", "dense"), ("--input-tensor", "dense")]:
        assert_refused(
            run("inspect", keras, *options), keras, "tensor 'dense'", "this is a Keras model", "Leave it out"
        )
        assert_refused(
            run("extract", damaged / "alone.ckpt", *options, "-o", "w.npz"), "a checkpoint without its graph"
        )


def test_in_a_process_of_its_own(damaged: Path) -> None:
    command = [sys.executable, "-m", "lstm_verify", str(damaged / "half.pb"), *map(str, ARGUMENTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert WRITTEN["half.pb"][1] in done.stderr


def test_no_signature_in_a_frozen_graph(damaged: Path) -> None:
    refused_by = run("inspect", damaged / "unknown_operation.pb", "--signature", "given")
    assert_refused(refused_by, "no signature is named 'given'; there are: none")


def test_a_checkpoint_of_tensorflow_2_is_not_described_as_one_of_tensorflow_1() -> None:
    """Its variables are named by where their objects are; nothing is known of gates and forget biases."""
    names = ("layer_with_weights-0/cell/kernel/.ATTRIBUTES/VARIABLE_VALUE", "save_counter/.ATTRIBUTES/VARIABLE_VALUE")
    model = alone(Path("my_weights"), weights_in({name: np.zeros(3) for name in names}, []))
    assert [name for name, _ in model.weights()] == ["layer_with_weights-0/cell/kernel", "model/save_counter"]
    (finding,) = model.findings
    assert "--architecture" in finding
    assert "forget" not in finding

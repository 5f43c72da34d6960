"""Every TensorFlow graph of the zoo: read, replayed, and compared with what TensorFlow computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_verify import LstmVerifyError, Report, UnsupportedError, Verdict, load, replay, verify
from tests.graph_zoo import GraphZoo, Zoo
from tests.zoo.saved_model_names import FROZEN, SAVED_TOO, TRACED, names_of
from tests.zoo.tf1_entries import ENTRIES

SUFFIXES = {"": None, ".saved": SAVED_TOO, ".functions": FROZEN, ".lowered": FROZEN}
SAVED = [
    (framework, f"{name}{suffix}")
    for framework in ("keras", "tf_keras")
    for name in names_of(framework)
    for suffix, names in SUFFIXES.items()
    if names is None or name in names
]
TF1 = [(name, form) for name, entry in ENTRIES.items() for form in entry.forms]

UNSUPPORTED = {
    ("tf_keras", "cudnn_lstm"): "operation CudnnRNNV3 is not supported: it runs on GPUs alone",
}
"""Models with something that is not replayed: it must be named, never skipped."""

TRAINED = {"trained", "trained_while"}
"""Graphs that end in their loss, as they were trained; frozen, or with a signature, they end in their predictions."""

NOT_FINITE = {"mask_average", "mask_average_sequences"}
"""Models that average over no time step at all in some samples: NaN on both sides, which proves nothing."""


def assert_matches(report: Report) -> None:
    assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.parametrize(("framework", "name"), SAVED, ids=map("-".join, SAVED))
def test_saved_models_of_keras(graph_zoo: Zoo, framework: str, name: str) -> None:
    zoo = graph_zoo(f"saved_{framework}")
    (path,) = zoo.files(name).values()
    if (framework, name) in UNSUPPORTED:
        with pytest.raises(UnsupportedError, match=UNSUPPORTED[framework, name]):
            zoo.load(path)
        return
    report = zoo.verify(path, *zoo.arrays(name), blind_spots=name in SAVED_TOO | TRACED)
    if name in NOT_FINITE:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert all(output.samples_beyond == 0 and np.isfinite(output.max_abs_deviation) for output in report.outputs)
    else:
        assert_matches(report)


def test_the_framework_gets_batches_of_a_stateful_graph(graph_zoo: Zoo) -> None:
    """Its states, which a loop assigns in each round, go on from one to the next on both sides."""
    zoo, name = graph_zoo("saved_tf_keras"), "each_stateful_words"
    (path,) = zoo.files(name).values()
    x, _ = zoo.arrays(name)
    with zoo.as_read():
        report = verify(path, x)
        first = verify(path, x, expected={"time_distributed": replayed_apart(path, x)}, diagnose=False)
    assert_matches(report)
    assert report.samples == 6
    assert first.verdict is Verdict.MISMATCH  # so it matters


def replayed_apart(path: Path, x: dict[str, np.ndarray]) -> np.ndarray:
    """What a graph returns if every batch of two begins with the states that the file has."""
    batches = [{name: values[start : start + 2] for name, values in x.items()} for start in (0, 2, 4)]
    return np.concatenate([replay(load(path), batch)["time_distributed"] for batch in batches])


@pytest.mark.parametrize(("name", "form"), TF1, ids=map("-".join, TF1))
def test_graphs_of_tensorflow_1(graph_zoo: Zoo, name: str, form: str) -> None:
    zoo = graph_zoo("tf1")
    assert zoo.entries[name].keys() >= {"forms"}, zoo.entries[name]
    path = zoo.files(name)[form]
    if form == "unfrozen":
        with pytest.raises(LstmVerifyError, match="its value is not in the graph, and there is no checkpoint"):
            zoo.load(path)
        return
    x, y = zoo.arrays(name)
    if form == "ckpt" and name in TRAINED:
        x["target"] = np.random.default_rng(0).standard_normal(y["output"].shape).astype(np.float32)
        loss = np.mean(np.square(y["output"] - x["target"]))
        assert_matches(zoo.verify(path, x, {"loss": loss}))
        return
    for signature, keys in signatures(zoo, name, form).items():
        inputs = {key: x[tensor] for key, tensor in keys["inputs"].items()}
        outputs = {key: y[tensor] for key, tensor in keys["outputs"].items()}
        first = form == ENTRIES[name].forms[0]  # the other forms have the same graph, and so the same blind spots
        assert_matches(zoo.verify(path, inputs, outputs, signature or None, blind_spots=first))


def signatures(zoo: GraphZoo, name: str, form: str) -> dict[str, dict[str, dict[str, str]]]:
    """The signatures of a file, each with its tensors by key; a graph without any has one, whose name is empty."""
    record = zoo.entries[name]
    plain = {part: {tensor: tensor for tensor in record[part]} for part in ("inputs", "outputs")}
    found: dict[str, dict[str, dict[str, str]]] = record["forms"][form].get("signatures", {"": plain})
    return found

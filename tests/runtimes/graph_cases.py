"""What is asked of the programs for TensorFlow graphs, and what should come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, Any]

ONE = np.float32(1)  # nothing is dropped
TENSORS: dict[str, Any] = {
    "inputs": {"words": "x:0", "keep": "keep_prob:0"},
    "outputs": {"every": "sequence:0", "carry": "c:0", "memory": "h"},
}

INNER = {**TENSORS, "inputs": {"turned": "rnn/transpose", "keep": "keep_prob:0"}}
"""Fed behind the placeholder of the words, which gets nothing then."""


@dataclass(frozen=True)
class Case:
    """A request to a program, and what should come of it."""

    program: str
    model: str
    source: str
    """Whose arrays are its inputs, and its outputs."""
    inputs: Mapping[str, Any]
    """Under the names of the request: the name of an array of the source, an array, or what makes one of that."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Names of arrays of the source."""
    error: str = ""
    batch_size: int | None = None
    call: Mapping[str, Any] = field(default_factory=dict)

    def given(self, arrays: Arrays) -> Arrays:
        return {name: arrays[what] if isinstance(what, str) else what for name, what in self.inputs.items()}


def saved(model: str, source: str, inputs: Mapping[str, Any], **options: Any) -> Case:
    return Case("saved_model", model, source, inputs, **options)


def session(model: str, kind: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Case:
    inputs = {"words": "x", "keep": ONE} if inputs is None else inputs
    call = {"kind": kind, **options.pop("call", TENSORS)}
    return Case("tf1", model, options.pop("source", "session"), inputs, call=call, **options)


AB = {"a": "a", "b": "b"}
ALL = {"every": "sequence", "carry": "c", "memory": "h"}
SCALED = {"signature": "scaled"}
KEPT = {"x": "x", "keep": ONE}

PREDICTING = {
    "default_signature": saved("keras3", "keras3", AB, outputs={"last": "last", "sequence": "sequence"}),
    "chosen_signature": saved("keras3", "keras3", AB, outputs={"last": "last"}, call={"signature": "serve"}),
    "names_of_ours": saved(
        "keras3",
        "keras3",
        {"one": "b", "two": "a"},
        outputs={"memory": "last", "all": "sequence"},
        call={
            "signature": "serving_default",
            "tags": ["serve"],
            "inputs": {"one": "b", "two": "a"},
            "outputs": {"memory": "last", "all": "sequence"},
        },
    ),
    "batches": saved("keras3", "keras3", AB, outputs={"last": "last", "sequence": "sequence"}, batch_size=4),
    "file_in_the_directory": saved("keras3/saved_model.pb", "keras3", AB, outputs={"last": "last"}),
    "float64": saved("keras3", "keras3", {"a": "a64", "b": "b64"}, outputs={"last": "last"}),
    "states_go_on": saved("stateful", "stateful", {"x": "x"}, outputs={"dense": "y"}, batch_size=2),
    "number_as_input": saved("functions", "functions", {"x": "x", "scale": "scale"}, outputs={"y": "y"}, call=SCALED),
    "outputs_of_any_shape": saved(
        "functions",
        "functions",
        {"x": "x", "scale": "scale"},
        outputs={"time_major": "time_major", "mean": "mean"},
        call=SCALED,
        batch_size=2,
    ),
    "not_a_number": saved(
        "functions",
        "functions",
        {"x": "pairs"},
        outputs={"y": "roots"},
        call={"signature": "root", "outputs": {"y": "y"}},
    ),
    "bfloat16": saved(
        "functions",
        "functions",
        {"x": "halves"},
        outputs={"coarse": "halves"},
        call={"signature": "root", "outputs": {"coarse": "coarse"}},
    ),
    "tf1_in_tf2": saved("simple_save", "session", KEPT, outputs={"sequence": "sequence", "cell": "c"}),
    "frozen": session("frozen.pb", "frozen", outputs=ALL),
    "frozen_text": session("frozen.pbtxt", "frozen", outputs=ALL),
    "inner_tensor_fed": session("frozen.pb", "frozen", {"turned": "turned", "keep": ONE}, outputs=ALL, call=INNER),
    "inner_tensor_of_a_meta_graph": session(
        "model.ckpt", "meta_graph", {"turned": "turned", "keep": ONE}, outputs=ALL, call=INNER
    ),
    "meta_graph": session("model.ckpt", "meta_graph", outputs=ALL),
    "meta_graph_by_a_file": session("model.ckpt.index", "meta_graph", outputs=ALL),
    "saved_by_signature": session(
        "simple_save", "saved_model", KEPT, outputs={"sequence": "sequence", "cell": "c"}, call={}
    ),
    "saved_by_tensors": session("simple_save", "saved_model", outputs=ALL, call={"signature": None, **TENSORS}),
    "keras3_in_a_session": session("keras3", "saved_model", AB, outputs={"last": "last"}, source="keras3", call={}),
    "states_in_a_session": session(
        "stateful", "saved_model", {"x": "x"}, outputs={"dense": "y"}, source="stateful", call={}, batch_size=2
    ),
    "one_session_for_all_calls": session(
        "model.ckpt",
        "meta_graph",
        {"x": "x"},
        outputs={"n": "calls"},
        call={"outputs": {"n": "counted:0"}},
        batch_size=3,
    ),
}

X = np.zeros((2, 3, 2), np.float32)
FAILING = {
    "no_such_signature": saved(
        "keras3",
        "keras3",
        AB,
        error="no signature 'other'; its signatures: serve, serving_default",
        call={"signature": "other"},
    ),
    "no_signatures": saved(
        "without_signatures", "functions", {"x": "x"}, error="its functions: doubled, root, scaled, time_first"
    ),
    "several_signatures": saved(
        "functions", "functions", {"x": "x"}, error="its signatures: doubled, root, scaled, time_first"
    ),
    "no_such_output": saved(
        "keras3", "keras3", AB, error="no output 'other'; there: last, sequence", call={"outputs": {"y": "other"}}
    ),
    "no_such_input": saved("keras3", "keras3", {"a": "a", "z": "b"}, error="no input 'z'; there: a, b"),
    "input_missing": saved("keras3", "keras3", {"a": "a"}, error="no input 'b'; given: a"),
    "wrong_shape": saved(
        "keras3", "keras3", {"a": X, "b": "b"}, error="input 'a' has shape (2, 3, 2), expected (None, 5, 2)"
    ),
    "not_whole": saved(
        "functions", "functions", {"tokens": np.array([1.5])}, error="takes int32", call={"signature": "doubled"}
    ),
    "words": saved(
        "functions", "functions", {"x": "pairs"}, error="'words' has dtype object", call={"signature": "root"}
    ),
    "other_tags": saved("keras3", "keras3", AB, error="tags ['serve']", call={"tags": ["train"]}),
    "no_directory": saved("nothing", "keras3", AB, error="does not exist"),
    "cut_graph": saved("cut_graph", "keras3", AB, error="Wire format was corrupt"),
    "cut_variables": saved("cut_variables", "keras3", AB, error="Read less bytes than requested"),
    "no_variables": saved("no_variables", "keras3", AB, error="Failed to find any matching files"),
    "batches_of_time": saved(
        "functions",
        "functions",
        {"x": "x"},
        error="output 'time_major' has shape (4, 2, 3) for 2 samples of the input, expected (2, 2, 3)",
        call={"signature": "time_first", "outputs": {"time_major": "time_major"}},
        batch_size=2,
    ),
    "no_such_tensor": session(
        "frozen.pb",
        "frozen",
        error="no tensor 'other:0' in the graph (placeholders: keep_prob:0, x:0)",
        call={"outputs": {"y": "other:0"}},
    ),
    "no_such_output_of_an_operation": session(
        "frozen.pb", "frozen", error="no tensor 'sequence:3'", call={"outputs": {"y": "sequence:3"}}
    ),
    "no_such_placeholder": session("frozen.pb", "frozen", {"z": "x"}, error="no tensor 'z' in the graph"),
    "no_outputs": session("frozen.pb", "frozen", error="Name the tensors", call={}),
    "placeholder_not_fed": session(
        "frozen.pb",
        "frozen",
        {"words": "x"},
        error="InvalidArgumentError: You must feed a value for placeholder tensor 'keep_prob' with dtype float",
    ),
    "wrong_shape_of_placeholder": session(
        "frozen.pb",
        "frozen",
        {"words": X[:, 1:], "keep": ONE},
        error="(2, 2, 2) for Tensor x:0, which has shape (None, 3, 2)",
    ),
    "cut_frozen": session("cut.pb", "frozen", error="it is not a complete GraphDef"),
    "empty_frozen": session("empty.pb", "frozen", error="no tensor 'sequence:0' in the graph (placeholders: none)"),
    "no_graph_at_all": session("model.ckpt.index", "frozen", error="it is not a complete GraphDef"),
    "no_meta_graph": session("other.ckpt", "meta_graph", error="No such file"),
    "cut_saved_model": session("cut_graph", "saved_model", error="Wire format was corrupt"),
    "no_variables_in_a_session": session("no_variables", "saved_model", error="not a valid checkpoint"),
    "cut_variables_in_a_session": session("cut_variables", "saved_model", error="Read less bytes than requested"),
    "no_such_signature_in_a_session": session(
        "simple_save",
        "saved_model",
        error="no signature 'other'; its signatures: serving_default",
        call={"signature": "other"},
    ),
}


def with_more(source: str, arrays: Arrays) -> Arrays:
    """The arrays of a source, and some that tests make of them."""
    if source == "keras3":
        return {**arrays, "a64": arrays["a"].astype(np.float64), "b64": arrays["b"].astype(np.float64)}
    if source == "functions":
        pairs = arrays["x"][:, 0]
        with np.errstate(invalid="ignore"):
            return {**arrays, "pairs": pairs, "roots": np.sqrt(pairs), "halves": np.array([[0.5, -2.0]], np.float32)}
    if source == "session":
        turned = arrays["x"].transpose(1, 0, 2)
        return {**arrays, "turned": turned, "calls": np.array([1, 1, 1, 2, 2, 2, 3], np.float32)}
    return arrays

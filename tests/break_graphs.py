"""Make damaged TensorFlow files: ``python -m tests.break_graphs FOLDER``, with TensorFlow's own protobufs.

They are made of the graph ``fixtures/basic_lstm.tf1``: the frozen graph with one thing changed becomes ``NAME.pb``;
the MetaGraph with its checkpoint becomes a SavedModel ``NAME/`` with one thing changed.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).parent.parent / "fixtures" / "basic_lstm.tf1"
DATA = "data-00000-of-00001"


def proto(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"tensorflow.core.{module}"), name)


def first(graph: Any, *operations: str) -> Any:
    """The first node that is one of these operations."""
    return next(node for node in graph.node if node.op in operations)


# --- frozen graphs


def unknown_operation(graph: Any) -> None:
    first(graph, "BiasAdd").op = "Unheard"


def missing_node(graph: Any) -> None:
    graph.node.remove(first(graph, "BiasAdd"))


def two_of_one_name(graph: Any) -> None:
    graph.node.append(first(graph, "BiasAdd"))


def missing_function(graph: Any) -> None:
    node = first(graph, "BiasAdd")
    node.op = "PartitionedCall"
    node.attr["f"].func.name = "lost"


def call_without_a_function(graph: Any) -> None:
    first(graph, "BiasAdd").op = "StatefulPartitionedCall"


def calls_itself(graph: Any) -> None:
    function = graph.library.function.add()
    function.signature.name = "again"
    function.signature.input_arg.add().name = "x"
    function.signature.output_arg.add().name = "y"
    function.node_def.add(name="call", op="again", input=["x"])
    function.ret["y"] = "call:y:0"
    node = first(graph, "BiasAdd")
    node.op = "again"
    del node.input[1:]


def no_condition(graph: Any) -> None:
    first(graph, "LoopCond").op = "Identity"


def loop_without_a_way_back(graph: Any) -> None:
    for node in graph.node:
        if node.op == "NextIteration":
            node.op = "Identity"


def no_placeholder(graph: Any) -> None:
    for node in graph.node:
        if node.op == "Placeholder":
            node.op = "VariableV2"


def unheard_source(graph: Any) -> None:
    first(graph, "Placeholder").op = "Unheard"


def output_that_is_none(graph: Any) -> None:
    node = first(graph, "BiasAdd")
    node.input[0] += ":7"


def attribute_of_another_type(graph: Any) -> None:
    first(graph, "Split").attr["num_split"].s = b"four"


def weights_of_another_shape(graph: Any) -> None:
    tensor = next(node.attr["value"].tensor for node in graph.node if node.name.endswith("kernel"))
    make = importlib.import_module("tensorflow.python.framework.tensor_util")
    tensor.CopyFrom(make.make_tensor_proto(make.MakeNdarray(tensor)[:, :-1]))


FROZEN: list[Callable[[Any], None]] = [
    unknown_operation, missing_node, two_of_one_name, missing_function, call_without_a_function, calls_itself,
    no_condition, loop_without_a_way_back, no_placeholder, unheard_source, output_that_is_none,
    attribute_of_another_type, weights_of_another_shape,
]  # fmt: skip


# --- SavedModels


def whole(meta: Any, folder: Path) -> None:
    pass


def several_signatures(meta: Any, folder: Path) -> None:
    meta.signature_def["other"].CopyFrom(meta.signature_def["given"])


def input_left_out(meta: Any, folder: Path) -> None:
    meta.signature_def["given"].inputs.clear()


def output_that_is_not_there(meta: Any, folder: Path) -> None:
    meta.signature_def["given"].outputs["y"].name = "nowhere:0"


def no_variables(meta: Any, folder: Path) -> None:
    shutil.rmtree(folder / "variables")


def variables_without_data(meta: Any, folder: Path) -> None:
    (folder / "variables" / f"variables.{DATA}").unlink()


def variables_cut_short(meta: Any, folder: Path) -> None:
    path = folder / "variables" / f"variables.{DATA}"
    path.write_bytes(path.read_bytes()[:100])


def index_cut_short(meta: Any, folder: Path) -> None:
    path = folder / "variables" / "variables.index"
    path.write_bytes(path.read_bytes()[:40])


def unknown_variable(meta: Any, folder: Path) -> None:
    for node in meta.graph_def.node:
        if node.op == "Const" and node.name.endswith("tensor_names"):
            values = node.attr["value"].tensor.string_val
            values[:] = [b"lost/" + value for value in values]


SAVED: list[Callable[[Any, Path], None]] = [
    whole, several_signatures, input_left_out, output_that_is_not_there, no_variables, variables_without_data,
    variables_cut_short, index_cut_short, unknown_variable,
]  # fmt: skip


def saved_model(folder: Path, change: Callable[[Any, Path], None]) -> None:
    """Write a SavedModel of one signature, changed."""
    meta = proto("protobuf.meta_graph_pb2", "MetaGraphDef").FromString(Path(f"{FIXTURE}.ckpt.meta").read_bytes())
    meta.meta_info_def.tags[:] = ["serve"]
    nodes = {node.name: node for node in meta.graph_def.node}
    signature = meta.signature_def["given"]
    for ends, name in ((signature.inputs, "x"), (signature.outputs, "output")):
        ends[name[0] if name == "x" else "y"].name = f"{name}:0"
        ends[name[0] if name == "x" else "y"].dtype = 1
        assert name in nodes, name
    signature.inputs["x"].tensor_shape.CopyFrom(nodes["x"].attr["shape"].shape)
    (folder / "variables").mkdir(parents=True)
    for suffix in ("index", DATA):
        shutil.copy(f"{FIXTURE}.ckpt.{suffix}", folder / "variables" / f"variables.{suffix}")
    change(meta, folder)
    saved = proto("protobuf.saved_model_pb2", "SavedModel")(saved_model_schema_version=1, meta_graphs=[meta])
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())


def main(folder: Path) -> None:
    for change in FROZEN:
        graph = proto("framework.graph_pb2", "GraphDef").FromString(Path(f"{FIXTURE}.pb").read_bytes())
        change(graph)
        (folder / f"{change.__name__}.pb").write_bytes(graph.SerializeToString())
    for other in SAVED:
        saved_model(folder / other.__name__, other)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

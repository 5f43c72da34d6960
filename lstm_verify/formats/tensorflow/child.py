"""The program that reads TensorFlow files in a child process: protobufs and checkpoints, by TensorFlow's own readers.

A line of JSON on standard input asks for one file (`path`), and names the `directory` for what is found: `graph.json`,
and every tensor in `tensors.npz`. The reply, on the file descriptor `replies`, is `{}` or `{"error": "one line"}`.

It parses, and runs nothing: no graph is imported, no variable restored. It imports nothing of the rest of the package
but `protobufs`, which it finds beside itself.
"""

import glob
import importlib.util
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

Json = dict[str, Any]
CHECKPOINT_SUFFIXES = (".index", ".meta")
MEMORY, UNPACKED = 2**31, 10
"""Bytes that reading may take: these, and so many times the size of the files."""
TOO_LARGE = "its tensors take far more memory than a file of its size can need. Was it copied completely?"


def _beside(name: str) -> Any:
    """A module from this folder, which is not on the path: its other names must not hide anybody's."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


protobufs = _beside("protobufs")
Unreadable: Any = protobufs.Unreadable


def main() -> int:
    for line in sys.stdin:
        request = json.loads(line)
        reply = read_into(request["path"], request["directory"])
        os.write(request["replies"], json.dumps(reply).encode() + b"\n")
    return 0


def read_into(path: str, directory: str) -> Json:
    """Read what lies at a path, and write what was found into a directory; return the error, if there is one."""
    try:
        limit_memory(size(path))
        tensors = protobufs.Tensors()
        found = read(path, tensors)
        np.savez(os.path.join(directory, "tensors.npz"), **tensors.kept)
        Path(directory, "graph.json").write_text(json.dumps(found))
    except Unreadable as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": TOO_LARGE}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {first_line(error)}"}
    return {}


def limit_memory(length: int) -> None:
    """Limit the memory of this process to what a file of some size can need, besides what TensorFlow itself takes."""
    import tensorflow  # noqa: F401

    pages = Path("/proc/self/statm")
    if pages.exists():  # the limit counts all addresses, those of libraries too, and only Linux enforces it
        taken = int(pages.read_text().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY + UNPACKED * length, most))


def size(path: str) -> int:
    """Return the size of all files of a model."""
    files = Path(path).rglob("*") if os.path.isdir(path) else map(Path, glob.glob(glob.escape(path) + "*"))
    return sum(file.stat().st_size for file in files if file.is_file())


def first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "")


def read(path: str, tensors: Any) -> Json:
    """Read whatever lies at a path: a SavedModel's directory, a checkpoint, or a protobuf."""
    if os.path.isdir(path):
        return saved_model(path, tensors)
    prefix = checkpoint_prefix(path)
    if prefix is not None:
        return checkpoint(prefix, tensors)
    return graph_file(path, tensors)


def checkpoint_prefix(path: str) -> str | None:
    """Return the prefix of the checkpoint that a file belongs to, if any."""
    if os.path.exists(path + ".index") or os.path.exists(path + ".meta"):
        return path
    stem, suffix = os.path.splitext(path)
    if suffix in CHECKPOINT_SUFFIXES or suffix.startswith(".data-"):
        return stem
    return None


# --------------------------------------------------------------------------------------------------- SavedModel


def saved_model(directory: str, tensors: Any) -> Json:
    from tensorflow.core.protobuf import saved_model_pb2

    message = protobufs.parse(os.path.join(directory, "saved_model.pb"), saved_model_pb2.SavedModel)
    if not message.meta_graphs:
        raise Unreadable("saved_model.pb holds no graph. Was it copied completely?")
    meta = next((m for m in message.meta_graphs if "serve" in m.meta_info_def.tags), message.meta_graphs[0])
    found = protobufs.meta_graph(meta, tensors)
    index = os.path.join(directory, "variables", "variables.index")
    if os.path.exists(index):
        found["variables"] = variables(index.removesuffix(".index"), tensors)
        found["keys"] = captured_keys(meta, index.removesuffix(".index"))
    found["keras"] = keras_metadata(directory, meta)
    return {"kind": "saved_model", **found}


def captured_keys(meta: Any, prefix: str) -> Json:
    """Return the checkpoint keys of captured variables, by the nodes of their handles.

    A call in the main graph hands a function its captured variables last; the function's record in the object graph
    names them as objects, and the checkpoint has the same objects.
    """
    objects = object_graph(prefix)
    found = {}
    for item in meta.graph_def.node:
        captured = meta.object_graph_def.concrete_functions[item.attr["f"].func.name].bound_inputs
        handles = [reference for reference in item.input if not reference.startswith("^")]
        for handle, number in zip(handles[len(handles) - len(captured) :], captured, strict=False):
            if number < len(objects) and objects[number].attributes:
                found[handle.split(":")[0]] = objects[number].attributes[0].checkpoint_key
    return found


def object_graph(prefix: str) -> Any:
    """Return the objects in a checkpoint of TensorFlow 2; none for TensorFlow 1."""
    import tensorflow
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    reader = tensorflow.train.load_checkpoint(prefix)
    if not reader.has_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"):
        return []
    text = reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    return trackable_object_graph_pb2.TrackableObjectGraph.FromString(text).nodes


def keras_metadata(directory: str, meta: Any) -> list[Json]:
    """Return the configs of layers that Keras 2 stores beside the graph: in a file, or in the objects themselves."""
    path = os.path.join(directory, "keras_metadata.pb")
    texts: list[str] = []
    if os.path.exists(path):
        try:
            from tf_keras.protobuf import saved_metadata_pb2
        except ImportError:
            return []
        texts = [node.metadata for node in protobufs.parse(path, saved_metadata_pb2.SavedMetadata).nodes]
    else:
        texts = [node.user_object.metadata for node in meta.object_graph_def.nodes if node.HasField("user_object")]
    found = []
    for text in filter(None, texts):
        try:
            content = json.loads(text)
        except ValueError:
            continue
        if isinstance(content, dict) and isinstance(content.get("config"), dict):
            found.append({key: content[key] for key in ("name", "class_name", "config") if key in content})
    return found


# ---------------------------------------------------------------------------------- graphs and checkpoints of TF1


def graph_file(path: str, tensors: Any) -> Json:
    """Read a GraphDef, MetaGraphDef or SavedModel file, whichever of these it parses as."""
    from tensorflow.core.framework import graph_pb2
    from tensorflow.core.protobuf import meta_graph_pb2

    if os.path.basename(path).startswith("saved_model.pb"):
        return saved_model(os.path.dirname(path) or ".", tensors)
    try:
        graph = protobufs.parse(path, graph_pb2.GraphDef)
        if graph.node and all(node.name and node.op for node in graph.node):
            return {
                "kind": "graph_def",
                "writer": "",
                "tags": [],
                "signatures": {},
                **protobufs.graph_def(graph, tensors),
            }
    except Unreadable:
        graph = None
    try:
        meta = protobufs.parse(path, meta_graph_pb2.MetaGraphDef)
    except Unreadable as error:
        raise Unreadable(f"neither a GraphDef nor a MetaGraph of TensorFlow: {error}") from None
    if meta.graph_def.node:
        return {"kind": "meta_graph", **protobufs.meta_graph(meta, tensors)}
    raise Unreadable("a protobuf without a graph, expected a GraphDef, a MetaGraph or a SavedModel")


def checkpoint(prefix: str, tensors: Any) -> Json:
    from tensorflow.core.protobuf import meta_graph_pb2

    found: Json = {"kind": "checkpoint", "writer": "", "tags": [], "signatures": {}, "nodes": [], "functions": {}}
    if os.path.exists(prefix + ".meta"):
        meta = protobufs.parse(prefix + ".meta", meta_graph_pb2.MetaGraphDef)
        found = {"kind": "meta_graph", **protobufs.meta_graph(meta, tensors)}
    if not glob.glob(glob.escape(prefix) + ".data-*") or not os.path.exists(prefix + ".index"):
        raise Unreadable(f"a checkpoint needs {os.path.basename(prefix)}.index and .data-00000-of-00001 beside it")
    return {**found, "variables": variables(prefix, tensors), "objects": described(object_graph(prefix))}


def described(objects: Any) -> list[Json]:
    """Describe objects as JSON: the indices of each one's children by name, and the checkpoint key of a variable."""
    return [
        {
            "children": {child.local_name: child.node_id for child in item.children},
            "key": next((attribute.checkpoint_key for attribute in item.attributes), None),
        }
        for item in objects
    ]


def variables(prefix: str, tensors: Any) -> Json:
    """Return every tensor of a checkpoint by its key, except for the optimizer's."""
    import tensorflow

    try:
        reader = tensorflow.train.load_checkpoint(prefix)
        keys = [key for key in sorted(reader.get_variable_to_shape_map()) if ".OPTIMIZER_SLOT" not in key]
        return {key: tensors.keep(reader.get_tensor(key)) for key in keys if key != "_CHECKPOINTABLE_OBJECT_GRAPH"}
    except Exception as error:  # TensorFlow's own kinds of error, and IndexError for a file that ends early
        raise Unreadable(
            f"checkpoint {os.path.basename(prefix)} cannot be read ({first_line(error)}). Was it copied completely?"
        ) from None


if __name__ == "__main__":
    sys.exit(main())

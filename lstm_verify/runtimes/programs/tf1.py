"""A graph of TensorFlow 1 in a session: a frozen GraphDef, a MetaGraph with its checkpoint, or a SavedModel.

Inputs and outputs are tensors by name (`x:0`), or by the names of a signature where there is one. One session runs
all calls, so variables keep what is assigned to them.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .names import cast, chosen_signature, directory_of, listed

Arrays = dict[str, np.ndarray[Any, Any]]
Signatures = Mapping[str, Any]

CHECKPOINT_ENDING = re.compile(r"\.(meta|index|data-\d+-of-\d+)$")


def load(request: dict[str, Any]) -> GraphSession:
    """Load the graph and its variables into a session.

    Raises:
        LookupError: the signature, or a tensor of the name of an input or output, does not exist.
    """
    tensorflow, call = importlib.import_module(request["module"]), request["call"]
    v1 = tensorflow.compat.v1
    what, opened = KINDS[call["kind"]]
    graph = v1.Graph()
    # a graph may place operations on a GPU that is not here
    session = v1.Session(graph=graph, config=v1.ConfigProto(allow_soft_placement=True))
    with graph.as_default():
        signatures = opened(v1, session, request["model"], call)
    name = chosen_signature(signatures, call.get("signature"))
    about = f"session, {what}" if name is None else f"session, signature {name}"
    description = f"{request['title']} {tensorflow.__version__} ({about})"
    return GraphSession(session, signatures[name] if name is not None else None, call, description)


def _open_frozen(v1: Any, session: Any, path: str, call: dict[str, Any]) -> Signatures:
    v1.import_graph_def(_parsed(path, v1.GraphDef), name="")
    return {}


def _open_meta_graph(v1: Any, session: Any, path: str, call: dict[str, Any]) -> Signatures:
    prefix = path if os.path.exists(f"{path}.index") else CHECKPOINT_ENDING.sub("", path)
    meta_graph = _parsed(f"{prefix}.meta" if os.path.exists(f"{prefix}.meta") else path, v1.MetaGraphDef)
    saver = v1.train.import_meta_graph(meta_graph, clear_devices=True)
    session.run([v1.local_variables_initializer(), v1.tables_initializer()])
    if saver is not None:  # None: there is nothing to restore
        saver.restore(session, prefix)
    return dict(meta_graph.signature_def)


def _parsed(path: str, kind: Any) -> Any:
    """The protobuf in a file, binary or text."""
    text_format = importlib.import_module("google.protobuf.text_format")
    with open(path, "rb") as file:
        content = file.read()
    try:
        return kind.FromString(content)
    except Exception as error:
        try:
            return text_format.Parse(content.decode(), kind())
        except (UnicodeDecodeError, text_format.ParseError):
            raise ValueError(f"it is not a complete {kind.__name__} ({error})") from None


def _open_saved_model(v1: Any, session: Any, path: str, call: dict[str, Any]) -> Signatures:
    meta_graph = v1.saved_model.loader.load(session, call.get("tags") or ["serve"], directory_of(path))
    return dict(meta_graph.signature_def)


KINDS: dict[str, tuple[str, Callable[..., Signatures]]] = {
    "frozen": ("frozen graph", _open_frozen),
    "meta_graph": ("graph and checkpoint", _open_meta_graph),
    "saved_model": ("SavedModel", _open_saved_model),
}
"""The kinds of graphs: what each is called, and what opens it and gives its signatures."""


class GraphSession:
    """A graph with its variables, run to fetch some of its tensors."""

    batch_size = None

    def __init__(self, session: Any, signature: Any, call: dict[str, Any], description: str) -> None:
        self.session, self.description = session, description
        self._fed = {name: tensor.name for name, tensor in (signature.inputs if signature else {}).items()}
        self._fetched = {name: tensor.name for name, tensor in (signature.outputs if signature else {}).items()}
        outputs = call.get("outputs") or {name: name for name in sorted(self._fetched)}
        if not outputs:
            raise LookupError("a graph has no outputs of its own. Name the tensors to compare")
        self.outputs = {name: self._tensor(given, self._fetched) for name, given in outputs.items()}
        self.inputs = {name: self._tensor(given, self._fed) for name, given in (call.get("inputs") or {}).items()}

    def call(self, inputs: Arrays) -> list[tuple[str, Any]]:
        """Run the session; the outputs by the names of the request."""
        feed = {}
        for name, values in inputs.items():
            tensor = self._input(name, inputs)
            feed[tensor] = cast(name, values, tensor.dtype)
        return list(self.session.run(self.outputs, feed).items())

    def _input(self, name: str, inputs: Arrays) -> Any:
        """The tensor to feed; of one input to a signature that takes one, that one, whatever it is called."""
        if not self.inputs and len(inputs) == len(self._fed) == 1:
            name = next(iter(self._fed))
        return self.inputs[name] if name in self.inputs else self._tensor(name, self._fed)

    def _tensor(self, name: str, signature: dict[str, str]) -> Any:
        """A tensor by the signature's name for it, or by its own, with or without the number of the output."""
        own = signature.get(name, name)
        try:
            return self.session.graph.get_tensor_by_name(own if ":" in own else f"{own}:0")
        except (KeyError, ValueError):
            operations = self.session.graph.get_operations()
            placeholders = listed(f"{one.name}:0" for one in operations if one.type.startswith("Placeholder"))
            known = f"signature: {listed(signature)}; " if signature else ""
            raise LookupError(f"no tensor '{own}' in the graph ({known}placeholders: {placeholders})") from None

"""A zoo of TensorFlow graphs: what was built, all its files read by one child process, the models kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify import LstmVerifyError, Report, load, verify
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.layers import Layer
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model
from tests.graph_files import reading

Record = dict[str, Any]
INDICES = ("saved_models.json", "tf1.json")


class GraphZoo:
    """The files of one zoo.

    Attributes:
        folder: where they are.
        entries: what is known of each, by name.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        index = next(folder / name for name in INDICES if (folder / name).exists())
        self.folder = folder
        self.entries: dict[str, Record] = json.loads(index.read_text())["entries"]
        paths = [path for name in self.entries for path in self.files(name).values()]
        self.as_read = reading([path for path in paths if path.exists() or Path(f"{path}.index").exists()], scratch)
        self._models: dict[tuple[Path, str | None], Model | LstmVerifyError] = {}

    def files(self, name: str) -> dict[str, Path]:
        """The files of an entry, by form; a SavedModel of Keras has one form, whose name is empty."""
        record = self.entries[name]
        forms = record.get("forms", {"": record} if "path" in record else {})
        return {form: self.folder / found["path"] for form, found in forms.items()}

    def load(self, path: Path, signature: str | None = None) -> Model:
        """What `lstm_verify.load` makes of a file: a model, always the same one, or an error."""
        if (path, signature) not in self._models:
            try:
                with self.as_read():
                    self._models[path, signature] = load(path, endpoints=Endpoints(signature=signature))
            except LstmVerifyError as error:
                self._models[path, signature] = error
        found = self._models[path, signature]
        if isinstance(found, LstmVerifyError):
            raise found
        return found

    def verify(
        self,
        path: Path,
        x: Mapping[str, Any],
        y: Mapping[str, Any],
        signature: str | None = None,
        blind_spots: bool = False,
    ) -> Report:
        """What `lstm_verify.verify` makes of a file; of a graph without signatures, as far as inputs and outputs go."""
        model = only(self.load(path, signature), set(x), set(y))
        return verify(model, dict(x), expected=dict(y), blind_spots=blind_spots)

    def arrays(self, name: str) -> tuple[Record, Record]:
        """The inputs of an entry and its outputs."""
        with np.load(self.folder / f"{name}.x.npz") as x, np.load(self.folder / f"{name}.y.npz") as y:
            return dict(x), dict(y)


def only(model: Model, inputs: set[str], outputs: set[str]) -> Model:
    """A model with those inputs and outputs alone that were recorded: a graph has all its loose ends as outputs."""
    asked = tuple(output for output in model.outputs if output.name in outputs)
    if len(asked) == len(model.outputs):
        return model
    given = tuple(spec for spec in model.inputs if spec.name in inputs)
    return replace(model, inputs=given, outputs=asked).pruned()


def inside(layer: Layer) -> Iterator[Layer]:
    """The layers of a model, and those in the bodies of its loops, in the order in which they run."""
    if isinstance(layer, Model):
        for node in layer.nodes:
            yield from inside(layer.layers[node.layer])
        return
    yield layer
    if isinstance(layer, Loop):
        yield from inside(layer.body)


def scans(model: Model) -> list[Scan]:
    """The recurrent layers that were recognised, in the order in which they run."""
    return [layer for layer in inside(model) if isinstance(layer, Scan)]


def loops(model: Model) -> list[Loop]:
    """The loops that were not."""
    return [layer for layer in inside(model) if isinstance(layer, Loop)]


Zoo = Callable[[str], GraphZoo]

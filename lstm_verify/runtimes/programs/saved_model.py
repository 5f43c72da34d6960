"""A signature of a SavedModel, called in TensorFlow 2; SavedModels of TensorFlow 1 load as well.

Variables keep what is assigned to them from one call to the next, so a stateful layer carries its states on.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from .names import cast, chosen_signature, directory_of, listed

Arrays = dict[str, np.ndarray[Any, Any]]


def load(request: dict[str, Any]) -> SignatureFunction:
    """Load the directory, and find the signature that `call` names.

    Raises:
        LookupError: the signature, or a name of an input or output, does not exist.
    """
    tensorflow, call = importlib.import_module(request["module"]), request["call"]
    loaded = tensorflow.saved_model.load(directory_of(request["model"]), tags=call.get("tags"))
    name = chosen_signature(loaded.signatures, call.get("signature"))
    if name is None:
        raise LookupError(_no_signature(loaded))
    description = f"{request['title']} {tensorflow.__version__} (signature {name})"
    return SignatureFunction(tensorflow, loaded, name, call, description)


def _no_signature(loaded: Any) -> str:
    if loaded.signatures:
        return f"it has several signatures, and none was chosen; its signatures: {listed(loaded.signatures)}"
    functions = [name for name in dir(loaded) if hasattr(getattr(loaded, name, None), "concrete_functions")]
    return f"it has no signatures, so there is nothing to call by name; its functions: {listed(functions)}"


class SignatureFunction:
    """A function with named inputs and outputs."""

    batch_size = None

    def __init__(self, tensorflow: Any, loaded: Any, name: str, call: dict[str, Any], description: str) -> None:
        self.tensorflow, self.description = tensorflow, description
        self.loaded = loaded  # owns the variables, which would go away with it
        self.name, self.function = name, loaded.signatures[name]
        self.takes: dict[str, Any] = dict(self.function.structured_input_signature[1])
        available = dict(self.function.structured_outputs)
        self.inputs: dict[str, str] = dict(call.get("inputs") or {})
        self.outputs: dict[str, str] = dict(call.get("outputs") or {key: key for key in sorted(available)})
        self._check("input", self.inputs.values(), self.takes)
        self._check("output", self.outputs.values(), available)

    def call(self, inputs: Arrays) -> list[tuple[str, Any]]:
        """Call the function; the outputs by the names of the request."""
        given = {self._key(name, inputs): values for name, values in inputs.items()}
        self._check("input", given, self.takes)
        self._check("input", self.takes, given, "given")
        results = self.function(**{key: self._fitted(key, given[key]) for key in self.takes})
        return [(name, results[key].numpy()) for name, key in self.outputs.items()]

    def _key(self, name: str, inputs: Arrays) -> str:
        """The signature's name for an input; of one input to a signature that takes one, whatever it is called."""
        if not self.inputs and len(inputs) == len(self.takes) == 1:
            return next(iter(self.takes))
        return self.inputs.get(name, name)

    def _fitted(self, key: str, values: np.ndarray[Any, Any]) -> Any:
        takes = self.takes[key]
        if not takes.shape.is_compatible_with(values.shape):  # TensorFlow itself would go on
            raise ValueError(f"signature '{self.name}': input '{key}' has shape {values.shape}, expected {takes.shape}")
        return self.tensorflow.constant(cast(key, values, takes.dtype), takes.dtype)

    def _check(self, what: str, wanted: Any, there: Any, verb: str = "there") -> None:
        for key in wanted:
            if key not in there:
                raise LookupError(f"signature '{self.name}': no {what} '{key}'; {verb}: {listed(there)}")

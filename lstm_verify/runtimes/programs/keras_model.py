"""Keras 2 or 3: load a model file and call `predict`."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

BATCH_SIZE = 32


def load(request: dict[str, Any]) -> KerasModel:
    """Load the model file with the framework that the request names."""
    framework = importlib.import_module(request["module"])
    tensorflow = importlib.import_module("tensorflow")
    if request.get("architecture"):
        model = importlib.import_module("programs.parts").put_together(framework, request)
    else:
        model = framework.models.load_model(request["model"], compile=False, safe_mode=not request["unsafe"])
    description = f"{request['title']} {framework.__version__} on TensorFlow {tensorflow.__version__}"
    names = None
    if request.get("taps"):
        model, names = tapped(framework, model)
    loaded = KerasModel(model, request["batch_size"] or BATCH_SIZE, description, names)
    loaded.at_once = "rollout" in request
    return loaded


def tapped(framework: Any, model: Any) -> tuple[Any, list[str]]:
    """Return a model that returns the first output of every layer, and the names of these.

    Of a recurrent layer that returns the last output it also returns those of all steps, as `name/sequence`.
    """
    named = {}
    for layer in model.layers:
        try:
            output = layer.output  # of a layer that is called once
        except (AttributeError, ValueError):
            continue
        named[layer.name] = output[0] if isinstance(output, list | tuple) else output
        if getattr(layer, "return_sequences", None) is False and hasattr(layer, "cell"):
            with suppress(Exception):  # it is more than was asked for
                named[f"{layer.name}/sequence"] = all_steps(layer)
    return framework.Model(model.inputs, list(named.values())), list(named)


def all_steps(layer: Any) -> Any:
    """Return the outputs of all steps of a recurrent layer, computed by a copy of it that returns sequences."""
    config = {**layer.get_config(), "return_sequences": True, "name": f"{layer.name}_all_steps"}
    twin = type(layer).from_config(config)
    output = twin(layer.input)
    twin.set_weights(layer.get_weights())
    return output[0] if isinstance(output, list | tuple) else output


class KerasModel:
    """A Keras model, which divides its input into batches itself."""

    at_once = False
    """Whether what it is given is one batch; it then predicts some ten times sooner."""

    def __init__(self, model: Any, batch_size: int, description: str, names: list[str] | None = None) -> None:
        self.model, self.batch_size, self.description, self.names = model, batch_size, description, names

    def call(self, inputs: Arrays) -> list[tuple[str, Any]]:
        """Predict; the outputs by the model's names for them."""
        x = self._as_called(self._renamed(inputs))
        if self.at_once:
            return self._named(self.model.predict_on_batch(x))
        return self._named(self.model.predict(x, batch_size=self.batch_size, verbose=0))

    def _renamed(self, inputs: Arrays) -> Arrays:
        """The inputs by the model's own names: matched by name if the names are the same, else in order."""
        if len(inputs) == 1:
            return inputs
        names = [tensor.name.split(":")[0] for tensor in self.model.inputs]
        return inputs if set(names) == set(inputs) else dict(zip(names, inputs.values(), strict=True))

    def _as_called(self, inputs: Arrays) -> Any:
        """Arrays in the structure that the model was built with: one, a list, or (Keras 3) a dictionary."""
        if len(inputs) == 1:
            return next(iter(inputs.values()))
        structure = getattr(self.model, "_inputs_struct", None)
        if isinstance(structure, dict):
            return {key: inputs[tensor.name] for key, tensor in structure.items()}
        return [inputs[tensor.name.split(":")[0]] for tensor in self.model.inputs]

    def _named(self, predicted: Any) -> list[tuple[str, Any]]:
        """What `predict` returned as a list with names; a dictionary in the order of its keys."""
        if isinstance(predicted, dict):
            return sorted(predicted.items())
        if isinstance(predicted, list | tuple):
            return list(zip(self._output_names(len(predicted)), predicted, strict=True))
        return [(self._output_names(1)[0], predicted)]

    def _output_names(self, count: int) -> list[str]:
        names = self.names or list(getattr(self.model, "output_names", None) or [])
        return names if len(names) == count else [f"#{index}" for index in range(count)]

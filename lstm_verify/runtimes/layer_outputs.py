"""The outputs of a framework's layers, for some samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstm_verify import runtimes
from lstm_verify.arrays import Array, picked, whole
from lstm_verify.errors import FrameworkError


@dataclass(frozen=True)
class LayerOutputs:
    """Asks a framework for the outputs of its layers; returns nothing if it cannot provide them."""

    framework: str
    request: runtimes.Request

    def __call__(self, samples: Array) -> dict[str, Array] | None:
        runtime = runtimes.find(self.framework)
        if not runtime.tells_layers:
            return None
        some = {name: picked(rows, samples) for name, rows in self.request.inputs.items()}
        request = replace(self.request, inputs=some, taps=True, again=False, batch_size=len(samples))
        with runtimes.predicting(runtime, request) as prediction:
            try:
                return {name: np.asarray(whole(rows)) for name, rows in prediction.result().items()}
            except FrameworkError:
                return None

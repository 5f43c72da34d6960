"""A layer that gives out values inside it besides its outputs: gates at every time step, outputs of layers inside.

x ─► outputs of the layer, then (samples, timesteps, units) of each gate that is asked for

Source: that of the layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from lstm_verify.errors import InputError
from lstm_verify.layers.base import Layer, Run, Signal, Signals, Weighted


@dataclass(frozen=True, eq=False, kw_only=True)
class Watched(Layer):
    """A layer, and values inside it.

    Raises:
        InputError: it has no value of such a name.

    Example:
        >>> import numpy as np
        >>> from lstm_verify.layers.recurrent.rnn import RNN
        >>> from lstm_verify.layers.recurrent.gru import GRUCell
        >>> cell = GRUCell(name="cell", kernel=np.ones((1, 3)), recurrent_kernel=np.ones((1, 3)))
        >>> layer = Watched(name="gru", layer=RNN(name="gru", cell=cell), values=("/z",))
        >>> output, z = layer.apply((Signal(np.full((1, 2, 1), 0.5)),), Run(path="gru"))
        >>> z.value.round(4).tolist()
        [[[0.6225], [0.6625]]]
    """

    layer: Layer
    values: tuple[str, ...]
    """The names of values as a run records them, without the path of the layer: `/i`, `/forward_layer/c`."""

    is_resumable: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        return self.layer.kind

    @property
    def computes(self) -> bool:  # type: ignore[override]
        """Whether the layer does."""
        return self.layer.computes

    @property
    def casts_inputs(self) -> bool:  # type: ignore[override]
        """Whether the layer does."""
        return self.layer.casts_inputs

    def children(self) -> dict[str, Weighted]:
        return {"": self.layer}

    def with_child(self, path: str, child: Any) -> Self:
        return replace(self, layer=child)

    def settings(self) -> dict[str, Any]:
        return self.layer.settings()

    def apply(self, inputs: Signals, run: Run) -> Signals:
        seen = replace(run, trace={}, over_time=None)  # from the first step to the last
        outputs, recorded = self.layer.apply(inputs, seen), seen.trace or {}
        for name, value in recorded.items():
            run.record(name.removeprefix(run.path).lstrip("/"), value)
        missing = [name for name in self.values if run.path + name not in recorded]
        if missing:
            raise InputError(f"layer '{run.path}': there is no value {missing[0].strip('/')} in it")
        return (*outputs, *(Signal(recorded[run.path + name]) for name in self.values))

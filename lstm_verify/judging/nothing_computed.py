"""Outputs that are inputs: what is fed is handed on, and nothing that was computed is compared."""

from __future__ import annotations

from dataclasses import replace

from lstm_verify.graph.samples_first import OWN
from lstm_verify.judging.compare import Verdict
from lstm_verify.judging.judgement import Judgement
from lstm_verify.layers.operation import Operation
from lstm_verify.model import LayerCall, Model, Tensor


def with_handed_on(judgement: Judgement, model: Model) -> Judgement:
    """Tell outputs apart that are inputs: where all are, nothing was computed that could have been wrong."""
    handed = _handed_on(model)
    notes = [f"output {name} is input {source} as it is fed: nothing is computed" for name, source in handed.items()]
    outputs = judgement.outputs
    if len(handed) == len(model.outputs):
        outputs = tuple(
            replace(o, verdict=Verdict.INCONCLUSIVE, reason="it is what is fed, so that nothing could be wrong in it")
            if o.verdict is Verdict.MATCH
            else o
            for o in outputs
        )
    return replace(judgement, outputs=outputs, notes=(*judgement.notes, *notes))


def _handed_on(model: Model) -> dict[str, str]:
    """The outputs that are an input, with its name."""
    inputs = {Tensor(spec.name) for spec in model.inputs}
    calls = {(node.layer, node.call): node for node in model.nodes}
    found = {output.name: _behind(model, calls, output.tensor) for output in model.outputs}
    return {name: tensor.layer for name, tensor in found.items() if tensor in inputs}


def _behind(model: Model, calls: dict[tuple[str, int], LayerCall], tensor: Tensor) -> Tensor:
    """The tensor that identities, and the transposes that bring samples to the first axis, hand on."""
    while node := calls.get((tensor.layer, tensor.call)):
        layer = model.layers[node.layer]
        is_identity = isinstance(layer, Operation) and layer.operation == "identity"
        if not (is_identity or layer.name.endswith(OWN)):
            break
        tensor = node.inputs[0]
    return tensor

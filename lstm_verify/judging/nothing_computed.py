"""Outputs that are inputs: what is fed is handed on, and nothing that was computed is compared."""

from __future__ import annotations

from dataclasses import replace

from lstm_verify.judging.compare import Verdict
from lstm_verify.judging.judge import Judgement
from lstm_verify.model import Model


def with_handed_on(judgement: Judgement, model: Model) -> Judgement:
    """Tell outputs apart that are inputs: where all are, nothing was computed that could have been wrong."""
    handed = model.handed_on()
    notes = tuple(
        f"output {name} is input {source} as it is fed: nothing is computed" for name, source in handed.items()
    )
    outputs = judgement.outputs
    if len(handed) == len(model.outputs):
        outputs = tuple(
            replace(o, verdict=Verdict.INCONCLUSIVE, reason="it is what is fed, so that nothing could be wrong in it")
            if o.verdict is Verdict.MATCH
            else o
            for o in outputs
        )
    return replace(judgement, outputs=outputs, notes=(*judgement.notes, *notes))

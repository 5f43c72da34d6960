"""Rivals: faults of the model that produce the same values as something done to the arrays.

A bias that was dropped from the last layer moves every prediction by a constant; a softmax that was dropped leaves
logits. Only layers behind the last recurrent one can do that, and that one itself, so these alone are tried.
"""

from __future__ import annotations

from collections.abc import Iterator

from lstm_verify.diagnosis.changes import Change, Family, singles
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.diagnosis.fitting import fitted
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.diagnosis.plausible import is_common
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.rnn import Recurrent
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model

LAST = (Recurrent, Scan, Loop)
"""Layers behind which nothing is looked for."""


def rivals(first: Experiment, more: Experiment, only_common: bool) -> list[tuple[Change, Misfit]]:
    """Return the faults that explain the predictions, with the misfit they leave.

    Args:
        first: a few samples.
        more: more samples, which decide.
        only_common: whether to leave out what no framework is known to do.
    """
    found = []
    for change in _changes(first, only_common):
        if first.tried(change).explains and (after := more.confirmed(change)).explains:
            found.append((change, after))
    return found


def _changes(experiment: Experiment, only_common: bool) -> Iterator[Change]:
    tops = _tail(experiment.model)
    for change in singles(experiment.model):
        if isinstance(change, Family):
            if change.site.top in tops and (made := fitted(experiment, change)) is not None:
                yield made
        elif change.tops <= tops and not change.carries and (is_common(change) or not only_common):
            yield change


def _tail(model: Model) -> set[str]:
    """The layers between the last recurrent ones and the outputs, and these themselves."""
    wanted, tail = {output.tensor.layer for output in model.outputs}, set[str]()
    for node in reversed(model.nodes):
        if node.layer not in wanted:
            continue
        tail.add(node.layer)
        _, inner = model.layers[node.layer].unwrapped()
        if not isinstance(inner, LAST):
            wanted |= {tensor.layer for tensor in node.inputs}
    return tail

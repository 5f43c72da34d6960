"""What is it that two files differ in? The first model, with what stands otherwise in the second put into it.

A with settings of B                        = B     the settings are it, if they are faults that have a name
A, changed as runtimes and exporters do     = B     that change is: the diagnosis of one model
A with the numbers, or any settings, of B   = B     they are: weights, or the format that inputs are rounded to
A with the numbers of B, changed            = B     both are
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from lstm_verify.cross.parts import Parts
from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.arrays import Seen
from lstm_verify.diagnosis.changes import Change, together
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.errors import LstmVerifyError
from lstm_verify.faults import OTHER_SETTINGS
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Model
from lstm_verify.report import Report

FEW = 8
"""Of so many settings each is tried by itself; more of them only all at once."""
Judge = Callable[[Model, bool], Report]
"""From a model in the place of the first, and whether to look for what explains a mismatch, to what comes of it."""
Changes = tuple[Change, ...]


def explained(parts: Parts, function: Report, judge: Judge) -> Report:
    """Return a report on two models that compute different things, with what explains it.

    Args:
        parts: what of the second can be put into the first.
        function: the report on what both compute, without a diagnosis.
        judge: compares another model with the second.
    """
    settings, numbers = parts.settings(), parts.numbers()
    for changes in _tries(tuple(change for change in settings if change.fault != OTHER_SETTINGS.name)):
        if (found := _with(changes, parts.one, function, judge)) is not None:
            return found
    searched = judge(parts.one, True)
    if searched.diagnosis is None or _is_told(parts.one, searched.diagnosis):
        return searched
    for changes in filter(None, dict.fromkeys((numbers, settings, (*numbers, *settings)))):
        if (found := _with(changes, parts.one, function, judge)) is not None:
            return found
    return _beside(numbers, parts.one, searched, judge) if numbers else searched


def _tries(changes: Changes) -> Iterator[Changes]:
    """Each change, and all of them."""
    if len(changes) <= FEW:
        yield from ((change,) for change in changes)
    if len(changes) > 1:
        yield changes


def _with(changes: Changes, model: Model, function: Report, judge: Judge) -> Report | None:
    """The report with some changes as what explains it; None if they do not."""
    change = _one_of(changes)
    try:
        after = judge(change.make(model), False)
    except LstmVerifyError:
        return None
    if after.verdict is not Verdict.MATCH:
        return None
    return replace(function, diagnosis=Diagnosis("explained", (_explanation(change, function, after),)))


def _beside(numbers: Changes, model: Model, searched: Report, judge: Judge) -> Report:
    """What a search finds once the numbers are the same, if it found nothing before."""
    assert searched.diagnosis is not None
    if searched.diagnosis.status != "unexplained":
        return searched
    try:
        rest = judge(_one_of(numbers).make(model), True).diagnosis
    except LstmVerifyError:
        return searched
    if rest is None or not rest.explanations or any(isinstance(e.change, Seen) for e in rest.explanations):
        return searched
    both = tuple(replace(e, change=together((*numbers, e.change)), also=()) for e in rest.explanations)
    return replace(searched, diagnosis=replace(rest, explanations=both))


def _one_of(changes: Changes) -> Change:
    return changes[0] if len(changes) == 1 else together(changes)


def _is_told(model: Model, diagnosis: Diagnosis) -> bool:
    """Whether the diagnosis explains it by the model alone: by one change of it, or by other weights."""
    changes = [found.change for found in diagnosis.explanations if not isinstance(found.change, Seen)]
    return len(changes) == len(diagnosis.explanations) == 1 or any(_changes_weights(model, each) for each in changes)


def _changes_weights(model: Model, change: Change) -> bool:
    """Whether a change gives a model other weights."""
    before, after = (dict(each.weights()) for each in (model, change.make(model)))
    return any(name in after and not np.array_equal(array, after[name]) for name, array in before.items())


def _explanation(change: Change, function: Report, after: Report) -> Explanation:
    largest, sigmas = _most(function), _most(after)
    return Explanation(change, Misfit(*largest, largest[0]), Misfit(*sigmas, sigmas[0]), function.samples)


def _most(report: Report) -> tuple[float, float]:
    """The largest deviation in σ, and as it is."""
    sigmas = max((output.max_sigmas for output in report.outputs), default=np.nan)
    return sigmas, max((output.max_abs_deviation for output in report.outputs), default=np.nan)

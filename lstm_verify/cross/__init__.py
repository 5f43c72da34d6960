"""Files against each other: the same weights, the same function, and does each runtime do what its file says?

    A ─► replay ─┐
                 ├─► judged by σ of A ─► which change to A is B?
    B ─► replay ─┘

The inputs and outputs of both are matched (`matching`), their weights are compared tensor by tensor (`weights`), and
the settings of their cells side by side (`settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from lstm_verify._replay import Replayed
from lstm_verify._verify import verify
from lstm_verify.arrays import Array
from lstm_verify.case import case_of, opened, runtime_options
from lstm_verify.cross.explained import explained
from lstm_verify.cross.matching import linked
from lstm_verify.cross.parts import Parts
from lstm_verify.cross.report import AgainstReport, Other, called
from lstm_verify.cross.settings import differences
from lstm_verify.cross.ways import same_name
from lstm_verify.cross.weights import compare_weights
from lstm_verify.errors import InputError
from lstm_verify.formats import load
from lstm_verify.formats.endpoints import Endpoints, with_given
from lstm_verify.inputs import inputs_in_own_layout
from lstm_verify.judging.compare import Verdict
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.options import Progress, RuntimeOptions
from lstm_verify.report import Predicted, Report
from lstm_verify.timing import timed


def against(
    model: str | Path | Model,
    others: str | Path | Model | list[Any] | tuple[Any, ...],
    x: Any = None,
    *,
    names: Mapping[str, str] | None = None,
    predict: bool = True,
    endpoints: Endpoints | None = None,
    architecture: str | Path | None = None,
    tolerance: Tolerance | None = None,
    runtime: RuntimeOptions | None = None,
    diagnose: bool = True,
    blind_spots: bool = True,
    save_input: str | Path | None = None,
    progress: Progress | None = None,
) -> AgainstReport:
    """Compare a model with others that should be the same: weights, functions, and what runtimes make of each.

    Args:
        model: the model that is right, as for `verify`.
        others: the files that should compute the same, or one of them.
        x: inputs of the first model, as for `verify`.
        names: inputs and outputs of the first model, and what the others call them, where names and shapes do not tell.
        predict: let each runtime predict too, and compare it with what its file says.
        endpoints, architecture: of the first model, as for `verify`.
        tolerance: how far they may lie apart; None is what rounding explains.
        runtime: how the frameworks predict; each file has its own.
        diagnose: on a mismatch, find out which change to the first model makes it the other.
        blind_spots: on a match, find out which changes these inputs could not have shown.
        save_input: a `.npz` file to write the inputs to, if they are generated.
        progress: told how far replays and frameworks are.

    Returns:
        The report; a match if all compute the same, and each runtime what its file says.

    Raises:
        ModelFileError, UnsupportedError: a model cannot be read or replayed.
        InputError: the inputs do not fit, or it is not clear which are which.

    Example:
        >>> report = against(
        ...     "fixtures/origin_tanh_sigmoid.keras3.h5",
        ...     "fixtures/origin_tanh_sigmoid.keras3.keras",
        ...     "fixtures/origin.x.npy",
        ...     predict=False,
        ... )
        >>> report
        <AgainstReport match: origin_tanh_sigmoid.keras3.keras computes what origin_tanh_sigmoid.keras3.h5 does>
    """
    options, timings = runtime_options(runtime), dict[str, float]()
    if options.name is not None:
        raise InputError(f"--runtime {options.name}: each file is run by its own. Leave it out")
    started = datetime.now(UTC)
    paths = list(others) if isinstance(others, list | tuple) else [others]
    common: dict[str, Any] = {"tolerance": tolerance, "diagnose": diagnose, "details": False, "progress": progress}
    with timed(timings, "total"):
        first, arrays = opened(model, x, endpoints, architecture, options)
        case = case_of(first, x, arrays, options, None, False)
        if save_input is not None:
            case.save_inputs(save_input)
        given = inputs_in_own_layout(first, case.inputs)
        own = verify(first, given, runtime=options, blind_spots=False, **common) if predict else None
        found = []
        for path in paths:
            other = path if isinstance(path, Model) else _opened(path, given, names or {})
            link = linked(first, other, given, names or {})
            judge = partial(_judged, given=given, expected=Replayed(link.outputs), common=common)
            function = judge(first, False, blind_spots)
            source = Predicted(called(other), f"the replay of {called(other)}")
            run = verify(other, link.inputs, runtime=options, blind_spots=False, **common) if predict else None
            weights = compare_weights(first, other)
            if diagnose and function.verdict is Verdict.MISMATCH:
                function = explained(Parts(first, other, weights, link.sources), function, judge)
            # where both compute the same, it is only written otherwise, such as a sequence that is reversed outside
            settings = () if function.verdict is Verdict.MATCH else differences(first, other)
            function = replace(function, predicted=source)
            found.append(Other(other, weights, function, run, settings, link.names, link.notes, link.is_turned))
    return AgainstReport(first, own, tuple(found), case.notes, started, timings)


def _opened(path: str | Path, given: Mapping[str, Array], names: Mapping[str, str]) -> Model:
    """Read a file; one that leaves shapes open, for arrays of the shapes that the first model is given."""
    model = load(path)
    if all(spec.shape is not None and None not in spec.shape[2:] for spec in model.inputs):
        return model
    called = [spec.name for spec in model.inputs]
    known = {names.get(name) or same_name(name, dict.fromkeys(called)): array for name, array in given.items()}
    if None in known and len(given) == len(called):
        known = dict(zip(called, given.values(), strict=True))
    return load(path, endpoints=with_given(None, {str(name): array for name, array in known.items() if name in called}))


def _judged(
    model: Model,
    diagnose: bool,
    blind_spots: bool = False,
    *,
    given: Mapping[str, Array],
    expected: Mapping[str, Array],
    common: Mapping[str, Any],
) -> Report:
    """What comes of a model in the place of the first, against what the second computes."""
    options = {**common, "diagnose": diagnose, "blind_spots": blind_spots}
    return verify(_in_float32(model), given, expected=expected, **options)


def _in_float32(item: Any) -> Any:
    """A model with the σ of float32 in place of a narrower format, to which runtimes round, and two replays do not."""
    wider = item.with_parts(_in_float32)
    if getattr(wider, "compute_dtype", "") in ("float16", "bfloat16"):
        return replace(wider, compute_dtype="float32")
    return wider

"""The terminal report: what a person wants to see at first glance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from math import isfinite, isnan
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify.diagnosis import Diagnosis
from lstm_verify.diagnosis.explain import blind_details, blind_line, diagnosis_lines, subject_of
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.report import Predicted, Report
from lstm_verify.reporters.console import fitted, say
from lstm_verify.reporters.numbers import ENDLESS, in_sigmas, number, place

STYLES = {Verdict.MATCH: "bold green", Verdict.MISMATCH: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}


WORST = 5
"""The samples of each output that are shown unless something else is asked for."""


def render(report: Report, console: Console, top: int = WORST, details: bool = False) -> None:
    """Print a report.

    Args:
        report: the report.
        console: where to.
        top: how many of the worst samples to show.
        details: whether to list every blind spot.
    """
    console.print(pairs(header(report)))
    if report.outputs:
        console.print(fitted(_outputs(report), console, "max relative", "shape", "beyond"))
    for output in report.outputs:
        if top and output.deviations.size:
            console.print(fitted(_worst(output, top), console, "replayed", "σ"))
    say(console, _verdict(report))
    for line in _after_the_verdict(report, details):
        say(console, Text(printable(line)))


def plain(report: Report) -> str:
    """Return a report in plain text; tables are 80 columns wide."""
    return as_text(lambda console: render(report, console, WORST))


def as_text(print_to: Callable[[Console], None]) -> str:
    """Return what would be printed, without colours."""
    console = Console(file=StringIO(), width=80, highlight=False, color_system=None)
    print_to(console)
    written: StringIO = console.file  # type: ignore[assignment]
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def _after_the_verdict(report: Report, details: bool) -> Iterator[str]:
    """What explains a mismatch, and what a match could not have shown."""
    if report.diagnosis is not None:
        yield ""
        yield from cause_lines(report.diagnosis, report.predicted.name)
    yield from blind_lines(report, details, "" if details else " (-v lists them)")


def cause_lines(diagnosis: Diagnosis, predicted: str) -> Iterator[str]:
    """Describe what explains a mismatch of what a runtime, or a file, predicted."""
    yield from diagnosis_lines(diagnosis, subject_of(predicted))


def blind_lines(report: Report, details: bool = False, hint: str = "") -> Iterator[str]:
    """Describe what a match could not have shown, and every one of them, or a hint at how to see them."""
    spots = report.blind_spots
    if spots is None:
        return
    if spots.found:
        yield f"blind spots: {blind_line(spots)}{hint}{', treated as a failure' if report.exit_code else ''}"
    if details:
        yield from (f"  {line}" for line in blind_details(spots))
    if not spots.complete:
        yield f"blind spots: the search was cut short after {spots.tried:,} faults; there may be more"


def header(report: Report) -> dict[str, str | list[str]]:
    """Return what was compared with what, by heading."""
    return {
        **about_model(report.model),
        **({"found": list(_found(report))} if report.recurrences else {}),
        "against": against(report.predicted),
        **({"golden": report.golden.words} if report.golden else {}),
        "samples": f"{report.samples:,}",
        "tolerance": tolerance_line(report),
    }


def against(predicted: Predicted) -> str:
    """Describe what a model is compared with."""
    recorded = "recorded predictions, " if predicted.name == "recorded" else ""
    return f"{recorded}{predicted.description}"


def allowed(tolerance: Tolerance, model: Model) -> str:
    """Describe a tolerance, with the precision if it is one of rounding."""
    factors = "" if model.products == "float32" else f", products in {model.products}"
    return f"{tolerance} in {model.precision}{factors}" if tolerance.by_rounding else str(tolerance)


def tolerance_line(report: Report) -> str:
    """Describe what deviations are judged by."""
    line = allowed(report.tolerance, report.model)
    if report.tolerance.by_rounding and 0 < report.own_sigma < report.samples:
        line += f", σ computed for {report.own_sigma:,} samples that deviate most"
    return line


def _found(report: Report) -> Iterator[str]:
    """What was recognised in a graph, a line for every recurrence."""
    for item in report.recurrences[:MOST_FOUND]:
        settings = item["settings"]
        if item["type"] is None:
            yield f"{item['layer']}: a recurrence with an unknown cell, replayed operation by operation"
            continue
        functions = [str(settings[key]) for key in ("activation", "recurrent_activation") if key in settings]
        parts = [
            f"{item['type']} of {settings['units']}",
            "/".join(functions),
            f"gates {settings['gates in the graph']}",
        ]
        parts += [f"{key} {setting(settings[key])}" for key in SHOWN if settings.get(key)]
        yield f"{item['layer']}: {', '.join(parts)}"
    if len(report.recurrences) > MOST_FOUND:
        yield f"and {len(report.recurrences) - MOST_FOUND} more"


MOST_FOUND = 8
"""The recurrences that a report names; `inspect` shows all."""
SHOWN = (
    "unrolled",
    "forget_bias",
    "peepholes",
    "coupled",
    "cell_clip",
    "projected_to",
    "projection_clip",
    "layer_norm_epsilon",
    "holds",
)


def about_model(model: Model) -> dict[str, str]:
    """Return what a report says about its model, by heading."""
    source, parameters = model.source, sum(array.size for _, array in model.weights())
    read = f"{source.format}, written by {source.writer}: " if source else ""
    return {
        "model": f"{source.path if source else model.name}",
        "read": f"{read}{len(model.layers)} layers, {parameters:,} parameters",
    }


def pairs(rows: Mapping[str, str | list[str]]) -> Table:
    """Lay out headings with their content, one or more lines each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for key, value in rows.items():
        lines = [value] if isinstance(value, str) else value
        table.add_row(Text(printable(key)), Text("\n".join(map(printable, lines))))
    return table


def _outputs(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in OUTPUT_HEADINGS:
        is_text, is_name = heading in ("output", "shape"), heading == "output"
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_name)
    for output in report.outputs:
        name, shape, worst, *others = output_row(output)
        style = "" if output.verdict is Verdict.MATCH else STYLES[output.verdict]
        table.add_row(Text(printable(name)), shape, Text(worst, style=style), *others)
    return table


OUTPUT_HEADINGS = ("output", "shape", "max |Δ|", "in σ", "max relative", "beyond", "worst at")


def output_row(output: Comparison) -> tuple[str, ...]:
    """Return what a report says about an output, below `OUTPUT_HEADINGS`."""
    return (
        output.name,
        str(output.shape),
        number(output.max_abs_deviation),
        in_sigmas(output.max_sigmas),
        number(output.max_rel_deviation),
        f"{output.samples_beyond:,} of {len(output.deviations):,}" if output.deviations.size else "-",
        place(output.index(output.worst(1)[0])) if output.deviations.size else "-",
    )


def _worst(output: Comparison, top: int) -> Table:
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, title=Text(f"worst samples of {printable(output.name)}"), title_justify="left"
    )
    for heading in SAMPLE_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for sample in output.worst(top):
        *numbers, judged = sample_row(output, sample)
        style = STYLES[Verdict.INCONCLUSIVE if output.within[sample] else Verdict.MISMATCH]
        table.add_row(*numbers, Text(judged, style=style))
    return table


SAMPLE_HEADINGS = ("sample", "at", "predicted", "replayed", "|Δ|", "σ", "")


def sample_row(output: Comparison, sample: int) -> tuple[str, ...]:
    """Return what a report says about a sample of an output, below `SAMPLE_HEADINGS`."""
    return (
        f"{sample:,}",
        place(output.index(sample)[1:]),
        f"{output.predicted[sample]:.9g}",
        f"{output.replayed[sample]:.9g}",
        number(_away(output, sample)),
        number(float(output.sigma[sample])),
        "beyond" if not output.within[sample] else "unjudged" if output.unjudged_rows[sample] else "",
    )


def _away(output: Comparison, sample: int) -> float:
    """|Δ| at the place of a sample that is shown; infinite where one side alone is NaN."""
    away = abs(float(output.predicted[sample]) - float(output.replayed[sample]))
    return away if away == away else float(output.deviations[sample])


def _verdict(report: Report) -> Text:
    return Text.assemble((report.verdict.upper(), STYLES[report.verdict]), "  ", printable(verdict_line(report)))


def verdict_line(report: Report) -> str:
    """Describe what the verdict is based on."""
    worst = max((output.max_abs_deviation for output in report.outputs if output.deviations.size), default=float("nan"))
    if report.verdict is Verdict.MATCH:
        samples = "the sample agrees" if report.samples == 1 else f"all {report.samples:,} samples agree"
        return f"{samples} with what the weights compute, up to {number(worst)}{_sigmas_of(report)}"
    if report.verdict is Verdict.MISMATCH and isfinite(worst) and all(o.deviations.size for o in report.outputs):
        passing = f", so --atol {_rounded_up(worst)} would pass" if _means_something(worst, report) else ""
        return f"{report.summary()}; up to {number(worst)}{_sigmas_of(report)}{passing}"
    return report.summary()


def _means_something(atol: float, report: Report) -> bool:
    """Whether a tolerance is small next to the outputs, and the one that was asked for is not below rounding."""
    if report.diagnosis is not None and report.diagnosis.below is not None:
        return False
    with np.errstate(invalid="ignore"):
        sizes = [np.nanmax(np.abs(output.replayed), initial=0) for output in report.outputs]
    return atol <= SMALL * float(min(sizes, default=0))


SMALL = 0.01
"""The share of an output that a tolerance may be, for it to mean anything."""


def _sigmas_of(report: Report) -> str:
    known = max((output.max_sigmas for output in report.outputs if not isnan(output.max_sigmas)), default=ENDLESS)
    by_digits = report.verdict is Verdict.MATCH and report.tolerance.by_rounding and known > report.tolerance.sigmas
    if known >= ENDLESS or by_digits:  # where σ says nothing, or is not what allowed it
        return ""
    return f" ({'at most ' if report.sigma_is_lower_bound else ''}{in_sigmas(known)})"


def _rounded_up(value: float) -> str:
    """A tolerance with two digits that is not below the value."""
    return f"{float(f'{value:.1e}') * (1 if float(f'{value:.1e}') >= value else 1.1):.1e}"


def setting(value: Any) -> str:
    """Format a setting; seven digits are enough for a number that was a float32, such as 0.30000001192092896."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)

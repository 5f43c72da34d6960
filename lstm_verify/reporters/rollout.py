"""A rollout in the terminal: the steps that matter, and whether the two runs agree."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.reporters.console import fitted, say
from lstm_verify.reporters.numbers import in_sigmas, number, place
from lstm_verify.reporters.terminal import STYLES, about_model, against, allowed, as_text, pairs
from lstm_verify.rollouts.report import RolloutReport

SHOWN_TOKENS = 12


def render(report: RolloutReport, console: Console) -> None:
    """Print a report."""
    console.print(pairs(header(report)))
    if report.deviations.size:
        console.print(fitted(_steps(report), console, "replayed", "at"))
    say(console, _verdict(report))


def plain(report: RolloutReport) -> str:
    """Return a report in plain text."""
    return as_text(lambda console: render(report, console))


def header(report: RolloutReport) -> dict[str, str]:
    """Return what was run against what, by heading."""
    whose = "recorded" if report.predicted.name == "recorded" else "framework's"
    forced = f"each step from the {whose} inputs" if report.teacher_forced else "each side on its own outputs"
    fed_back = [str(rule) for rule in report.plan.feedback]
    carried = [f"{output} → {name}" for output, name in report.plan.state]
    samples = "1 sample" if report.samples == 1 else f"{report.samples:,} samples"
    return {
        **about_model(report.model),
        "against": against(report.predicted),
        "run": f"{report.plan.steps:,} steps of {samples}, {forced}",
        "feedback": "; ".join(fed_back),
        **({"states": ", ".join(carried)} if carried else {}),
        **{f"tokens of {name}": _some(one[0].tolist()) for name, one in report.tokens.items() if len(one)},
        "tolerance": allowed(report.tolerance, report.model),
    }


def _some(tokens: list[int]) -> str:
    more = " …" if len(tokens) > SHOWN_TOKENS else ""
    return f"{' '.join(map(str, tokens[:SHOWN_TOKENS]))}{more} (sample 0)"


def _steps(report: RolloutReport) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in STEP_HEADINGS:
        is_text, is_name = heading in ("output", ""), heading == "output"
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_name)
    for what, step in told_steps(report):
        number_of_it, name, *numbers = step_row(report, step)
        within = all(bool(output.within[step - 1]) for output in report.outputs if output.within.size)
        style = "" if within else STYLES[Verdict.MISMATCH]
        table.add_row(number_of_it, Text(printable(name)), *numbers, Text(what, style=style))
    return table


STEP_HEADINGS = ("step", "output", "at", "predicted", "replayed", "max |Δ|", "in σ", "")


def step_row(report: RolloutReport, step: int) -> tuple[str, ...]:
    """Return what a report says about a step, below `STEP_HEADINGS` but for the last."""
    worst, row = report.worst_output(step), step - 1
    return (
        f"{step:,}",
        worst.name,
        place(worst.index(row)[1:]),
        f"{worst.predicted[row]:.9g}",
        f"{worst.replayed[row]:.9g}",
        number(float(worst.deviations[row])),
        in_sigmas(float(worst.sigmas[row])),
    )


def told_steps(report: RolloutReport) -> Iterator[tuple[str, int]]:
    """Yield the steps to show, and why: the first, the one where the runs part, the worst, the last."""
    yield "first", 1
    if report.first_step_beyond:
        yield "first beyond", report.first_step_beyond
    if report.different_token:
        yield "first different token", report.different_token.step
    if len(report.deviations) > 1:
        yield "worst", report.worst_step
        yield "last", len(report.deviations)


def _verdict(report: RolloutReport) -> Text:
    said = verdict_line(report)
    return Text.assemble((report.verdict.upper(), STYLES[report.verdict]), "  ", printable(said))


def verdict_line(report: RolloutReport) -> str:
    """Describe what the verdict is based on."""
    said = report.summary()
    if report.verdict is Verdict.MATCH:
        agreeing = f"{_agreeing(report.plan.steps)} with what the weights compute"
        said = f"{agreeing}, up to {number(report.deviations.max())}{_sigmas_of(report)}"
    elif report.first_step_beyond and not report.teacher_forced:
        said += ". Deviations of one step feed into the next; --teacher-forced compares each step on its own"
    return said


def _sigmas_of(report: RolloutReport) -> str:
    known = [output.max_sigmas for output in report.outputs if output.by_rounding]
    return f" ({in_sigmas(max(known))})" if known else ""


def _agreeing(steps: int) -> str:
    return "the step agrees" if steps == 1 else f"all {steps:,} steps agree"

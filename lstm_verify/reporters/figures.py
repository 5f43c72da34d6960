"""The figures of an HTML page: where the outputs deviate, and the gates of the sample that deviates most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.details import WorstSample
from lstm_verify.diagnosis.localise import is_image
from lstm_verify.judging.compare import Comparison
from lstm_verify.judging.profile import POINTS, Profile, stretches
from lstm_verify.layers.base import Weighted
from lstm_verify.model import Model
from lstm_verify.report import Report
from lstm_verify.reporters import drawing
from lstm_verify.reporters.gates import LINES, draw_gates, gates_of, titles_of
from lstm_verify.reporters.markup import paragraphs, prose, text
from lstm_verify.reporters.numbers import in_sigmas
from lstm_verify.reporters.svg import svg
from lstm_verify.rollouts.report import RolloutReport

MOST_OUTPUTS = 4
"""The outputs that are drawn, those first that deviate most."""
NOTHING = "No values were compared, so there is nothing to draw."
MOST_LAYERS = 6
"""The recurrent layers whose gates are drawn."""
WIDTH, HEIGHT = 4.0, 2.5
"""The size of a figure in inches; on a telephone it is hardly smaller than that."""
Draw = Callable[..., None]


def deviations(report: Report) -> str:
    """Return the figures of where the outputs deviate."""
    found = drawing.worst_first(report.details.profiles)
    if not found:
        return f"<p>{text(_why_nothing(report))}</p>"
    parts = [_about_all(report, found[0])]
    for number, profile in enumerate(found[:MOST_OUTPUTS]):
        parts.append(f"<h3>Output <code>{text(profile.name)}</code></h3>" if len(found) > 1 else "")
        parts.append(f'<div class="figures">\n{"".join(_figures(report, profile, number))}</div>')
    if len(found) > MOST_OUTPUTS:
        parts.append(f"<p>{len(found) - MOST_OUTPUTS} more outputs, which deviate less, are in the table above.</p>")
    return "\n".join(filter(None, parts))


def _why_nothing(report: Report) -> str:
    if any(output.deviations.size for output in report.outputs):
        return "Where the outputs deviate was not kept."
    return NOTHING


def _about_all(report: Report, profile: Profile) -> str:
    """How to read the figures."""
    said = "|Δ| is how far a predicted value is from the replayed one; "
    if profile.unit != "σ":
        said += f"each is relative to what is allowed there: {report.tolerance}."
    else:
        said += "σ is the standard deviation of its rounding error."
    if report.sigma_is_lower_bound and profile.unit == "σ":
        said += (
            " Where a part of σ, from the last time steps, is enough to agree, the deviation in σ is an upper bound."
        )
    return f"<p>{text(said)} Beyond the dashed line, predictions do not agree.</p>"


def _figures(report: Report, profile: Profile, number: int) -> Iterator[str]:
    axis = _axis_of(report, profile)
    if profile.timesteps:
        steps = _stretch(profile.timesteps, len(profile.by_timestep), axis)
        caption = f"By {axis}. The largest deviation at {steps}."
        label = f"Largest deviation by {axis}: {_range(profile, profile.by_timestep)}"
        yield _figure(lambda ax: drawing.by_timestep(ax, profile, axis), f"steps-{number}", caption, label)
    each = _stretch(profile.samples, len(profile.by_sample), "sample")
    caption = f"By sample. The largest deviation of {each}."
    if not profile.timesteps:
        caption += " This output has no time axis."
    label = f"Largest deviation by sample: {_range(profile, profile.by_sample)}"
    yield _figure(lambda ax: drawing.by_sample(ax, profile), f"samples-{number}", caption, label)
    yield _figure(lambda ax: drawing.histogram(ax, profile), f"sizes-{number}", _sizes(profile), _sizes(profile))
    if profile.units > 1:
        yield _figure(lambda ax: drawing.heat_map(ax, profile), f"units-{number}", _shades(profile), _where(profile))


def _axis_of(report: Report, profile: Profile) -> str:
    """What comes after the samples: time, or the rows of an image."""
    tensors = [output.tensor for output in report.model.outputs if output.name == profile.name]
    return "row" if tensors and is_image(report.model, tensors[0]) else "time step"


def _stretch(length: int, points: int, what: str) -> str:
    if length == 1:
        return f"the only {what}"
    return f"each of {length:,} {what}s" if length == points else f"each of {points} stretches of {length:,} {what}s"


def _range(profile: Profile, values: Array) -> str:
    """What a plot shows, in words."""
    known = values[~np.isnan(values)]
    if not known.size:
        return "none is known."
    beyond = int(np.count_nonzero(known > profile.limit))
    ends = [in_sigmas(float(v)) if profile.unit == "σ" else f"{v:.3g}" for v in (known.min(), known.max())]
    return f"from {ends[0]} to {ends[1]}; {beyond} of {known.size} points beyond {drawing.limit_of(profile)}."


def _sizes(profile: Profile) -> str:
    judged = profile.exact + int(profile.counts.sum()) + profile.infinite
    said = f"By size. {judged:,} values, {profile.exact:,} of them exact; each class reaches twice as far as the last."
    if profile.infinite:
        said += f" {profile.infinite:,} are finite on one side only (∞)."
    return said


def _shades(profile: Profile) -> str:
    rows, columns = profile.by_unit.shape
    limit = drawing.limit_of(profile) if profile.unit == "σ" else "the tolerance"
    said = f"By sample and unit, {profile.samples:,} × {profile.units:,}. Blue is within {limit}, the stronger the "
    said += "closer to it; orange is beyond."
    if (rows, columns) != (profile.samples, profile.units):
        said += " Each field is the largest of several."
    return said + (" Empty fields are not judged." if np.isnan(profile.by_unit).any() else "")


def _where(profile: Profile) -> str:
    """Where in the heat map the worst is, in words."""
    if np.isnan(profile.by_unit).all():
        return "Heat map of deviations by sample and unit; none is known."
    row, column = np.unravel_index(int(np.nanargmax(profile.by_unit)), profile.by_unit.shape)
    sample = int(row) * profile.samples // len(profile.by_unit)
    unit = int(column) * profile.units // profile.by_unit.shape[1]
    return f"Heat map of deviations by sample and unit; the largest is at sample {sample}, unit {unit}, or near it."


def _figure(draw: Draw, name: str, caption: str, label: str, height: float = HEIGHT) -> str:
    figure = drawing.new_figure(WIDTH, height)
    draw(figure.add_subplot())
    return framed(svg(figure, name, label), caption)


def framed(image: str, caption: str) -> str:
    """Return an image with its caption."""
    what, _, rest = caption.partition(". ")
    return f"<figure>\n{image}\n<figcaption><b>{prose(what)}.</b> {prose(rest)}</figcaption>\n</figure>\n"


# --- rollouts


def step_figures(report: RolloutReport) -> str:
    """Return the figures of a rollout: how far each output deviates in each step."""
    compared = [output for output in report.outputs if output.deviations.size]
    if not compared:
        return paragraphs([NOTHING])
    if report.tolerance.rtol:
        return "<p>Not drawn: a tolerance relative to each value is no line in a plot.</p>"
    parts = []
    for number, output in enumerate(compared[:MOST_OUTPUTS]):
        profile = _over_steps(output, report)
        steps = _stretch(profile.timesteps, len(profile.by_timestep), "step")
        caption = f"`{output.name}`. The largest deviation at {steps}."
        label = f"Largest deviation of {output.name} by step: {_range(profile, profile.by_timestep)}"
        draw = partial(drawing.by_timestep, profile=profile, axis="step", first=1)
        parts.append(_figure(draw, f"steps-{number}", caption, label))
    if len(compared) > MOST_OUTPUTS:
        parts.append(f"<p>{len(compared) - MOST_OUTPUTS} more outputs are not drawn.</p>")
    about = "Beyond the dashed line, the runs do not agree."
    if not report.teacher_forced:
        about += " What deviates in one step is fed into the next, so that deviations may grow; so does σ."
    return f'{paragraphs([about])}\n<div class="figures">\n{"".join(parts)}</div>'


def _over_steps(output: Comparison, report: RolloutReport) -> Profile:
    """The deviations of an output of a rollout, whose rows are steps, as those of time steps."""
    by_rounding, atol = output.by_rounding, report.tolerance.atol or 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        away = output.sigmas if by_rounding else np.where(output.deviations == 0, 0.0, output.deviations / atol)
    nothing, steps = np.empty(0), len(output.deviations)
    return Profile(
        output.name,
        "σ" if by_rounding else "tolerance",
        report.tolerance.sigmas if by_rounding else 1.0,
        samples=report.samples,
        timesteps=steps,
        units=1,
        exact=0,
        counts=nothing,
        infinite=0,
        by_sample=nothing,
        by_timestep=stretches(away[None], POINTS)[0],
        by_unit=nothing,
    )


# --- gates


def gate_figures(report: Report) -> str:
    """Return the gates of the recurrent layers for the sample that deviates most, or why there are none."""
    worst = report.details.worst
    if not report.details.profiles:
        return ""
    activations = worst.activations(report.model) if worst else {}
    if not (worst and activations):
        return paragraphs(
            ["Not drawn: samples cannot be replayed one at a time, or are too large or too long for that."]
        )
    found = gates_of(activations)
    if not found:
        return paragraphs(["The model has no recurrent layer with gates that are known."])
    at = _time_step(report, worst)
    about = f"Sample {worst.sample:,} deviates most, in output `{worst.output}`. "
    about += "These are the gates that the replay computes for it, by layer."
    about += "" if at is None else f" The dashed line marks time step {at}, where it deviates most."
    shown = list(found.items())[:MOST_LAYERS]
    parts = [_gates(report.model, layer, gates, number, at) for number, (layer, gates) in enumerate(shown)]
    left = len(found) - MOST_LAYERS
    more = f"{left} more recurrent layers are not drawn; `lstm-verify replay --gates` writes them." if left > 0 else ""
    return f'{paragraphs([about])}\n<div class="figures">\n{"".join(parts)}</div>\n{paragraphs([more])}'


def _gates(model: Model, layer: str, gates: Mapping[str, Array], number: int, at: int | None) -> str:
    steps, units = gates["h"].shape
    figure = drawing.new_figure(WIDTH, 0.5 + 1.2 * ceil(len(gates) / 2))
    draw_gates(figure, gates, None if at is None or at >= steps else _as_run(model, layer, steps, at))
    lines = "a line for each" if units <= LINES else "their median, their middle half and their range"
    caption = f"`{layer}`. {units:,} units, {lines}, over {steps:,} time steps in the order in which they run."
    label = f"Gates of {layer} over time: {', '.join(titles_of(gates)[gate] for gate in gates)}"
    return framed(svg(figure, f"gates-{number}", label), caption)


def _as_run(model: Model, path: str, steps: int, at: int) -> int:
    """The place of a time step in the order in which a layer runs over them."""
    layer = _inside(model, path.partition("@")[0])
    return steps - 1 - at if layer is not None and _runs_backwards(layer) else at


def _inside(whole: Weighted, path: str) -> Weighted | None:
    """The layer at a path, such as `both/backward_layer`."""
    parts = whole.children()
    around = (name for name in parts if not name or path.startswith(f"{name}/"))
    found = (_inside(parts[name], path.removeprefix(f"{name}/") if name else path) for name in around)
    return parts.get(path) or next(filter(None, found), None)


def _runs_backwards(layer: Weighted) -> bool:
    """Whether a layer, or the one that it stands around, begins with the last time step."""
    inner = layer.children().get("")
    return bool(getattr(layer, "go_backwards", inner is not None and _runs_backwards(inner)))


def _time_step(report: Report, worst: WorstSample) -> int | None:
    """The time step at which the worst sample deviates most, if its output is a sequence."""
    output = next(output for output in report.outputs if output.name == worst.output)
    tensors = [one.tensor for one in report.model.outputs if one.name == worst.output]
    is_sequence = len(output.shape) > 2 and tensors and not is_image(report.model, tensors[0])
    return output.index(worst.sample)[1] if is_sequence else None

"""Drawings of deviations by matplotlib: by sample, time step, size and unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil, floor, log2, log10
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError, OutputError, printable
from lstm_verify.judging.profile import SMALLEST, Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from lstm_verify.report import Report

INK, MUTED, GRID, WITHIN, BEYOND = "#1f2429", "#5c6670", "#d3d9df", "#0b5cad", "#b8430b"
"""Each with one meaning, and told apart with any colour vision."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def load_matplotlib() -> None:
    """Load matplotlib.

    Raises:
        OutputError: it is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise OutputError(
            "plots are drawn with matplotlib, which is not installed. Install it: pip install 'lstm-verify[report]'"
        ) from None


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of a report, whatever the user has set."""
    load_matplotlib()
    from matplotlib import rc_context

    with rc_context(), np.errstate(all="ignore"):
        _set_style()
        yield


def _set_style() -> None:
    from matplotlib import rcdefaults, rcParams

    rcdefaults()
    rcParams.update(
        {
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.facecolor": "none",
            "axes.edgecolor": MUTED,
            "axes.titlecolor": INK,
            "axes.labelcolor": MUTED,
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.major.size": 2.5,
            "ytick.major.size": 0,
            "ytick.minor.size": 0,
            "svg.fonttype": "none",
        }
    )


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def overview(report: Report, output: str | None = None) -> Figure:
    """Return the deviations of one output in a figure: over time, by sample, by size, by sample and unit.

    Args:
        report: the report.
        output: the output; that which deviates most if left out.

    Raises:
        InputError: there is no such output, or nothing is known of where it deviates.
        OutputError: matplotlib is not installed.
    """
    profile = _profile_of(report, output)
    drawings = [by_sample, histogram]
    if profile.timesteps:
        drawings.insert(0, by_timestep)
    if profile.units > 1:
        drawings.append(heat_map)
    with styled():
        from matplotlib import pyplot

        rows = ceil(len(drawings) / 2)
        figure = pyplot.figure(figsize=(8, 2.6 * rows), layout="constrained")
        pyplot.close(figure)  # a notebook shows what is returned, and would show it twice
        for number, draw in enumerate(drawings):
            draw(figure.add_subplot(rows, 2, number + 1), profile)
        figure.suptitle(f"{report.verdict}: {printable(profile.name)}".replace("$", r"\$"), fontsize=9)
    return figure


def _profile_of(report: Report, output: str | None) -> Profile:
    found = {profile.name: profile for profile in worst_first(report.details.profiles)}
    if not found:
        raise InputError("nothing to draw: no values were compared, or `verify` was called with details=False")
    name = next(iter(found)) if output is None else output
    if name not in found:
        raise InputError(f"output '{name}': there is none that was compared. They are {', '.join(found)}")
    return found[name]


def worst_first(profiles: Sequence[Profile]) -> list[Profile]:
    """Return profiles in another order, that of the output first that deviates most."""
    return sorted(
        profiles, key=lambda profile: -float(np.nanmax(profile.by_sample, initial=-1.0)) / (profile.limit or 1)
    )


# --- deviations by sample and by time step, on a logarithmic axis


class Placed(NamedTuple):
    """Deviations by their decimal logarithms, among which 0 and ∞ have a place of their own."""

    positions: Array
    ticks: dict[float, str]
    ends: tuple[float, float]


def placed(values: Array, limit: float) -> Placed:
    """Place deviations on an axis that has their limit on it too."""
    logarithms = np.log10(values)
    some = np.append(logarithms[np.isfinite(logarithms)], log10(limit) if limit > 0 else 0.0)
    low, high = floor(some.min()), ceil(some.max() + 0.08)
    ticks = {float(power): decimal(power) for power in range(low, high + 1, ceil((high - low) / 5))}
    beside = max(0.3, 0.12 * (high - low))
    if (values == 0).any():
        ticks[low - beside] = "0"
    if np.isinf(values).any():
        ticks[high + beside] = "∞"
    ends = min(ticks) - 0.04, max(float(high), *ticks) + 0.04
    return Placed(np.clip(logarithms, low - beside, high + beside), ticks, ends)


def decimal(power: int) -> str:
    """Format a power of ten on an axis."""
    return f"{10.0**power:g}" if -3 <= power <= 3 else f"10{str(power).translate(SUPERSCRIPTS)}"


def by_sample(ax: Axes, profile: Profile) -> None:
    """Draw the largest deviation of each sample."""
    _deviations(ax, profile, profile.by_sample, profile.samples, "sample")


def by_timestep(ax: Axes, profile: Profile, axis: str = "time step", first: int = 0) -> None:
    """Draw the largest deviation of each time step, counted from some number, or along another axis."""
    _deviations(ax, profile, profile.by_timestep, profile.timesteps, axis, "-", first)


def _deviations(
    ax: Axes, profile: Profile, values: Array, length: int, axis: str, line: str = "none", first: int = 0
) -> None:
    found, beyond = placed(values, profile.limit), values > profile.limit
    at, size = first + np.arange(len(values)) * length / len(values), 3.5 if len(values) <= 64 else 2.0
    ax.plot(at, found.positions, linestyle=line, color=MUTED, linewidth=0.8)
    for some, colour, marker in ((~beyond, WITHIN, "o"), (beyond, BEYOND, "D")):
        ax.plot(at[some], found.positions[some], marker, color=colour, markersize=size, markeredgewidth=0)
    ax.set(ylim=found.ends, xlim=(first - 0.5, first + max(length, 1) - 0.5), xlabel=axis)
    ax.set_yticks(list(found.ticks), list(found.ticks.values()))
    count_along(ax.xaxis, length, first)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_title(f"largest |Δ| {_unit(profile)}")
    if profile.limit > 0:
        limit = log10(profile.limit)
        ax.axhline(limit, color=BEYOND, linewidth=1, linestyle=(0, (4, 2)))
        ax.text(1.01, limit, limit_of(profile), transform=ax.get_yaxis_transform(), va="center", color=BEYOND)


def count_along(axis: Axis, length: int, first: int = 0) -> None:
    """Number a few of the places along an axis of some length."""
    step = next(n * 10**power for power in range(20) for n in (1, 2, 5) if length <= 6 * n * 10**power)
    places = [place for place in range(0, first + max(length, 1), step) if place >= first]
    axis.set_ticks(places, [f"{place:,}" for place in places])


def _unit(profile: Profile) -> str:
    return "in σ" if profile.unit == "σ" else "/ tolerance"


def limit_of(profile: Profile) -> str:
    """Return the limit of a profile as a label."""
    return f"{profile.limit:g}σ" if profile.unit == "σ" else "tolerance"


# --- by size

BASE = 0.2
"""How far below 1, on a logarithmic axis, the bars of a histogram begin, so that a single element is seen."""


def histogram(ax: Axes, profile: Profile) -> None:
    """Draw how many elements deviate by how much, in classes that double, 0 and ∞ apart."""
    limit = log2(profile.limit) if profile.limit > 0 else 0.0
    used = [int(k) + SMALLEST for k in np.flatnonzero(profile.counts)]
    first, last = min([*used, floor(limit)]), max([*used, ceil(limit) + 1])
    zero, infinite = first - 2.0, last + 1.0
    counts = {zero: profile.exact, infinite: profile.infinite}
    counts |= {end - 0.5: int(profile.counts[end - SMALLEST]) for end in range(first, last + 1)}
    for place, count in counts.items():
        if count:
            colour = BEYOND if place - 0.5 >= limit else WITHIN
            ax.bar(place, log10(count) + BASE, 0.88, bottom=-BASE, color=colour, linewidth=0)
    ticks = {zero: "0", **{float(end): _power_of_two(end) for end in range(first, last + 1, ceil((last - first) / 6))}}
    if profile.infinite:
        ticks[infinite] = "∞"
    top = ceil(log10(max(counts.values(), default=1) or 1) + 0.4)
    powers = range(0, top + 1, ceil(top / 5))
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.set_yticks(list(powers), [decimal(power) for power in powers])
    ax.set(ylim=(-BASE, top), xlim=(zero - 0.7, (infinite if profile.infinite else last) + 0.7))
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set(xlabel=f"|Δ| {_unit(profile)}")
    ax.set_title("number of values")
    if profile.limit > 0:
        ax.axvline(limit, color=BEYOND, linewidth=1, linestyle=(0, (4, 2)))
        ax.text(limit + 0.2, 0.99, limit_of(profile), transform=ax.get_xaxis_transform(), va="top", color=BEYOND)


def _power_of_two(exponent: int) -> str:
    if -6 <= exponent <= 10:
        return str(2**exponent) if exponent >= 0 else f"1/{2**-exponent}"
    return f"2{str(exponent).translate(SUPERSCRIPTS)}"


# --- by sample and unit


def heat_map(ax: Axes, profile: Profile) -> None:
    """Draw the largest deviation of each sample and unit; the shades go with the background, light or dark."""
    ends = (-0.5, profile.units - 0.5, profile.samples - 0.5, -0.5)
    ax.imshow(shades(profile.by_unit, profile.limit), aspect="auto", interpolation="none", extent=ends)
    count_along(ax.xaxis, profile.units)
    count_along(ax.yaxis, profile.samples)
    ax.spines[["top", "right"]].set_visible(True)
    ax.set(xlabel="unit")
    ax.set_title("sample")


def shades(values: Array, limit: float) -> Array:
    """Return the colour of each deviation, (..., 4) from 0 to 1, another one beyond the limit; NaN is transparent.

    The larger a deviation is, the more opaque it is.
    """
    share = np.log2(np.where(values > 0, values, 1e-30) / (limit or 1e-30))
    beyond = values > limit
    opacity = np.where(beyond, 0.55 + 0.045 * share, 0.75 + 0.09 * share)
    colours = np.where(beyond[..., None], _rgb(BEYOND), _rgb(WITHIN))
    opaque = np.where(np.isnan(values), 0.0, np.clip(opacity, 0.04, 1.0))
    return np.concatenate([colours, opaque[..., None]], axis=-1)


def _rgb(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]

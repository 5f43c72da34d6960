"""Drawings of a verification by matplotlib: deviations by sample, time step, size and unit, and gates over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil, floor, log2, log10
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import OutputError
from lstm_verify.judging.profile import SMALLEST, Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, WITHIN, BEYOND = "#1f2429", "#5c6670", "#d3d9df", "#0b5cad", "#b8430b"
"""Each with one meaning, and told apart with any colour vision."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LINES = 12
"""The units of a gate that are drawn one by one; of more, their median and how far they spread."""


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


def by_timestep(ax: Axes, profile: Profile, axis: str = "time step") -> None:
    """Draw the largest deviation of each time step, or along another axis that comes after that of the samples."""
    _deviations(ax, profile, profile.by_timestep, profile.timesteps, axis, "-")


def _deviations(ax: Axes, profile: Profile, values: Array, length: int, axis: str, line: str = "none") -> None:
    found, beyond = placed(values, profile.limit), values > profile.limit
    at, size = np.arange(len(values)) * length / len(values), 3.5 if len(values) <= 64 else 2.0
    ax.plot(at, found.positions, linestyle=line, color=MUTED, linewidth=0.8)
    for some, colour, marker in ((~beyond, WITHIN, "o"), (beyond, BEYOND, "D")):
        ax.plot(at[some], found.positions[some], marker, color=colour, markersize=size, markeredgewidth=0)
    ax.set(ylim=found.ends, xlim=(-0.5, max(length, 1) - 0.5), xlabel=axis)
    ax.set_yticks(list(found.ticks), list(found.ticks.values()))
    ax.set_xticks(_whole_numbers(length))
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_title(f"largest |Δ| {_unit(profile)}")
    if profile.limit > 0:
        limit = log10(profile.limit)
        ax.axhline(limit, color=BEYOND, linewidth=1, linestyle=(0, (4, 2)))
        ax.text(1.01, limit, limit_of(profile), transform=ax.get_yaxis_transform(), va="center", color=BEYOND)


def _whole_numbers(length: int) -> list[int]:
    """A few places on an axis of so many."""
    step = next(n * 10**power for power in range(20) for n in (1, 2, 5) if length <= 6 * n * 10**power)
    return list(range(0, max(length, 1), step))


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
    ax.set_xticks(_whole_numbers(profile.units))
    ax.set_yticks(_whole_numbers(profile.samples))
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


# --- gates


def gates(figure: Figure, values: Mapping[str, Array], titles: Mapping[str, str], worst: int | None = None) -> None:
    """Draw gates over time, each in a place of its own.

    Args:
        figure: an empty figure.
        values: (timesteps, units) by gate.
        titles: what to write above each.
        worst: the time step to mark, if any.
    """
    rows = ceil(len(values) / 2)
    for number, (name, units) in enumerate(values.items()):
        ax = figure.add_subplot(rows, 2, number + 1)
        _units(ax, np.where(np.isfinite(units), units, np.nan))
        ax.set_title(titles[name])
        ax.set_xticks(_whole_numbers(len(units)))
        ax.grid(axis="y", color=GRID, linewidth=0.6)
        if worst is not None:
            ax.axvline(worst, color=BEYOND, linewidth=1, linestyle=(0, (4, 2)))
        if number >= len(values) - 2:
            ax.set_xlabel("time step")


def _units(ax: Axes, values: Array) -> None:
    steps, marker = np.arange(len(values)), "o" if len(values) == 1 else ""
    if values.shape[1] <= LINES:
        ax.plot(steps, values, color=WITHIN, linewidth=0.9, alpha=0.6, marker=marker, markersize=3)
        return
    low, quarter, median, upper, high = np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1], axis=1)
    ax.fill_between(steps, low, high, color=WITHIN, alpha=0.15, linewidth=0)
    ax.fill_between(steps, quarter, upper, color=WITHIN, alpha=0.25, linewidth=0)
    ax.plot(steps, median, color=WITHIN, linewidth=1.2, marker=marker, markersize=3)

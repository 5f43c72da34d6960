"""Profiles: every number of them against the same counted one element at a time."""

from __future__ import annotations

from math import isfinite, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify import Tolerance
from lstm_verify.judging import profile as room
from lstm_verify.judging.compare import compare
from lstm_verify.judging.profile import COLUMNS, LARGEST, POINTS, ROWS, SMALLEST, Profile, profiles
from lstm_verify.layers import Array

SPECIAL = [0.0, 1.0, -2.5, 1e-9, np.nan, np.inf, -np.inf]


def profile_of(
    predicted: Array, replayed: Array, sigma: Array | None = None, tolerance: Tolerance | None = None
) -> Profile:
    known = {} if sigma is None else {"y": sigma}
    (found,) = profiles({"y": predicted}, {"y": replayed}, tolerance or Tolerance(), known)
    return found


def away(p: float, r: float, sigma: float) -> float:
    """|Δ| in σ of one element, σ being no less than half a unit in the last place of float32 as it is recorded."""
    if (p == r and not isfinite(r)) or (isnan(p) and isnan(r)):
        return nan
    if not (isfinite(p) and isfinite(r)):
        return float("inf")
    return abs(p - r) / max(sigma, 2.0**-53 * abs(r))


def largest(values: list[float]) -> float:
    known = [value for value in values if not isnan(value)]
    return max(known, default=nan)


@given(st.data())
def test_every_number_is_that_of_its_elements(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3,), (2, 4), (3, 2, 4), (2, 3, 2, 2), (1, 1), (1, 5, 1)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    replayed = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), rng.standard_normal(shape))
    predicted = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), replayed + 1e-6 * rng.random(shape))
    sigma = 10.0 ** rng.integers(-9, -3, shape)
    found = profile_of(predicted, replayed, sigma)
    each = {at: away(float(predicted[at]), float(replayed[at]), float(sigma[at])) for at in np.ndindex(*shape)}

    def where(axis: int, place: int) -> list[float]:
        return [value for at, value in each.items() if at[axis] == place]

    np.testing.assert_allclose(found.by_sample, [largest(where(0, n)) for n in range(shape[0])])
    steps = shape[1] if len(shape) > 2 else 0
    assert (found.samples, found.timesteps, found.units) == (shape[0], steps, shape[-1] if len(shape) > 1 else 1)
    np.testing.assert_allclose(found.by_timestep, [largest(where(1, n)) for n in range(steps)])
    units = range(found.units)
    by_unit = [
        [largest([v for at, v in each.items() if at[0] == n and (len(shape) == 1 or at[-1] == unit)]) for unit in units]
        for n in range(shape[0])
    ]
    np.testing.assert_allclose(found.by_unit, by_unit)
    values = [value for value in each.values() if not isnan(value)]
    assert (found.exact, found.infinite) == (values.count(0.0), values.count(float("inf")))
    assert found.exact + found.infinite + found.counts.sum() == len(values)


def test_a_class_ends_with_its_power_of_two() -> None:
    sizes = [2.0**-20, 0.5, 0.75, 1.0, 8.0, 8.5, 2.0**60]
    found = profile_of(np.array(sizes)[:, None], np.zeros((7, 1)), np.ones((7, 1)))
    classes = {int(k) + SMALLEST: int(found.counts[k]) for k in np.flatnonzero(found.counts)}
    assert classes == {SMALLEST: 1, -1: 1, 0: 2, 3: 1, 4: 1, LARGEST: 1}


def test_what_is_long_is_the_largest_of_stretches() -> None:
    replayed = np.zeros((1500, 700, 130))
    predicted = np.zeros_like(replayed, dtype=np.float32)
    predicted[1499, 3, 129] = 5.0
    predicted[700, 699, 0] = 3.0
    found = profile_of(predicted, replayed, np.ones(replayed.shape))
    assert (found.by_sample.shape, found.by_timestep.shape) == ((POINTS,), (POINTS,))
    assert found.by_unit.shape == (ROWS, COLUMNS)
    assert {int(k): float(found.by_sample[k]) for k in np.flatnonzero(found.by_sample)} == {
        700 * POINTS // 1500: 3.0,
        POINTS - 1: 5.0,
    }
    assert {int(k): float(found.by_timestep[k]) for k in np.flatnonzero(found.by_timestep)} == {
        3 * POINTS // 700: 5.0,
        POINTS - 1: 3.0,
    }
    rows, columns = np.nonzero(found.by_unit)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(700 * ROWS // 1500, 0), (ROWS - 1, COLUMNS - 1)]


def test_it_does_not_depend_on_how_it_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    replayed, sigma = rng.standard_normal((101, 7, 5)), np.full((101, 7, 5), 1e-7)
    predicted = replayed + 1e-7 * rng.standard_normal(replayed.shape)
    at_once = profile_of(predicted, replayed, sigma)
    monkeypatch.setattr(room, "CHUNK_BYTES", 3 * 35 * 8)
    in_parts = profile_of(predicted, replayed, sigma)
    for name, value in vars(at_once).items():
        np.testing.assert_array_equal(getattr(in_parts, name), value, err_msg=name)


def test_the_limit_parts_what_is_compared_as_beyond() -> None:
    rng = np.random.default_rng(6)
    replayed = rng.standard_normal((40, 3))
    predicted, sigma = replayed + 3e-7 * rng.standard_normal((40, 3)), np.full((40, 3), 4e-8)
    for tolerance in (
        Tolerance(),
        Tolerance(sigmas=3),
        Tolerance(atol=3e-7),
        Tolerance(rtol=4e-7),
        Tolerance(atol=0.0),
    ):
        (output,) = compare({"y": predicted}, {"y": replayed}, tolerance, sigma={"y": sigma})
        found = profile_of(predicted, replayed, sigma, tolerance)
        assert output.samples_beyond > 0
        assert ((found.by_sample > found.limit) == ~output.within).all(), tolerance
        assert found.unit == ("σ" if tolerance.by_rounding else "tolerance")


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_digits_that_recording_lost_are_allowed(dtype: str) -> None:
    replayed = np.random.default_rng(7).standard_normal((40, 3))
    tolerance = Tolerance(decimals=2) if dtype == "float64" else Tolerance()
    predicted = replayed.round(2) if dtype == "float64" else replayed.astype(dtype)
    found = profile_of(predicted, replayed, np.full(replayed.shape, 1e-8), tolerance)
    assert (found.unit, found.limit) == ("tolerance", 1.0)
    assert 0.5 < found.by_sample.max() <= 1


def test_what_cannot_be_judged_is_unknown() -> None:
    sigma = np.array([[1.0, np.inf], [np.inf, np.inf]])
    found = profile_of(np.full((2, 2), 2.0), np.zeros((2, 2)), sigma)
    np.testing.assert_array_equal(found.by_unit, [[2, nan], [nan, nan]])
    np.testing.assert_array_equal(found.by_sample, [2, nan])


def test_only_what_both_sides_have_is_looked_at() -> None:
    some = {"a": np.ones((2, 3)), "empty": np.ones((0, 3)), "shape": np.ones((2, 3)), "scalar": np.array(1.0)}
    found = profiles(
        {**some, "shape": np.ones((2, 1)), "more": np.ones(2)}, {**some, "less": np.ones(2)}, Tolerance(atol=1), {}
    )
    assert [(one.name, one.samples, one.units) for one in found] == [("a", 2, 3), ("scalar", 1, 1)]

"""Comparisons must fail: every way in which predictions can be wrong without an error is tried here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify import Comparison, Tolerance, Verdict
from lstm_verify.judging.compare import accepted, compare, verdict_of
from lstm_verify.layers import Array
from tests.builders import random_array
from tests.reports import KnownForAll

NAN, INF = float("nan"), float("inf")
TOLERANCE = Tolerance(atol=1e-5, rtol=1e-4)
EXACT = Tolerance(atol=0.0, rtol=0.0)


def of(predicted: Any, replayed: Any, tolerance: Tolerance = TOLERANCE) -> Comparison:
    (found,) = compare({"y": np.asarray(predicted)}, {"y": np.asarray(replayed)}, tolerance)
    return found


def by_rounding(predicted: Any, replayed: Any, sigma: Any, sigmas: float = 8.0) -> Comparison:
    known = {"y": KnownForAll(np.asarray(sigma, np.float64))}
    values = {"y": np.asarray(predicted)}, {"y": np.asarray(replayed)}
    (found,) = compare(*values, Tolerance(sigmas=sigmas), sigma=known)
    return found


def with_value(place: tuple[int, ...], value: float) -> Array:
    y = random_array(5, 6, 2)
    y[place] = value
    return y


def test_the_same_array_matches() -> None:
    y = random_array(5, 6, 2)
    found = of(y, y.copy())
    assert (found.verdict, found.reason) == (Verdict.MATCH, "")
    assert found.max_abs_deviation == found.max_rel_deviation == 0
    assert (found.samples_beyond, found.non_finite, found.shape) == (0, 0, (5, 6, 2))


def test_equal_arrays_match_without_any_tolerance() -> None:
    y = random_array(5, 6, 2)
    assert of(y, y.copy(), EXACT).verdict is Verdict.MATCH
    assert of(np.nextafter(y, 9), y, EXACT).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("side", ["predicted", "replayed"])
def test_one_value_that_is_not_finite_on_one_side_is_a_mismatch(side: str, value: float) -> None:
    odd, y = with_value((4, 5, 1), value), random_array(5, 6, 2)
    found = of(odd, y) if side == "predicted" else of(y, odd)
    assert found.verdict is Verdict.MISMATCH
    assert found.reason == "1 of 5 samples beyond the tolerance"
    assert found.max_abs_deviation == found.max_rel_deviation == INF
    assert found.index(found.worst(1)[0]) == (4, 5, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [((NAN, 1.0), (1.0, NAN)), ((INF, 1.0), (-INF, 1.0)), ((NAN, 1.0), (INF, 1.0)), ((-INF, 1.0), (NAN, 1.0))],
)
def test_other_values_that_are_not_finite_are_a_mismatch(one: Any, other: Any) -> None:
    assert of([one], [other]).verdict is Verdict.MISMATCH
    assert of([other], [one]).verdict is Verdict.MISMATCH
    assert of([one], [other], Tolerance(1e300, 1e300)).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_the_same_value_that_is_not_finite_on_both_sides_proves_nothing(value: float) -> None:
    found = of(with_value((2, 3, 1), value), with_value((2, 3, 1), value))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.startswith("1 value is NaN or infinite on both sides")
    assert found.non_finite == 1
    assert found.max_abs_deviation == 0


def test_a_mismatch_beside_nan_on_both_sides_is_a_mismatch() -> None:
    one, other = with_value((2, 3, 1), NAN), with_value((2, 3, 1), NAN)
    one[0, 0, 0] += 1
    assert of(one, other).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("place", [(0, 0, 0), (4, 5, 1), (2, 3, 0)])
def test_one_element_just_beyond_the_tolerance_is_a_mismatch(place: tuple[int, ...]) -> None:
    replayed = random_array(5, 6, 2)
    allowed = TOLERANCE.atol + TOLERANCE.rtol * abs(float(replayed[place]))
    for factor, verdict in ((0.999, Verdict.MATCH), (1.001, Verdict.MISMATCH)):
        predicted = replayed.copy()
        predicted[place] += factor * allowed
        found = of(predicted, replayed)
        assert found.verdict is verdict
        assert found.index(found.worst(1)[0]) == place


@pytest.mark.parametrize("sigmas", [8.0, 3.0])
@pytest.mark.parametrize("place", [(0, 0, 0), (4, 5, 1), (2, 3, 0)])
def test_one_element_just_beyond_its_sigma_is_a_mismatch(place: tuple[int, ...], sigmas: float) -> None:
    """Each element goes by its own: the others may deviate more."""
    replayed, sigma = random_array(5, 6, 2), 1e-6 * (1 + np.abs(random_array(5, 6, 2, seed=1)))
    for factor, verdict in ((0.999, Verdict.MATCH), (1.001, Verdict.MISMATCH)):
        predicted = replayed + 0.9 * sigmas * sigma
        predicted[place] = replayed[place] + factor * sigmas * sigma[place]
        found = by_rounding(predicted, replayed, sigma, sigmas)
        assert found.verdict is verdict
        assert found.index(found.worst(1)[0]) == place
        assert found.max_sigmas == pytest.approx(factor * sigmas)
        assert found.sigma[place[0]] == sigma[place]
        assert found.samples_beyond == (verdict is Verdict.MISMATCH)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("side", ["predicted", "replayed"])
def test_one_value_that_is_not_finite_on_one_side_is_a_mismatch_by_rounding_too(side: str, value: float) -> None:
    odd, y, sigma = with_value((4, 5, 1), value), random_array(5, 6, 2), np.full((5, 6, 2), 1e3)
    found = by_rounding(odd, y, sigma) if side == "predicted" else by_rounding(y, odd, sigma)
    assert (found.verdict, found.reason) == (Verdict.MISMATCH, "1 of 5 samples beyond what rounding explains")
    assert found.max_abs_deviation == INF
    assert found.index(found.worst(1)[0]) == (4, 5, 1)


def test_nothing_agrees_by_rounding_without_a_sigma() -> None:
    """Neither what deviates nor what does not, since nobody knows."""
    y = random_array(5, 2)
    for predicted in (y, y + 1e-12):
        (found,) = compare({"y": predicted}, {"y": y}, Tolerance())
        assert found.verdict is Verdict.MISMATCH
        assert math.isnan(found.max_sigmas)


@pytest.mark.parametrize("sigma", [NAN, 0.0])
def test_a_sigma_that_is_no_number_or_nothing_allows_nothing(sigma: float) -> None:
    y = random_array(5, 2)
    assert by_rounding(y + 1e-9, y, np.full((5, 2), sigma)).verdict is Verdict.MISMATCH


def test_an_infinite_sigma_is_no_match() -> None:
    """Nothing can be said of that element; the others are judged all the same."""
    y, sigma = random_array(5, 2), np.full((5, 2), 1e-6)
    sigma[2, 1] = INF
    for value in (y[2, 1] + 1e3, NAN, INF):
        predicted = y.copy()
        predicted[2, 1] = value
        found = by_rounding(predicted, y, sigma)
        assert (found.verdict, found.unjudged) == (Verdict.INCONCLUSIVE, 1)
        predicted[0, 0] += 1e-5
        assert by_rounding(predicted, y, sigma).verdict is Verdict.MISMATCH


@pytest.mark.parametrize(("share", "verdict"), [(0.5, Verdict.MATCH), (0.01, Verdict.INCONCLUSIVE)])
def test_a_tolerance_of_more_than_a_share_of_the_output_judges_nothing(share: float, verdict: Verdict) -> None:
    """Even if a prediction lies beyond it; and less than that is judged."""
    y = np.ones((5, 2))
    sigma = {"y": np.full((5, 2), 0.02 / 8)}
    for away in (0.0, 0.019):
        (found,) = compare({"y": y + away}, {"y": y}, Tolerance(), sigma=sigma, share=share)
        assert (found.verdict, found.unjudged) == (verdict, 0 if verdict is Verdict.MATCH else 10)
        assert found.unjudged_rows.all() == (verdict is Verdict.INCONCLUSIVE)
    (found,) = compare({"y": y + 0.1}, {"y": y}, Tolerance(), sigma=sigma, share=share)
    assert found.verdict is (Verdict.MISMATCH if verdict is Verdict.MATCH else Verdict.INCONCLUSIVE)


def test_the_size_of_a_unit_is_that_of_its_sample_or_what_is_known_of_it() -> None:
    y, sigma = np.array([[[1e-9, 2.0], [1.0, 1e-9]], [[1e-9, 1.0], [1e-9, 1.0]]]), {"y": np.full((2, 2, 2), 1e-6)}
    (alone,) = compare({"y": y}, {"y": y}, Tolerance(), sigma=sigma, share=0.01)
    assert alone.unjudged_rows.tolist() == [False, True]  # of one unit nothing is known but that it is small
    least = {"y": np.array([[0.0, 0.0], [0.5, 0.0]])}
    (known,) = compare({"y": y}, {"y": y}, Tolerance(), sigma=sigma, share=0.01, least=least)
    assert (known.verdict, known.unjudged) == (Verdict.MATCH, 0)


def test_unjudged_elements_can_be_accepted() -> None:
    y, sigma = random_array(5, 2), np.full((5, 2), 1e-6)
    sigma[2, 1] = INF
    predicted = y.copy()
    predicted[2, 1] += 7
    found = by_rounding(predicted, y, sigma)
    assert (found.verdict, accepted(found).verdict, accepted(found).unjudged) == ("inconclusive", "match", 1)


@pytest.mark.parametrize("value", [NAN, INF, 1.5])
def test_what_is_beyond_no_number_or_all_there_is_cannot_be_accepted(value: float) -> None:
    y, sigma = random_array(5, 2), np.full((5, 2), 1e-6)
    sigma[2, 1] = INF
    predicted = y.copy()
    predicted[2 if value != 1.5 else 0, 1] = value
    found = by_rounding(predicted, y, sigma)
    assert accepted(found).verdict is found.verdict is not Verdict.MATCH
    nothing = by_rounding(y, y, np.full((5, 2), INF))
    assert accepted(nothing).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_number_where_not_even_float64_holds_one_is_a_mismatch(value: float) -> None:
    """σ is infinite there too, but a framework that returns a number computes something else."""
    y, sigma = with_value((4, 5, 1), value), np.full((5, 6, 2), 1e-6)
    sigma[4, 5, 1] = INF
    found = by_rounding(random_array(5, 6, 2), y, sigma)
    assert found.verdict is Verdict.MISMATCH
    assert found.index(found.worst(1)[0]) == (4, 5, 1)
    assert by_rounding(y, y, sigma).verdict is Verdict.INCONCLUSIVE


def test_what_is_predicted_was_rounded_at_least_once() -> None:
    """Half a unit in the last place of its dtype, whatever σ; float64 has almost none."""
    exact = np.float64(1.0) + np.arange(1, 9).reshape(4, 2) / 97
    rounded, nothing = exact.astype(np.float32), np.zeros((4, 2))
    assert by_rounding(rounded, exact, nothing).verdict is Verdict.MATCH
    assert by_rounding(rounded.astype(np.float64), exact, nothing).verdict is Verdict.MISMATCH
    off = rounded + np.float32(2.0**-23 * 10)
    assert by_rounding(off, exact, nothing).verdict is Verdict.MISMATCH


def test_a_tolerance_that_is_given_decides_and_sigma_is_told() -> None:
    y, sigma = random_array(5, 2), np.full((5, 2), 1e-6)
    known = {"y": KnownForAll(sigma)}
    (found,) = compare({"y": y + 1e-4}, {"y": y}, Tolerance(atol=1e-3), sigma=known)
    assert found.verdict is Verdict.MATCH
    assert found.max_sigmas == pytest.approx(100)
    (found,) = compare({"y": y + 4e-6}, {"y": y}, Tolerance(atol=1e-6), sigma=known)
    assert (found.verdict, found.reason) == (Verdict.MISMATCH, "5 of 5 samples beyond the tolerance")


@pytest.mark.parametrize(
    ("tolerance", "words", "data"),
    [
        (Tolerance(), "|Δ| ≤ 8σ of rounding", (8.0, None, None)),
        (Tolerance(sigmas=2.5), "|Δ| ≤ 2.5σ of rounding", (2.5, None, None)),
        (Tolerance(atol=0.5), "|Δ| ≤ 0.5 + 0·|replayed|", (None, 0.5, 0.0)),
        (Tolerance(rtol=0.5), "|Δ| ≤ 0 + 0.5·|replayed|", (None, 0.0, 0.5)),
        (Tolerance(0.0, 0.0), "|Δ| ≤ 0 + 0·|replayed|", (None, 0.0, 0.0)),
    ],
)
def test_a_tolerance_in_words_and_as_data(tolerance: Tolerance, words: str, data: tuple[float | None, ...]) -> None:
    assert str(tolerance) == words
    assert tolerance.to_dict() == {
        **dict(zip(("sigmas", "atol", "rtol"), data, strict=True)),
        "decimals": None,
        "digits": None,
    }


def test_the_tolerance_is_relative_to_the_replay_not_to_the_prediction() -> None:
    """A prediction that is far too large does not widen its own tolerance."""
    relative = Tolerance(0.0, 0.6)
    assert of([[2.0]], [[1.0]], relative).verdict is Verdict.MISMATCH
    assert of([[1.0]], [[2.0]], relative).verdict is Verdict.MATCH


@pytest.mark.parametrize(
    ("predicted", "replayed"),
    [
        ((4, 1), (4,)),
        ((4,), (4, 1)),
        ((4, 1), (4, 3)),
        ((1, 3), (4, 3)),
        ((4, 3), (1, 3)),
        ((4, 3), (3, 4)),
        ((), (1,)),
    ],
)
def test_other_shapes_are_a_mismatch_even_if_they_broadcast(predicted: Any, replayed: Any) -> None:
    found = of(np.ones(predicted), np.ones(replayed))
    assert found.verdict is Verdict.MISMATCH
    assert found.reason.startswith(f"predicted shape {predicted}, replayed {replayed}; shapes are never broadcast")
    assert math.isnan(found.max_abs_deviation)
    assert math.isnan(found.max_rel_deviation)
    assert (found.worst(3), found.samples_beyond) == ([], 0)


def test_a_missing_output_is_a_mismatch() -> None:
    y = random_array(5, 2)
    found = compare({"y": y}, {"y": y, "z": y}, TOLERANCE)
    assert [(c.name, c.verdict, c.reason) for c in found] == [
        ("y", Verdict.MATCH, ""),
        ("z", Verdict.MISMATCH, "output 'z' was not predicted"),
    ]
    assert verdict_of(found) is Verdict.MISMATCH


def test_an_extra_output_is_a_mismatch() -> None:
    y = random_array(5, 2)
    found = compare({"y": y, "z": y}, {"y": y}, TOLERANCE)
    assert [(c.name, c.verdict, c.shape) for c in found] == [
        ("y", Verdict.MATCH, (5, 2)),
        ("z", Verdict.MISMATCH, (5, 2)),
    ]
    assert found[1].reason == "output 'z' was not replayed"
    assert verdict_of(found) is Verdict.MISMATCH


def test_outputs_are_paired_by_name() -> None:
    y, z = random_array(5, 2), random_array(5, 2, seed=1)
    assert verdict_of(compare({"z": z, "y": y}, {"y": y, "z": z}, TOLERANCE)) is Verdict.MATCH
    assert verdict_of(compare({"z": y, "y": z}, {"y": y, "z": z}, TOLERANCE)) is Verdict.MISMATCH


@pytest.mark.parametrize("shape", [(0, 2), (5, 0), (5, 0, 2), (0,)])
def test_nothing_to_compare_is_inconclusive(shape: tuple[int, ...]) -> None:
    found = of(np.ones(shape), np.ones(shape))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == f"no values to compare, shape {shape}"


def test_no_outputs_are_inconclusive() -> None:
    assert compare({}, {}, TOLERANCE) == ()
    assert verdict_of(()) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdicts", "joint"),
    [("match match", "match"), ("match inconclusive", "inconclusive"), ("inconclusive mismatch match", "mismatch")],
)
def test_the_joint_verdict_is_the_worst(verdicts: str, joint: str) -> None:
    parts = tuple(Comparison(verdict, Verdict(verdict), "", (1,)) for verdict in verdicts.split())
    assert verdict_of(parts) is Verdict(joint)


def test_every_chunk_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deviation is found in whichever sample it is, and the result does not depend on the chunks."""
    replayed = random_array(11, 3, 2)
    whole = of(replayed + 1e-7 * random_array(11, 3, 2, seed=1), replayed)
    monkeypatch.setattr("lstm_verify.judging.compare.CHUNK_BYTES", 8 * 6 * 2)
    parts = of(replayed + 1e-7 * random_array(11, 3, 2, seed=1), replayed)
    for name in ("deviations", "relative_deviations", "places", "predicted", "replayed", "within"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()
    for sample in range(11):
        predicted = replayed.copy()
        predicted[sample, 2, 1] += 1
        found = of(predicted, replayed)
        assert (found.verdict, found.worst(1), found.samples_beyond) == (Verdict.MISMATCH, [sample], 1)
        predicted[sample, 2, 1] = NAN
        assert of(predicted, predicted).non_finite == 1


def test_a_sample_larger_than_a_chunk_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_verify.judging.compare.CHUNK_BYTES", 1)
    y = random_array(3, 50)
    assert of(y, y).verdict is Verdict.MATCH
    assert len(of(y, y).deviations) == 3


def test_the_worst_samples_and_their_places() -> None:
    replayed = np.zeros((4, 3, 2))
    predicted = replayed.copy()
    predicted[1, 2, 0], predicted[3, 0, 1], predicted[3, 1, 1], predicted[0, 1, 0] = -0.5, 0.25, 0.75, NAN
    found = of(predicted, replayed)
    assert found.worst(10) == [0, 3, 1, 2]
    assert [found.index(sample) for sample in found.worst(3)] == [(0, 1, 0), (3, 1, 1), (1, 2, 0)]
    assert found.predicted[1:].tolist() == [-0.5, 0.0, 0.75]
    assert found.within.tolist() == [False, False, True, False]
    assert found.samples_beyond == 3


def test_outputs_of_one_axis_have_a_place() -> None:
    found = of([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    assert found.index(found.worst(1)[0]) == (2,)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int32", "bool"])
def test_every_dtype_is_compared_in_float64(dtype: str) -> None:
    """uint8 would wrap around, bool has no difference, and float16 would lose it."""
    predicted = np.array([[0, 1]], dtype)
    assert of(predicted, np.array([[1.0, 0.0]])).deviations.tolist() == [1.0]
    assert of(predicted, np.array([[0, 1]], dtype)).verdict is Verdict.MATCH
    assert of(predicted, np.array([[0.0, 1.0 + 1e-9]]), EXACT).verdict is Verdict.MISMATCH


def test_a_difference_that_float32_cannot_hold_is_not_lost() -> None:
    replayed = np.array([[1.0, 1.0]])
    found = of(np.array([[1.0, 1.0 + 1e-9]]), replayed, EXACT)
    assert found.verdict is Verdict.MISMATCH
    assert found.max_abs_deviation == pytest.approx(1e-9, rel=1e-6)


def test_float16_against_float64() -> None:
    exact = random_array(5, 2)
    found = of(exact.astype("float16"), exact)
    half = exact.astype("float16").tolist()
    for sample, rows in enumerate(zip(half, exact.tolist(), strict=True)):
        assert found.deviations[sample] == max(abs(p - r) for p, r in zip(*rows, strict=True))


values = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([NAN, INF, -INF, 0.0]))


@given(st.lists(st.tuples(values, values, values, values), min_size=1, max_size=6))
def test_every_number_equals_plain_python(rows: list[tuple[float, float, float, float]]) -> None:
    """Two predicted and two replayed values a sample; the relative deviation stays between 0 and 2, or is infinite."""
    found = of([row[:2] for row in rows], [row[2:] for row in rows])
    for sample, (p, q, r, s) in enumerate(rows):
        deviations = [by_hand(p, r), by_hand(q, s)]
        assert found.deviations[sample] == max(deviations)
        assert found.places[sample] == deviations.index(max(deviations))
        relative = found.relative_deviations[sample]
        assert relative == pytest.approx(max(relative_by_hand(p, r), relative_by_hand(q, s)))
        assert 0 <= relative <= 2 or relative == INF
        assert bool(found.within[sample]) == (within(p, r) and within(q, s))
    beyond = any(not (within(p, r) and within(q, s)) for p, q, r, s in rows)
    finite = all(math.isfinite(value) for row in rows for value in row)
    wanted = Verdict.MISMATCH if beyond else Verdict.MATCH if finite else Verdict.INCONCLUSIVE
    assert found.verdict is wanted


def same(p: float, r: float) -> bool:
    return p == r or (math.isnan(p) and math.isnan(r))


def by_hand(p: float, r: float) -> float:
    if math.isfinite(p) and math.isfinite(r):
        return abs(p - r)
    return 0.0 if same(p, r) else INF


def relative_by_hand(p: float, r: float) -> float:
    deviation = by_hand(p, r)
    return deviation if deviation in (0.0, INF) else deviation / max(abs(p), abs(r))


def within(p: float, r: float) -> bool:
    if math.isfinite(p) and math.isfinite(r):
        return abs(p - r) <= TOLERANCE.atol + TOLERANCE.rtol * abs(r)
    return same(p, r)

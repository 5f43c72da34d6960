"""Sample by sample: CSV that reads back to the numbers of the report, and the numbers alone."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.layers import Array
from lstm_verify.reporters import samples
from tests import reports
from tests.reports import REPORTS, STRANGE

SEVERAL = """\
output,sample,abs_deviation,rel_deviation,within,index,predicted,replayed,sigmas,unjudged
dense,0,0.0,0.0,1,0 0,0.0,0.0,nan,0
dense,1,3.0,0.16666666666666666,0,2 0,15.0,18.0,nan,0
single,0,0.0,0.0,1,,0.0,0.0,nan,0
single,1,0.0,0.0,1,,12.0,12.0,nan,0
"""


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(samples.render_csv(REPORTS[name]()))))


def numbers(name: str) -> Array:
    loaded: Array = np.load(io.BytesIO(samples.render_npy(REPORTS[name]())), allow_pickle=False)
    return loaded


def test_several_outputs() -> None:
    assert samples.render_csv(reports.several_axes()) == SEVERAL


@pytest.mark.parametrize("name", REPORTS)
def test_every_number_reads_back_exactly(name: str) -> None:
    read = iter(rows(name))
    for output in REPORTS[name]().outputs:
        for sample in range(len(output.deviations)):
            row = next(read)
            assert (row["output"], int(row["sample"])) == (output.name, sample)
            assert float(row["abs_deviation"]) == output.deviations[sample]
            assert float(row["rel_deviation"]) == output.relative_deviations[sample]
            assert bool(int(row["within"])) == bool(output.within[sample])
            assert tuple(int(i) for i in row["index"].split()) == output.index(sample)[1:]
            assert_array_equal(float(row["predicted"]), output.predicted[sample])
            assert_array_equal(float(row["replayed"]), output.replayed[sample])
            assert_array_equal(float(row["sigmas"]), output.sigmas[sample])
            assert bool(int(row["unjudged"])) == bool(output.unjudged_rows[sample])
    assert next(read, None) is None


def test_deviations_in_sigma() -> None:
    read = rows("mismatch_by_rounding")
    assert [float(row["sigmas"]) for row in read] == [0.0, 20.0, 6.0, 0.0]
    assert [row["within"] for row in read] == ["1", "0", "1", "1"]


def test_what_is_not_finite_reads_back() -> None:
    row = rows("not_finite")[1]
    assert math.isnan(float(row["predicted"]))
    assert float(row["abs_deviation"]) == math.inf


def test_names_are_kept() -> None:
    assert {row["output"] for row in rows("strange_names")} == {STRANGE}


@pytest.mark.parametrize("name", ["a,b", 'say "y"', "two\nlines"])
def test_names_that_csv_has_to_quote(name: str) -> None:
    report = reports.report_of({name: reports.REPLAYED}, {name: reports.REPLAYED})
    read = list(csv.DictReader(io.StringIO(samples.render_csv(report), newline="")))
    assert [row["output"] for row in read] == [name] * 4


@pytest.mark.parametrize("name", REPORTS)
def test_the_numbers_alone(name: str) -> None:
    report, found = REPORTS[name](), numbers(name)
    assert found.shape == (report.samples, len(report.outputs))
    assert found.dtype == np.float64
    for column, output in enumerate(report.outputs):
        wanted = output.deviations if output.deviations.size else np.full(report.samples, np.nan)
        assert_array_equal(found[:, column], wanted)


def test_an_output_that_was_not_compared_is_not_zero() -> None:
    assert_array_equal(numbers("missing_output"), np.array([[0.0, np.nan]] * 4))

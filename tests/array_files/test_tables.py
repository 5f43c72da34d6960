"""Tables for arrays of other axes: each line is a sample where that is clear, and else the error has the way out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError
from lstm_verify.array_files.tables import Shape, fitted
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Array


def table(lines: int, columns: int) -> TextRows:
    values = np.arange(lines * columns).reshape(lines, columns)
    return TextRows(values, list(map(str, values.ravel())), "x.csv", is_table=True, notes=("a note",))


def fit(lines: int, columns: int, shape: Shape | None, samples: int | None = 0) -> tuple[Array, list[str]]:
    rows, notes = fitted(table(lines, columns), shape, samples, "input 'x'")
    return np.asarray(rows), notes


def test_a_line_for_a_sample_is_reshaped_with_a_note() -> None:
    values, notes = fit(4, 6, (None, 3, 2))
    assert_array_equal(values, np.arange(24).reshape(4, 3, 2))
    assert notes == ["a note", "x.csv: each line is taken for one sample, 3 x 2, the last axis fastest"]


@pytest.mark.parametrize(
    ("lines", "columns", "shape", "result"),
    [
        (4, 6, (None, 6), (4, 6)),
        (4, 6, (None, None), (4, 6)),
        (4, 5, (None, 6), (4, 5)),  # which the check of the input refuses
        (4, 6, None, (4, 6)),
        (4, 6, (4, 6, 1), (4, 6, 1)),
        (4, 6, (None, None, 1), (4, 6, 1)),
        (4, 6, (None, 1, 6), (4, 1, 6)),
        (4, 24, (None, 2, 4, 3), (4, 2, 4, 3)),
        (4, 1, (None,), (4,)),
        (1, 1, (), ()),
        (2, 1, (), (2, 1)),
        (4, 1, (None, 1, 1), (4, 1, 1)),
    ],
)
def test_what_is_clear(lines: int, columns: int, shape: Shape | None, result: tuple[int, ...]) -> None:
    values, _ = fit(lines, columns, shape)
    assert_array_equal(values, np.arange(lines * columns).reshape(result))


UNKNOWN = "Say which shape that is: x.csv:64x40x16"


@pytest.mark.parametrize(
    ("lines", "columns", "shape", "wanted", "advice"),
    [
        (12, 2, (None, 3, 2), "(samples, 3, 2)", "If each line is a time step: x.csv:4x3x2"),
        (11, 2, (None, 3, 2), "(samples, 3, 2)", UNKNOWN),
        (4, 5, (None, 3, 2), "(samples, 3, 2)", UNKNOWN),
        (
            *(4, 7, (None, 3, 2), "(samples, 3, 2)"),
            "Leave out the column that is none of the 6 numbers of a sample, such as an index",
        ),
        (4, 6, (None, None, 2), "(samples, any, 2)", "If each line is a sample: x.csv:4x3x2"),
        (
            *(7, 2, (None, None, 2), "(samples, any, 2)"),
            "If each line is a sample: x.csv:7x1x2; if each line is a time step: x.csv:1x7x2",
        ),
        (
            *(7, 3, (None, None, 3), "(samples, any, 3)"),
            "If each line is a sample: x.csv:7x1x3; if each line is a time step: x.csv:1x7x3",
        ),
        (2, 6, (None, None, None), "(samples, any, any)", UNKNOWN),
        (4, 6, (None,), "(samples)", UNKNOWN),
    ],
)
def test_what_is_not_clear_is_refused_with_the_way_out(
    lines: int, columns: int, shape: Shape, wanted: str, advice: str
) -> None:
    with pytest.raises(InputError) as error:
        fit(lines, columns, shape)
    assert str(error.value) == f"input 'x': {lines} lines of {columns} numbers, expected {wanted}. {advice}"


def test_one_column_may_be_samples_or_steps() -> None:
    ways = "If each line is a sample: x.csv:7x1x1; if each line is a time step: x.csv:1x7x1"
    with pytest.raises(InputError) as error:
        fit(7, 1, (None, None, 1))
    assert str(error.value) == f"input 'x': 7 lines of 1 number, expected (samples, any, 1). {ways}"


@pytest.mark.parametrize("samples", [1, None])
def test_a_table_has_its_samples_in_its_lines(samples: int | None) -> None:
    with pytest.raises(InputError, match="Say which shape that is"):
        fit(4, 6, (3, None, 2), samples)


def test_what_has_its_shape_already_stays_as_it_is() -> None:
    rows = table(4, 6).reshaped((2, 2, 6))
    values, notes = fitted(rows, (None, 3, 2), 0, "input 'x'")
    assert (values.shape, notes) == ((2, 2, 6), ["a note"])
    array = np.zeros((4, 6))
    assert fitted(array, (None, 3, 2), 0, "input 'x'") == (array, [])

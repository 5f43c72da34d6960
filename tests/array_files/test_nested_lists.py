"""JSON: lists of numbers of any depth, by name or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError
from lstm_verify.array_files import read_arrays


def read(tmp_path: Path, content: str) -> dict[str, Any]:
    (tmp_path / "x.json").write_text(content)
    return read_arrays(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("[[1, 2], [3, 4.5]]", [[1, 2], [3, 4.5]]),
        ("\ufeff[[[1]], [[2]]]", [[[1]], [[2]]]),
        ("0.25", 0.25),
        ("[NaN, -Infinity, 1]", [float("nan"), -float("inf"), 1]),
        ("[true, false]", [True, False]),
        ("[9007199254740993]", [9007199254740993]),
    ],
)
def test_lists_are_arrays(content: str, values: Any, tmp_path: Path) -> None:
    assert_array_equal(read(tmp_path, content)[""][:], values)


def test_an_object_has_arrays_by_name(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a:0": [[1, 2]], "b": [0.5]}')
    assert {name: rows.values.tolist() for name, rows in found.items()} == {"a": [[1, 2]], "b": [0.5]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, [2]]", " at [1]: a list of 1, expected a number"),
        ("[[1, 2], [3]]", " at [1]: a list of 1, expected 2 as in the first of the lists"),
        ("[[1], 2]", " at [1]: 2, expected a list of 1"),
        ("[[[1], [2]], [[3], [4, 5]]]", " at [1, 1]: a list of 2, expected 1 as in the first of the lists"),
        ("[[1, null]]", " at [0, 1]: null, expected a number; write NaN where one is missing"),
        ("[true, 1]", " at [0]: 'True', expected a number. Write 1 and 0"),
        ('[[1], ["2"]]', ' at [1, 0]: the string "2", expected a number without quotation marks'),
        ("[0.5, 1e400]", " at [1]: '1e400' is larger than float64 can hold"),
        ("[0.5, 9007199254740993]", " at [1]: '9007199254740993' has more digits than float64 can hold"),
        ("[{}]", " at [0]: an object, expected a number"),
        ('{"a": {"b": [1]}}', ": 'a': an object, expected a number"),
        ('{"a": [1], "a": [2]}', ": more than one array is named 'a', expected one for each"),
        ('{"a": [1], "a:0": [2]}', ": more than one array is named 'a', expected one for each"),
        ("{}", ": an empty object, expected one array for each input or output"),
        ("[]", ": holds no numbers, shape (0,)"),
        ("[[], []]", ": holds no numbers, shape (2, 0)"),
        ("[1,\n2,", ": line 2, column 3: no JSON (Expecting value)"),
        ("[1]\n[2]\n", ": line 2, column 1: no JSON (Extra data)"),
        ("[" * 60 + "1" + "]" * 60, ": lists in lists, too deep to be an array"),
        ("[" + "9" * 5000 + "]", f" at [0]: '{'9' * 40}…', expected a number"),
    ],
)
def test_what_is_no_array_is_refused_with_its_place(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert str(error.value) == f"{tmp_path}/x.json{message}"


def test_the_arrays_of_an_object_are_not_told_a_shape(tmp_path: Path) -> None:
    read(tmp_path, '{"a": [1, 2]}')
    with pytest.raises(InputError, match="an object, whose arrays have their own shapes"):
        read_arrays(f"{tmp_path}/x.json:2x1")

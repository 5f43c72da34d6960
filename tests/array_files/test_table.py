"""Tables as spreadsheets, pandas, NumPy and other programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError
from lstm_verify.array_files import read_arrays
from lstm_verify.array_files.text_rows import TextRows


def read(tmp_path: Path, content: str | bytes, name: str = "x.csv") -> TextRows:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows = read_arrays(path)[""]
    assert isinstance(rows, TextRows)
    return rows


def notes_of(rows: TextRows) -> list[str]:
    return [note.split(": ", 1)[1] for note in rows.notes]


@pytest.mark.parametrize(
    "content",
    [
        "1.5,-2\n3,4e-1\n",
        "1.5,-2\n3,4e-1",
        "1.5,-2\r\n3,4e-1\r\n",
        "1.5,-2\r3,4e-1\r",
        "\ufeff1.5,-2\n3,4e-1\n",
        "\n1.5,-2\n\n3,4e-1\n\n",
        " 1.5 ,  -2 \n3, 4e-1\n",
        '"1.5","-2"\n"3","4e-1"\n',
        "1.5;-2\n3;4e-1\n",
        "1.5\t-2\n3\t4e-1\n",
        "1.5 -2\n3 4e-1\n",
        "+1.5,-2.\n3.0,.4\n",
    ],
)
def test_what_is_between_numbers_does_not_matter(content: str, tmp_path: Path) -> None:
    rows = read(tmp_path, content)
    assert_array_equal(rows.values, [[1.5, -2], [3, 0.4]])
    assert rows.notes == ()


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.tsv"])
def test_decimal_commas_are_read_where_cells_are_not_separated_by_them(name: str, tmp_path: Path) -> None:
    separator = "\t" if name == "x.tsv" else ";"
    rows = read(tmp_path, f"0,25{separator}1\n-3,5e2{separator},5\n", name)
    assert_array_equal(rows.values, [[0.25, 1], [-350, 0.5]])
    assert notes_of(rows) == ["decimal commas"]


def test_a_txt_file_has_any_whitespace(tmp_path: Path) -> None:
    assert_array_equal(read(tmp_path, "  1   2\n\t3\t4 \n", "x.txt").values, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("a,b\n1,2\n", "line 1 is a header (a, b)"),
        ("\n# made by hand\nf 1,f 2\n1,2\n", "line 3 is a header (f 1, f 2)"),
        ("a,b,c,d,e\n1,2,3,4,5\n", "line 1 is a header (a, b, c, d, …)"),
        ("0,1\n1.0,2.0\n", "line 1 numbers the columns, and is a header"),
        (",0,1\n0,1.0,2.0\n", "the first column counts the lines, and is left out"),
        (",a,b\n0,1,2\n", "the first column counts the lines, and is left out"),
        ("Unnamed: 0,a,b\n0,1,2\n", "the first column counts the lines, and is left out"),
        ("# 1,2\n1,2\n", "1 line of comments left out, which begin with #"),
    ],
)
def test_what_is_left_out_is_said(content: str, note: str, tmp_path: Path) -> None:
    rows = read(tmp_path, content)
    assert rows.values.tolist()[0][:2] == [1, 2]
    assert len(rows) == 1
    assert note in notes_of(rows)


def test_a_line_of_whole_numbers_among_such_lines_is_a_sample(tmp_path: Path) -> None:
    rows = read(tmp_path, "0,1,2\n5,3,8\n")
    assert len(rows) == 2
    assert notes_of(rows) == ["line 1 numbers the columns, but is taken for a sample, since all others are whole too"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n3\n", "line 2: 1 cell, expected 2 as in line 1"),
        ("a,b\n1,2\n\n3,4,5\n", "line 4: 3 cells, expected 2 as in line 2"),
        ("1,2\n3,\n", "line 2, column 2: an empty cell, expected a number; write nan where one is missing"),
        ("1,2\n3,x\n", "line 2, column 2: 'x', expected a number"),
        ("1,2x\n3,4\n", "line 1, column 2: '2x', expected a number"),
        ("1.5x\n3\n", "line 1, column 1: '1.5x', expected a number"),
        ("a,2\n3,4\n", "line 1, column 1: 'a', expected a number"),
        ('"1,5","2"\n', "line 1, column 1: '1,5', expected a number. Decimals behind a comma are read where"),
        ("1,5;2\n1.5;2\n", "line 1 has decimal commas, and line 2 decimal points; expected one of them"),
        ("1.234,5;2\n", "line 1, column 1: '1.234,5', expected a number"),
        ("1,1e400\n", "line 1, column 2: '1e400' is larger than float64 can hold"),
        ("1,1_000\n", "line 1, column 2: '1_000', expected a number"),
        ("1,\u0663\n", "line 1, column 2: '\u0663', expected a number"),
        ("1,1e5000000000000\n", "line 1, column 2: '1e5000000000000', expected a number"),
        ("1,0x10\n", "line 1, column 2: '0x10', expected a number"),
        ("true,1\n", "line 1, column 1: 'true', expected a number. Write 1 and 0"),
        (
            "99999999999999999999,1\n",
            "line 1, column 1: '99999999999999999999', expected integers that 64 bits can hold",
        ),
        ("0.5,9007199254740993\n", "line 1, column 2: '9007199254740993' has more digits than float64 can hold"),
        ('"1\n2"\n', "line 1: cannot be split into cells"),
        ("a,b\n", "no numbers, only a header"),
        ("# a\n", "no numbers, only comments"),
        (",a\n7,1\n9,2\n", "the first column has no name, and does not count the lines. Leave it out"),
        (b"1,2\n\xe9\n", "no text, byte 4 is not UTF-8"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused_with_its_place(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path}/x.csv: {message}")


@pytest.mark.parametrize("word", ["nan", "NaN", "-inf", "Infinity"])
def test_what_is_not_finite_is_kept(word: str, tmp_path: Path) -> None:
    assert_array_equal(read(tmp_path, f"1,{word}\n").values, [[1, float(word)]])


@pytest.mark.parametrize(
    ("content", "dtype"),
    [("1,-2\n", "int64"), ("1,18446744073709551615\n", "uint64"), ("1,2.0\n", "float64"), ("True,FALSE\n", "bool")],
)
def test_numbers_have_the_type_they_are_written_in(content: str, dtype: str, tmp_path: Path) -> None:
    assert read(tmp_path, content).dtype == np.dtype(dtype)


def test_a_shape_must_hold_all_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
    assert read_arrays(f"{tmp_path}/x.csv:3x2x1")[""].shape == (3, 2, 1)
    with pytest.raises(InputError, match="6 numbers, 2x3, expected 8 for 4x2"):
        read_arrays(f"{tmp_path}/x.csv:4x2")

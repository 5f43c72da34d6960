"""Zip files that are no `.npz` files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from lstm_verify import InputError
from lstm_verify.array_files import read_arrays


@pytest.mark.parametrize(
    ("name", "advice"),
    [("[Content_Types].xml", "Save the sheet as CSV"), ("a.txt", "Was it written with numpy.savez?")],
)
def test_a_zip_file_of_something_else_is_refused(name: str, advice: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr(name, "<xml/>")
    with pytest.raises(InputError) as error:
        read_arrays(tmp_path / "x.xlsx")
    assert str(error.value).endswith(f"a zip file in which '{name}' is no array, expected a .npz file. {advice}")

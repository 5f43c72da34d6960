"""`docs/formats.md` is what its program writes, as far as that takes no models."""

from __future__ import annotations

import pytest

from lstm_verify.formats import FORMATS
from tests.zoo.onnx import table

PAGE = table.PAGE.read_text()


@pytest.mark.parametrize("part", [table.formats, table.departures, table.operators, table.refused])
def test_a_part_of_the_page_is_up_to_date(part: object) -> None:
    assert callable(part)
    assert part() in PAGE, "python -m tests.zoo.onnx.table --keep"


def test_every_format_is_described() -> None:
    assert set(table.READ) == {known.name for known in FORMATS}


def test_the_page_has_every_model_of_the_zoo() -> None:
    from tests.zoo.onnx import keras_models

    assert set(keras_models.MODELS) <= set(table.ROWS.values())
    assert not [title for title in table.ROWS if f"\n| {title} |" not in PAGE]

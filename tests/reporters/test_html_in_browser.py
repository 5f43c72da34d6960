"""The report as a page in Chromium: it fits every width, loads nothing, and can be read in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Report
from lstm_verify.reporters.html import render
from tests import reports
from tests.reporters import browser
from tests.reporters.test_html import off, verified

pytestmark = pytest.mark.skipif(
    browser.CHROMIUM is None, reason="NO BROWSER: the layout of pages is not tested. apt-get install chromium"
)
LONG = "a_very_long_name_without_any_place_to_break_it_" * 4
COMMAND = f"lstm-verify verify {LONG}.keras --input {LONG}.npy --html report.html"


def long_names() -> Report:
    report = reports.report_of({LONG: reports.REPLAYED + 1}, {LONG: reports.REPLAYED})
    source = replace(reports.SOURCE, path=f"/{LONG}/{LONG}.h5", writer=LONG)
    return replace(report, model=replace(report.model, name=LONG, source=source), notes=(LONG,), command=COMMAND)


def wide() -> Report:
    return reports.report_of({"y": np.zeros((300, 900))}, {"y": np.ones((300, 900))})


PAGES: dict[str, Callable[[], Report]] = {
    "match": lambda: verified("encoder_decoder"),
    "mismatch": lambda: off("bidirectional_masked", "tag", (2, 3, 1)),
    "explained": reports.explained,
    "blind spots": reports.with_blind_spots,
    "inconclusive": reports.no_outputs,
    "long names": long_names,
    "wide": wide,
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_width_and_loads_nothing(name: str, tmp_path: Path) -> None:
    page = render(PAGES[name]())
    for width in (360, 1400):
        found = browser.measured(page, width, tmp_path)
        assert found["width"] == width
        assert found["scrollWidth"] <= width
        assert found["wide"] == []
        assert found["loaded"] == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_background(dark: bool, tmp_path: Path) -> None:
    page = render(replace(off("bidirectional_masked", "tag", (2, 3, 1)), command=COMMAND, notes=("a `note`",)))
    contrasts = browser.measured(page, 1400, tmp_path, dark)["contrasts"]
    assert any("on rgb(21, 24, 28)" in colours for colours in contrasts) == dark
    assert len(contrasts) >= 4
    assert not {colours: ratio for colours, ratio in contrasts.items() if ratio < 4.5}


def test_what_is_too_wide_would_be_seen(tmp_path: Path) -> None:
    page = render(reports.match()).replace("<main>", '<main><p style="width: 500px">wide</p><img src="x.png">')
    found = browser.measured(page, 360, tmp_path)
    assert found["scrollWidth"] > 360
    assert len(found["wide"]) == 1

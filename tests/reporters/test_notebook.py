"""A report in a notebook: in short, as a figure, and as a table."""

from __future__ import annotations

import csv
import io
import sys

import pandas
import pytest

from lstm_verify import InputError, Report
from lstm_verify.details import Details
from lstm_verify.errors import OutputError
from lstm_verify.reporters.samples import COLUMNS, render_csv
from tests import reports
from tests.reporters.page import LOADING, Page
from tests.reporters.test_terminal import rendered

every = pytest.mark.parametrize("name", reports.REPORTS)


# --- in short


@every
def test_in_short_it_is_a_part_of_a_page_that_changes_nothing_around_it(name: str) -> None:
    page = Page(reports.REPORTS[name]()._repr_html_())
    assert [element.tag for element in page.root.children] == ["div"]
    assert not {element.tag for element in page.all()} & {*LOADING, "style", "h1", "h2"}
    assert not [e for e in page.all() if {"class", "id", "onclick"} & set(e.attributes)]
    assert all(e.attributes["scope"] in ("row", "col") for e in page.all("th"))
    styles = [e.attributes["style"] for e in page.all() if "style" in e.attributes]
    assert not [style for style in styles if "#" in style or "rgb" in style or "background" in style]


@every
def test_in_short_it_says_what_the_terminal_says(name: str) -> None:
    report = reports.REPORTS[name]()
    shown = " ".join(rendered(report, 0).replace("`", "").replace(" (-v lists them)", "").split())
    page = Page(report._repr_html_())
    verdict, *lines = [" ".join(e.text.replace("`", "").split()) for e in page.all("p")]
    assert verdict.split()[1].lower() == str(report.verdict)
    assert all(line in shown for line in lines)


# --- as a figure


def test_a_figure_shows_what_deviates_most() -> None:
    figure = reports.several_axes().plot()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["largest |Δ| / tolerance", "largest |Δ| / tolerance", "number of values", "sample"]
    assert [ax.get_xlabel() for ax in figure.axes[:2]] == ["time step", "sample"]
    assert figure.get_suptitle() == "mismatch: dense"


def test_a_figure_is_of_the_output_that_is_asked_for() -> None:
    figure = reports.several_axes().plot("single")
    assert figure.get_suptitle() == "mismatch: single"
    assert len(figure.axes) == 2


def test_a_figure_is_shown_once_and_leaves_no_settings_behind() -> None:
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("agg")
    before = dict(matplotlib.rcParams)
    reports.mismatch().plot()
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_an_output_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match=r"output 'dence': there is none that was compared\. They are dense, single"):
        reports.several_axes().plot("dence")


@pytest.mark.parametrize("report", [reports.no_outputs(), reports.report_of({}, {}, details=Details())])
def test_nothing_to_draw_is_told(report: Report) -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        report.plot()


def test_a_name_with_signs_of_mathematics_is_a_name() -> None:
    replayed = {"$x^$": reports.REPLAYED}
    figure = reports.report_of(replayed, replayed).plot()
    figure.savefig(io.BytesIO(), format="png")


# --- as a table


@every
def test_a_table_is_the_csv(name: str) -> None:
    report = reports.REPORTS[name]()
    frame = report.to_dataframe()
    written = list(csv.DictReader(io.StringIO(render_csv(report))))
    assert (list(frame.columns), len(frame)) == (list(COLUMNS), len(written))
    for row, line in zip(frame.to_dict("records"), written, strict=True):
        assert (row["output"], str(row["sample"])) == (line["output"], line["sample"])
        assert " ".join(map(str, row["index"])) == line["index"]
        assert (str(int(row["within"])), str(int(row["unjudged"]))) == (line["within"], line["unjudged"])
        for number in ("abs_deviation", "rel_deviation", "predicted", "replayed", "sigmas"):
            assert repr(float(row[number])) == line[number]


def test_a_table_has_numbers_to_compute_with() -> None:
    frame = reports.mismatch_by_rounding().to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.loc[frame["sigmas"].idxmax(), "sample"] == 1
    assert frame[~frame["within"]]["sample"].tolist() == [1]


def test_without_pandas_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OutputError, match="pip install pandas"):
        reports.match().to_dataframe()

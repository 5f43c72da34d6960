"""The report as a page: what it says, that nothing is loaded, and that it can be read in any way."""

from __future__ import annotations

import builtins
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Report, Tolerance, record, verify
from lstm_verify.details import Details
from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.arrays.seen import predictions
from lstm_verify.diagnosis.localise import DeviationStart
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.errors import OutputError
from lstm_verify.model import Input
from lstm_verify.report import Failure
from lstm_verify.reporters.html import _hashed, render, render_failure
from tests import reports
from tests.command import inputs, model, recorded
from tests.contract.test_reporters import ROLLOUTS
from tests.reporters.page import Element, Page, check
from tests.reporters.test_rollout import rendered as shown_rollout
from tests.reporters.test_terminal import rendered

EVIL = "<script>alert(1)</script>\x1b[31m\u202e\"'&amp;`"


def page_of(report: Report) -> Page:
    return check(render(report))


def verified(name: str, kind: str = "keras3.keras", **options: Any) -> Report:
    return verify(model(name, kind), inputs(name), **{"expected": recorded(name, kind), **options})


def off(name: str, output: str, at: tuple[int, ...]) -> Report:
    """The fixture of a name with one recorded number changed."""
    arrays = {key: values.copy() for key, values in np.load(recorded(name)).items()}
    arrays[output][at] += 0.01
    return verified(name, expected=arrays, diagnose=False)


def headings(page: Page) -> list[str]:
    return [element.text for element in page.all("h2")]


def rows(page: Page, caption: str) -> list[list[str]]:
    (table,) = (t for t in page.all("table") if t.children[0].text == caption)
    return [[cell.text for cell in row.children] for row in table.all("tr") if row.within("tbody")]


# --- every page


@pytest.mark.parametrize("name", reports.REPORTS)
def test_every_report_is_a_page(name: str) -> None:
    report = reports.REPORTS[name]()
    page = page_of(report)
    (body,) = page.all("body")
    assert body.attributes["class"] == str(report.verdict)
    assert page.all("h1")[0].text.split()[1].lower() == str(report.verdict)
    assert {e.attributes["id"] for e in page.all("section")} >= {"compared", "deviations", "model", "reproduce"}


@pytest.mark.parametrize("name", ["match", "mismatch_by_rounding", "explained", "ambiguous", "unexplained"])
def test_the_verdict_and_its_cause_are_in_the_words_of_the_terminal(name: str) -> None:
    report = reports.REPORTS[name]()
    shown = " ".join(rendered(report, 0).split())
    page = page_of(report)
    lead = next(element for element in page.all("p") if element.attributes.get("class") == "lead")
    assert f"{report.verdict.upper()} {lead.text}" in shown
    if report.diagnosis:
        for sentence in page.section("cause").all("p"):
            assert sentence.text in shown.replace("`", "")


def test_what_comes_first_is_what_matters_most() -> None:
    assert headings(page_of(replace(reports.explained(), notes=("a note",)))) == [
        *(
            "Cause",
            "What was compared",
            "Deviations",
            "Gates of the worst sample",
            "Model",
            "Blind spots",
            "Notes",
            "How to reproduce",
        )
    ]


def test_the_same_report_is_the_same_page_whatever_matplotlib_is_set_to() -> None:
    from matplotlib import rc_context

    first = render(reports.several_axes())
    with rc_context({"font.size": 20, "xtick.labelsize": 30, "axes.spines.top": True, "svg.fonttype": "path"}):
        assert render(reports.several_axes()) == first


def test_two_verifications_differ_in_the_time_they_took_only() -> None:
    first, second = (render(replace(verified("stacked_gru"), timings={})) for _ in range(2))
    assert first == second


# --- names from a file


def test_names_from_a_file_are_text() -> None:
    report = reports.report_of({EVIL: reports.REPLAYED + 1}, {EVIL: reports.REPLAYED})
    source = replace(reports.SOURCE, path=f"{EVIL}.h5", writer=EVIL)
    one = report.model
    layers = {f"{name}{EVIL}": replace(layer, name=f"{name}{EVIL}") for name, layer in one.layers.items()}
    nodes = tuple(
        replace(n, layer=f"{n.layer}{EVIL}", inputs=tuple(t._replace(layer=f"{t.layer}{EVIL}") for t in n.inputs))
        for n in one.nodes
    )
    given = tuple(replace(spec, name=f"{spec.name}{EVIL}") for spec in one.inputs)
    ends = tuple(replace(o, name=EVIL, tensor=o.tensor._replace(layer=f"{o.tensor.layer}{EVIL}")) for o in one.outputs)
    named = replace(one, name=EVIL, source=source, layers=layers, nodes=nodes, inputs=given, outputs=ends)
    strange = replace(report, model=named, notes=(EVIL,), command=EVIL, predicted=replace(report.predicted, name=EVIL))
    page = page_of(strange)
    assert "<script>alert(1)</script>\\x1b[31m\\u202e\"'&amp;" in page.section("model").text
    assert not [part for part in ("<script", "\x1b", "\u202e") if part in page.source]
    assert page.all("title")[0].text.startswith("Mismatch: ")


def test_gates_of_a_layer_with_a_name_from_a_file_are_drawn() -> None:
    name = r"\1 $x$ <script>alert(1)</script>"
    report = verified("stacked_gru")
    worst = report.details.worst
    assert worst
    one = report.model
    layers = {name if key == "reset_after" else key: layer for key, layer in one.layers.items()}
    nodes = tuple(
        replace(
            n,
            layer=name if n.layer == "reset_after" else n.layer,
            inputs=tuple(t._replace(layer=name) if t.layer == "reset_after" else t for t in n.inputs),
        )
        for n in one.nodes
    )
    page = page_of(replace(report, model=replace(one, layers=layers, nodes=nodes)))
    labels = [plot.attributes["aria-label"] for plot in page.section("gates").all("svg")]
    assert any(name in label for label in labels)
    assert "<script" not in page.source


# --- plots


def captions(section: Element) -> list[str]:
    return [caption.text for caption in section.all("figcaption")]


def test_an_output_over_time_has_four_plots() -> None:
    page = page_of(off("bidirectional_masked", "tag", (2, 3, 1)))
    assert [caption.partition(".")[0] for caption in captions(page.section("deviations"))] == [
        *("By time step", "By sample", "By size", "By sample and unit, 6 × 2")
    ]
    labels = [plot.attributes["aria-label"] for plot in page.section("deviations").all("svg")]
    assert all("1 of" in label and "beyond 8σ" in label for label in labels[:2])
    assert labels[3].endswith("the largest is at sample 2, unit 1, or near it.")
    assert "marks time step 3" in page.section("gates").text
    assert "This output has no time axis" not in page.section("deviations").text


def test_an_output_without_time_says_so() -> None:
    page = page_of(verified("stacked_gru"))
    assert "This output has no time axis" in page.section("deviations").text
    assert [caption.partition(".")[0] for caption in captions(page.section("gates"))] == ["reset_after", "reset_before"]
    assert "dashed line marks" not in page.section("gates").text


def test_where_no_gates_are_drawn_it_says_why() -> None:
    gates = page_of(verified("stateful")).section("gates")
    assert gates.text.endswith(
        "Not drawn: samples cannot be replayed one at a time, or are too large or too long for that."
    )
    report = verified("conv_pool_lstm")
    worst = report.details.worst
    assert worst
    last = list(report.model.layers)[-1]
    alone = replace(report.model, nodes=report.model.nodes[-1:], layers={last: report.model.layers[last]})
    start = replace(alone, inputs=(Input(alone.nodes[0].inputs[0].layer, (None, None), "float32"),))
    units = next(iter(dict(report.model.layers[last].weights()).values())).shape[0]
    given = replace(worst, inputs={start.inputs[0].name: np.ones((1, units))})
    page = page_of(replace(report, model=start, details=replace(report.details, worst=given)))
    assert page.section("gates").text.endswith("no recurrent layer with gates that are known.")


def made(predicted: Any, replayed: Any, sigma: Any = None, **changes: Any) -> Report:
    known = None if sigma is None else {"y": np.full(np.shape(replayed) or (1,), float(sigma))}
    return reports.report_of({"y": np.asarray(predicted)}, {"y": np.asarray(replayed)}, known, **changes)


ZEROS = np.zeros((4, 3))
NOISE = 1e-7 * np.random.default_rng(0).standard_normal((100_000, 2))
CASES: dict[str, Callable[[], Report]] = {
    "nothing deviates": lambda: made(ZEROS, ZEROS, 1e-7),
    "one sample": lambda: made(ZEROS[:1] + 1e-7, ZEROS[:1], 1e-7),
    "one number": lambda: made(1.0, 1.5, 1e-7),
    "scalars": lambda: made(np.zeros(5), np.ones(5), 1e-7),
    "infinite": lambda: made(ZEROS + np.inf, ZEROS, 1e-7),
    "NaN on both sides": lambda: made(ZEROS + np.nan, ZEROS + np.nan, 1e-7),
    "infinite σ": lambda: made(ZEROS + 1, ZEROS, np.inf),
    "σ of 0": lambda: made(ZEROS + 1, ZEROS, 0.0),
    "enormous": lambda: made(ZEROS + 1e300, ZEROS, 1e-300),
    "tiny": lambda: made(ZEROS + 5e-324, ZEROS, 1.0),
    "wide": lambda: made(np.zeros((3, 1000)), np.ones((3, 1000)), 1e-7),
    "one time step": lambda: made(np.zeros((3, 1, 2)), np.ones((3, 1, 2)), 1e-7),
    "long": lambda: made(np.zeros((2, 5000, 1)), np.ones((2, 5000, 1)), 1e-7),
    "many samples": lambda: made(NOISE, np.zeros_like(NOISE), 1e-7),
    "a tolerance": lambda: made(ZEROS + 1, ZEROS),
}


@pytest.mark.parametrize("name", CASES)
def test_every_shape_and_number_is_drawn(name: str) -> None:
    page = page_of(CASES[name]())
    assert page.section("deviations").all("svg")
    assert len(page.source) < 250_000, name
    assert not re.search(r"\b(nan|inf)\b", " ".join(e.attributes.get("d", "") for e in page.all("path")))


def test_many_outputs_are_in_the_table_and_the_worst_are_drawn() -> None:
    replayed = {f"y{n}": np.zeros((2, 2)) for n in range(20)}
    predicted = {name: rows + n for n, (name, rows) in enumerate(replayed.items())}
    page = page_of(reports.report_of(predicted, replayed))
    assert len(rows(page, "Outputs")) == 20
    assert [e.text for e in page.section("deviations").all("h3")] == [f"Output y{n}" for n in (19, 18, 17, 16)]
    assert "16 more outputs, which deviate less" in page.section("deviations").text


def test_without_details_it_says_that_there_are_none() -> None:
    page = page_of(replace(reports.match(), details=Details()))
    assert page.section("deviations").text.endswith("Where the outputs deviate was not kept.")
    page = page_of(reports.no_outputs())
    assert page.section("deviations").text.endswith("No values were compared, so there is nothing to draw.")


# --- the model


def test_the_layer_that_the_diagnosis_names_is_marked() -> None:
    page = page_of(reports.explained())
    marked = [item for item in page.section("model").all("li") if item.attributes.get("class") == "named"]
    assert [next(item.all("b")).text for item in marked] == ["lstm"]
    assert "named by the diagnosis" in marked[0].text
    assert not [e for e in page_of(reports.match()).all("li") if e.attributes.get("class") == "named"]


def test_a_layer_inside_another_is_marked_with_it() -> None:
    place = DeviationStart("bidirectional/backward_layer", "backward", 3)
    report = replace(verified("bidirectional_masked"), diagnosis=Diagnosis("unexplained", (), place=place))
    items = page_of(report).section("model").all("li")
    marked = [next(item.all("b")).text for item in items if item.attributes.get("class") == "named"]
    assert marked == ["bidirectional", "backward_layer"]


def test_an_output_that_is_permuted_is_no_layer_that_is_wrong() -> None:
    seen, _ = predictions("permuted", "dense", "permuted", "in another order", "Look.", None)  # type: ignore[arg-type]
    found = Explanation(seen, Misfit(20.0, 0.25, 10.0), Misfit(0.5, 1e-7, 0.25), 4)
    report = replace(reports.mismatch(), diagnosis=Diagnosis("explained", (found,)))
    assert "named by the diagnosis" not in page_of(report).section("model").text


def test_layers_are_in_the_order_of_computation() -> None:
    page = page_of(verified("encoder_decoder"))
    items = [next(item.all("b")).text for item in page.section("model").all("li")]
    assert items.index("encoder") < items.index("decoder") < items.index("dense")
    assert items[:2] == ["source", "target"] or items[0] in ("source", "target", "encoder_input")


# --- how to reproduce


def test_files_are_told_by_their_hashes() -> None:
    page = page_of(replace(verified("stacked_gru"), command="lstm-verify 'a b.h5' -i x.npz"))
    paths = [model("stacked_gru", "keras3.keras"), inputs("stacked_gru"), recorded("stacked_gru", "keras3.keras")]
    assert rows(page, "Files") == [
        [str(path), f"{path.stat().st_size:,}", hashlib.sha256(path.read_bytes()).hexdigest()] for path in paths
    ]
    assert next(page.section("reproduce").all("pre")).text == "lstm-verify 'a b.h5' -i x.npz"
    assert rows(page, "Inputs") == [["input", "(6, 7, 3)", "float32"]]


def test_a_file_of_several_parts_is_hashed_in_parts() -> None:
    directory, beginning = model("origin_tanh_relu", "keras3.export"), model("basic_lstm", "tf1.ckpt")
    page = page_of(replace(reports.match(), details=Details(files=(directory, beginning, model("gone")))))
    found = [row[0] for row in rows(page, "Files")]
    assert f"{directory}/saved_model.pb" in found
    assert [name for name in found if "ckpt" in name] == [
        f"{beginning}.{part}" for part in ("data-00000-of-00001", "index", "meta")
    ]


# --- rollouts


@pytest.mark.parametrize("name", ROLLOUTS)
def test_every_rollout_is_a_page(name: str) -> None:
    report = ROLLOUTS[name]()
    page = check(report.to_html())
    shown = " ".join(shown_rollout(report).split())
    lead = next(element for element in page.all("p") if element.attributes.get("class") == "lead")
    assert f"{report.verdict.upper()} {lead.text}" in shown
    assert len(page.all("svg")) == len([output for output in report.outputs if output.deviations.size])
    assert "lstm_verify.rollout" in page.section("reproduce").text


def test_the_steps_of_a_rollout_are_counted_as_in_its_words() -> None:
    report = ROLLOUTS["mismatch"]()
    page = check(report.to_html())
    assert "the two runs diverge at step 3" in page.all("p")[0].text
    assert ["3", "first beyond"] in [[row[0], row[-1]] for row in rows(page, "Steps that matter")]
    plot = page.all("svg")[0]
    assert [label.text for label in plot.all("text")][:6] == ["1", "2", "3", "4", "5", "step"]
    assert "3 of 5 points beyond tolerance" in plot.attributes["aria-label"]


def test_a_relative_tolerance_of_a_rollout_is_no_line() -> None:
    page = check(replace(ROLLOUTS["match"](), tolerance=Tolerance(rtol=0.1)).to_html())
    assert not page.all("svg")
    assert "Not drawn" in page.section("deviations").text


def test_a_file_that_is_gone_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(b"content")
    monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError("denied")))
    assert list(_hashed(file)) == [(str(file), "-", "cannot be read any more")]


def test_a_golden_folder_is_hashed_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "golden"
    paths = (model("stacked_gru", "keras3.keras"), inputs("stacked_gru"))
    record(*paths, folder, expected=recorded("stacked_gru"), blind_spots=False)
    found = rows(page_of(verify(paths[0], golden=folder)), "Files")
    assert {row[0] for row in found} == {str(paths[0]), *(str(path) for path in folder.rglob("*") if path.is_file())}


# --- what it needs, and failures


def test_without_matplotlib_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def refusing(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(OutputError, match=r"pip install 'lstm-verify\[report\]'"):
        render(reports.match())


def test_a_failure_is_a_page() -> None:
    page = check(render_failure(Failure(f"{EVIL}.h5", f"{EVIL}: cannot be read")))
    assert page.all("h1")[0].text.startswith("! Error ")
    assert "cannot be read" in page.all("p")[0].text

"""The terminal: golden reports, and names that must be shown as they are."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from lstm_verify import Report, Tolerance, Verdict, verify
from lstm_verify.inspection import inspect
from lstm_verify.judging.compare import compare, verdict_of
from lstm_verify.layers import LSTMVariantCell
from lstm_verify.model import Input
from lstm_verify.report import Predicted
from lstm_verify.reporters import inspection, terminal
from tests import reports
from tests.builders import lstm_model, random_array, rnn, sequential
from tests.command import FIXTURES, model, run
from tests.reports import REPORTS, STRANGE

MISMATCH = """\
model      model.h5
read       Keras HDF5, written by Keras 2.4.0: 2 layers, 138 parameters
against    tf_keras 2.21.0 on TensorFlow 2.21.0
samples    4
tolerance  |Δ| ≤ 1e-05 + 0.0001·|replayed|

 output   shape     max |Δ|   in σ   max relative   beyond   worst at
 ────────────────────────────────────────────────────────────────────
 dense    (4, 3)   5.00e-01      -       1.00e+00   2 of 4     (3, 1)

worst samples of dense

 sample    at   predicted   replayed        |Δ|   σ
 ───────────────────────────────────────────────────────────
      3   (1)        1.75       1.25   5.00e-01   -   beyond
      0   (2)           0       0.25   2.50e-01   -   beyond
      1   (0)       0.375      0.375   0.00e+00   -

MISMATCH  dense: 2 of 4 samples beyond the tolerance; up to 5.00e-01
"""
MISMATCH_BY_ROUNDING = """\
model      model.h5
read       Keras HDF5, written by Keras 2.4.0: 2 layers, 138 parameters
against    tf_keras 2.21.0 on TensorFlow 2.21.0
samples    4
tolerance  |Δ| ≤ 8σ of rounding in float32

 output   shape     max |Δ|    in σ   max relative   beyond   worst at
 ─────────────────────────────────────────────────────────────────────
 dense    (4, 3)   5.72e-06   20.0σ       6.54e-06   1 of 4     (1, 0)

worst samples of dense

 sample    at     predicted   replayed        |Δ|          σ
 ────────────────────────────────────────────────────────────────────
      1   (0)   0.375002384      0.375   2.38e-06   1.19e-07   beyond
      2   (1)   0.875005722      0.875   5.72e-06   9.54e-07
      0   (0)             0          0   0.00e+00   9.54e-07

MISMATCH  dense: 1 of 4 samples beyond what rounding explains; up to 5.72e-06 (20.0σ), so --atol 6.3e-06 would pass
"""
MATCH_BY_ROUNDING = """\
model      model.h5
read       Keras HDF5, written by Keras 2.4.0: 2 layers, 138 parameters
against    tf_keras 2.21.0 on TensorFlow 2.21.0
samples    4
tolerance  |Δ| ≤ 8σ of rounding in float32

 output   shape     max |Δ|   in σ   max relative   beyond   worst at
 ────────────────────────────────────────────────────────────────────
 dense    (4, 3)   7.15e-06   7.5σ       8.17e-06   0 of 4     (2, 1)

MATCH  all 4 samples agree with what the weights compute, up to 7.15e-06 (7.5σ)
"""
UNJUDGED = (
    "INCONCLUSIVE  dense: 1 value cannot be judged: rounding alone may change it as much as a fault would. "
    "--allow-unjudged accepts it; --atol and --rtol compare it all the same"
)
EXPLAINED = """\

model.predict behaves as if `lstm` had recurrent_activation = hard_sigmoid(slope=0.2); the file says sigmoid. \
With it, the 4 samples tried agree within rounding (0.5σ); without, up to 0.25.
Equivalent explanations: `lstm` bias = zero (bias).
What to do: Name the activation"""
AMBIGUOUS = """
On this input it cannot be told apart from: `lstm` bias = zero (bias).
`--random 16 --seed 3` would tell them apart.
"""
UNEXPLAINED = """\

No known fault explains what model.predict returns: 1,234 changes of the model were tried.
The search was cut short. Not tried, or not completely: pairs of faults, three faults at once.
The closest is `lstm` bias = zero (bias), which leaves 0.12: not an explanation, but perhaps a part of one.
"""
BLIND = "blind spots: this input could not have shown: initial_state, clip in lstm; gelu_approximation in dense"
BLIND_DETAILS = """\
  `lstm`: initial_state, initial state = carried over: at most 0σ
  `lstm`: clip, cell_clip = 3: at most 2e-07σ
  `dense`: gelu_approximation, activation = gelu(approximate): at most 4σ
"""
MATCH = """\
model      model.h5
read       Keras HDF5, written by Keras 2.4.0: 2 layers, 138 parameters
against    tf_keras 2.21.0 on TensorFlow 2.21.0
samples    4
tolerance  |Δ| ≤ 1e-05 + 0.0001·|replayed|

 output   shape     max |Δ|   in σ   max relative   beyond   worst at
 ────────────────────────────────────────────────────────────────────
 dense    (4, 3)   2.50e-06      -       2.86e-06   0 of 4     (2, 1)

MATCH  all 4 samples agree with what the weights compute, up to 2.50e-06
"""
NO_OUTPUTS = """\
model      model.h5
read       Keras HDF5, written by Keras 2.4.0: 2 layers, 138 parameters
against    tf_keras 2.21.0 on TensorFlow 2.21.0
samples    4
tolerance  |Δ| ≤ 1e-05 + 0.0001·|replayed|
INCONCLUSIVE  tf_keras: gave up after 600 s
"""
INSPECTION = """\
model         model.h5
written by    Keras 2.4.0, as Keras HDF5
parameters    138, computed in float32
input x       (any, 6, 3) float32
output dense  from dense
lstm  LSTM  ← x
├── units=4  gates=i, f, c, o  activation=tanh  recurrent_activation=sigmoid
├── kernel (3, 16) float64
├── recurrent_kernel (4, 16) float64
├── bias (16,) float64
└── inside: lstm/z, lstm/i, lstm/f, lstm/o, lstm/candidate, lstm/c, lstm/h
dense  Dense  ← lstm
├── activation=linear
├── kernel (4, 2) float64
└── bias (2,) float64
"""
VARIANT = """\
model       model
parameters  116, computed in float32
input x     (any, 6, 3) float32
output rnn  from rnn
rnn  LSTM  ← x
├── units=4  gates=i, f, c, o  activation=tanh  recurrent_activation=sigmoid  forget_bias=1  cell_clip=0.3
│   layer_norm_epsilon=1e-12  peepholes=i, f, o  projected_to=2
├── kernel (3, 16) float64
├── recurrent_kernel (2, 16) float64
├── bias (16,) float64
├── peephole_i (4,) float64
├── peephole_f (4,) float64
├── peephole_o (4,) float64
├── projection (4, 2) float64
└── inside: rnn/z, rnn/i, rnn/f, rnn/o, rnn/candidate, rnn/c, rnn/h
"""
ESCAPE = "\x1b]0;title\x07\x1b[2J"


def shown(print_to: Callable[[Console], None], width: int = 100) -> str:
    """What is printed, without colours and without blanks at the ends of lines."""
    file = io.StringIO()
    print_to(Console(width=width, file=file, color_system=None, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def rendered(report: Report, top: int = 3, details: bool = False) -> str:
    return shown(lambda console: terminal.render(report, console, top, details))


def after_the_verdict(report: Report, details: bool = False) -> str:
    """What follows the line of the verdict."""
    text = rendered(report, top=0, details=details)
    _, found, rest = text.partition(f"\n{report.verdict.upper()}  ")
    assert found
    return rest.partition("\n")[2]


def test_a_mismatch() -> None:
    assert rendered(reports.mismatch()) == MISMATCH


def test_a_match() -> None:
    assert rendered(reports.match(), top=0) == MATCH


def test_a_mismatch_by_rounding() -> None:
    """In the order of σ, since that decides, though another sample deviates more."""
    assert rendered(reports.mismatch_by_rounding()) == MISMATCH_BY_ROUNDING


def test_a_match_by_rounding() -> None:
    assert rendered(reports.match_by_rounding(), top=0) == MATCH_BY_ROUNDING


def test_what_cannot_be_judged() -> None:
    text = rendered(reports.unjudged())
    assert text.splitlines()[-1] == UNJUDGED
    assert "would pass" not in text


@pytest.mark.parametrize(("own", "said"), [(4, ""), (0, ""), (3, ", σ computed for 3 samples that deviate most")])
def test_for_how_many_samples_there_is_a_sigma_of_their_own(own: int, said: str) -> None:
    line = rendered(replace(reports.match_by_rounding(), own_sigma=own)).splitlines()[4]
    assert line == f"tolerance  |Δ| ≤ 8σ of rounding in float32{said}"


def test_a_diagnosis_follows_the_verdict() -> None:
    assert after_the_verdict(reports.explained()).startswith(EXPLAINED)
    assert AMBIGUOUS in after_the_verdict(reports.ambiguous())
    assert after_the_verdict(reports.unexplained()) == UNEXPLAINED


@pytest.mark.parametrize(
    ("runtime", "subject"),
    [("keras", "model.predict"), ("saved_model", "saved_model"), ("recorded", "What was recorded")],
)
def test_who_behaves_as_if(runtime: str, subject: str) -> None:
    report = replace(reports.explained(), predicted=Predicted(runtime, "somewhere"))
    assert after_the_verdict(report).splitlines()[1].startswith(f"{subject} behaves as if `lstm` had ")


def test_blind_spots_follow_the_verdict() -> None:
    assert after_the_verdict(reports.with_blind_spots()) == f"{BLIND} (-v lists them)\n"
    assert after_the_verdict(reports.with_blind_spots(), details=True) == f"{BLIND}\n{BLIND_DETAILS}"
    assert after_the_verdict(reports.without_blind_spots()) == ""
    assert after_the_verdict(reports.fails_on_blind_spots()) == f"{BLIND} (-v lists them), treated as a failure\n"


def test_blind_spots_of_which_not_all_were_looked_for() -> None:
    lines = after_the_verdict(reports.not_all_blind_spots()).splitlines()
    assert lines[-1] == "blind spots: the search was cut short after 12 faults; there may be more"


def test_nothing_compared() -> None:
    assert rendered(reports.no_outputs()) == NO_OUTPUTS


def test_an_inspection() -> None:
    model = replace(lstm_model(), source=reports.SOURCE)
    assert shown(lambda console: inspection.render(inspect(model), console)) == INSPECTION


def test_an_inspection_of_a_cell_with_options() -> None:
    cell = LSTMVariantCell(
        name="cell",
        kernel=random_array(3, 16),
        recurrent_kernel=random_array(2, 16),
        bias=random_array(16),
        **{f"peephole_{gate}": random_array(4) for gate in "ifo"},
        forget_bias=1.0,
        cell_clip=float(np.float32(0.3)),
        projection=random_array(4, 2),
        layer_norm_epsilon=1e-12,
    )
    found = inspect(sequential(rnn(cell)))
    assert shown(lambda console: inspection.render(found, console), width=110) == VARIANT


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_ends_with_its_verdict_or_what_there_is_to_say_about_it(name: str) -> None:
    report = REPORTS[name]()
    lines = rendered(report).splitlines()
    (last,) = (at for at, line in enumerate(lines) if line.startswith(f"{report.verdict.upper()}  "))
    more = report.diagnosis is not None or (report.blind_spots is not None and bool(report.blind_spots.found))
    assert (last == len(lines) - 1) == (not more)
    for output in report.outputs:
        assert any(output.name in line for line in lines[:last])


@pytest.mark.parametrize("top", [0, 1, 2, 9])
def test_as_many_of_the_worst_samples_as_asked_for(top: int) -> None:
    text = rendered(reports.mismatch(), top)
    assert ("worst samples of dense" in text) == (top > 0)
    assert text.count("   beyond\n") == min(top, 2)
    assert len(re.findall(r"^ +\d   \(\d\)", text, re.MULTILINE)) == min(top, 4)


def test_a_single_sample() -> None:
    report = reports.report_of({"dense": reports.REPLAYED[:1]}, {"dense": reports.REPLAYED[:1]})
    assert rendered(report).splitlines()[-1] == (
        "MATCH  the sample agrees with what the weights compute, up to 0.00e+00"
    )


def test_names_are_shown_as_they_are() -> None:
    """In the header, the table, the title of the worst samples and the verdict, with what looks like markup."""
    lines = rendered(reports.strange_names()).splitlines()
    assert lines[0].split(maxsplit=1)[1] == f"{STRANGE}.h5"
    assert f" {STRANGE} " in lines[8]
    assert f"worst samples of {STRANGE}" in lines
    assert lines[-1].startswith(f"MISMATCH  {STRANGE}: 4 of 4 samples beyond")


@pytest.mark.parametrize("name", ["[/]", "[/red]", "[red", "[bold]x", "\\[x]", "[link=file:///x]y[/link]", ":smile:"])
def test_names_that_rich_could_stumble_over(name: str) -> None:
    report = reports.report_of({name: reports.REPLAYED}, {name: reports.REPLAYED})
    assert rendered(report).count(name) == 2  # in the table, and as a title


@pytest.mark.parametrize("name", ["[/]", "[red]x", "<&>", "日本"])
def test_an_inspection_shows_names_as_they_are(name: str) -> None:
    model = replace(lstm_model(), inputs=(Input(name, (None, 6, 3), "float32"),))
    text = shown(lambda console: inspection.render(inspect(model), console))
    assert f"input {name} " in text


@pytest.mark.parametrize("where", ["output", "path"])
def test_a_name_from_a_file_does_not_control_the_terminal(where: str) -> None:
    name = ESCAPE if where == "output" else "dense"
    report = reports.report_of({name: reports.REPLAYED}, {name: reports.REPLAYED})
    if where == "path":
        report = replace(report, model=replace(report.model, source=replace(reports.SOURCE, path=ESCAPE)))
    assert "\x1b" not in rendered(report)


def test_every_recurrence_of_a_graph_has_a_line() -> None:
    settings = {"units": 4, "activation": "tanh", "recurrent_activation": "sigmoid", "gates in the graph": "i, f, c, o"}
    found = (
        {"layer": "while", "type": "LSTM", "settings": settings},
        {"layer": "other\n", "type": None, "settings": {}},
    )
    lines = [line.rstrip() for line in rendered(replace(reports.match(), recurrences=found)).splitlines()]
    first = next(number for number, line in enumerate(lines) if line.startswith("found "))
    assert lines[first].endswith("while: LSTM of 4, tanh/sigmoid, gates i, f, c, o")
    assert lines[first + 1].strip() == "other\\n: a recurrence with an unknown cell, replayed operation by operation"


def test_colours_only_where_there_are_any() -> None:
    file = io.StringIO()
    terminal.render(reports.mismatch(), Console(file=file, force_terminal=True, color_system="standard", width=100), 3)
    assert "\x1b[1;31mMISMATCH\x1b[0m" in file.getvalue()


@pytest.mark.parametrize("sigma", [None, {"dense": reports.SIGMA}], ids=["fixed", "by rounding"])
@pytest.mark.parametrize("worst", [1.5e-5, 9.94e-5, 9.96e-5, 0.05, 1.0, 123.456, 9.951e12])
def test_the_tolerance_that_would_pass_does_pass(worst: float, sigma: dict[str, np.ndarray] | None) -> None:
    replayed = reports.REPLAYED * 0
    replayed[2] = 1000 * worst  # which a tolerance of that size is small for
    predicted = replayed.copy()
    predicted[1, 2] = worst
    line = rendered(reports.report_of({"dense": predicted}, {"dense": replayed}, sigma)).splitlines()[-1]
    found = re.search(r"so --atol (\S+) would pass", line)
    assert found is not None
    assert worst <= float(found[1]) <= 1.11 * worst
    again = compare({"dense": predicted}, {"dense": replayed}, Tolerance(float(found[1])))
    assert verdict_of(again) is Verdict.MATCH
    fewer = compare({"dense": predicted}, {"dense": replayed}, Tolerance(0.89 * float(found[1])))
    assert verdict_of(fewer) is Verdict.MISMATCH


@pytest.mark.parametrize("name", ["not_finite", "missing_output", "other_shape", "nan_on_both_sides", "no_samples"])
def test_no_tolerance_is_suggested_where_none_would_pass(name: str) -> None:
    assert "would pass" not in rendered(REPORTS[name]())


def test_a_report_is_printed_as_the_command_prints_it_and_is_one_line_to_look_at() -> None:
    files = model("origin_tanh_sigmoid"), FIXTURES / "origin.x.npy", FIXTURES / "origin_tanh_sigmoid.keras3.y.npz"
    report = verify(*files[:2], expected=files[2], blind_spots=False)
    printed = run(files[0], "-i", files[1], "-e", files[2], "--no-blind-spots").stdout
    assert str(report) == "\n".join(line.rstrip() for line in printed.splitlines())
    assert repr(report).startswith("<Report match")
    assert "\n" not in repr(report)

"""What reaches a terminal or a file: no blanks at the ends of lines, and characters that its encoding has."""

from __future__ import annotations

import io
import re

import pytest
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lstm_verify import verify
from lstm_verify.reporters import find
from lstm_verify.reporters.console import console, say
from tests.conftest import FIXTURES


class Stream(io.StringIO):
    """A text stream of some encoding, which may be a terminal."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


def printed(stream: Stream) -> str:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("output")
    table.add_column("in σ")
    table.add_row("a", "0.5σ")
    made = console(stream)
    made.print(table)
    made.print(Text.assemble(("MATCH", "bold green"), "   "))
    made.print("|Δ| ≤ 8σ  ", end="")
    made.file.flush()
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_no_line_ends_with_blanks(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    shown = printed(Stream(terminal=terminal))
    assert ("\x1b[" in shown) == terminal
    assert not re.findall(r" (?:\x1b\[[0-9;]*m)*\n", shown)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_an_encoding_lacks_are_written_otherwise(encoding: str) -> None:
    shown = printed(Stream(encoding))
    shown.encode(encoding)
    assert "|d| <= 8s" in shown
    assert "?" not in shown


def test_an_encoding_that_has_them_keeps_them() -> None:
    assert "|Δ| ≤ 8σ" in printed(Stream())


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("name", ["encoder_decoder", "origin_tanh_sigmoid"])
def test_a_report_fits_a_terminal_and_cuts_no_number(width: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    inputs = FIXTURES / ("origin.x.npy" if name.startswith("origin") else f"{name}.x.npz")
    expected = FIXTURES / f"{name}.keras3.y.npz"
    report = verify(FIXTURES / f"{name}.keras3.h5", inputs, expected=expected, blind_spots=False)
    stream = Stream(terminal=True)
    find("terminal", "verification").render(report, console(stream))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in stream.getvalue()
    text = "\n".join(lines)
    for output in report.outputs:
        assert f"{output.max_abs_deviation:.2e}" in text
        assert f"{output.max_sigmas:.1f}σ" in text


def test_a_sentence_is_one_line_where_no_person_reads_it() -> None:
    stream = Stream()
    say(console(stream), Text("word " * 40))
    assert stream.getvalue().count("\n") == 1

"""The notebook of the documents runs from its first cell to its last, and each cell shows what it is there for."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FIXTURES, ROOT
from tests.reporters.page import Page, check

NOTEBOOK = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())


def shown_by(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "fixtures").symlink_to(FIXTURES)
    monkeypatch.chdir(tmp_path / "docs")
    names: dict[str, Any] = {}
    cells = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    report, plot, worse, _, frame, written, printed = (shown_by(cell, names) for cell in cells)
    assert "Match" in Page(report._repr_html_()).root.text
    assert len(plot.axes) == 4
    assert "reversed" in worse._repr_html_()
    assert frame["sample"].tolist()[0] == worse.outputs[0].worst(1)[0]
    assert written == len(check(Path("report.html").read_text()).source)
    assert printed is None
    assert capsys.readouterr().out.startswith("mismatch: dense: ")


def test_it_holds_no_outputs() -> None:
    for cell in NOTEBOOK["cells"]:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")

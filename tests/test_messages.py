"""Every message that the package can raise or note keeps the rules of `tests.grammar`, whatever is put into it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.grammar import faults_of_message

PACKAGE = ROOT / "lstm_verify"
TOLD = ("Error", "Refused", "RefusedEffect", "Unreadable", "UsageError")
"""How the names of what takes a message end."""


def template(node: ast.expr) -> str:
    """A text, with `x` for whatever is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left) + template(node.right)
    return ""


def told(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The messages of a module: of errors that it raises, and of notes that it adds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
            adds_note = name == "append" and isinstance(receiver, ast.Name) and receiver.id in ("notes", "more")
            if name.endswith(TOLD) or adds_note:
                yield node.lineno, template(node.args[0])
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "").endswith("note") for t in node.targets):
            yield node.lineno, template(node.value)


MESSAGES = [
    pytest.param(text, id=f"{path.relative_to(PACKAGE)}:{line}")
    for path in sorted(PACKAGE.rglob("*.py"))
    for line, text in told(ast.parse(path.read_text()))
    if len(text.split()) > 2  # the rest is put together elsewhere
]


def test_there_are_many() -> None:
    assert len(MESSAGES) > 250


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_keeps_the_rules(text: str) -> None:
    assert list(faults_of_message(text)) == [], text


@pytest.mark.parametrize(
    "text",
    [
        "The file is damaged",
        "the file  is damaged",
        "the file is is damaged",
        "the file is damaged .",
        "it is ''",
        "x..",
    ],
)
def test_the_rules_find(text: str) -> None:
    assert list(faults_of_message(text))

"""Text from a file made safe to print: a name in a model can hold anything."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text with everything that is no visible character escaped, such as codes that drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in str(text))

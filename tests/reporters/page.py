"""A page taken apart by the standard library's parser, and what every page has to keep to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "hr", "img", "input", "base", "col", "source", "wbr"}
LOADING = {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "source", "template", "img"}


@dataclass
class Element:
    """An element with everything in it."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, *tags: str) -> Iterator[Element]:
        for child in self.children:
            if not tags or child.tag in tags:
                yield child
            yield from child.all(*tags)

    def within(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.within(tag))


class Page(HTMLParser):
    """A page as a tree; elements that are not closed, or closed twice, are an error."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.root = self._open = Element("", {}, None)
        self.feed(source)
        self.close()
        assert self._open is self.root, f"<{self._open.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}>"
        assert self._open.parent
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self._open
        while element is not None:
            element.words.append(data)
            element = element.parent

    def all(self, *tags: str) -> list[Element]:
        return list(self.root.all(*tags))

    def section(self, name: str) -> Element:
        return next(element for element in self.all("section") if element.attributes["id"] == name)


def check(source: str) -> Page:
    """Take a page apart, and check what every page keeps to."""
    page = Page(source)
    assert source.startswith("<!DOCTYPE html>")
    assert [(e.tag, e.attributes.get("lang")) for e in page.root.children] == [("html", "en")]
    assert next(e.text for e in page.all("title"))
    check_nothing_is_loaded(page)
    check_headings(page)
    check_images(page)
    check_tables(page)
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(set(ids)) == len(ids), "an id is there twice"
    for element in page.all():
        for name in element.attributes.get("aria-labelledby", "").split():
            assert name in ids
    return page


def check_nothing_is_loaded(page: Page) -> None:
    """No script, and no address but of what is in the page itself."""
    assert not {e.tag for e in page.all()} & LOADING
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"<{element.tag} {name}>"
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset", "background"):
                assert value.startswith(("#", "data:image/png;base64,")), f"{name}={value[:80]}"
    style = " ".join(e.text for e in page.all("style")) + " ".join(e.attributes.get("style", "") for e in page.all())
    assert not re.search(r"@import|@font-face|url\((?!#)", style)
    (policy,) = (e for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def check_headings(page: Page) -> None:
    """One h1 first, and no level is left out."""
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(e.text for e in page.all("h1", "h2", "h3"))


def check_images(page: Page) -> None:
    """Every plot is in a figure with a caption, and says what it shows."""
    for plot in page.all("svg"):
        assert plot.attributes["role"] == "img"
        assert len(plot.attributes["aria-label"]) > 20
        assert plot.parent
        assert plot.parent.tag == "figure"
        assert [child.tag for child in plot.parent.children] == ["svg", "figcaption"]
        used = {e.attributes["xlink:href"][1:] for e in plot.all("use")}
        used |= {e.attributes["clip-path"][5:-1] for e in plot.all() if "clip-path" in e.attributes}
        assert used <= {e.attributes["id"] for e in plot.all() if "id" in e.attributes}
        colours = re.findall(r"#[0-9a-f]{6}", " ".join(e.attributes.get("style", "") for e in plot.all()))
        assert not colours, "a colour that does not follow the theme"


def check_tables(page: Page) -> None:
    """Every table has a caption, headings with a scope, and scrolls by the keyboard if it is too wide."""
    for table in page.all("table"):
        assert table.children[0].tag == "caption"
        assert table.children[0].text
        assert all(e.attributes["scope"] == ("col" if e.within("thead") else "row") for e in table.all("th"))
        widths = {len(row.children) for row in table.all("tr")}
        assert len(widths) == 1, widths
        region = table.parent
        assert region
        assert (region.attributes["role"], region.attributes["tabindex"]) == ("region", "0")
        assert region.attributes["aria-label"] == table.children[0].text

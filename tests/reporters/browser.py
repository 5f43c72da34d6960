"""A page in headless Chromium, if there is one: how it is laid out, what it loads, and how it looks."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
MEASURE = """
const light = colour => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
  const linear = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const behind = (element, view) => {
  const colour = view.getComputedStyle(element).backgroundColor;
  return colour === "rgba(0, 0, 0, 0)" ? behind(element.parentElement, view) : colour;
};
const contrasts = (page, view) => {
  const found = {};
  for (const element of page.body.querySelectorAll("*")) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const style = view.getComputedStyle(element), inside = element.closest("svg") ? style.fill : style.color;
    const [one, other] = [light(inside), light(behind(element, view))].sort((a, b) => b - a);
    found[`${inside} on ${behind(element, view)}`] = (one + 0.05) / (other + 0.05);
  }
  return found;
};
const frame = document.querySelector("iframe");
frame.onload = () => {
  const { contentDocument: page, contentWindow: view } = frame;
  const { scrollWidth } = page.scrollingElement;
  const inside = element => element.getBoundingClientRect().right <= view.innerWidth + 0.5;
  const scrolls = element => element.closest(".scroll") !== null;
  const wide = [...page.body.querySelectorAll("*")].filter(e => !inside(e) && !scrolls(e)).map(e => e.outerHTML);
  const loaded = view.performance.getEntriesByType("resource").map(entry => entry.name);
  const found = { width: view.innerWidth, scrollWidth, wide, loaded, contrasts: contrasts(page, view) };
  document.querySelector("pre").textContent = JSON.stringify(found);
};
"""


def theme(dark: bool) -> tuple[str, ...]:
    """The flags for a browser that asks for dark pages."""
    return ("--force-dark-mode", "--blink-settings=preferredColorScheme=0") if dark else ()


def framed(page: str, width: int, height: int, script: str = "") -> str:
    """A document that shows a page in a frame of some size, in a window of any."""
    frame = f'<iframe srcdoc="{html.escape(page)}" width="{width}" height="{height}" style="border: 0"></iframe>'
    return f"<!DOCTYPE html><meta charset=utf-8><body style='margin: 0'>{frame}<pre></pre><script>{script}</script>"


def measured(page: str, width: int, folder: Path, dark: bool = False) -> dict[str, Any]:
    """How a page is laid out at a width.

    `scrollWidth`, the elements that are too `wide`, what it `loaded`, and the `contrasts` of text, by its colours.
    """
    (folder / "frame.html").write_text(framed(page, width, 900, MEASURE))
    options = ("--virtual-time-budget=2000", "--dump-dom", f"--user-data-dir={folder / 'profile'}")
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, *theme(dark), *options, (folder / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    shown = done.stdout.rpartition("<pre>")[2].partition("</pre>")[0]
    found: dict[str, Any] = json.loads(html.unescape(shown))
    return found


def screenshot(page: str, width: int, height: int, dark: bool, target: Path) -> None:
    """Write a picture of a page."""
    source = target.with_suffix(".frame.html")
    source.write_text(framed(page, width, height))
    shot = (f"--screenshot={target}", f"--window-size={max(width, 500)},{height}")
    _run(*theme(dark), *shot, source.as_uri())
    source.unlink()


def _run(*options: str) -> str:
    command = [str(CHROMIUM), *FLAGS, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

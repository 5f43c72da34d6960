"""GitHub Actions: annotations in the log of a step, and the summary on the page of its job."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from lstm_verify.errors import OutputError
from lstm_verify.reporters import find


@dataclass(frozen=True)
class GitHub:
    """What GitHub Actions is told; nothing elsewhere."""

    annotates: bool = False
    on_stderr: bool = False
    """Whether annotations go there, since standard output is for something else; GitHub reads both."""
    summary: str = ""
    """The file for the summary, if there is one."""

    def tell(self, subject: str, report: Any) -> None:
        """Annotate the log with a report, and append it to the summary.

        Raises:
            OutputError: the summary cannot be written.
        """
        if self.annotates:
            click.echo(find("annotations", subject).render(report), nl=False, err=self.on_stderr)
        if self.summary:
            _append(self.summary, find("summary", subject).render(report))

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Inside, what is printed has no commands for GitHub, whatever the names in a file are."""
        token = secrets.token_hex(16)
        if self.annotates:
            click.echo(f"::stop-commands::{token}")
        try:
            yield
        finally:
            if self.annotates:
                click.echo(f"::{token}::")


def github_of(asked: bool | None, quiet: bool, json_file: str | None) -> GitHub:
    """What is to be told, by `--github` or `--no-github`; without either, by whether this runs in GitHub Actions."""
    if not (os.environ.get("GITHUB_ACTIONS") == "true" if asked is None else asked):
        return GitHub()
    annotates = bool(asked) or not quiet
    return GitHub(annotates, json_file == "-", os.environ.get("GITHUB_STEP_SUMMARY", ""))


def _append(path: str, text: str) -> None:
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(
            f"{path}: the job summary cannot be written ({error.strerror}). Is GITHUB_STEP_SUMMARY right? --no-github "
            "does without"
        ) from None

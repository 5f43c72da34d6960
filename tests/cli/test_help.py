"""Help: every option under a heading, and the page that is made of it."""

from __future__ import annotations

import click
import pytest

from lstm_verify.cli import cli
from lstm_verify.cli.sections import SECTIONS
from tests.cli.page import PAGE, page
from tests.command import run


def names_of(command: click.Command) -> set[str]:
    return {name for option in command.params for name in option.opts if name.startswith("--")}


@pytest.mark.parametrize("name", cli.commands)
def test_every_option_is_under_one_heading(name: str) -> None:
    listed = [option for options in SECTIONS.values() for option in options]
    assert len(listed) == len(set(listed))
    assert names_of(cli.commands[name]) <= set(listed)
    shown = run(name, "--help")
    assert shown.exit_code == 0
    assert "Options:" not in shown.stdout
    for option in names_of(cli.commands[name]):
        assert shown.stdout.count(f"{option} ") + shown.stdout.count(f"{option}\n") >= 1


def test_no_heading_names_an_option_that_no_command_has() -> None:
    known = {name for command in cli.commands.values() for name in names_of(command)} | {"--help"}
    assert {option for options in SECTIONS.values() for option in options} == known


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_has_an_example(name: str) -> None:
    assert "Example: lstm-verify" in (cli.commands[name].help or "")


def test_the_page_is_that_of_the_help() -> None:
    assert PAGE.read_text() == page(), "python -m tests.cli.page makes it anew"

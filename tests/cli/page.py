"""The page of all commands and options, made of their own help.

python -m tests.cli.page --write docs/cli.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

import click

from lstm_verify.cli import cli

WIDTH = 96
PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
PREAMBLE = """# The commands

This page is generated: `python -m tests.cli.page --write docs/cli.md` makes it of `--help`.

`lstm-verify MODEL ...` is `lstm-verify verify MODEL ...`. How files of arrays are read: [inputs](inputs.md); what is in
the reports: [report](report.md); many models, and records: [check](check.md); in CI: [ci](ci.md).

A shell completes commands, options and files with one line in its start-up file:

    eval "$(_LSTM_VERIFY_COMPLETE=bash_source lstm-verify)"             # ~/.bashrc
    eval "$(_LSTM_VERIFY_COMPLETE=zsh_source lstm-verify)"              # ~/.zshrc
    _LSTM_VERIFY_COMPLETE=fish_source lstm-verify | source              # ~/.config/fish/completions/lstm-verify.fish
"""


def page() -> str:
    """The whole page."""
    return PREAMBLE + "".join(f"\n## {name}\n\n```text\n{_help(name)}\n```\n" for name in cli.commands)


def _help(name: str) -> str:
    command = cli.commands[name]
    above = click.Context(cli, info_name="lstm-verify", **cli.context_settings)
    context = click.Context(command, above, name, terminal_width=WIDTH, max_content_width=WIDTH)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, default=PAGE)
    parser.parse_args().write.write_text(page())


if __name__ == "__main__":
    main()

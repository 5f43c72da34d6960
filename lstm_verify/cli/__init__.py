"""The command line: parse, call the library, render, exit code."""

from __future__ import annotations

import gc
import io
import os
import shlex
import signal
import sys
from difflib import get_close_matches

import click

from lstm_verify import __version__
from lstm_verify.cli.check import check
from lstm_verify.cli.diagnose import diagnose
from lstm_verify.cli.extract import extract
from lstm_verify.cli.inspect import inspect
from lstm_verify.cli.judge import judge
from lstm_verify.cli.record import record
from lstm_verify.cli.replay import predict, replay
from lstm_verify.cli.rollout import rollout
from lstm_verify.cli.shared import COMMAND
from lstm_verify.cli.verify import verify


class VerifyByDefault(click.Group):
    """A group in which `lstm-verify MODEL ...` means `lstm-verify verify MODEL ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        if args and args[0].isalpha() and args[0] not in self.commands and not os.path.exists(args[0]):
            near = get_close_matches(args[0], self.commands, 1)
            if near:
                raise click.UsageError(f"'{args[0]}' is no command, and no file. Did you mean {near[0]}?", ctx)
        if args and args[0] not in (*self.commands, "--help", "-h", "--version"):
            args = ["verify", *args]
        ctx.meta[COMMAND] = shlex.join(["lstm-verify", *args])
        return super().parse_args(ctx, args)


@click.group(cls=VerifyByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lstm-verify")
def cli() -> None:
    """Check that an exported recurrent model still computes what was trained.

    \b
    lstm-verify MODEL --input x.npy                        against the framework that wrote it
    lstm-verify MODEL --input x.npy --expected y.npy       against recorded predictions
    lstm-verify MODEL --input x.npy --against OTHER        against another file, such as its export
    lstm-verify record MODEL --input x.npy                 the same, kept as a golden folder
    lstm-verify MODEL --golden MODEL.golden                against that, without any framework
    lstm-verify check [PATHS]                              many models, or those of a manifest
    lstm-verify judge report.json --sigmas 4               a stored report by another tolerance
    lstm-verify diagnose MODEL --input x.npy               the same, with all evidence of what is wrong
    lstm-verify rollout MODEL --input x.npy --steps 50     fed with its own output, step after step
    lstm-verify predict MODEL --input x.npy -o y.npz       predictions without a framework
    lstm-verify replay MODEL --input x.npy -o y.npz        the same in float64, every gate if asked
    lstm-verify inspect MODEL                              what is in the file
    lstm-verify extract MODEL -o weights.npz               its tensors by name

    Exit codes: 0 match, 1 mismatch, 2 usage error or unreadable file, 3 inconclusive.
    """


for command in (verify, record, check, judge, diagnose, rollout, predict, replay, inspect, extract):
    cli.add_command(command)


def main() -> None:
    """The entry point of the command `lstm-verify`."""
    # end by an exception, so that the child process and the temporary files are gone before this one is
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for stream in (sys.stdout, sys.stderr):  # a Δ that the terminal cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="lstm-verify")
    finally:
        gc.freeze()  # the process ends: to search it for garbage would take a tenth of a short run

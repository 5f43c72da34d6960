"""Sections of `--help`: the options of every command under headings, in the order in which one thinks of them."""

from __future__ import annotations

import click

SECTIONS: dict[str, tuple[str, ...]] = {
    "Inputs": ("--input", "--random", "--seed", "--save-input", "--state-from", "--manifest"),
    "What it is compared with": ("--expected", "--golden", "--runtime", "--against", "--map", "--no-runtime"),
    "The loop": ("--steps", "--feedback", "--state", "--one-hot", "--sample", "--teacher-forced"),
    "The file": ("--architecture", "--signature", "--input-tensor", "--output-tensor"),
    "The framework": ("--batch-size", "--products", "--optimize", "--timeout", "--unsafe"),
    "The verdict": ("--sigmas", "--atol", "--rtol", "--decimals", "--digits", "--allow-unjudged"),
    "Causes and blind spots": ("--diagnose", "--seconds", "--blind-spots", "--fail-on-blind-spots"),
    "Records": ("--update", "--any-verdict"),
    "Many models": ("--jobs", "--dask", "--cache", "--cache-dir"),
    "Results": (
        *("--output", "--gates", "--json", "--json-samples", "--junit", "--sarif", "--html", "--per-sample"),
        *("--github", "--top", "--verbose", "--quiet", "--help"),
    ),
}
"""By heading, the options below it. To add one, put its name into a section."""


class Sectioned(click.Command):
    """A command whose help has its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            next(name for name in parameter.opts if name.startswith("--")): record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx))
        }
        for heading, names in SECTIONS.items():
            rows = [records.pop(name) for name in names if name in records]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
        if records:
            raise LookupError(f"options in no section: {', '.join(records)}")

"""Print tables of what the replay and the command take, as ratios to the framework in the same run.

    python benchmarks/run.py                                    all tables
    python benchmarks/run.py --only replay --repeat 9           one of them
    python benchmarks/run.py --write docs/benchmarks.md         also into a file

Seconds say more about a machine than about a program, so but for the diagnosis nothing is judged by them; nothing fails
the run either.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import command_line
import diagnosis_time
import lifted_graph
import many_models
import memory
import onnx_files
import replay_speed
from machine import machine, unrestrict
from tables import Table


def main() -> None:
    """Print the tables asked for; write them too if asked."""
    options = _options()
    unrestrict()
    parts = [f"# Benchmarks\n\n{machine('run.py')}\n"]
    print(parts[0], flush=True)
    for measure in _chosen(options):
        parts.append(str(measure()))
        print(parts[-1], flush=True)
    if options.write:
        options.write.write_text("\n".join(parts))


def _chosen(options: argparse.Namespace) -> Iterator[Callable[[], Table]]:
    if options.only in (None, "replay"):
        yield lambda: replay_speed.measure(options.repeat)
    if options.only in (None, "lifted"):
        yield lambda: lifted_graph.measure(options.repeat)
    if options.only in (None, "cli"):
        yield lambda: command_line.measure(options.repeat)
    if options.only in (None, "onnx"):
        yield lambda: onnx_files.measure(options.repeat)
        yield lambda: onnx_files.measure_command(options.repeat)
    if options.only in (None, "many"):
        yield many_models.measure
    if options.only in (None, "diagnosis"):
        yield diagnosis_time.measure
    if options.only == "memory" or (options.only is None and not options.skip_memory):
        yield memory.measure


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only",
        choices=("replay", "lifted", "cli", "onnx", "many", "diagnosis", "memory"),
        help="one table instead of all",
    )
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="measurements of each kind (default: 5)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    parser.add_argument("--skip-memory", action="store_true", help="leave out the table that needs 4 GB of disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()

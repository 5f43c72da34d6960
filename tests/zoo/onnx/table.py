"""Compare the exports of the zoo with what they come from, and write ``docs/formats.md``.

python -m tests.zoo.onnx.table --out docs/formats.md
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from lstm_verify.faults import FAULTS
from lstm_verify.formats import FORMATS
from lstm_verify.formats.onnx import dynamic_lstm
from lstm_verify.formats.onnx.loops import PARTS
from lstm_verify.formats.onnx.table import ENTRIES, OLDEST
from lstm_verify.graph.lift.rolled import MOST_STEPS
from lstm_verify.graph.translate import Refused
from tests.building import RECIPES, ROOT, built
from tests.graph_files import read_at_once
from tests.zoo.onnx.pairs import SAVED_MODEL, Cell, Exports, Outcome, outcomes

PAGE = ROOT / "docs" / "formats.md"
PACKAGES = ("keras", "tf_keras", "tensorflow", "tf2onnx", "torch", "onnxscript", "onnx", "onnxruntime")

# --- the formats -------------------------------------------------------------------------------------------------

READ: dict[str, tuple[str, str, str]] = {
    "weights": ("h5py, NumPy; the config from another file", "keras, tf_keras", ""),
    "keras_h5": ("h5py, json", "keras, tf_keras", ""),
    "keras_zip": ("zipfile, h5py, json", "keras, tf_keras", ""),
    "saved_model": ("TensorFlow's protobufs and checkpoints, in a process that runs no graph", "saved_model", ""),
    "onnx": ("onnx", "onnxruntime", "`[onnx]`"),
    "tf1": ("TensorFlow's protobufs and checkpoints, in a process that runs no graph", "tf1", ""),
}
"""Of each format: what reads it, the runtimes that predict, and the extra that installs them."""


def formats() -> str:
    """The formats, by what they are read and run."""
    rows = [[known.title, *READ[known.name]] for known in FORMATS]
    return table(["file", "read with", "`--runtime`", "extra"], rows)


# --- exporters ---------------------------------------------------------------------------------------------------

COLUMNS = (
    ("Keras 3 `.export`", "keras", "export"),
    ("tf2onnx of Keras 3", "keras", "tf2onnx"),
    ("tf2onnx of tf_keras", "tf_keras", "tf2onnx"),
    ("Keras 3 on PyTorch `.export`", "keras_torch", "export"),
    ("torch.onnx, dynamo", "torch", "dynamo"),
    ("torch.onnx, TorchScript", "torch", "torchscript"),
    ("SavedModel of Keras 3", "keras", SAVED_MODEL),
    ("SavedModel of tf_keras", "tf_keras", SAVED_MODEL),
)
"""Of each column: its head, the framework that the model is of, and the exporter."""
ROWS = {
    "LSTM": "lstm",
    "LSTM, all steps": "lstm_sequences",
    "GRU, reset after the product": "gru",
    "GRU, all steps": "gru_sequences",
    "GRU, reset before the product": "gru_reset_before",
    "GRU cells by hand": "gru_cells",
    "SimpleRNN": "simple_rnn",
    "SimpleRNN, relu": "simple_rnn_relu",
    "bidirectional LSTM": "bidirectional",
    "bidirectional LSTM, last step": "bidirectional_last",
    "bidirectional LSTM, summed": "bidirectional_sum",
    "bidirectional GRU": "bidirectional_gru",
    "stacked": "stacked",
    "stacked, bidirectional": "stacked_bidirectional",
    "three layers": "three_layers",
    "masked": "masked",
    "masked words": "masked_words",
    "words": "words",
    "packed sequences": "packed",
    "relu": "relu",
    "relu gates": "relu_gates",
    "hard_sigmoid gates": "hard_sigmoid",
    "hard_sigmoid gates, GRU": "hard_sigmoid_gru",
    "a hard sigmoid by hand, of slope ½": "qkeras_gate",
    "no bias": "no_bias",
    "no bias, GRU": "gru_no_bias",
    "states in and out": "states",
    "states in and out, GRU": "gru_states",
    "encoder and decoder": "seq2seq",
    "two heads": "two_heads",
    "convolution, BatchNormalization, LSTM": "conv_lstm",
    "LayerNormalization": "normalised",
    "TimeDistributed": "time_distributed",
    "RepeatVector": "repeated",
    "images, convolution in TimeDistributed": "images",
    "backwards": "backwards",
    "any length": "any_length",
    "any length, GRU": "any_length_gru",
    "time first": "time_major",
    "static batch": "static",
    "static batch of 1": "static_one",
    "unrolled": "unrolled",
    "a projection": "projected",
    "attention": "attention",
    "convolution, LSTM, CTC scores": "crnn",
    "GRU, best path of a CRF": "crf",
    "pooling, and functions of all sorts": "pooled",
    "gelu": "gelu",
}
"""The models of the zoo, by what is special about them."""


def exports() -> str:
    """The table of models and exporters, with notes below."""
    found = {origin: Exports(built(RECIPES[f"onnx_exports_{origin}"])) for _, origin, _ in COLUMNS}
    saved = [path for each in found.values() for path in each.saved_models()]
    with tempfile.TemporaryDirectory() as folder, read_at_once(saved, Path(folder)):
        cells = [[found[origin].cell(row, exporter) for _, origin, exporter in COLUMNS] for row in ROWS.values()]
    notes = list(dict.fromkeys(cell.remark for line in cells for cell in line if cell.remark))
    lines = [[title, *(with_note(cell, notes) for cell in line)] for title, line in zip(ROWS, cells, strict=True)]
    heads = ["", *(head for head, _, _ in COLUMNS)]
    return "\n".join([table(heads, lines), *(f"{place}. {note}." for place, note in enumerate(notes, 1)), ""])


def with_note(cell: Cell, notes: Sequence[str]) -> str:
    return f"{cell} [{notes.index(cell.remark) + 1}]" if cell.remark else str(cell)


# --- faults ------------------------------------------------------------------------------------------------------


def faults(found: Sequence[Outcome]) -> str:
    """A row for each fault, and their sum."""
    kinds = dict.fromkeys(outcome.fault for outcome in found)
    rows = [counted(f"`{kind}`", [outcome for outcome in found if outcome.fault == kind]) for kind in kinds]
    heads = ["fault", "exports", "told apart", "named", "weights differ", "right exports", "of them pass"]
    unnamed = [f"`{outcome.name}`" for outcome in found if not outcome.named]
    missed = f"Told apart, but not named: {', '.join(unnamed)}.\n" if unnamed else ""
    return "\n".join([table(heads, [*rows, counted("**all**", found)]), missed])


def counted(head: str, some: Sequence[Outcome]) -> list[str]:
    honest = [outcome.honest for outcome in some if outcome.honest is not None]
    numbers = (
        len(some),
        sum(outcome.told_apart for outcome in some),
        sum(outcome.named for outcome in some),
        sum(outcome.weights for outcome in some),
        len(honest),
        sum(honest),
    )
    return [head, *map(str, numbers)]


WRITTEN_OUT = (*(name for name in PARTS if name[0].isupper()), dynamic_lstm.NAME)
"""Operators that become others before the table is asked."""

# --- operators ---------------------------------------------------------------------------------------------------


def departures() -> str:
    """What ONNX Runtime does otherwise than the text says."""
    return table(["name", "what to do"], [[f"`{fault.name}`", fault.advice] for fault in FAULTS if fault.is_departure])


def operators() -> str:
    """The operators that are replayed."""
    read = [name for name, entry in ENTRIES.items() if not isinstance(entry, Refused)]
    names = {*(name for name in read if name[0].isupper() or "." in name), *WRITTEN_OUT}
    own = sorted(name for name in names if "." not in name)
    others = sorted(name for name in names if "." in name)
    return (
        f"Of `ai.onnx`, opset {OLDEST} and later ({len(own)}): {listed(own)}.\n\n"
        f"Of other domains ({len(others)}): {listed(others)}.\n"
    )


def refused() -> str:
    """The operators that are refused for a reason of their own."""
    found = {name: entry for name, entry in ENTRIES.items() if isinstance(entry, Refused)}
    return "\n".join(f"* {f'`{name}`: ' if name[0].isupper() else ''}{entry.reason};" for name, entry in found.items())


def missing() -> str:
    """The operators of ONNX that are not replayed."""
    import onnx

    known = {*ENTRIES, *WRITTEN_OUT}
    schemas = [schema for schema in onnx.defs.get_all_schemas() if schema.domain == "" and not schema.deprecated]
    return listed(sorted({schema.name for schema in schemas} - known))


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# --- the page ----------------------------------------------------------------------------------------------------


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


TEXT = """\
# Formats and exporters

This page is generated: `make tables` builds the models of the test zoo, exports them with every exporter below, and
compares each export with the model that it comes from ([a tutorial](tutorial-onnx.md) does that by hand).

## What is read

{formats}
Without an extra, its files are refused in one line that says what to install; everything else goes on working. ONNX
files are those of opset {oldest} and later, with their data inside or beside them, with functions of their own, with
weights that are initializers, constants or computed from constants.

## What exporters write

Each cell is `lstm-verify MODEL --against EXPORT --no-runtime`: *the same function* / *the same weights*. The first is
judged by the rounding budget; the second asks for the same bits, in whatever order. MODEL is the `.keras` file, or the
SavedModel where there is code in the model that a `.keras` file has not. PyTorch's own files are not read: its exports
are compared with what PyTorch predicts, and there is one answer alone. An empty cell is a model that the framework does
not have. *Any length* is a free time axis: PyTorch's exports get longer sequences than those that they were made with.

Written and run by {versions}.

{exports}
Weights are *in one file alone* or *different* where an exporter folds BatchNormalization into the layer before it, or
splits the bias of a GRU into its parts.

## Exports with a mistake

Exports of these models with one fault each, such as wrong converters write, and five mistakes that exporters make on
their own, against the model that they come from. *Told apart* is a mismatch, or a refusal; *named* means that the
diagnosis finds the fault, under one of its names, or the refusal says what it is; *weights differ* that the comparison
of weights says so, where they are not merely rearranged. The same exports without the fault have to pass.

{faults}
## What ONNX Runtime does otherwise

Where ONNX Runtime departs from the text of the operators, a mismatch is explained as that, by name: the file is right.

{departures}
It refuses `layout=1` of LSTM, GRU and RNN, and LSTM in double; such files are replayed, and compared with `--expected`.

## Operators

{operators}
LSTM, GRU and RNN have every attribute and input of their text: activations with alpha and beta for each direction,
`clip`, `input_forget`, `direction`, `layout`, `linear_before_reset`, `sequence_lens`, initial states, peepholes.

Loops that are cells, and cells that are written out step by step, become recurrent layers, so that a diagnosis can
change them: masked ones too, and those whose inputs are multiplied before the loop, as the GRU of Keras on JAX. They
stay what they are, told and replayed operation by operation, where anything else is done to a state between two steps,
and beyond {steps} steps that are written out.

What is refused, by name and with the node:

* other operators of `ai.onnx`: {missing};
{refused}
* every other operator of another domain, such as `ai.onnx.ml` (trees, encoders of strings) and `ai.onnx.training`;
* tensors of strings, optional values, and dtypes that NumPy does not have, but for bfloat16;
* opsets before {oldest}, in which operators broadcast otherwise: `onnx.version_converter` makes them newer;
* a `Scan` of opset 8 with both sequence_lens and directions;
* functions that call themselves, external data outside the folder of the file, and files without a graph.
"""


MEASURED = ("What exporters write", "Exports with a mistake")
"""The sections that take models, and minutes."""


def page(measured: bool) -> str:
    """The whole page, or with nothing in the tables that take models."""
    return TEXT.format(
        formats=formats(),
        oldest=OLDEST,
        steps=MOST_STEPS,
        versions=", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES),
        exports=exports() if measured else "",
        faults=faults(list(outcomes(built(RECIPES["onnx_faults"])))) if measured else "",
        departures=departures(),
        operators=operators(),
        missing=missing(),
        refused=refused(),
    )


def with_sections_of(old: str, new: str, titles: Iterable[str]) -> str:
    """A page with some of its sections as in an older one."""
    kept = {part.partition("\n")[0]: part for part in old.split("\n## ")}
    parts = [(part.partition("\n")[0], part) for part in new.split("\n## ")]
    return "\n## ".join(kept[title] if title in titles else part for title, part in parts)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE")
    parser.add_argument("--keep", action="store_true", help="keep the tables that take models, and minutes")
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.out.write_text(with_sections_of(arguments.out.read_text(), page(measured=False), MEASURED))
    else:
        arguments.out.write_text(page(measured=True))


if __name__ == "__main__":
    main()

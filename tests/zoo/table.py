"""Verify the SavedModels of the whole zoo, and write ``docs/saved-models.md``: ``python -m tests.zoo.table --zoo DIR``.

``DIR/keras`` and ``DIR/tf_keras`` are what ``python -m tests.zoo.saved_models --all`` builds with the two frameworks.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from lstm_verify import LstmVerifyError, Verdict
from lstm_verify.inspection import recurrences
from tests.building import ROOT
from tests.graph_zoo import GraphZoo, loops, scans
from tests.zoo import (
    activations,
    attention,
    bidirectional,
    calls,
    conv_lstm,
    graphs,
    layers,
    masks,
    policies,
    recurrent,
    states,
    two_dimensional,
)

PAGE = ROOT / "docs" / "saved-models.md"
FRAMEWORKS = {"keras": "Keras 3", "tf_keras": "Keras 2"}
Rows = list[tuple[str, str]]

SECTIONS: list[tuple[str, Iterable[str], Rows]] = [
    (
        "Recurrent layers",
        recurrent.ENTRIES,
        [
            ("`unroll`", "*unrolled*"),
            ("`go_backwards`", "*backwards*"),
            ("`time_major`", "*time_major*"),
            ("without biases", "*no_bias*"),
            (
                "dropout, regularizers, `implementation`, frozen layers",
                "*dropouts *regularised *implementation* *frozen *cudnn *zero",
            ),
            ("`RNN` of a cell, of stacked cells", "rnn_*"),
            ("several layers on top of each other", "*stacked autoencoder"),
            ("`reset_after=False`", "gru_reset_before*"),
            ("`LSTM`", "lstm_*"),
            ("`GRU`", "gru_*"),
            ("`SimpleRNN`", "simple_rnn_*"),
        ],
    ),
    (
        "Activations",
        activations.ENTRIES,
        [
            ("layers with parameters, as activation or alone", "*layer_* lstm_gates_layer_relu"),
            ("`recurrent_activation`", "*recurrent_activation* lstm_relu_hard_sigmoid gru_reset_before_hard_sigmoid"),
            ("`activation` of `LSTM`", "lstm_activation*"),
            ("`activation` of `GRU` and `SimpleRNN`", "gru_activation* simple_rnn_activation*"),
            ("`activation` of `Dense`", "dense_*"),
            ("the layer `Activation`", "activation_*"),
        ],
    ),
    (
        "States",
        states.ENTRIES,
        [
            ("`stateful`, in `TimeDistributed`", "each_stateful*"),
            ("`stateful`", "*stateful*"),
            ("encoder and decoder", "*encoder_decoder"),
            ("`initial_state`", "*initial_state*"),
            ("`return_state`", "*return_state* lstm_only_carry"),
        ],
    ),
    (
        "Bidirectional",
        bidirectional.ENTRIES,
        [
            ("masked", "*masked* *words*"),
            ("with states", "*state*"),
            ("directions that differ, or are exchanged", "*unequal* *exchanged* *backwards*"),
            ("each `merge_mode`", "bidirectional_lstm_*"),
            ("other cells and options", "*"),
        ],
    ),
    (
        "Masks",
        masks.ENTRIES,
        [
            ("of two axes, of several inputs", "mask_texts* mask_four_d*"),
            ("on recurrent layers", "mask_lstm* mask_gru* mask_simple_rnn* mask_words* mask_rnn*"),
            ("through other layers", "mask_through*"),
            ("into merges", "mask_*_both mask_*_first mask_*_second"),
            ("into pooling", "mask_average* mask_maximum* mask_two_pools"),
            ("given by hand, into nested models, and so on", "*"),
        ],
    ),
    (
        "Layers around",
        layers.ENTRIES,
        [
            ("`TimeDistributed`", "*time_distributed*"),
            ("convolutions", "*conv*"),
            ("pooling", "*pooling* *global*"),
            ("normalisation", "*normalization* *rescaling"),
            ("`Embedding`", "*embedding*"),
            ("merges", "merge_*"),
            ("shapes, `Dense`, noise, and so on", "*"),
        ],
    ),
    (
        "Attention",
        attention.ENTRIES,
        [
            ("`Attention`, `AdditiveAttention`", "*attention_*"),
            ("`MultiHeadAttention`", "heads_*"),
            ("in other dtypes", "policy_*"),
            ("`EinsumDense`, `RMSNormalization`", "*"),
        ],
    ),
    (
        "Arguments of calls",
        calls.ENTRIES,
        [
            ("masks given by hand", "*mask*"),
            ("`training`", "call_training*"),
            ("states", "*state* call_stacked*"),
            ("models by name, in other dtypes, and so on", "*"),
        ],
    ),
    (
        "Images",
        two_dimensional.ENTRIES,
        [
            ("CNN and LSTM, in other dtypes too", "cnn* crnn* 2d_video* 2d_masked_steps"),
            ("convolution, plain, separable, depthwise", "2d_conv* 2d_depthwise* 2d_separable*"),
            ("transposed convolution", "2d_transpose* 2d_masked_transpose 2d_decoder 2d_painter"),
            ("pooling, shapes, and so on", "*"),
        ],
    ),
    (
        "ConvLSTM",
        conv_lstm.ENTRIES,
        [
            ("masked", "mask_*"),
            ("in other dtypes", "policy_*"),
            ("`ConvLSTM1D`", "conv_lstm1d*"),
            ("`ConvLSTM2D`", "conv_lstm2d*"),
        ],
    ),
    (
        "How models are put together",
        graphs.ENTRIES,
        [
            ("nested models", "nested*"),
            ("shared layers, several inputs and outputs", "graph*"),
            ("names, order, frozen layers, `Sequential`", "*"),
        ],
    ),
    (
        "Dtypes and operations",
        policies.ENTRIES,
        [
            ("`float64`", "policy_float64* policy_float32_of_float64*"),
            ("`bfloat16`, mixed or not", "*bfloat16*"),
            ("`float16`, mixed or not", "*float16*"),
            ("operations on tensors", "op_*"),
            ("`CuDNNLSTM`, `CuDNNGRU`", "cudnn*"),
        ],
    ),
]


@dataclass
class Tally:
    """What came of the models of one row, by one framework."""

    models: int = 0
    largest: float = 0.0
    cells: Counter[str] = field(default_factory=Counter)
    inconclusive: int = 0
    refused: int = 0

    def columns(self) -> list[str]:
        """The cells of the table: how many match, how far they are off at most, and what was recognised."""
        cells = ", ".join(f"{count} {kind}" for kind, count in self.cells.most_common())
        counts = {"": self.models, " inconclusive": self.inconclusive, " refused": self.refused}
        models = ", ".join(f"{count}{what}" for what, count in counts.items() if count)
        return [models, f"{self.largest:.1e}" if self.models else "", cells]


@dataclass
class Found:
    """What came of the whole zoo of one framework."""

    versions: Mapping[str, str]
    rows: dict[tuple[str, str], Tally] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def remark(self, reason: str, name: str) -> None:
        self.remarks.setdefault(reason, []).append(name)


def _first_sentence(error: Exception) -> str:
    """What is wrong, without the file and the node where it is, and without advice."""
    return re.sub(r"^.*?: (node '[^']*': )?", "", str(error)).partition(". ")[0]


def row_of(name: str) -> tuple[str, str]:
    """The section and the row of an entry: of those whose pattern it has, the first."""
    for section, entries, rows in SECTIONS:
        if name in entries:
            return section, next(row for row, patterns in rows if any(fnmatchcase(name, p) for p in patterns.split()))
    raise LookupError(name)


def survey(folder: Path, scratch: Path) -> Found:
    """Verify every model of one framework against what TensorFlow computed with the same file."""
    zoo = GraphZoo(folder, scratch)
    found = Found(json.loads((folder / "saved_models.json").read_text())["versions"])
    for name, record in zoo.entries.items():
        if "." in name:  # the same model in other forms
            continue
        tally = found.rows.setdefault(row_of(name), Tally())
        if "failed" in record:
            ((step, reason),) = record["failed"].items()
            short = reason.split(" for '")[0].rstrip(":.")
            found.remark(f"{'Not saved by Keras' if step == 'save' else 'Not run by TensorFlow'}: {short}", name)
        else:
            add(found, tally, zoo, name)
    return found


def add(found: Found, tally: Tally, zoo: GraphZoo, name: str) -> None:
    """Add what came of one model."""
    (path,) = zoo.files(name).values()
    try:
        report = zoo.verify(path, *zoo.arrays(name))
    except LstmVerifyError as error:
        tally.refused += 1
        found.remark(f"Refused: {_first_sentence(error)}", name)
        return
    if report.verdict is Verdict.MISMATCH:
        raise SystemExit(f"{path}: {report.summary()}")
    if report.verdict is Verdict.INCONCLUSIVE:
        tally.inconclusive += 1
        found.remark("NaN on both sides in some samples, so that the verdict is *inconclusive*", name)
    else:
        tally.models += 1
        tally.largest = float(np.max([tally.largest, *(output.max_abs_deviation for output in report.outputs)]))
    model = zoo.load(path)
    tally.cells.update(cell.kind for scan in scans(model) for cell in scan.cells)
    tally.cells.update(f"{item['type']} unrolled" for item in recurrences(model) if "unrolled" in item["settings"])
    for _ in loops(model):
        tally.cells["loop operation by operation"] += 1
        found.remark("A loop that is not recognised, and is replayed operation by operation; its results agree", name)


# --- the page

INTRODUCTION = """\
# SavedModels of Keras

This page is generated: `make tables` builds every model of the test zoo with both frameworks, saves it as a SavedModel
(Keras 3 with `model.export`, Keras 2 with `model.save`), reads the graph, replays it in float64, and compares that with
what TensorFlow computes from the same file. There is no config in this: layers, weights and activations are recognised
in the graph.

Written and run by {versions}.

Each row counts the models that **match** within 8σ of rounding in their precision, the largest deviation Δ
among them, and the recurrent cells that were recognised in their graphs. An unrolled cell is replaced by a layer,
unless something in each step decides whether it counts; then it is told, and replayed operation by operation.

Attention hides a value by taking 1e9 from its score. A query from which all values are hidden gets what float32 leaves
of such numbers: σ is large there, and so is Δ.
"""


def page(found: Mapping[str, Found]) -> str:
    """The whole page."""
    named = [f"{FRAMEWORKS[key]}: {version(item.versions, key)}" for key, item in found.items()]
    first = next(iter(found.values()))
    versions = f"{' and '.join(named)}, on TensorFlow {first.versions['tensorflow']}"
    parts = [INTRODUCTION.format(versions=versions)]
    parts += [section(title, rows, found) for title, _, rows in SECTIONS]
    parts += ["## What is refused, not recognised or not finite\n", *remarks(found)]
    return "\n".join(parts)


def version(versions: Mapping[str, str], framework: str) -> str:
    return f"{framework} {versions[framework]}"


def section(title: str, rows: Rows, found: Mapping[str, Found]) -> str:
    """One section as a table."""
    heads = [head for key in found for head in (f"{FRAMEWORKS[key]}: models", "largest Δ", "cells")]
    lines = [f"## {title}\n", row(["", *heads]), row(["---"] * (1 + len(heads)))]
    for name, _ in rows:
        tallies = [item.rows.get((title, name), Tally()) for item in found.values()]
        lines.append(row([name, *(column for tally in tallies for column in tally.columns())]))
    return "\n".join([*lines, ""])


def row(columns: list[str]) -> str:
    return f"| {' | '.join(columns)} |"


def remarks(found: Mapping[str, Found]) -> Iterator[str]:
    """What is not supported, not recognised or not finite, model by model."""
    for reason in dict.fromkeys(reason for item in found.values() for reason in item.remarks):
        yield f"* {reason}:"
        for key, item in found.items():
            names = dict.fromkeys(item.remarks.get(reason, ()))
            if names:
                yield f"  * {FRAMEWORKS[key]}: {', '.join(f'`{name}`' for name in names)}"
    yield ""


def main() -> None:
    """Verify the SavedModels of the whole zoo, and write the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--zoo", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE")
    arguments = parser.parse_args()
    found = {}
    for framework in FRAMEWORKS:
        with tempfile.TemporaryDirectory() as scratch:
            found[framework] = survey(arguments.zoo / framework, Path(scratch))
    arguments.out.write_text(page(found))


if __name__ == "__main__":
    main()

"""Write models of the zoo as a config and weights apart: ``python -m tests.zoo.weights_alone --framework F --out DIR``.

Each becomes ``NAME.json`` (``to_json``), its weights in every form that the framework saves them in, ``NAME.x.npz`` and
``NAME.y.npz`` like in ``tests.zoo.build``:

    NAME.weights.h5     ``save_weights`` of Keras 3, and of Keras 2.12 and later
    NAME.layers.h5      layer by layer: ``save_weights`` of Keras 2, and what Keras 3 puts into its ``.h5`` files
    NAME.ckpt.*         ``save_weights`` of Keras 2 in TensorFlow's format
    NAME.npz            ``numpy.savez(file, *model.get_weights())``
"""

from __future__ import annotations

import argparse
import importlib
import json
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.make import GENERATIONS, name_inputs, randomise, write_arrays
from tests.zoo.build import Record, attempt, one_line, prepare, record_outputs
from tests.zoo.entry import Entry
from tests.zoo.models import entries_of

NAMES = (
    *("lstm_return_state", "gru", "gru_reset_before", "bidirectional_gru_reset_before", "bidirectional_unequal"),
    *("rnn_cells_mixed", "nested_deep", "nested_frozen", "nested_same_shapes", "only_time_distributed_model"),
    *("only_time_distributed_batch_normalization", "only_batch_normalization", "mask_words_lstm_stacked"),
    *("bidirectional_words_tagger", "graph_shared_layer", "order_exchanged", "names_exchanged", "heads_self"),
    *("lstm_stateful_stacked", "conv_lstm1d", "frozen_layers", "bidirectional_dropouts", "only_dropout"),
)
FORMS = (".weights.h5", ".layers.h5", ".ckpt", ".npz")


def write_entry(framework: Any, name: str, entry: Entry, folder: Path) -> Record:
    """Write the files of one entry and return its record."""
    framework.backend.clear_session()
    framework.utils.set_random_seed(0)
    record: Record = {"files": [], "failed": {}}
    try:
        model, inputs = entry.build(framework)
        randomise(model, zlib.crc32(name.encode()), entry.scale)
    except Exception as error:  # Whatever a framework cannot build is a fact about it, to be recorded.
        record["failed"]["build"] = one_line(error)
        return record
    attempt(record, f"{name}.json", "json", folder, lambda path: path.write_text(model.to_json()))
    attempt(record, f"{name}.weights.h5", ".weights.h5", folder, model.save_weights)
    attempt(record, f"{name}.layers.h5", ".layers.h5", folder, lambda path: save_layers(framework, model, path))
    if framework.__name__ == "tf_keras":
        attempt(record, f"{name}.ckpt", ".ckpt", folder, lambda path: model.save_weights(path, save_format="tf"))
    attempt(record, f"{name}.npz", ".npz", folder, lambda path: np.savez(path, *model.get_weights()))
    attempt(record, f"{name}.x.npz", "x", folder, lambda path: write_arrays(path, name_inputs(model, inputs)))
    attempt(record, f"{name}.y.npz", "y", folder, lambda path: record_outputs(framework, entry, model, inputs, path))
    return record


def save_layers(framework: Any, model: Any, path: Path) -> None:
    """Save weights layer by layer."""
    if framework.__name__ == "tf_keras":
        model.save_weights(path, save_format="h5")
        return
    layout = importlib.import_module("keras.src.legacy.saving.legacy_h5_format")
    with importlib.import_module("h5py").File(path, "w") as file:
        layout.save_weights_to_hdf5_group(file, model)


def main() -> None:
    """Write the models of one framework."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--framework", choices=GENERATIONS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", default=NAMES, metavar="NAME", help="names of entries, or patterns")
    arguments = parser.parse_args()
    framework = prepare(arguments.framework)
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = {
        name: write_entry(framework, name, entry, arguments.out)
        for name, entry in entries_of(arguments.framework).items()
        if any(fnmatchcase(name, pattern) for pattern in arguments.only)
    }
    (arguments.out / "weights.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Write models of the zoo as a config and weights apart: ``python -m tests.zoo.weights_alone --framework F --out DIR``.

Each becomes ``NAME.json`` (``to_json``), its weights in every form that the framework saves them in, ``NAME.x.npz`` and
``NAME.y.npz`` like in ``tests.zoo.build``:

    NAME.weights.h5     ``save_weights`` of Keras 3, and of Keras 2.12 and later
    NAME.layers.h5      layer by layer: ``save_weights`` of Keras 2, and what Keras 3 puts into its ``.h5`` files
    NAME.ckpt.*         ``save_weights`` of Keras 2 in TensorFlow's format
    NAME.npz            ``numpy.savez(file, *model.get_weights())``
    NAME.weights.json   ``save_weights`` of Keras 3 in several files

``trained.*`` is one more model, with the state of its training in its files, where the framework writes it.
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
from tests.zoo.entry import Entry, normal
from tests.zoo.models import entries_of

NAMES = (
    *("lstm_return_state", "gru_plain", "gru_reset_before", "bidirectional_gru_reset_before", "bidirectional_unequal"),
    *("rnn_cells_mixed", "nested_deep", "nested_frozen", "nested_same_shapes", "only_time_distributed_model"),
    *("only_time_distributed_batch_normalization", "only_batch_normalization", "mask_words_lstm_stacked"),
    *("bidirectional_words_tagger", "graph_shared_layer", "order_exchanged", "names_exchanged", "heads_self"),
    *("lstm_stateful_stacked", "conv_lstm1d", "frozen_layers", "bidirectional_dropouts", "only_normalization_adapted"),
)
FORMS = {
    "keras": (".weights.h5", ".layers.h5", ".npz", ".weights.json"),
    "tf_keras": (".weights.h5", ".layers.h5", ".npz", ".ckpt"),
}
SHARD = 6e-7
"""The size of a shard in gigabytes, so that there are several."""


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
    for form in FORMS[framework.__name__]:
        attempt(record, f"{name}{form}", form, folder, lambda path: save(framework, model, path))
    attempt(record, f"{name}.x.npz", "x", folder, lambda path: write_arrays(path, name_inputs(model, inputs)))
    attempt(record, f"{name}.y.npz", "y", folder, lambda path: record_outputs(framework, entry, model, inputs, path))
    return record


def save(framework: Any, model: Any, path: Path) -> None:
    """Save weights in the form that the file's name says."""
    if path.suffix == ".npz":
        np.savez(path, *model.get_weights())
    elif path.suffix == ".json":
        model.save_weights(path, max_shard_size=SHARD)
    elif path.suffix == ".ckpt":
        model.save_weights(path, save_format="tf")
    elif path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        save_layers(framework, model, path)


def save_layers(framework: Any, model: Any, path: Path) -> None:
    """Save weights layer by layer."""
    if framework.__name__ == "tf_keras":
        model.save_weights(path, save_format="h5")
        return
    layout = importlib.import_module("keras.src.legacy.saving.legacy_h5_format")
    with importlib.import_module("h5py").File(path, "w") as file:
        layout.save_weights_to_hdf5_group(file, model)


def write_trained(framework: Any, folder: Path) -> None:
    """Write a model with the state of its training; ``trained.object.ckpt`` is an object that has the model."""
    layers = framework.layers
    inner = framework.Sequential([framework.Input((4,)), layers.BatchNormalization(), layers.Dense(4)])
    stack = [
        layers.LSTM(4, dropout=0.1, return_sequences=True),
        layers.TimeDistributed(inner),  # whose statistics lie in other places in each list of weights
        layers.LSTM(4),
        layers.Dropout(0.2),
        layers.BatchNormalization(),
        layers.Dense(3),
    ]
    model = framework.Sequential([framework.Input((7, 3)), *stack])
    framework.utils.set_random_seed(0)
    randomise(model, 0)
    x = normal(8, 7, 3)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, normal(8, 3, seed=5), verbose=0)
    (folder / "trained.json").write_text(model.to_json())
    for form in FORMS[framework.__name__]:
        save(framework, model, folder / f"trained{form}")
    checkpoint = importlib.import_module("tensorflow").train.Checkpoint
    if framework.__name__ == "tf_keras":
        checkpoint(net=model, optimizer=model.optimizer).write(str(folder / "trained.object.ckpt"))
        checkpoint(net=model, other=model.layers[-1], twin=framework.models.clone_model(model)).write(
            str(folder / "trained.two.ckpt")
        )
    np.savez(folder / "trained.x.npz", x)
    np.savez(folder / "trained.y.npz", model.predict(x, verbose=0))


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
    write_trained(framework, arguments.out)
    (arguments.out / "weights.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

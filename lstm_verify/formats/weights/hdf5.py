"""Weights in HDF5: `save_weights` of Keras 3 (`.weights.h5`), by path, and of Keras 2 (`.h5`), layer by layer.

Source: `keras.src.saving.saving_lib` and `keras.src.legacy.saving.legacy_h5_format`. Of a file that holds a whole model
the weights are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Dataset, Group, read_tree
from lstm_verify.formats.keras.graph import model_variables
from lstm_verify.formats.keras.store import OLD_CONTAINER, read_by_order_of_layers, read_by_path, weight_names
from lstm_verify.formats.weights.interface import Found, Together, Weights
from lstm_verify.layers import Array

MAGIC = b"\x89HDF\r\n\x1a\n"


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is HDF5."""
    return magic.startswith(MAGIC)


def use(path: Path, with_weights: Callable[[Weights], Found]) -> Found:
    """Open the weights and apply a function to them."""
    return read_tree(path, lambda file: with_weights(weights_in(file)))


def weights_in(file: Group) -> Weights:
    """Return the weights in an HDF5 file.

    Raises:
        ModelFileError: it has none that Keras writes.
    """
    whole = file.members.get("model_weights")
    by_layer = whole if isinstance(whole, Group) else file
    if by_layer.attributes["layer_names"]:
        return Weights(
            "Keras weights by layer (HDF5)",
            ".h5",
            lambda config: read_by_order_of_layers(config, by_layer),
            lambda: _of_layers(by_layer),
        )
    if {"layers", "vars", OLD_CONTAINER} & set(file.members):
        return by_path(file, ".weights.h5")
    raise ModelFileError(
        "an HDF5 file without a model config, and without weights in a layout of Keras. Is it of Keras?"
    )


def by_path(file: Group, suffix: str) -> Weights:
    """Return weights in the layout of `.weights.h5` and `.keras` files."""
    return Weights(
        "Keras weights (HDF5)",
        suffix,
        lambda config: read_by_path(model_variables(config), file, strictly=True),
        lambda: _of_places(file),
    )


def _of_places(file: Group, place: str = "") -> Together:
    """The tensors of a group by path, each by the name of its object."""
    own = {name: item for name, item in file.members.items() if isinstance(item, Dataset)}
    if own:
        owner, _, last = place.rpartition("/")
        prefix = "" if last != "vars" else "vars/"
        named = sorted(own, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
        yield (owner if prefix else place) or "model", {f"{prefix}{n}": own[n].array(f"{place}/{n}") for n in named}
    for name, member in file.members.items():
        if isinstance(member, Group):
            yield from _of_places(member, f"{place}/{name}".lstrip("/"))


def _of_layers(group: Group) -> Together:
    """The tensors of every layer, in the order of the file."""
    for layer in group.attributes["layer_names"]:
        together: dict[str, dict[str, Array]] = {}
        for name, array in _of_layer(group, layer):
            place, _, own = name.rpartition("/")
            together.setdefault(f"{layer}/{place}".rstrip("/"), {})[own] = array
        yield from together.items()


def _of_layer(group: Group, layer: str) -> Iterator[tuple[str, Array]]:
    inner = group.find(layer)
    for name in weight_names(inner):
        found = inner.find(name) if isinstance(inner, Group) else None
        if not isinstance(found, Dataset):
            raise ModelFileError(f"layer '{layer}': its dataset '{name}' is missing. Is the file complete?")
        yield name, found.array(f"layer '{layer}': {name}")

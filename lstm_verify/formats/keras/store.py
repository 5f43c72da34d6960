"""Where the variables of a model lie in an HDF5 file: two layouts, one for each Keras format.

by order   `.h5`     a group for each layer, its arrays in the order trainable, then not trainable
by path    `.keras`  a group for each object inside the model: `layers/lstm/cell/vars/0`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import h5py
import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import layers_of
from lstm_verify.formats.keras.registry import Variable, prefixed, variables_of
from lstm_verify.layers import Array

FoundArrays = dict[tuple[str, ...], Array]


def read_by_order(config: Config, group: h5py.Group) -> FoundArrays:
    """Read the variables of a model from the layout of `.h5` files.

    Args:
        config: the config of the model.
        group: the group `model_weights`.

    Raises:
        ModelFileError: a layer's weights are missing, or are more or fewer than its config asks for.
    """
    found: FoundArrays = {}
    seen = set()
    for entry in layers_of(config):
        variables = prefixed(variables_of(entry.config), "layers", entry.key)
        arrays = list(_arrays(group, entry.config.name)) if entry.config.name in group else []
        if len(arrays) != len(variables):
            wanted = ", ".join("/".join(variable.path[2:]) for variable in variables) or "none"
            raise ModelFileError(
                f"{entry.config.where}: {len(arrays)} weights in the file, expected {len(variables)} ({wanted}). "
                "Was it saved by another version, or only in part?"
            )
        found |= dict(zip(_by_training(variables), arrays, strict=True))
        seen.add(entry.config.name)
    _refuse_left_over(group, seen)
    return found


def _by_training(variables: Sequence[Variable]) -> list[tuple[str, ...]]:
    return [v.path for v in variables if v.trainable] + [v.path for v in variables if not v.trainable]


def _arrays(group: h5py.Group, layer: str) -> Iterator[Array]:
    inner = group[layer]
    for name in attribute_list(inner, "weight_names"):
        if name not in inner:
            raise ModelFileError(f"layer '{layer}': its dataset '{name}' is missing. Is the file whole?")
        yield _array(inner[name], f"layer '{layer}': {name}", group.file.filename)


def _refuse_left_over(group: h5py.Group, seen: set[str]) -> None:
    for name, inner in group.items():
        if name not in seen and isinstance(inner, h5py.Group) and attribute_list(inner, "weight_names"):
            raise ModelFileError(f"'{name}': the file has weights under that name, but its config has no such layer")


def attribute_list(group: h5py.Group, name: str) -> list[str]:
    """A list of names among the attributes of a group, which Keras splits into `name0`, `name1`, ... if it is long."""
    parts = [group.attrs[name]] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{name}{len(parts)}"])
    return [item.decode() if isinstance(item, bytes) else str(item) for part in parts for item in np.ravel(part)]


def read_by_path(variables: Sequence[Variable], file: h5py.File) -> FoundArrays:
    """Read variables from the layout of `.keras` files.

    Raises:
        ModelFileError: one is missing, or the file has one that nobody asked for.
    """
    layers = OLD_CONTAINER if OLD_CONTAINER in file else "layers"
    names = _names_in_old_container(variables, file) if layers == OLD_CONTAINER else {}
    counts: dict[tuple[str, ...], int] = {}
    found: FoundArrays = {}
    used = set()
    for variable in variables:
        owner = variable.path[:-1]
        index = counts[owner] = counts.get(owner, -1) + 1
        name = "/".join((names.get(owner) or "/".join(owner), "vars", str(index)))
        if name not in file:
            raise ModelFileError(f"weights: '{name}', a {variable.path[-1]}, is missing. Is the file whole?")
        found[variable.path] = _array(file[name], name, file.filename)
        used.add(name)
    _refuse_unused(file, layers, used)
    return found


OLD_CONTAINER = "_layer_checkpoint_dependencies"
"""What Keras 2.13 called the list of a model's layers in the file; all others call it `layers`."""


def _names_in_old_container(variables: Sequence[Variable], file: h5py.File) -> dict[tuple[str, ...], str]:
    """Where Keras 2.13 put the objects that have variables, by their paths.

    It went through a list in which a layer with weights stands twice, and numbered both: `lstm`, `lstm_2`, `lstm_4`.
    So the layers of a class are found by their order.
    """
    found: dict[tuple[str, ...], str] = {(): ""}
    for owner in dict.fromkeys(variable.path[:-1] for variable in variables):
        for depth, part in enumerate(owner):
            path, parent = owner[: depth + 1], found[owner[:depth]]
            if path not in found:
                listed = depth > 0 and owner[depth - 1] == "layers"
                name = _next_of_class(part, found, path[:-1], file[parent]) if listed else part
                found[path] = f"{parent}/{OLD_CONTAINER if part == 'layers' else name}".strip("/")
    return found


def _next_of_class(key: str, found: dict[tuple[str, ...], str], parent: tuple[str, ...], group: h5py.Group) -> str:
    """The first group of a layer's class, in the order of their numbers, that no layer before it has taken."""
    taken = {name.rpartition("/")[2] for path, name in found.items() if path[:-1] == parent}
    left = [name for name in group if _class_and_number(name)[0] == _class_and_number(key)[0] and name not in taken]
    with_weights = [name for name in left if _has_dataset(group[name])]
    return min(with_weights, key=_class_and_number, default=key)


def _class_and_number(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdigit() else (name, 0)


def _has_dataset(group: h5py.Group) -> bool:
    return group.visititems(lambda _, item: True if isinstance(item, h5py.Dataset) else None) is not None


def _refuse_unused(file: h5py.File, layers: str, used: set[str]) -> None:
    unused: list[str] = []

    def visit(name: str, item: Any) -> None:
        inside = name.startswith((f"{layers}/", "vars/")) and "seed_generator" not in name
        if isinstance(item, h5py.Dataset) and inside and name not in used:
            unused.append(name)

    file.visititems(visit)
    if unused:
        raise ModelFileError(
            f"weights: '{unused[0]}' is in the file, but no layer of the config has it. Do they belong together?"
        )


def _array(dataset: Any, where: str, home: str) -> Array:
    """Read a dataset of numbers; `home` is the name of the file that it must lie in."""
    if not isinstance(dataset, h5py.Dataset):
        raise ModelFileError(f"{where}: a group, expected a dataset. Is the file whole?")
    if dataset.external or dataset.is_virtual or dataset.file.filename != home:
        raise UnsupportedError(f"{where}: its values are in another file, which is not opened")
    if not _is_stored(dataset):
        raise ModelFileError(f"{where}: not all of its {dataset.size:,} values are in the file. Is the file whole?")
    try:
        array = np.asarray(dataset[()])
    except OSError as error:
        raise ModelFileError(f"{where}: cannot be read ({error}). Is the file whole?") from None
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:  # HDF5 has no bfloat16, so Keras writes raw bytes
        return _from_bfloat16(array)
    if array.dtype.kind not in "fiu":
        raise UnsupportedError(f"{where}: weights of dtype {array.dtype} are not supported, expected numbers")
    return array


def _is_stored(dataset: h5py.Dataset) -> bool:
    """Whether every value was written; HDF5 reads zeros, however many, where none was."""
    if not dataset.size:
        return True
    if dataset.chunks:
        chunks = (-(-length // size) for length, size in zip(dataset.shape, dataset.chunks, strict=True))
        return bool(dataset.id.get_num_chunks() == prod(chunks))
    return bool(dataset.id.get_storage_size() >= dataset.nbytes)


def _from_bfloat16(array: Array) -> Array:
    """A bfloat16 is the upper half of a float32."""
    return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)

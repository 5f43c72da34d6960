"""Where the variables of a model lie in an HDF5 file: two layouts, one for each Keras format.

by order   `.h5`     a group for each layer, its arrays in the order trainable, then not trainable
by path    `.keras`  a group for each object inside the model: `layers/lstm/cell/vars/0`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Dataset, Group
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import layers_of
from lstm_verify.formats.keras.registry import Variable, prefixed, variables_of
from lstm_verify.layers import Array

FoundArrays = dict[tuple[str, ...], Array]


def read_by_order(config: Config, group: Group) -> FoundArrays:
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
        arrays = list(_arrays(group, entry.config.name))
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


def _arrays(group: Group, layer: str) -> Iterator[Array]:
    inner = group.find(layer)
    if isinstance(inner, Dataset) and inner.fault:
        inner.array(f"layer '{layer}'")
    for name in weight_names(inner):
        found = inner.find(name) if isinstance(inner, Group) else None
        if found is None:
            raise ModelFileError(f"layer '{layer}': its dataset '{name}' is missing. Is the file whole?")
        yield _array(found, f"layer '{layer}': {name}")


def _refuse_left_over(group: Group, seen: set[str]) -> None:
    for name, inner in group.members.items():
        if name not in seen and weight_names(inner):
            raise ModelFileError(f"'{name}': the file has weights under that name, but its config has no such layer")


def weight_names(group: Group | Dataset | None) -> list[str]:
    """The names of a layer's weights, in their order; none of what is no group."""
    return list(group.attributes["weight_names"]) if isinstance(group, Group) else []


def read_by_path(variables: Sequence[Variable], file: Group) -> FoundArrays:
    """Read variables from the layout of `.keras` files.

    Raises:
        ModelFileError: one is missing, or the file has one that nobody asked for.
    """
    layers = OLD_CONTAINER if OLD_CONTAINER in file.members else "layers"
    names = _names_in_old_container(variables, file) if layers == OLD_CONTAINER else {}
    counts: dict[tuple[str, ...], int] = {}
    found: FoundArrays = {}
    used = set()
    for variable in variables:
        owner = variable.path[:-1]
        index = counts[owner] = counts.get(owner, -1) + 1
        name = "/".join((names.get(owner) or "/".join(owner), "vars", str(index)))
        dataset = file.find(name)
        if dataset is None:
            raise ModelFileError(f"weights: '{name}', a {variable.path[-1]}, is missing. Is the file whole?")
        found[variable.path] = _array(dataset, name)
        used.add(name)
    _refuse_unused(file, layers, used)
    return found


OLD_CONTAINER = "_layer_checkpoint_dependencies"
"""What Keras 2.13 called the list of a model's layers in the file; all others call it `layers`."""


def _names_in_old_container(variables: Sequence[Variable], file: Group) -> dict[tuple[str, ...], str]:
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
                name = _next_of_class(part, found, path[:-1], file.find(parent)) if listed else part
                found[path] = f"{parent}/{OLD_CONTAINER if part == 'layers' else name}".strip("/")
    return found


def _next_of_class(
    key: str, found: dict[tuple[str, ...], str], parent: tuple[str, ...], group: Group | Dataset | None
) -> str:
    """The first group of a layer's class, in the order of their numbers, that no layer before it has taken."""
    taken = {name.rpartition("/")[2] for path, name in found.items() if path[:-1] == parent}
    members = group.members if isinstance(group, Group) else {}
    left = {
        name: member
        for name, member in members.items()
        if _class_and_number(name)[0] == _class_and_number(key)[0] and name not in taken
    }
    with_weights = [name for name, member in left.items() if isinstance(member, Dataset) or any(member.datasets())]
    return min(with_weights, key=_class_and_number, default=key)


def _class_and_number(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdigit() else (name, 0)


def _refuse_unused(file: Group, layers: str, used: set[str]) -> None:
    for name in file.datasets():
        inside = name.startswith((f"{layers}/", "vars/")) and "seed_generator" not in name
        if inside and name not in used:
            raise ModelFileError(
                f"weights: '{name}' is in the file, but no layer of the config has it. Do they belong together?"
            )


def _array(dataset: Group | Dataset, where: str) -> Array:
    """Read a dataset of numbers."""
    if isinstance(dataset, Group):
        raise ModelFileError(f"{where}: a group, expected a dataset. Is the file whole?")
    return dataset.array(where)

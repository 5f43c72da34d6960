"""Where the variables of a model are in an HDF5 file: two layouts, one for each Keras format.

by order   `.h5`     a group for each layer, its arrays in the order trainable, then not trainable
by path    `.keras`  a group for each object inside the model: `layers/lstm/cell/vars/0`

A list of arrays without names, as `get_weights()` returns it, has an order of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Dataset, Group
from lstm_verify.formats.keras.calls import MODELS
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import LayerEntry, layers_of
from lstm_verify.formats.keras.registry import LayerVariable, prefixed, variables_of
from lstm_verify.layers import Array

FoundArrays = dict[tuple[str, ...], Array]
LISTED = 6
"""How many names a message lists."""
TOP_LEVEL = "top_level_model_weights"
"""Where Keras puts the weights that a model has besides those of its layers."""
OF_TRAINING = re.compile("optimizer|metric|loss")
"""What the objects of a model that has been trained are called, besides its layers."""


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
        found |= _of_layer(entry, _variables(entry), list(_arrays(group, entry.config.name)))
        seen.add(entry.config.name)
    _refuse_left_over(group, seen)
    return found


def read_by_order_of_layers(config: Config, group: Group) -> FoundArrays:
    """Read the variables of a model from what `save_weights` of Keras 2 wrote, the way Keras loads it.

    The layers that have weights are taken in their order, whatever they are called: two models made by the same code
    have layers with other numbers in their names.

    Args:
        config: the config of the model.
        group: the file.

    Raises:
        ModelFileError: the layers with weights are more or fewer, or have the same names in another order; a layer's
            weights are more or fewer than its config asks for; or there are others that are nobody's.
    """
    entries = [(entry, variables) for entry in layers_of(config) if (variables := _variables(entry))]
    wanted = [entry.config.name for entry, _ in entries]
    names = [name for name in group.attributes["layer_names"] if weight_names(group.find(name))]
    if len(names) != len(wanted):
        raise ModelFileError(
            f"layers with weights: {len(names)} ({_listed(names)}), expected {len(wanted)} ({_listed(wanted)}). "
            "Is the architecture that of another model?"
        )
    if names != wanted and sorted(names) == sorted(wanted):
        raise ModelFileError(
            f"the layers come in the order {_listed(names)}, expected {_listed(wanted)}. "
            "Save the architecture and the weights from the same model"
        )
    found: FoundArrays = {}
    for (entry, variables), name in zip(entries, names, strict=True):
        found |= _of_layer(entry, variables, list(_arrays(group, name)))
    _refuse_unlisted(group)
    return found


def _variables(entry: LayerEntry) -> list[LayerVariable]:
    return prefixed(variables_of(entry.config), "layers", entry.key)


def _of_layer(entry: LayerEntry, variables: Sequence[LayerVariable], arrays: Sequence[Array]) -> FoundArrays:
    """The variables of one layer, whose arrays lie in the file in the order trainable, then not trainable."""
    if len(arrays) != len(variables):
        wanted = ", ".join("/".join(variable.path[2:]) for variable in variables) or "none"
        raise ModelFileError(
            f"{entry.config.where}: {len(arrays)} weights in the file, expected {len(variables)} ({wanted}). "
            "Was it saved by another version, or only in part?"
        )
    return dict(zip(_by_training(variables), arrays, strict=True))


def _by_training(variables: Sequence[LayerVariable]) -> list[tuple[str, ...]]:
    return [v.path for v in variables if v.trainable] + [v.path for v in variables if not v.trainable]


def order_of_get_weights(config: Config) -> list[tuple[str, ...]]:
    """Return the paths of a model's variables in the order of `model.get_weights()`.

    Keras 3 goes from object to object. Keras 2 does so from model to layer, and has of each layer, with all inside it,
    first what trains.
    """
    found = []
    for entry in layers_of(config):
        if entry.config.class_name in MODELS and config.generation == 2:
            found += [("layers", entry.key, *path) for path in order_of_get_weights(entry.config)]
        else:
            variables = _variables(entry)
            found += _by_training(variables) if config.generation == 2 else [v.path for v in variables]
    return found


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED])
    return f"{shown}, …" if len(names) > LISTED else shown or "none"


def _arrays(group: Group, layer: str) -> Iterator[Array]:
    inner = group.find(layer)
    if isinstance(inner, Dataset) and inner.fault:
        inner.array(f"layer '{layer}'")
    for name in weight_names(inner):
        found = inner.find(name) if isinstance(inner, Group) else None
        if found is None:
            raise ModelFileError(f"layer '{layer}': its dataset '{name}' is missing. Is the file complete?")
        yield _array(found, f"layer '{layer}': {name}")


def _refuse_unlisted(group: Group) -> None:
    """Refuse datasets of a file that no list of weights has."""
    listed = {
        f"{layer}/{name}".replace("//", "/")
        for layer in (*group.attributes["layer_names"], TOP_LEVEL)
        for name in weight_names(group.find(layer))
    }
    top = weight_names(group.find(TOP_LEVEL))
    others = [name for name in group.datasets() if name not in listed]
    if top or others:
        raise ModelFileError(
            f"'{(others or top)[0]}' is in the file, but no layer of the architecture has it. Do they belong together?"
        )


def _refuse_left_over(group: Group, seen: set[str]) -> None:
    for name, inner in group.members.items():
        if name not in seen and weight_names(inner):
            raise ModelFileError(f"'{name}': the file has weights under that name, but its config has no such layer")


def weight_names(group: Group | Dataset | None) -> list[str]:
    """Return the names of a layer's weights in order; none if it is not a group."""
    return list(group.attributes["weight_names"]) if isinstance(group, Group) else []


def read_by_path(variables: Sequence[LayerVariable], file: Group, strictly: bool = False) -> FoundArrays:
    """Read variables from the layout of `.keras` files.

    Args:
        variables: the variables of the model.
        file: the weights.
        strictly: whether nothing else may be in the file but the state of a training; else only what lies among the
            layers counts.

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
            raise ModelFileError(
                f"weights: '{name}', its {variable.path[-1]}, is missing. Is the file complete, and of this model?"
            )
        found[variable.path] = _array(dataset, name)
        used.add(name)
    _refuse_unused(file, layers, used, strictly)
    return found


OLD_CONTAINER = "_layer_checkpoint_dependencies"
"""What Keras 2.13 called the list of a model's layers in the file; all others call it `layers`."""


def _names_in_old_container(variables: Sequence[LayerVariable], file: Group) -> dict[tuple[str, ...], str]:
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


def _refuse_unused(file: Group, layers: str, used: set[str], strictly: bool) -> None:
    for name in file.datasets():
        inside = name.startswith((f"{layers}/", "vars/")) or (strictly and not OF_TRAINING.search(name.split("/")[0]))
        if inside and "seed_generator" not in name and name not in used:
            raise ModelFileError(
                f"weights: '{name}' is in the file, but no layer of the config has it. Do they belong together?"
            )


def _array(dataset: Group | Dataset, where: str) -> Array:
    """Read a dataset of numbers."""
    if isinstance(dataset, Group):
        raise ModelFileError(f"{where}: a group, expected a dataset. Is the file complete?")
    return dataset.array(where)

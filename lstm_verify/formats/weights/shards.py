"""Weights in several files: `save_weights("model.weights.json", max_shard_size=…)` of Keras 3.

The JSON says which file has which group (`weight_map`); the files beside it are `.weights.h5` with a part of the groups
each. Source: `ShardedH5IOStore` in `keras.src.saving.saving_lib`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Group, read_tree
from lstm_verify.formats.keras.assemble import parse_json
from lstm_verify.formats.weights.hdf5 import by_path
from lstm_verify.formats.weights.interface import Found, Weights

SUFFIX = ".weights.json"


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is JSON: the index of shards, or another that is refused with a reason."""
    return magic.lstrip().startswith((b"{", b'"{'))


def use(path: Path, with_weights: Callable[[Weights], Found]) -> Found:
    """Open the weights and apply a function to them."""
    shards = [path.with_name(name) for name in _names(parse_json(path.read_bytes(), path.name))]
    return _merged(shards, Group({}, {}), lambda file: with_weights(by_path(file, SUFFIX)))


def _names(found: Any) -> list[str]:
    """The names of the files, all beside the JSON."""
    places = found.get("weight_map") if isinstance(found, Mapping) else None
    if not isinstance(places, Mapping):
        raise ModelFileError(
            "JSON without weights. If it is the config of a model, give the file of its weights, and this one with "
            "--architecture"
        )
    names = [name for item in places.values() for name in (item if isinstance(item, list) else [item])]
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise ModelFileError(f"its weight_map names {name!r}, expected a file beside it")
    return list(dict.fromkeys(names))


def _merged(shards: Sequence[Path], before: Group, use: Callable[[Group], Found]) -> Found:
    """Open one file after the other, and use all that is in them."""
    if not shards:
        return use(before)
    first, *others = shards
    if not first.is_file():
        raise ModelFileError(f"{first.name} is missing, a part of the weights. Put it beside the JSON")
    return read_tree(first, lambda file: _merged(others, _joined(before, file, first.name), use))


def _joined(one: Group, other: Group, shard: str) -> Group:
    members = dict(one.members)
    for name, item in other.members.items():
        mine = members.get(name)
        if isinstance(mine, Group) and isinstance(item, Group):
            members[name] = _joined(mine, item, shard)
        elif mine is not None:
            raise ModelFileError(f"{shard}: '{name}' is in another part of the weights too. Are they of one model?")
        else:
            members[name] = item
    return Group(one.attributes or other.attributes, members)

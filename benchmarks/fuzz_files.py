"""Damaged files for the fuzzer: the fixtures with bytes changed, pieces lost or moved, and other JSON in their configs.

Everything follows from a seed and a number, so that a file that was found can be made again.
"""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
from fuzz_onnx import with_other_fields

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
ORIGIN = "origin_tanh_sigmoid"
KERAS = (ORIGIN, "stacked_gru", "bidirectional_masked", "encoder_decoder", "conv_pool_lstm", "nested_shared", "speller")
FROZEN = ("basic_lstm", "peephole_lstm", "coupled_lstm", "sine_float32", "states_pair", "states_concatenated")
EXPORTED = (ORIGIN, "origin_tanh_relu")
ONNX = (ORIGIN, "stacked_gru", "encoder_decoder", "conv_pool_lstm")
VALUES = (None, True, -1, 0, 1, 7, 1.5, 1e308, 2**31, 2**63, "", "x", "lstm", "float16", [], {}, [None], [[]], {"a": 1})

Change = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Case:
    """A damaged file, and what it is verified with."""

    kind: str
    """What was damaged: a row of the table."""
    model: Path
    inputs: Path
    expected: Path
    architecture: Path | None = None
    """The config of a model that has its weights in a file of their own."""

    def arguments(self) -> list[str]:
        """What `lstm-verify` is called with."""
        config = ["--architecture", str(self.architecture)] if self.architecture else []
        return [str(self.model), *config, "-i", str(self.inputs), "-e", str(self.expected)]


# --- changes of bytes


def flipped(content: bytes, chance: random.Random) -> bytes:
    """A few bytes of any value."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        changed[chance.randrange(len(changed))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    return bytes(changed)


def one_bit(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(content: bytes, chance: random.Random) -> bytes:
    """The beginning of a file, at a length that a full disk or a broken download may leave."""
    return content[: chance.choice((chance.randrange(len(content)), len(content) - chance.randrange(1, 64)))]


def filled(content: bytes, chance: random.Random) -> bytes:
    """A stretch of zeros, ones or noise."""
    start, length = chance.randrange(len(content)), chance.choice((8, 8, 64, 512))
    fill = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    return (content[:start] + fill)[: len(content)] + content[start + length :]


def moved(content: bytes, chance: random.Random) -> bytes:
    """A stretch that is lost, doubled, or overwritten by another, so that offsets are wrong."""
    start, other, length = chance.randrange(len(content)), chance.randrange(len(content)), chance.randrange(1, 64)
    piece = content[other : other + length]
    lost = chance.choice((0, length, len(piece)))
    return content[:start] + (piece if chance.random() < 0.7 else b"") + content[start + lost :]


CHANGES: tuple[Change, ...] = (flipped, flipped, flipped, one_bit, one_bit, cut, filled, moved)


def damaged(content: bytes, chance: random.Random) -> bytes:
    return chance.choice(CHANGES)(content, chance) if content else content


# --- changes of JSON


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or mapping in a value, with an index or key of it."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(children):
        yield value, key
        yield from places(child)


def with_other_tokens(text: str | bytes, chance: random.Random) -> str:
    """A config in which one to three places have another value, or are gone."""
    config = json.loads(text)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        found = list(places(config))
        if not found:
            break
        parent, key = chance.choice(found)
        what = chance.random()
        if what < 0.2:
            del parent[key]
        elif what < 0.4:  # a value from elsewhere in the same config
            other, at = chance.choice(found)
            parent[key] = json.loads(json.dumps(other[at])) if _has(other, at) else None
        elif what < 0.6 and isinstance(parent[key], int | float):
            parent[key] = chance.choice((-parent[key], parent[key] + 1, parent[key] * 1000, parent[key] / 2))
        else:
            parent[key] = chance.choice(VALUES)
    return json.dumps(config)


def _has(container: Any, key: Any) -> bool:
    return key in container if isinstance(container, dict) else key < len(container)


# --- files


def damaged_file(source: Path, target: Path, chance: random.Random) -> None:
    target.write_bytes(damaged(source.read_bytes(), chance))


def h5_tokens(source: Path, target: Path, chance: random.Random) -> None:
    shutil.copyfile(source, target)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = with_other_tokens(file.attrs["model_config"], chance)


def part_of_archive(source: Path, target: Path, chance: random.Random) -> None:
    """A `.keras` file with a damaged part and a checksum that is right for it."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            content: bytes | str = archive.read(name)
            if name == "config.json" and chance.random() < 0.7:
                content = with_other_tokens(content, chance)
            elif name == "model.weights.h5" and chance.random() < 0.7:
                content = damaged(bytes(content), chance)  # type: ignore[arg-type]
            copy.writestr(name, content)


def damaged_folder(source: Path, target: Path, chance: random.Random) -> None:
    """A SavedModel with one of its files damaged."""
    shutil.copytree(source, target)
    name = chance.choice(("saved_model.pb", "saved_model.pb", "saved_model.pb", "variables/variables.index"))
    if chance.random() < 0.1:
        name = "variables/variables.data-00000-of-00001"
    damaged_file(target / name, target / name, chance)


def keras_case(suffix: str, damage: Callable[[Path, Path, random.Random], None]) -> Callable[..., Case]:
    def make(folder: Path, chance: random.Random) -> Case:
        name = chance.choice(KERAS if suffix == "h5" else KERAS[:-1])
        generation = chance.choice(("keras2", "keras3"))
        target = folder / f"model.{suffix}"
        damage(FIXTURES / f"{name}.{generation}.{suffix}", target, chance)
        return Case("", target, FIXTURES / f"{name}.x.npz", FIXTURES / f"{name}.{generation}.y.npz")

    return make


def weights_case(folder: Path, chance: random.Random) -> Case:
    """The weights and the config of a `.keras` file, each a file of its own, one of which is damaged."""
    name, generation = chance.choice(KERAS[:-1]), chance.choice(("keras2", "keras3"))
    weights, config = folder / "model.weights.h5", folder / "model.json"
    with zipfile.ZipFile(FIXTURES / f"{name}.{generation}.keras") as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
        config.write_bytes(archive.read("config.json"))
    if chance.random() < 0.7:
        damaged_file(weights, weights, chance)
    else:
        config.write_text(with_other_tokens(config.read_text(), chance))
    return Case("", weights, FIXTURES / f"{name}.x.npz", FIXTURES / f"{name}.{generation}.y.npz", config)


def frozen_case(folder: Path, chance: random.Random) -> Case:
    name, target = chance.choice(FROZEN), folder / "model.pb"
    damaged_file(FIXTURES / f"{name}.tf1.pb", target, chance)
    return Case("", target, FIXTURES / f"{name}.x.npz", FIXTURES / f"{name}.tf1.y.npz")


def exported_case(folder: Path, chance: random.Random) -> Case:
    name, target = chance.choice(EXPORTED), folder / "export"
    damaged_folder(FIXTURES / f"{name}.keras3.export", target, chance)
    return Case("", target, FIXTURES / f"{name}.x.npz", FIXTURES / f"{name}.keras3.y.npz")


def arrays_case(suffix: str) -> Callable[..., Case]:
    def make(folder: Path, chance: random.Random) -> Case:
        whole = (FIXTURES / "origin.x.npy", FIXTURES / f"{ORIGIN}.keras3.y.npz")
        if suffix == "npz":
            whole = (FIXTURES / f"{ORIGIN}.x.npz", whole[1])
        broken = 0 if suffix == "npy" else chance.randrange(2)
        target = folder / f"arrays.{suffix}"
        damaged_file(whole[broken], target, chance)
        arrays = [target if place == broken else path for place, path in enumerate(whole)]
        return Case("", FIXTURES / f"{ORIGIN}.keras3.h5", *arrays)

    return make


def onnx_case(damage: Callable[[Path, Path, random.Random], None]) -> Callable[..., Case]:
    def make(folder: Path, chance: random.Random) -> Case:
        name, target = chance.choice(ONNX), folder / "model.onnx"
        damage(FIXTURES / f"{name}.keras3.onnx", target, chance)
        return Case("", target, FIXTURES / f"{name}.x.npz", FIXTURES / f"{name}.keras3.y.npz")

    return make


KINDS: dict[str, Callable[..., Case]] = {
    ".h5, bytes": keras_case("h5", damaged_file),
    ".h5, JSON": keras_case("h5", h5_tokens),
    ".keras, bytes": keras_case("keras", damaged_file),
    ".keras, parts": keras_case("keras", part_of_archive),
    ".weights.h5": weights_case,
    ".pb": frozen_case,
    "SavedModel": exported_case,
    ".onnx, bytes": onnx_case(damaged_file),
    ".onnx, fields": onnx_case(with_other_fields),
    ".npy": arrays_case("npy"),
    ".npz": arrays_case("npz"),
}
TENSORFLOW = (".pb", "SavedModel")
"""The kinds that TensorFlow is imported for, which takes seconds."""


def case(kind: str, seed: int, number: int, folder: Path) -> Case:
    """The damaged file of a kind and a number, made in an empty folder."""
    made = KINDS[kind](folder, random.Random(f"{seed} {kind} {number}"))
    return replace(made, kind=kind)

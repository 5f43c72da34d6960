"""Workarounds for Keras models that cannot be replayed, as the ends of error messages.

Tried with Keras 3.15 and tf_keras 2.21 in `tests/formats/test_ways_out.py`, which follows the messages to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lstm_verify.errors import UnsupportedError

SAVED_MODEL = "A SavedModel contains what it computes: {saved}, and verify the folder"
SAVE = "model.save('folder')"
EXPORT = "model.export('folder')"
EXPORT_INFERENCE = (
    "keras.Model(model.inputs, model(model.inputs, training=False)).export('folder') (model.export alone would run "
    "'{name}' ({class_name}) as in training)"
)
PART = (
    "Verify the part behind it: keras.Model(model.get_layer('{name}').output, model.outputs).save('part.keras'), "
    "given what this layer returns"
)


class NotExported(UnsupportedError):
    """A refusal that a SavedModel does not help with; the message has another workaround."""


class OnlyInPart(UnsupportedError):
    """A layer that cannot be replayed from a SavedModel either: only what comes after it can be verified."""

    def __init__(self, message: object, layer: str = "") -> None:
        super().__init__(message)
        self.layer = layer


NOT_REPLAYED = {
    *("MelSpectrogram", "STFTSpectrogram", "Resizing", "CategoryEncoding", "Discretization"),
    *("Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization"),
    *("RandomCrop", "ContrastLimitedAdaptiveHistogramEqualization"),
    *(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
}
"""Layers of Keras that cannot be verified in a SavedModel either."""
EXPORTED = {
    *("SpectralNormalization", "GroupQueryAttention", "ReversibleEmbedding", "CenterCrop", "LocallyConnected1D"),
    *("LocallyConnected2D", "AutoContrast", "Pipeline"),
}
"""Layers of Keras that are replayed from a SavedModel."""
AUGMENTATION = {
    *("AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "Solarization"),
    *("RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform"),
    *("RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHeight", "RandomHue"),
    *("RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
    *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom"),
}
"""Layers of Keras that change images in training alone."""


def unknown_layer(where: str, class_name: str, name: str) -> UnsupportedError:
    """Refuse a layer class that is not supported."""
    if class_name in NOT_REPLAYED:
        return OnlyInPart(f"{where}: this layer of Keras is not supported, not even in a SavedModel", name)
    if class_name in EXPORTED:
        return UnsupportedError(f"{where}: this layer of Keras is not supported")
    what = "not a known layer or operation; if it is custom, its code is not in the file"
    return UnsupportedError(f"{where}: {what}")


def with_way(error: UnsupportedError, entry: Any, generation: int) -> UnsupportedError:
    """Refuse something in a model, with a workaround.

    Args:
        error: the refusal.
        entry: the config of the model, as Keras writes it.
        generation: of Keras, 2 or 3.
    """
    if isinstance(error, NotExported):
        return error
    if isinstance(error, OnlyInPart):
        way = PART.format(name=_holder(entry, error.layer))
    else:
        way = SAVED_MODEL.format(saved=SAVE if generation == 2 else _export(entry))
    return UnsupportedError(f"{str(error).rstrip('.')}. {way}")


def _export(entry: Any) -> str:
    """How Keras 3 writes a SavedModel of what `model.predict` computes.

    Layers that change images, and those that are called with `training=True`, run as in training unless they are told
    otherwise: `model.predict` tells them, `model.export` does not.
    """
    for item in _entries(entry):
        if item["class_name"] in AUGMENTATION or _in_training(item):
            return EXPORT_INFERENCE.format(name=_name(item), class_name=item["class_name"])
    return EXPORT


def _in_training(entry: Mapping[str, Any]) -> bool:
    """Whether a layer is called with `training=True`."""
    nodes = entry.get("inbound_nodes")
    calls = [node.get("kwargs") for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []
    return any(isinstance(call, Mapping) and call.get("training") is True for call in calls)


def _holder(entry: Any, name: str) -> str:
    """The layer of the whole model that a layer is, or is inside of."""
    config = entry.get("config") if isinstance(entry, Mapping) else None
    layers = config.get("layers") if isinstance(config, Mapping) else None
    for item in layers if isinstance(layers, list) else []:
        if any(_name(inner) == name for inner in _entries(item)):
            return _name(item)
    return name


def _name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name")) if isinstance(config, Mapping) else ""


def _entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of layers in a config, the outer ones first."""
    if isinstance(value, Mapping):
        if isinstance(value.get("class_name"), str):
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _entries(item)

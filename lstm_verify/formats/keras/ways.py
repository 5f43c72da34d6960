"""What to do about a Keras model that cannot be replayed: what was found to work, as the ends of messages.

Tried with Keras 3.15 and tf_keras 2.21.
"""

from __future__ import annotations

from lstm_verify.errors import UnsupportedError

EXPORT = "A SavedModel holds what it computes: model.export('folder'), and verify the folder"


class NotExported(UnsupportedError):
    """What a SavedModel does not help with; the message has another way."""


SAVED_IN_PART = (
    "Verify the part behind it: keras.Model(model.get_layer('{name}').output, model.outputs).save('part.keras'), "
    "given what this layer returns"
)
NOT_REPLAYED = {
    *("Conv3D", "Conv3DTranspose", "ConvLSTM3D", "MaxPooling3D", "AveragePooling3D"),
    *("MelSpectrogram", "STFTSpectrogram", "Resizing", "CategoryEncoding", "Discretization"),
    *("Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization"),
    *("RandomCrop", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom", "MixUp"),
}
"""Layers of Keras whose operations are not supported in a SavedModel either."""
EXPORTED = {
    *("SpectralNormalization", "GroupQueryAttention", "ReversibleEmbedding", "CenterCrop", "LocallyConnected1D"),
    *("LocallyConnected2D", "GlobalAveragePooling3D", "GlobalMaxPooling3D", "Cropping3D", "ZeroPadding3D"),
    *("UpSampling3D", "SpatialDropout3D"),
}
"""Layers of Keras that are replayed from a SavedModel."""


def unknown_layer(where: str, class_name: str, name: str) -> UnsupportedError:
    """The refusal of a layer class that is not among those that are read."""
    if class_name in NOT_REPLAYED:
        way = SAVED_IN_PART.format(name=name)
        return NotExported(f"{where}: this layer of Keras is not supported, not even in a SavedModel. {way}")
    if class_name in EXPORTED:
        return UnsupportedError(f"{where}: this layer of Keras is not supported")
    what = "no layer or operation that is known here; if it is custom, its code is not in the file"
    return UnsupportedError(f"{where}: {what}")


def with_way(error: UnsupportedError) -> UnsupportedError:
    """The refusal of something in a model, with the way that works."""
    return error if isinstance(error, NotExported) else UnsupportedError(f"{str(error).rstrip('.')}. {EXPORT}")

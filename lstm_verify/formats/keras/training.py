"""The argument `training=True` of a call: many layers do the same in training as in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_verify.formats.keras.config import WITHOUT_EFFECT_SUFFIXES, Config


def trains_as_it_predicts(key: str, value: Any, config: Config) -> bool:
    """Whether an argument is `training=True`, of a layer that does the same in training as in prediction."""
    return key == "training" and value is True and not _acts_in_training(config.class_name, config.values)


ONLY_IN_TRAINING = ("dropout", "recurrent_dropout", "rate", "stddev")
"""What layers are told to do in training alone, unless it is 0."""


def _acts_in_training(class_name: Any, values: Any) -> bool:
    """Whether a layer, or one inside it, does something else in training than in prediction."""
    if isinstance(values, list):
        return any(_acts_in_training(None, item) for item in values)
    if not isinstance(values, Mapping):
        return False
    if "class_name" in values and "config" in values:
        return _acts_in_training(values["class_name"], values["config"])
    told = any(values.get(key) not in (None, 0) for key in ONLY_IN_TRAINING)
    inside = (value for key, value in values.items() if not key.endswith(WITHOUT_EFFECT_SUFFIXES))
    return told or class_name == "BatchNormalization" or any(_acts_in_training(None, value) for value in inside)

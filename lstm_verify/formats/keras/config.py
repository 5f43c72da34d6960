"""A layer's config, of which every key must be accounted for.

A key is used, or is known to have no effect on inference, or the model is not supported. Nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError

WITHOUT_EFFECT = {
    *("name", "trainable", "dtype", "autocast", "unroll", "implementation", "use_cudnn"),
    *("batch_input_shape", "batch_shape", "input_shape", "input_dtype", "input_length", "input_dim", "output_dim"),
    *("dropout", "recurrent_dropout", "rate", "seed", "noise_shape", "stddev", "l1", "l2"),
    *("unit_forget_bias", "momentum", "renorm_momentum", "renorm_clipping", "fused", "synchronized"),
    "virtual_batch_size",
}
WITHOUT_EFFECT_SUFFIXES = ("_initializer", "_regularizer", "_constraint")
DTYPES = {"float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"}
DTYPE_POLICIES = {"Policy", "DTypePolicy", "FloatDTypePolicy"}
"""The policies that do not quantize, by the names that Keras had for them."""
REQUIRED: Any = object()
Version = tuple[int, ...]
"""The version of Keras that wrote a file, such as (3, 4, 1)."""


def as_list(value: Any, what: str) -> list[Any]:
    """Check that a value from a file is a list.

    Raises:
        ModelFileError: it is something else.
    """
    if not isinstance(value, list):
        raise ModelFileError(f"{what} is {str(value)[:60]!r}, expected a list. Is the file complete?")
    return value


def as_mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Check that a value from a file is a JSON object.

    Raises:
        ModelFileError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise ModelFileError(f"{what} is {str(value)[:60]!r}, expected an object. Is the file complete?")
    return value


@dataclass
class Config:
    """The config of one layer; `where` names it in messages."""

    class_name: str
    values: Mapping[str, Any]
    version: Version
    used: set[str] = field(default_factory=set)

    @property
    def generation(self) -> int:
        """2 or 3."""
        return self.version[0]

    @property
    def name(self) -> str:
        return str(self.values.get("name", self.class_name))

    @property
    def where(self) -> str:
        return f"layer '{self.name}' ({self.class_name})"

    @property
    def trainable(self) -> bool:
        return bool(self.values.get("trainable", True))

    def get(self, key: str, default: Any = REQUIRED) -> Any:
        """Use a key.

        Raises:
            ModelFileError: it is missing and has no default.
        """
        self.used.add(key)
        if key in self.values:
            return self.values[key]
        if default is REQUIRED:
            raise ModelFileError(f"{self.where}: its config has no '{key}'. Is the file complete?")
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """Use a boolean."""
        return bool(self.get(key, default))

    def whole(self, key: str, default: Any = REQUIRED) -> int:
        """Use an integer, which Keras also writes as a list of one.

        Raises:
            ModelFileError: it is something else.
        """
        value = self.get(key, default)
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, int):
            raise ModelFileError(f"{self.where}: {key} is {value!r}, expected an integer")
        return value

    def wholes(self, key: str, default: Any = REQUIRED) -> tuple[int, ...]:
        """Use one integer or several; None has none.

        Raises:
            ModelFileError: it is something else.
        """
        value = self.get(key, default)
        numbers = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
        if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
            raise ModelFileError(f"{self.where}: {key} is {value!r}, expected integers")
        return tuple(numbers)

    def number(self, key: str, default: Any = REQUIRED) -> float:
        """Use a number.

        Raises:
            ModelFileError: it is something else.
        """
        value = self.get(key, default)
        if isinstance(value, Mapping):  # a NumPy scalar, as Keras wraps it
            value = value.get("config", {}).get("value") if "config" in value else value.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ModelFileError(f"{self.where}: {key} is {value!r}, expected a number")
        return float(value)

    def choice(self, key: str, known: set[Any], default: Any = REQUIRED) -> Any:
        """Use a key that has a few known values.

        Raises:
            UnsupportedError: it has another.
        """
        value = self.get(key, default)
        if not isinstance(value, str | None) or value not in known:
            listed = ", ".join(sorted(repr(item) for item in known))
            raise UnsupportedError(f"{self.where}: {key}={value!r} is not supported, expected one of {listed}")
        return value

    def refuse(self, key: str, *accepted: Any) -> None:
        """Accept a key only with one of the values that leave the equations as they are.

        Raises:
            UnsupportedError: it has another.
        """
        value = self.get(key, accepted[0])
        if value not in accepted:
            raise UnsupportedError(f"{self.where}: {key}={value!r} is not supported, expected {accepted[0]!r}")

    def done(self) -> None:
        """Check that every key was used, or has no effect on inference.

        Raises:
            UnsupportedError: a key is left over.
        """
        left = [
            key
            for key, value in self.values.items()
            if key not in self.used
            and key not in WITHOUT_EFFECT
            and not key.endswith(WITHOUT_EFFECT_SUFFIXES)
            and value is not None
        ]
        if left:
            listed = ", ".join(f"{key}={self.values[key]!r}" for key in left)
            raise UnsupportedError(f"{self.where}: its config has {listed}, which is not known here")

    def compute_dtype(self) -> str:
        """The dtype that the layer computes in, of its dtype or dtype policy.

        Raises:
            UnsupportedError: it is a quantized or unknown one.
        """
        policy = self.values.get("dtype") or "float32"
        name = policy
        if isinstance(policy, Mapping):
            inner = policy.get("config")
            plain = str(policy.get("class_name")) in DTYPE_POLICIES and isinstance(inner, Mapping)
            name = inner.get("name") if plain and isinstance(inner, Mapping) else None
        name = str(name).removeprefix("mixed_")
        if name not in DTYPES:
            raise UnsupportedError(f"{self.where}: dtype policy {str(policy)[:80]} is not supported, expected a float")
        return name


def unwrap(entry: Mapping[str, Any], version: Version, operation: bool = False) -> Config:
    """Read `{"class_name": ..., "config": ...}`, the form in which Keras writes every object.

    Args:
        entry: the object.
        version: the version of Keras that wrote it.
        operation: it is an operation on tensors, not a layer.

    Raises:
        ModelFileError: it has another form.
        UnsupportedError: it is a class of the user's.
    """
    try:
        class_name, values = entry["class_name"], entry["config"]
    except (KeyError, TypeError):
        raise ModelFileError(f"{str(entry)[:80]!r}: not the config of a layer. Is the file complete?") from None
    config = Config(str(class_name), values if isinstance(values, Mapping) else {}, version)
    if not operation:
        _refuse_custom(entry, config)
    return config


def _refuse_custom(entry: Mapping[str, Any], config: Config) -> None:
    module, registered = entry.get("module"), entry.get("registered_name")
    if config.class_name == "Lambda":
        raise UnsupportedError(f"{config.where}: Lambda layers hold Python code, which is never run to read a model")
    ours = module is None or str(module).split(".")[0] in (
        "keras",
        "tf_keras",
        "tensorflow",
    )
    packaged = ">" in config.class_name  # as Keras registers the classes of users, and as `.h5` files name them
    ours = ours and not packaged and registered in (None, config.class_name) and (module is not None or not registered)
    if not ours:
        named = config.class_name if packaged else registered or f"{module}.{config.class_name}"
        raise UnsupportedError(f"{config.where}: a custom layer ({named}), whose code is not in the file")

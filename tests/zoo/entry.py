"""What one entry of the zoo is, and short ways to write one down.

Sizes are told apart on purpose: 5 samples, 7 timesteps, 3 features, 4 or more units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Inputs = list[Array] | dict[str, Array]
Build = Callable[[Any], tuple[Any, Inputs]]


@dataclass(frozen=True)
class Entry:
    """One model of the zoo, for both Keras generations unless it says otherwise."""

    build: Build
    """Take a framework (``keras`` or ``tf_keras``) and return a model and its inputs."""
    only: Literal["keras", "tf_keras"] | None = None
    """The one generation that has this model."""
    scale: float = 1.5
    """Times the Glorot limit, for the random kernels."""
    batch_size: int | None = None
    """The batch size a stateful or time-major model must be predicted with."""
    twin: Build | None = None
    """Build the model that predicts after loading the ``.h5``, where this machine cannot run the saved one."""


@dataclass(frozen=True)
class Source:
    """One input of a model and the array that feeds it."""

    array: Array
    """(samples, …), any dtype."""
    name: str = "input"
    """The input's name."""
    shape: tuple[int | None, ...] | None = None
    """The declared shape of one sample; the array's own unless given."""
    batch_size: int | None = None
    """The declared batch size."""

    def tensor(self, keras: Any) -> Any:
        """Return the symbolic input of a model."""
        shape = self.array.shape[1:] if self.shape is None else self.shape
        return keras.Input(shape, batch_size=self.batch_size, dtype=str(self.array.dtype), name=self.name)


def stack(source: Source, make_layers: Callable[[Any], Sequence[Any]], **options: Any) -> Entry:
    """Return the entry of a Sequential model; ``make_layers`` takes the framework's ``layers`` module."""

    def build(keras: Any) -> tuple[Any, Inputs]:
        return keras.Sequential([source.tensor(keras), *make_layers(keras.layers)]), [source.array]

    return Entry(build, **options)


def graph(sources: Source | Sequence[Source], connect: Callable[..., Any], **options: Any) -> Entry:
    """Return the entry of a functional model; ``connect`` takes the ``layers`` module and the input tensors."""
    several = [sources] if isinstance(sources, Source) else list(sources)

    def build(keras: Any) -> tuple[Any, Inputs]:
        tensors = [source.tensor(keras) for source in several]
        return keras.Model(tensors, connect(keras.layers, *tensors)), [source.array for source in several]

    return Entry(build, **options)


# --- inputs --------------------------------------------------------------------------------------------------


def normal(*shape: int, seed: int = 1) -> Array:
    """Return standard normal float32 values."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def padding() -> NDArray[np.bool_]:
    """Return (samples 5, timesteps 7), true where padded: right, left, middle, a whole row, and not at all."""
    padded = np.zeros((5, 7), bool)
    padded[0, 4:] = padded[1, :3] = padded[2, 2:5] = padded[3] = True
    return padded


def padded_signal(value: float = 0.0, seed: int = 2) -> Array:
    """Return float32 (samples 5, timesteps 7, features 3) with the padded steps set to ``value``."""
    signal = normal(5, 7, 3, seed=seed)
    signal[padding()] = value
    return signal


def padded_words(seed: int = 3) -> Array:
    """Return int32 word numbers 1…10 (samples 5, timesteps 7), 0 where padded."""
    words = np.random.default_rng(seed).integers(1, 11, (5, 7)).astype(np.int32)
    words[padding()] = 0
    return words


def padded_texts() -> Array:
    """Return int32 word numbers (samples 5, sentences 3, words 7); some sentences and one whole text are padding."""
    texts = np.stack([padded_words(seed) for seed in (4, 5, 6)], axis=1)
    texts[:, 1] = np.roll(texts[:, 1], 1, axis=0)
    texts[0, 2] = 0
    texts[4] = 0
    return texts


SIGNAL = Source(normal(5, 7, 3))
SECOND = Source(normal(5, 7, 3, seed=7), "second")
PADDED = Source(padded_signal())
WORDS = Source(padded_words(), "words")
TEXTS = Source(padded_texts(), "texts")

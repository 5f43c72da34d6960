"""The models of the faulty situations, built alike by Keras 3 and tf_keras, with their inputs.

Every builder takes a framework and options with which a twin of the model differs from it, such as the mask value that
a faulty runtime goes by. Layers have names, so that weights can be found by them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Draw = Callable[[np.random.Generator, int], list[Array]]
"""From a generator and a number of samples to the inputs of a model, in their order."""
STEPS, FEATURES, UNITS, WORDS, CLASSES, STATES = 7, 3, 5, 11, 4, 4
"""Of sequences, of a step, of cells, of a vocabulary, of a softmax, and the batch of a stateful model."""
KINK = float(np.float32(0.3))
"""Where thresholds and masks decide."""


class Built(NamedTuple):
    """How a model comes about."""

    build: Callable[..., Any]
    draw: Draw
    samples: int = 24
    batch: int = 32
    scale: tuple[float, ...] = (1.0,)
    """What the weights of the layer `out` are multiplied by, unit by unit."""
    shift: float = 0.0
    """What is added to its bias."""
    frameworks: tuple[str, ...] = ("keras", "tf_keras")


# ----------------------------------------------------------------------------------------------------- inputs


def sequences(rng: np.random.Generator, samples: int, steps: int = STEPS) -> list[Array]:
    return [rng.standard_normal((samples, steps, FEATURES)).astype(np.float32)]


def long_sequences(rng: np.random.Generator, samples: int) -> list[Array]:
    return sequences(rng, samples, 60)


def padded(value: float) -> Draw:
    """Sequences whose ends are hidden by a mask."""

    def draw(rng: np.random.Generator, samples: int) -> list[Array]:
        (x,) = sequences(rng, samples)
        x[np.arange(STEPS) >= rng.integers(2, STEPS + 1, samples)[:, None]] = value
        return [x]

    return draw


def kinked(rng: np.random.Generator, samples: int) -> list[Array]:
    """Some numbers are at the threshold."""
    (x,) = sequences(rng, samples)
    x[rng.random(x.shape) < 0.2] = KINK
    return [x]


def words(rng: np.random.Generator, samples: int) -> list[Array]:
    tokens = rng.integers(1, WORDS, (samples, STEPS))
    tokens[np.arange(STEPS) >= rng.integers(2, STEPS + 1, samples)[:, None]] = 0
    return [tokens.astype(np.int32)]


def two_texts(rng: np.random.Generator, samples: int) -> list[Array]:
    return [*words(rng, samples), *words(rng, samples)]


def vectors(rng: np.random.Generator, samples: int) -> list[Array]:
    return [rng.standard_normal((samples, FEATURES)).astype(np.float32)]


def videos(rng: np.random.Generator, samples: int) -> list[Array]:
    return [rng.standard_normal((samples, 4, 6, 6, 2)).astype(np.float32)]


# ----------------------------------------------------------------------------------------------------- models


def chain(keras: Any, *layers: Any, shape: tuple[int | None, ...] = (STEPS, FEATURES), **options: Any) -> Any:
    """A model of layers one after the other."""
    tensor = inputs = keras.Input(shape, name="x", **options)
    for layer in layers:
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


def lstm(keras: Any, activation: str = "tanh", recurrent: str = "sigmoid", backwards: bool = False, **head: Any) -> Any:
    options = {"activation": activation, "recurrent_activation": recurrent, "go_backwards": backwards}
    return chain(keras, keras.layers.LSTM(UNITS, name="lstm", **options), keras.layers.Dense(2, name="out", **head))


def steps(keras: Any) -> Any:
    layers = keras.layers
    return chain(
        keras, layers.LSTM(UNITS, return_sequences=True, name="lstm"), layers.Dense(2, name="out"), shape=(60, FEATURES)
    )


def gru(keras: Any, after: bool = True) -> Any:
    layers = keras.layers
    return chain(keras, layers.GRU(UNITS, reset_after=after, name="gru"), layers.Dense(2, name="out"))


def simple(keras: Any, activation: str = "tanh") -> Any:
    layers = keras.layers
    return chain(keras, layers.SimpleRNN(UNITS, activation=activation, name="rnn"), layers.Dense(2, name="out"))


def stacked(keras: Any) -> Any:
    layers = keras.layers
    cells = (layers.LSTM(UNITS, return_sequences=name != "c", name=name) for name in "abc")
    return chain(keras, *cells, layers.Dense(2, name="out"))


def bidirectional(keras: Any, merge: str = "concat") -> Any:
    layers = keras.layers
    both = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True), merge_mode=merge, name="both")
    return chain(keras, both, layers.GRU(UNITS, name="gru"), layers.Dense(CLASSES, activation="softmax", name="out"))


def seq2seq(keras: Any, states: bool = True) -> Any:
    layers = keras.layers
    source, target = (keras.Input((STEPS,), dtype="int32", name=name) for name in ("source", "target"))
    embedding = layers.Embedding(WORDS, FEATURES, name="words")
    _, h, c = layers.LSTM(UNITS, return_state=True, name="encoder")(embedding(source))
    decoder = layers.LSTM(UNITS, return_sequences=True, name="decoder")
    decoded = decoder(embedding(target), initial_state=[h, c]) if states else decoder(embedding(target))
    out = layers.TimeDistributed(layers.Dense(CLASSES, activation="softmax"), name="out")(decoded)
    return keras.Model([source, target], out)


def conv_lstm(keras: Any, padding: str = "same") -> Any:
    layers = keras.layers
    cell = layers.ConvLSTM2D(3, 3, padding=padding, name="conv")
    return chain(keras, cell, layers.GlobalAveragePooling2D(), layers.Dense(2, name="out"), shape=(4, 6, 6, 2))


def time_distributed(keras: Any, activation: str = "relu") -> Any:
    layers = keras.layers
    each = layers.TimeDistributed(layers.Dense(UNITS, activation=activation), name="each")
    return chain(keras, each, layers.LSTM(UNITS, return_sequences=True, name="lstm"), layers.Dense(2, name="out"))


def nested(keras: Any, slope: float = 0.2) -> Any:
    layers = keras.layers
    inner = chain(keras, layers.Dense(UNITS, name="inside"), layers.LSTM(UNITS, return_sequences=True, name="within"))
    deeper = keras.Sequential([keras.Input((STEPS, UNITS)), layers.GRU(UNITS, name="deep")], name="deeper")
    relu = layers.LeakyReLU(**{"alpha" if "tf_keras" in keras.__name__ else "negative_slope": slope})
    return chain(keras, inner, deeper, relu, layers.Dense(2, name="out"))


def attention(keras: Any, scale: bool = True, causal: bool = False) -> Any:
    layers = keras.layers
    inputs = keras.Input((STEPS, FEATURES), name="x")
    encoded = layers.LSTM(UNITS, return_sequences=True, name="lstm")(inputs)
    seen = layers.Attention(use_scale=scale, name="attention")([encoded, encoded], use_causal_mask=causal)
    pooled = layers.GlobalAveragePooling1D()(layers.Concatenate()([encoded, seen]))
    return keras.Model(inputs, layers.Dense(2, name="out")(pooled))


def heads(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((STEPS, FEATURES), name="x")
    encoded = layers.GRU(6, return_sequences=True, name="gru")(inputs)
    seen = layers.MultiHeadAttention(2, 3, name="heads")(encoded, encoded)
    return keras.Model(inputs, layers.Dense(2, name="out")(layers.Flatten()(seen)))


def stateful(keras: Any, carried: bool = True) -> Any:
    layers = keras.layers
    inputs = keras.Input(batch_shape=(STATES, STEPS, FEATURES), name="x")
    return keras.Model(inputs, layers.Dense(2, name="out")(layers.LSTM(UNITS, stateful=carried, name="lstm")(inputs)))


def masked(keras: Any, value: float | None = 0.0) -> Any:
    layers = keras.layers
    masking = [] if value is None else [layers.Masking(value, name="mask")]
    return chain(keras, *masking, layers.GRU(UNITS, name="gru"), layers.Dense(2, name="out"))


def masked_at_the_kink(keras: Any, value: float = KINK) -> Any:
    return masked(keras, value)


def embedded(keras: Any, zero: bool = True) -> Any:
    layers = keras.layers
    front = layers.Embedding(WORDS, FEATURES, mask_zero=zero, name="words")
    both = layers.Bidirectional(layers.LSTM(UNITS), name="both")
    return chain(keras, front, both, layers.Dense(1, activation="sigmoid", name="out"), shape=(STEPS,), dtype="int32")


def threshold(keras: Any, at: float = KINK) -> Any:
    layers = keras.layers
    return chain(keras, layers.ReLU(threshold=at), layers.GRU(UNITS, name="gru"), layers.Dense(2, name="out"))


def narrow(dtype: str) -> Callable[..., Any]:
    def build(keras: Any) -> Any:
        layers = keras.layers
        drawn = {"recurrent_initializer": "glorot_uniform"}  # the usual one has no way to begin in bfloat16
        cell = layers.LSTM(UNITS, name="lstm", dtype=dtype, **drawn)
        return chain(keras, cell, layers.Dense(2, name="out", dtype=dtype))

    return build


def picked(keras: Any) -> Any:
    """The largest feature of each step is looked up in a table."""
    layers, inputs = keras.layers, keras.Input((STEPS, FEATURES), name="x")
    tokens = keras.ops.argmax(inputs, axis=-1)
    encoded = layers.LSTM(UNITS, name="lstm")(layers.Embedding(FEATURES, FEATURES, name="words")(tokens))
    return keras.Model(inputs, layers.Dense(2, name="out")(encoded))


def dead(keras: Any) -> Any:
    """Of most samples every output is 0."""
    return chain(keras, keras.layers.Dense(6, activation="relu", name="out"), shape=(FEATURES,))


def normalised(keras: Any, epsilon: float = 1e-3) -> Any:
    layers = keras.layers
    norms = layers.BatchNormalization(epsilon=epsilon, name="batch"), layers.LayerNormalization(name="layer")
    convolution = layers.Conv1D(UNITS, 3, padding="causal", activation="relu", name="conv")
    return chain(keras, norms[0], convolution, norms[1], layers.LSTM(UNITS, name="lstm"), layers.Dense(2, name="out"))


def two_outputs(keras: Any) -> Any:
    layers, inputs = keras.layers, keras.Input((STEPS, FEATURES), name="x")
    encoded, h, c = layers.LSTM(UNITS, return_sequences=True, return_state=True, name="lstm")(inputs)
    return keras.Model(inputs, [layers.Dense(2, name="each")(encoded), layers.Dense(3, name="last")(h), c])


MODELS = {
    "lstm": Built(lstm, sequences),
    "many": Built(lstm, sequences, samples=3000),
    "steps": Built(steps, long_sequences),
    "gru": Built(gru, sequences),
    "simple": Built(simple, sequences),
    "stacked": Built(stacked, sequences),
    "bidirectional": Built(bidirectional, sequences),
    "seq2seq": Built(seq2seq, two_texts),
    "conv_lstm": Built(conv_lstm, videos, samples=6),
    "time_distributed": Built(time_distributed, sequences),
    "nested": Built(nested, sequences),
    "attention": Built(attention, sequences),
    "heads": Built(heads, sequences),
    "stateful": Built(stateful, sequences, batch=STATES),
    "masked": Built(masked, padded(0.0)),
    "masked_at_0.3": Built(masked_at_the_kink, padded(KINK)),
    "embedded": Built(embedded, words),
    "threshold": Built(threshold, kinked),
    "float16": Built(narrow("float16"), sequences),
    "bfloat16": Built(narrow("bfloat16"), sequences),
    "mixed": Built(narrow("mixed_float16"), sequences),
    "picked": Built(picked, sequences, frameworks=("keras",)),
    "tiny": Built(lstm, sequences, scale=(1e-8,)),
    "huge": Built(lstm, sequences, scale=(1e8,)),
    "magnitudes": Built(lstm, sequences, scale=(1e-6, 1e6)),
    "dead": Built(dead, vectors, samples=200, shift=-2.5),
    "normalised": Built(normalised, sequences),
    "two_outputs": Built(two_outputs, sequences),
}

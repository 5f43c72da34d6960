"""The faulty situations: what is wrong with the predictions of which model, and what it may be called.

A fault is made where it happens: in the options of a twin of the model, in its weights, in what it is fed, in how often
it ran before, or in the numbers that were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from faulty_models import KINK, UNITS, WORDS, Array

Weights = dict[str, Array]
"""By path, such as `lstm/lstm_cell/kernel`."""


@dataclass(frozen=True)
class Situation:
    """Something wrong with the predictions of a model."""

    name: str
    model: str
    kind: str
    """What sort of thing it is, for the table."""
    twin: Mapping[str, Any] = field(default_factory=dict)
    """Options with which the twin that predicts is built."""
    weights: Callable[[Weights], Weights] | None = None
    inputs: Callable[[list[Array]], list[Array]] | None = None
    predicted: Callable[[list[Array]], list[Array]] | None = None
    causes: frozenset[str] = frozenset()
    """The names of faults that are true of it; what is seen in the arrays alone, `predictions: …`, always may be."""
    ties: Mapping[str, str] = field(default_factory=dict)
    """Other faults that have the very same predictions, and why."""
    inconclusive: str = ""
    """Why it may be inconclusive."""
    only: str = ""
    """The framework that can do it, if not both."""


# ------------------------------------------------------------------------------------------------ how it is done


def changed(pattern: str, change: Callable[[Array], Array]) -> Callable[[Weights], Weights]:
    """Change the weights whose path matches a pattern; there has to be one."""

    def apply(weights: Weights) -> Weights:
        names = [name for name in weights if fnmatchcase(name, pattern)]
        if not names:
            raise LookupError(f"no weight {pattern} among {', '.join(weights)}")
        return {**weights, **{name: change(weights[name]) for name in names}}

    return apply


def exchanged(one: str, other: str) -> Callable[[Weights], Weights]:
    """Exchange two weights of one shape."""

    def apply(weights: Weights) -> Weights:
        (a,) = (name for name in weights if fnmatchcase(name, one))
        (b,) = (name for name in weights if fnmatchcase(name, other))
        return {**weights, a: weights[b], b: weights[a]}

    return apply


def gates(order: tuple[int, ...]) -> Callable[[Array], Array]:
    """Put the blocks of the gates in another order."""
    return lambda weight: np.concatenate([np.split(weight, len(order), axis=-1)[gate] for gate in order], axis=-1)


def added(block: int, blocks: int, number: float) -> Callable[[Array], Array]:
    """Add a number to one block of a bias."""
    return lambda bias: bias + number * (np.arange(bias.shape[-1]) // (bias.shape[-1] // blocks) == block)


def element(index: tuple[int, ...], factor: float) -> Callable[[Array], Array]:
    """Multiply one weight by a factor."""

    def change(weight: Array) -> Array:
        weight = weight.copy()
        weight[index] *= factor
        return weight

    return change


def transposed(weight: Array) -> Array:
    """Transpose the recurrent kernel gate by gate."""
    return np.concatenate([block.T for block in np.split(weight, weight.shape[1] // UNITS, axis=1)], axis=1)


def at(index: Any, more: float, output: int = 0) -> Callable[[list[Array]], list[Array]]:
    """Add a number to some of an output, in its own dtype."""

    def change(outputs: list[Array]) -> list[Array]:
        outputs = [array.copy() for array in outputs]
        outputs[output][index] += np.asarray(more, outputs[output].dtype)
        return outputs

    return change


def first(change: Callable[[Array], Array]) -> Callable[[list[Array]], list[Array]]:
    """Change the first array."""
    return lambda arrays: [change(arrays[0]), *arrays[1:]]


def swapped_rows(a: int, b: int) -> Callable[[Array], Array]:
    def change(array: Array) -> Array:
        array = array.copy()
        array[[a, b]] = array[[b, a]]
        return array

    return change


def above(x: Array) -> Array:
    """The numbers at the kink one unit in the last place above it."""
    return np.where(x == np.float32(KINK), np.nextafter(np.float32(KINK), np.float32(1)), x)


def alive(y: Array) -> Array:
    """One output that is 0 is not."""
    y = y.copy()
    y[tuple(np.argwhere(y == 0)[0])] = 1e-6
    return y


def died(y: Array) -> Array:
    """All is 0, though little was not."""
    return np.zeros_like(y)


def shifted_left(tokens: Array) -> Array:
    """The padding on the other side."""
    return np.stack([np.roll(row, np.count_nonzero(row == 0)) for row in tokens])


# --------------------------------------------------------------------------------------------------- situations


def recorded() -> Iterator[Situation]:
    """The model was right, and what was recorded is not."""
    for model in ("lstm", "stacked", "bidirectional", "seq2seq", "conv_lstm", "heads", "float16", "tiny", "huge"):
        ties = {"activation": "a relu makes 0 of outputs that are all negative"} if model in ("float16", "tiny") else {}
        yield Situation(f"{model}: all predictions 0", model, "recorded", predicted=first(np.zeros_like), ties=ties)
    yield Situation("many: one sample of 3,000 off by 1e-3", "many", "one sample", predicted=at((2718, 0), 1e-3))
    yield Situation("many: one sample of 3,000 off by 1e-5", "many", "one sample", predicted=at((1414, 1), 1e-5))
    yield Situation("many: sample 0 off by 1e-5", "many", "one sample", predicted=at((0, 1), 1e-5))
    yield Situation("many: the last sample NaN", "many", "one sample", predicted=at((2999, 0), np.nan))
    yield Situation("many: two rows exchanged", "many", "one sample", predicted=first(swapped_rows(7, 2000)))
    yield Situation(
        "many: a row is another one", "many", "one sample", predicted=first(lambda y: y[np.r_[0:99, 98, 100:3000]])
    )
    yield Situation("dead: one output of many alive", "dead", "one sample", predicted=first(alive))
    twice = {"bias": "added twice, a bias of -2.5 kills all units"}
    yield Situation("dead: all dead", "dead", "one sample", predicted=first(died), ties=twice)
    late = (slice(None), slice(50, None))
    yield Situation("steps: late steps off by 1e-4", "steps", "late steps", predicted=at(late, 1e-4))
    yield Situation("steps: the last step of one sample", "steps", "late steps", predicted=at((5, 59, 1), 1e-5))
    yield Situation("steps: all a step late", "steps", "late steps", predicted=first(lambda y: np.roll(y, 1, axis=1)))
    yield Situation("seq2seq: the last step of one sample", "seq2seq", "late steps", predicted=at((5, 6, 1), 1e-5))
    for model in ("lstm", "gru", "stacked", "bidirectional", "time_distributed", "nested", "attention", "normalised"):
        unit = (Ellipsis, 1)
        yield Situation(f"{model}: 1e-5 in one unit", model, "one unit", predicted=at(unit, 1e-5))
    yield Situation("two_outputs: 1e-5 in the third output", "two_outputs", "one unit", predicted=at((3, 2), 1e-5, 2))
    yield Situation(
        "two_outputs: the state of another sample",
        "two_outputs",
        "one sample",
        predicted=lambda ys: [*ys[:2], np.roll(ys[2], 1, axis=0)],
    )
    yield Situation("magnitudes: the small unit 1 % off", "magnitudes", "mixed magnitudes", predicted=at((4, 0), 2e-8))
    yield Situation(
        "magnitudes: the large unit off by 100", "magnitudes", "mixed magnitudes", predicted=at((4, 1), 100.0)
    )
    yield Situation(
        "magnitudes: the small unit is 0",
        "magnitudes",
        "mixed magnitudes",
        predicted=first(lambda y: y * np.float32([0, 1])),
    )
    yield Situation("tiny: one sample off by 1e-11", "tiny", "tiny outputs", predicted=at((4, 0), 1e-11))
    yield Situation("tiny: one sample infinite", "tiny", "tiny outputs", predicted=at((4, 0), np.inf))
    yield Situation("huge: one sample off by 10,000", "huge", "huge outputs", predicted=at((4, 0), 1e4))
    yield Situation("float16: one sample off by 0.05", "float16", "narrow", predicted=at((4, 0), 0.05))
    yield Situation("bfloat16: one sample off by 0.5", "bfloat16", "narrow", predicted=at((4, 0), 0.5))
    yield Situation("mixed: one sample off by 0.05", "mixed", "narrow", predicted=at((4, 0), 0.05))


def weights() -> Iterator[Situation]:
    """Weights that are not those of the file."""

    def of(
        name: str, model: str, kind: str, change: Callable[[Weights], Weights], *causes: str, **more: Any
    ) -> Situation:
        return Situation(f"{model}: {name}", model, kind, weights=change, causes=frozenset(causes), **more)

    order = changed("lstm/*", gates((0, 2, 1, 3)))
    yield of("gates i, c, f, o", "lstm", "gates", order, "gate_order")
    yield of("gates of one layer of three", "stacked", "gates", changed("b/*", gates((1, 0, 2, 3))), "gate_order")
    yield of("gates r, z, h", "gru", "gates", changed("gru/*", gates((1, 0, 2))), "gate_order", "update_gate_inverted")
    yield of("forget bias 1 more", "lstm", "bias", changed("lstm/*bias", added(1, 4, 1.0)), "forget_bias", "bias")
    yield of("forget bias 0.01 more", "stacked", "bias", changed("c/*bias", added(1, 4, 0.01)), "forget_bias", "bias")
    yield of("the bias of the decoder 0", "seq2seq", "bias", changed("decoder/*bias", np.zeros_like), "bias")
    yield of("the bias of one layer 0", "time_distributed", "bias", changed("lstm/*bias", np.zeros_like), "bias")
    yield of("the bias of the head 0", "nested", "bias", changed("out/bias", np.zeros_like), "bias")
    yield of(
        "kernel transposed by gate",
        "lstm",
        "kernels",
        changed("lstm/*recurrent_kernel", transposed),
        "recurrent_kernel_transposed",
    )
    yield of(
        "kernel transposed by gate",
        "stateful",
        "kernels",
        changed("lstm/*recurrent_kernel", transposed),
        "recurrent_kernel_transposed",
    )
    yield of(
        "no recurrent kernel",
        "gru",
        "kernels",
        changed("gru/*recurrent_kernel", np.zeros_like),
        "recurrent_kernel_dropped",
    )
    yield of(
        "recurrent kernels exchanged",
        "stacked",
        "kernels",
        exchanged("b/*recurrent_kernel", "c/*recurrent_kernel"),
        "equal_shape_weights_swapped",
    )
    yield of("backward half untrained", "bidirectional", "kernels", changed("both/backward*/kernel", lambda w: w * 0.5))
    yield of("one weight of thousands 1 % off", "stacked", "one weight", changed("b*/kernel", element((1, 3), 1.01)))
    yield of("one weight 1 % off", "lstm", "one weight", changed("lstm/*recurrent_kernel", element((1, 3), 1.01)))
    yield of("one weight 1e-4 off", "gru", "one weight", changed("gru*/kernel", element((1, 3), 1.0001)))
    yield of("one weight 1 % off", "conv_lstm", "one weight", changed("conv*/kernel", element((1, 1, 0, 2), 1.01)))
    yield of("one weight 1 % off", "heads", "one weight", changed("heads/query/kernel", element((1, 1, 2), 1.01)))
    yield of("one weight 10 % off", "float16", "one weight", changed("out/kernel", element((1, 1), 1.1)))
    yield of("one weight tripled", "bfloat16", "one weight", changed("out/kernel", element((2, 1), 3.0)))
    yield of("one weight 1 % off", "tiny", "one weight", changed("out/kernel", element((1, 1), 1.01)))
    yield of("one weight 1 % off", "huge", "one weight", changed("lstm*/kernel", element((1, 1), 1.01)))
    yield of("a word has another vector", "embedded", "tables", changed("words/embeddings", element((7,), 1.01)))
    yield of(
        "a row has another vector", "picked", "tables", changed("words/embeddings", element((1,), 1.01)), only="keras"
    )
    yield of("words from 1 on", "seq2seq", "tables", changed("words/embeddings", lambda w: np.roll(w, 1, axis=0)))
    yield of(
        "the kernel flipped", "conv_lstm", "kernels", changed("conv*/kernel", lambda w: w[::-1, ::-1]), "kernel_layout"
    )
    yield of("statistics as they began", "normalised", "normalisation", changed("batch/moving_mean", np.zeros_like))
    yield of("gamma as it began", "normalised", "normalisation", changed("layer/gamma", np.ones_like))
    yield of(
        "query and key exchanged",
        "heads",
        "kernels",
        exchanged("heads/query/kernel", "heads/key/kernel"),
        "equal_shape_weights_swapped",
    )
    yield of("the scale 1", "attention", "kernels", changed("attention/scale", np.ones_like))
    yield of(
        "weights in float16",
        "lstm",
        "rounded",
        changed("*", lambda w: w.astype(np.float16).astype(w.dtype)),
        "weight_precision",
    )
    yield of("weights in bfloat16", "stacked", "rounded", changed("*", as_bfloat16), "weight_precision")

    for model, size in (("lstm", 1e-5), ("embedded", 1e-4), ("bidirectional", 1e-5)):  # 1e-5 is 3σ where steps are few
        yield of(f"all weights off by {size:.0e}", model, "all weights", changed("*", noisy(size)))
    yield of("all kernels 1 % larger", "stacked", "all weights", changed("*kernel", lambda w: w * w.dtype.type(1.01)))
    yield of("smallest weights 0", "gru", "all weights", changed("*", pruned))


def noisy(size: float) -> Callable[[Array], Array]:
    """Move every weight by a little, at random."""

    def change(weight: Array) -> Array:
        generator = np.random.default_rng(weight.size)
        return (weight * (1 + size * generator.standard_normal(weight.shape))).astype(weight.dtype)

    return change


def pruned(weight: Array) -> Array:
    """The third of the weights that are smallest is 0."""
    return weight * (np.abs(weight) > np.quantile(np.abs(weight), 1 / 3))


def as_bfloat16(weight: Array) -> Array:
    import ml_dtypes

    return weight.astype(ml_dtypes.bfloat16).astype(weight.dtype)


def twins() -> Iterator[Situation]:
    """A runtime that computes something else with the same weights."""

    def of(name: str, model: str, kind: str, *causes: str, only: str = "", **twin: Any) -> Situation:
        return Situation(f"{model}: {name}", model, kind, twin=twin, causes=frozenset(causes), only=only)

    yield of("hard_sigmoid", "lstm", "functions", "recurrent_activation", recurrent="hard_sigmoid")
    yield of("relu for tanh", "lstm", "functions", "activation", activation="relu")
    yield of("backwards", "lstm", "functions", "direction", backwards=True)
    yield of("relu for tanh", "simple", "functions", "activation", activation="relu")
    yield of("tanh for relu", "time_distributed", "functions", "activation", activation="tanh")
    yield of("slope 0.3", "nested", "functions", "negative_slope", "activation", slope=0.3)
    yield of("ε 1e-5 for 1e-3", "normalised", "normalisation", "epsilon", epsilon=1e-5)
    yield of("no state from the encoder", "seq2seq", "states", "initial_state", states=False)
    yield of("states reset with every batch", "stateful", "states", "initial_state", "states", carried=False)
    yield of("a causal mask", "attention", "masks", "mask", causal=True)
    yield of("the mask ignored", "masked", "masks", "mask", value=None)
    yield of("another mask value", "masked", "masks", "mask", value=1.0)
    yield of("no mask of words", "embedded", "masks", "mask", zero=False)
    yield of("the mask in float64", "masked_at_0.3", "masks", "mask", value=0.2999)
    yield of("the threshold 0.29", "threshold", "thresholds", at=0.29)
    yield of("no threshold", "threshold", "thresholds", "activation", at=0.0)


def fed() -> Iterator[Situation]:
    """What was fed is not what was recorded as input."""

    def of(
        name: str, model: str, kind: str, change: Callable[[list[Array]], list[Array]], *causes: str, **more: Any
    ) -> Situation:
        return Situation(f"{model}: {name}", model, kind, inputs=change, causes=frozenset(causes), **more)

    yield of("one ulp above the threshold", "threshold", "thresholds", first(above))
    yield of("one ulp beside the mask", "masked_at_0.3", "masks", first(above), "mask")
    yield of(
        "words one further",
        "embedded",
        "input",
        first(lambda t: np.where(t, t % (WORDS - 1) + 1, 0)),
        "input: tokens_shifted",
    )
    yield of("padding on the other side", "seq2seq", "input", first(shifted_left), "input: padding_side")
    yield of("a step later", "lstm", "input", first(lambda x: np.roll(x, 1, axis=1)), "input: shifted")
    yield of("features exchanged", "gru", "input", first(lambda x: x[..., [1, 0, 2]]), "input: features_permuted")
    yield of("reversed in time", "stacked", "input", first(lambda x: x[:, ::-1]), "direction", "input: reversed")
    yield of(
        "normalised once more", "bidirectional", "input", first(lambda x: (x - x.mean()) / x.std()), "input: normalised"
    )
    yield of("the largest is another feature", "picked", "input", first(lambda x: -x), "input: scaled", only="keras")
    yield of("source and target exchanged", "seq2seq", "input", lambda xs: xs[::-1], "state_order")
    yield of("the order of batches", "stateful", "states", first(lambda x: np.roll(x, 4, axis=0)))


SITUATIONS = [*recorded(), *weights(), *twins(), *fed()]

"""Recipes of every kind of model that people have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from honest_recipe import CELLS, FRAMEWORKS, Recipe, plain

POLICIES = ("float64", "float16", "mixed_float16", "bfloat16", "mixed_bfloat16")
COMMON = (
    *("elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6"),
    *("selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh"),
)
KERAS_3 = (
    *("celu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid"),
    *("sparsemax", "squareplus", "tanh_shrink"),
)
GATES = (
    *("sigmoid", "hard_sigmoid", "tanh", "relu", "relu6", "softsign", "linear", "softplus", "softmax", "elu", "selu"),
    *("silu", "gelu", "mish", "leaky_relu", "hard_tanh", "hard_silu", "sparse_sigmoid"),
)
BOUNDED = frozenset(
    ("hard_sigmoid", "hard_tanh", "relu6", "sigmoid", "softmax", "softsign", "sparse_sigmoid", "sparsemax", "tanh")
)
SHRINKING = {"hard_shrink", "soft_shrink", "tanh_shrink"}


def sizes() -> Iterator[Recipe]:
    """Units from 1 to 512, steps from 1 to 1000."""
    for cell in CELLS:
        for units in (1, 2, 3, 8, 16, 33, 64, 128, 256, 512):
            steps = 20 if units > 64 else 40
            yield Recipe(f"units_{units}_{plain(cell)}", cell, units, steps, features=min(3 * units, 64))
        for steps in (1, 2, 5, 20, 100, 300, 1000):
            yield Recipe(f"steps_{steps}_{plain(cell)}", cell, 16, steps, head="linear 1" if steps > 5 else "")
            if steps <= 100:
                yield Recipe(f"steps_{steps}_sequence_{plain(cell)}", cell, 6, steps, sequences=True)


def activations() -> Iterator[Recipe]:
    """Every activation in every cell, as a gate where that makes sense, and in a Dense layer."""
    for name in COMMON + KERAS_3:
        by = FRAMEWORKS if name in COMMON else ("keras",)
        weights = 1.5 if name in BOUNDED else 4.0 if name in SHRINKING else 0.2 if name == "exponential" else 0.7
        cell = partial(Recipe, units=12, steps=9, options={"activation": name}, weights=weights, frameworks=by)
        yield cell(f"activation_{name}_lstm", "LSTM")
        yield cell(f"activation_{name}_gru", "GRU", sequences=True)
        yield cell(f"activation_{name}_simplernn", "SimpleRNN")
        if name in ("relu", "softplus"):
            yield cell(f"activation_{name}_gru_before", "GRU before")
        yield Recipe(f"dense_{name}", "Dense", 24, 6, head=f"{name} 24", weights=2, frameworks=by)
        yield Recipe(f"head_{name}", "GRU", 12, 9, head=f"{name} 7", weights=3, frameworks=by)
    for name in GATES:
        by = FRAMEWORKS if name in COMMON else ("keras",)
        weights = 1.5 if name in BOUNDED else 0.6
        gate = partial(
            Recipe, units=12, steps=9, options={"recurrent_activation": name}, weights=weights, frameworks=by
        )
        yield gate(f"gate_{name}_lstm", "LSTM", sequences=True)
        yield gate(f"gate_{name}_gru", "GRU")


def scales() -> Iterator[Recipe]:
    """Kernels from 0.1 to 6 times Glorot's limit, inputs from 0.01 to 100."""
    for cell in CELLS:
        for weights in (0.1, 0.3, 2, 3, 4, 6):
            yield Recipe(f"weights_{weights}_{plain(cell)}", cell, 32, 50, weights=weights, head="linear 2")
        for inputs in (0.01, 0.1, 10, 100):
            yield Recipe(f"inputs_{inputs}_{plain(cell)}", cell, 16, 20, inputs=inputs)
        yield Recipe(f"inputs_around_20_{plain(cell)}", cell, 16, 20, inputs=1, offset=20, weights=0.3)


def shapes() -> Iterator[Recipe]:
    """Stacked, bidirectional and masked layers, with something before them and a Dense layer behind."""
    for cell in CELLS:
        name = plain(cell)
        for depth in (2, 3):
            yield Recipe(f"stacked_{depth}_{name}", cell, 20, 25, depth=depth, head="sigmoid 3", weights=1.5)
        for merge in ("concat", "sum", "mul", "ave", "none"):
            yield Recipe(f"bidirectional_{merge}_{name}", cell, 10, 15, merge=merge, sequences=merge in ("sum", "ave"))
        yield Recipe(f"bidirectional_stacked_{name}", cell, 10, 15, merge="concat", depth=2, head="softmax 4")
        for front in ("Masking", "Embedding"):
            yield Recipe(f"{front.lower()}_{name}", cell, 10, 15, front=front, head="linear 2")
            yield Recipe(f"{front.lower()}_sequence_{name}", cell, 10, 15, front=front, sequences=True)
            yield Recipe(f"{front.lower()}_bidirectional_{name}", cell, 6, 15, front=front, merge="concat")
        for front in ("Conv1D", "LayerNormalization", "BatchNormalization"):
            yield Recipe(f"{front.lower()}_{name}", cell, 10, 15, front=front, head="softmax 3", weights=1.5)
    for front in ("LayerNormalization", "BatchNormalization"):
        yield Recipe(f"{front.lower()}_around_10", "LSTM", 10, 15, front=front, offset=10, features=16)
    for head in ("softmax 2", "softmax 200", "sigmoid 1", "linear 64"):
        yield Recipe(f"large_{head.replace(' ', '_')}", "LSTM", 64, 20, head=head, weights=3)


def precisions() -> Iterator[Recipe]:
    """Other precisions than float32, in which bfloat16 has no orthogonal initializer; inputs in float64."""
    for policy in POLICIES:
        under = partial(Recipe, policy=policy, options={"recurrent_initializer": "zeros"})
        for cell in CELLS:
            yield under(f"{policy}_{plain(cell)}", cell, 16, 20, head="linear 2")
            yield under(f"{policy}_sequence_{plain(cell)}", cell, 8, 40, sequences=True, weights=2)
        yield under(f"{policy}_large", "LSTM", 128, 12, features=64)
        yield under(f"{policy}_long", "GRU", 12, 200, head="linear 1")
        yield under(f"{policy}_stacked", "GRU", 12, 15, depth=2, head="softmax 5")
        yield under(f"{policy}_bidirectional", "LSTM", 8, 15, merge="concat", front="Masking")
        yield under(f"{policy}_words", "LSTM", 8, 15, front="Embedding", head="sigmoid 2")
        yield under(f"{policy}_inputs_20", "LSTM", 8, 15, inputs=20)
        for front in ("Conv1D", "LayerNormalization", "BatchNormalization"):
            yield under(f"{policy}_{front.lower()}", "SimpleRNN", 10, 15, front=front, head="sigmoid 3")
        for name in ("relu", "elu", "softplus", "gelu", "silu", "softmax", "log_softmax", "exponential"):
            yield Recipe(f"{policy}_dense_{name}", "Dense", 24, 4, head=f"{name} 24", weights=2, policy=policy)
    for policy in ("float32", "float64"):
        for cell in ("LSTM", "Dense"):
            head = "linear 2" if cell == "LSTM" else "tanh 8"
            yield Recipe(f"wide_inputs_{policy}_{plain(cell)}", cell, policy=policy, head=head, wide=True)

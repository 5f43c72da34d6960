"""Recipes of models in which rounding errors are large, or the same over and over, or overflow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle, product
from math import exp

from honest_recipe import CELLS, Recipe, plain


def regimes() -> Iterator[Recipe]:
    """Saturated, dead and growing units; and those whose errors grow as fast as any error would."""
    relu = {"activation": "relu"}
    for cell in CELLS:
        name = plain(cell)
        yield Recipe(f"saturated_{name}", cell, 16, 30, bias=(-25, 25), head="linear 2", regime="saturated")
        yield Recipe(f"far_saturated_{name}", cell, 16, 30, bias=(-120, 120), sequences=True, regime="saturated")
        yield Recipe(f"dead_{name}", cell, 16, 12, options=relu, bias=(-9, 0.5), weights=0.7, regime="dead relu")
        yield Recipe(f"positive_{name}", cell, 128, 20, options={"activation": "sigmoid"}, growth=1, regime="one sign")
        yield Recipe(f"chaotic_{name}", cell, 48, 200, weights=6, head="linear 2", regime="long, large weights")
        for to, growth, steps in (("1e3", 1.2, 40), ("1e20", 2.5, 50), ("overflow", 4.0, 90)):
            regime = f"relu grows to {to}"
            yield Recipe(f"grows_{to}_{name}", cell, 12, steps, options=relu, growth=growth, inputs=0.3, regime=regime)
        yield Recipe(f"relu_large_{name}", cell, 32, 60, options=relu, weights=3, regime="relu, large weights")
    yield Recipe("dense_dead", "Dense", 64, 4, head="relu 64", bias=(-9, 0.5), regime="dead relu")


def memories() -> Iterator[Recipe]:
    """States that are kept for long: errors add up, gates that stay the same make the same error at every step."""
    sizes = (32, 1000, 32, 1000, 32)  # an odd number, so that they do not go along with the frameworks
    modes = cycle(zip((True, False, True, False, False), (False, True, True, False, False), sizes, strict=True))
    lengths = product(("LSTM", "GRU", "GRU before"), (4, 16), (False, True), ((3, 300), (4, 300), (6, 1000)))
    for cell, units, constant, (memory, steps) in lengths:
        name = f"memory_{memory}_{units}{'_constant' * constant}_{plain(cell)}"
        regime = f"memory of {round(1 + exp(memory))} steps{', constant input' * constant}"
        yield Recipe(name, cell, units, steps, memory=memory, constant=constant, regime=regime, mode=next(modes))
    for policy in ("float16", "mixed_float16", "bfloat16", "mixed_bfloat16"):
        for constant in (False, True):
            name = f"memory_{policy}{'_constant' * constant}"
            options = {"recurrent_initializer": "zeros"}
            keeping = partial(Recipe, cell="LSTM", units=12, steps=200, policy=policy, options=options)
            yield keeping(name, memory=4, constant=constant, regime="memory of 56 steps, 16 bits")
    for activation in ("relu", "linear"):
        for units, steps in ((2, 1000), (12, 300), (12, 1000)):
            name, options = f"integrating_{activation}_{units}_{steps}", {"activation": activation}
            yield Recipe(name, "SimpleRNN", units, steps, options=options, growth=1, regime="sums up its inputs")


def orders() -> Iterator[Recipe]:
    """Sums whose partial sums are larger than the sum: of one sign, of opposed halves, or with a large bias first."""
    first = partial(Recipe, mode=(True, True, 1), regime="large bias, one sample, jit")
    dense = partial(Recipe, cell="Dense", units=512, steps=2, features=512)
    yield dense("dense_positive", head="linear 8", growth=1, offset=3, regime="one sign")
    yield dense("dense_opposed", head="linear 8", opposed=True, offset=3, regime="opposed halves")
    for cell in CELLS:
        for units in (32, 512):
            yield first(f"first_bias_{units}_{plain(cell)}", cell, units, 6, weights=0.1, head="linear 8", bias=(1, 9))
        yield first(f"first_inputs_{plain(cell)}", cell, 256, 6, features=64, inputs=10, weights=0.3)
        yield Recipe(f"opposed_{plain(cell)}", cell, 128, 12, opposed=True, weights=0.5, regime="opposed halves")
    for offset in (10, 100):
        norm = partial(Recipe, features=16, front="LayerNormalization", offset=offset, regime="far from 0, jit")
        yield norm(f"normalised_{offset}_jit", "LSTM", 10, 15, mode=(True, True, 32), frameworks=("tf_keras",))

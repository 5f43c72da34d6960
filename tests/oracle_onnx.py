"""An oracle for the ONNX operators LSTM, GRU and RNN: their text (onnx.ai/onnx/operators) as plain loops in float64.

One direction of one sample, step after step, in the letters of the text. Nothing here is shared with `lstm_verify`,
and `onnx.reference` would not do: it leaves out activations, clip, direction, lengths and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
Step = Callable[[Array, tuple[Array, ...]], tuple[Array, ...]]
MakeStep = Callable[..., Step]


class UndefinedError(ValueError):
    """The text does not say what the result is."""


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "relu": lambda x: np.maximum(0, x),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "affine": lambda x, alpha, beta: alpha * x + beta,
    "leakyrelu": lambda x, alpha: np.where(x >= 0, x, alpha * x),
    "thresholdedrelu": lambda x, alpha: np.where(x >= alpha, x, 0),
    "scaledtanh": lambda x, alpha, beta: alpha * np.tanh(beta * x),
    "hardsigmoid": lambda x, alpha, beta: np.minimum(np.maximum(alpha * x + beta, 0), 1),
    "elu": lambda x, alpha: np.where(x >= 0, x, alpha * (np.exp(x) - 1)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
}
HAS_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
HAS_BETA = {"affine", "scaledtanh", "hardsigmoid"}
DEFAULT_ALPHA = {"leakyrelu": 0.01, "thresholdedrelu": 1.0, "hardsigmoid": 0.2, "elu": 1.0}
DEFAULT_BETA = {"hardsigmoid": 0.5}
"""Those of the operators of the same name; Affine and ScaledTanh are none."""


def activation(name: str, alphas: Iterator[float], betas: Iterator[float]) -> Function:
    """The function of a name in any case, which takes its next alpha and beta if it has some.

    Raises:
        UndefinedError: it has no default, and nothing is given.
    """
    name = name.lower()
    given: dict[str, float | None] = {}
    if name in HAS_ALPHA:
        given["alpha"] = next(alphas, DEFAULT_ALPHA.get(name))
    if name in HAS_BETA:
        given["beta"] = next(betas, DEFAULT_BETA.get(name))
    if None in given.values():
        raise UndefinedError(f"{name} has no default")
    return lambda x: FUNCTIONS[name](x, **given)


def lstm(X: Any, W: Any, R: Any, **rest: Any) -> dict[str, Array]:
    """Y, Y_h and Y_c of LSTM; the optional inputs and the attributes by their names."""

    def make_step(W: Array, R: Array, B: Array, P: Array, f: Function, g: Function, h: Function, **said: Any) -> Step:
        Wi, Wo, Wf, Wc = np.split(W, 4)
        Ri, Ro, Rf, Rc = np.split(R, 4)
        Wbi, Wbo, Wbf, Wbc, Rbi, Rbo, Rbf, Rbc = np.split(B, 8)
        Pi, Po, Pf = np.split(P, 3)

        def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
            H, C = states
            i = f(Wi @ x + Ri @ H + Pi * C + Wbi + Rbi)
            forget = f(Wf @ x + Rf @ H + Pf * C + Wbf + Rbf)
            if said.get("input_forget", 0):
                forget = 1 - i
            c = g(Wc @ x + Rc @ H + Wbc + Rbc)
            C = forget * C + i * c
            o = f(Wo @ x + Ro @ H + Po * C + Wbo + Rbo)
            return o * h(C), C

        return step

    return recurrent(make_step, X, W, R, gates=4, functions=("Sigmoid", "Tanh", "Tanh"), states="hc", **rest)


def gru(X: Any, W: Any, R: Any, **rest: Any) -> dict[str, Array]:
    """Y and Y_h of GRU."""

    def make_step(W: Array, R: Array, B: Array, P: Array, f: Function, g: Function, **said: Any) -> Step:
        Wz, Wr, Wh = np.split(W, 3)
        Rz, Rr, Rh = np.split(R, 3)
        Wbz, Wbr, Wbh, Rbz, Rbr, Rbh = np.split(B, 6)

        def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
            (H,) = states
            z = f(Wz @ x + Rz @ H + Wbz + Rbz)
            r = f(Wr @ x + Rr @ H + Wbr + Rbr)
            if said.get("linear_before_reset", 0):
                h = g(Wh @ x + r * (Rh @ H + Rbh) + Wbh)
            else:
                h = g(Wh @ x + Rh @ (r * H) + Rbh + Wbh)
            return ((1 - z) * h + z * H,)

        return step

    return recurrent(make_step, X, W, R, gates=3, functions=("Sigmoid", "Tanh"), states="h", **rest)


def rnn(X: Any, W: Any, R: Any, **rest: Any) -> dict[str, Array]:
    """Y and Y_h of RNN."""

    def make_step(W: Array, R: Array, B: Array, P: Array, f: Function, **said: Any) -> Step:
        Wb, Rb = np.split(B, 2)
        return lambda x, states: (f(W @ x + R @ states[0] + Wb + Rb),)

    return recurrent(make_step, X, W, R, gates=1, functions=("Tanh",), states="h", **rest)


OPERATORS = {"LSTM": lstm, "GRU": gru, "RNN": rnn}


def recurrent(
    make_step: MakeStep,
    X: Any,
    W: Any,
    R: Any,
    *,
    gates: int,
    functions: Sequence[str],
    states: str,
    B: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    P: Any = None,
    layout: int = 0,
    direction: str = "forward",
    activations: Sequence[str] = (),
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float | None = None,
    hidden_size: int | None = None,
    **said: Any,
) -> dict[str, Array]:
    """What the three operators have in common: directions, samples, lengths, states, layouts."""
    x = time_major(X, layout)
    W, R = np.float64(W), np.float64(R)
    (steps, batch), (directions, _, units) = x.shape[:2], R.shape
    assert hidden_size in (None, units)
    assert directions == (2 if direction == "bidirectional" else 1)
    B = np.zeros((directions, 2 * gates * units)) if B is None else np.float64(B)
    P = np.zeros((directions, 3 * units)) if P is None else np.float64(P)
    lengths = [steps] * batch if sequence_lens is None else [int(length) for length in sequence_lens]
    firsts = [initial(array, directions, batch, units, layout) for array in (initial_h, initial_c)[: len(states)]]
    alphas, betas = iter(activation_alpha), iter(activation_beta)
    named = [activation(name, alphas, betas) for name in activations or directions * functions]
    clipped = [limited(function, clip) for function in named]

    Y = np.zeros((steps, directions, batch, units))
    last = np.zeros((len(states), directions, batch, units))
    for d in range(directions):
        own = clipped[d * len(functions) : (d + 1) * len(functions)]
        step = make_step(W[d], R[d], B[d], P[d], *own, **said)
        backwards = direction == "reverse" or d == 1
        for n in range(batch):
            now = tuple(first[d, n] for first in firsts)
            order = range(lengths[n])
            for t in reversed(order) if backwards else order:
                now = step(x[t, n], now)
                Y[t, d, n] = now[0]
            last[:, d, n] = now
    found = {"Y": Y, **{f"Y_{state}": array for state, array in zip(states, last, strict=True)}}
    return found if layout == 0 else {name: batch_first(array) for name, array in found.items()}


def limited(function: Function, clip: float | None) -> Function:
    """An activation whose input is clipped."""
    return function if clip is None else lambda x: function(np.clip(x, -clip, clip))


def time_major(X: Any, layout: int) -> Array:
    """(steps, batch, features), whichever layout was given."""
    x = np.float64(X)
    return x if layout == 0 else np.swapaxes(x, 0, 1)


def initial(given: Any, directions: int, batch: int, units: int, layout: int) -> Array:
    """(directions, batch, units) of a state, zero unless it is given."""
    if given is None:
        return np.zeros((directions, batch, units))
    return time_major(given, layout)


def batch_first(array: Array) -> Array:
    """From (…, batch, units) to (batch, …, units)."""
    return np.moveaxis(array, -2, 0)


def by_text(operator: str, inputs: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Array]:
    """The outputs of an operator by its name.

    Raises:
        UndefinedError: the text does not say.
    """
    return OPERATORS[operator](**inputs, **attributes)

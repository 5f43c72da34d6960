"""One step of a faulty LSTM or GRU, in plain `math`: written from the equations, with the fault where it belongs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lstm_verify import faults
from lstm_verify.faults import Edit, Fit
from tests.oracle_activations import Vector, sigmoid

Matrix = list[Vector]
Scalar = Callable[[float], float]


def found(item: Any, fault: str, behaves_as: str | None = None, parameter: str | None = None) -> list[Edit]:
    """The edits of a fault that an item has, in their order."""
    return [
        edit
        for name, edit in faults.edits(item)
        if name == fault
        and isinstance(edit, Edit)
        and behaves_as in (None, edit.behaves_as)
        and parameter in (None, edit.parameter)
    ]


def only(item: Any, fault: str, behaves_as: str | None = None, parameter: str | None = None) -> Any:
    """The one edit of that kind, made."""
    (edit,) = found(item, fault, behaves_as, parameter)
    return edit.make()


def fit(item: Any, fault: str, parameter: str) -> Fit:
    (family,) = [
        e for name, e in faults.edits(item) if name == fault and isinstance(e, Fit) and e.parameter == parameter
    ]
    return family


def lstm_step(
    x: Vector,
    h: Vector,
    c: Vector,
    kernel: Matrix,
    recurrent_kernel: Matrix,
    bias: Vector | None,
    *,
    orders: Mapping[str, str] | None = None,
    gate: Scalar = sigmoid,
    candidate: Scalar = math.tanh,
    output: Scalar | None = None,
    forget_bias: float = 0.0,
    coupled: str = "",
    peepholes: Mapping[str, Vector] | None = None,
    cell_clip: float = math.inf,
    gate_clip: float = math.inf,
) -> tuple[Vector, Vector]:
    """The new h and c; `orders` has the order of the gates' blocks in each weight where it is not i, f, c, o."""
    n, output, eyes = len(c), output or candidate, peepholes or {}

    def place(weight: str, letter: str) -> int:
        return (orders or {}).get(weight, "ifco").index(letter) * n

    def before(letter: str, unit: int, seen: float) -> float:
        terms = [x[j] * kernel[j][place("kernel", letter) + unit] for j in range(len(x))]
        terms += [
            h[j] * recurrent_kernel[j][place("recurrent_kernel", letter) + unit] for j in range(len(recurrent_kernel))
        ]
        terms += [bias[place("bias", letter) + unit] if bias else 0.0]
        terms += [eyes[letter][unit] * seen if letter in eyes else 0.0]
        terms += [forget_bias if letter == "f" else 0.0]
        return max(-gate_clip, min(gate_clip, math.fsum(terms)))

    new_h, new_c = [], []
    for u in range(n):
        i, f = gate(before("i", u, c[u])), gate(before("f", u, c[u]))
        i, f = (1 - f if coupled == "i" else i), (1 - i if coupled == "f" else f)
        cell = f * c[u] + i * candidate(before("c", u, 0.0))
        cell = max(-cell_clip, min(cell_clip, cell))
        new_c.append(cell)
        new_h.append(gate(before("o", u, cell)) * output(cell))
    return new_h, new_c


def gru_step(
    x: Vector,
    h: Vector,
    kernel: Matrix,
    recurrent_kernel: Matrix,
    biases: tuple[Vector, Vector],
    *,
    orders: Mapping[str, str] | None = None,
    reset_after: bool = True,
    inverted: bool = False,
    gate: Scalar = sigmoid,
    candidate: Scalar = math.tanh,
) -> Vector:
    """The new h; `biases` are of the input and of the recurrent product."""
    n = len(h)

    def of_x(letter: str, u: int) -> float:
        p = (orders or {}).get("kernel", "zrh").index(letter) * n + u
        q = (orders or {}).get("bias", "zrh").index(letter) * n + u
        return math.fsum(x[j] * kernel[j][p] for j in range(len(x))) + biases[0][q]

    def of_h(letter: str, u: int, state: Vector) -> float:
        p = (orders or {}).get("recurrent_kernel", "zrh").index(letter) * n + u
        q = (orders or {}).get("bias", "zrh").index(letter) * n + u
        return math.fsum(state[j] * recurrent_kernel[j][p] for j in range(n)) + biases[1][q]

    z = [gate(of_x("z", u) + of_h("z", u, h)) for u in range(n)]
    r = [gate(of_x("r", u) + of_h("r", u, h)) for u in range(n)]
    shut = [r[u] * h[u] for u in range(n)]
    new = []
    for u in range(n):
        recurrent = r[u] * of_h("h", u, h) if reset_after else of_h("h", u, shut)
        proposed = candidate(of_x("h", u) + recurrent)
        keep = 1 - z[u] if inverted else z[u]
        new.append(keep * h[u] + (1 - keep) * proposed)
    return new

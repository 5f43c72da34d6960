"""Cells that are one operation, in terms of the others: what `operations/cells.py` computes, as forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Affine, Array, Form, FunctionCall
from lstm_verify.graph.lift.traced import Traced
from lstm_verify.layers.operation import Operation
from lstm_verify.operations.cells import ICFO


def _joined(x: Form, h: Form, kernel: Array, bias: Array, features: int) -> Affine:
    """[x, h] @ kernel + bias."""
    return Affine(((x, kernel[:features]), (h, kernel[features:])), (bias,))


def _function(name: str, form: Form) -> Form:
    return Form.of(FunctionCall(name, (form,)))


def lstm_cell(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    x, c, h, *weights = arguments
    if any(item.form is not None for item in weights):
        return None
    kernel, w_i, w_f, w_o, bias = (np.asarray(item.value) for item in weights)
    options: dict[str, Any] = {"forget_bias": 0.0, "cell_clip": None, "use_peephole": False, "order": ICFO}
    options |= operation.options
    z = _joined(x.as_form(), h.as_form(), kernel, bias, x.value.shape[-1])
    units = z.width // 4
    z_i, z_f, z_c, z_o = (Form.of(z.columns(n * units, (n + 1) * units)) for n in options["order"])
    old = c.as_form()
    if options["use_peephole"]:
        z_i, z_f = z_i + old.scaled(w_i), z_f + old.scaled(w_f)
    i, f = _function("sigmoid", z_i), _function("sigmoid", z_f.plus_constant(np.asarray(options["forget_bias"])))
    candidate = _function("tanh", z_c)
    new = f * old + i * candidate
    if options["cell_clip"] is not None:
        limit = np.asarray(options["cell_clip"])
        new = Form.of(FunctionCall("clip", (new, -limit, limit)))
    o = _function("sigmoid", z_o + new.scaled(w_o) if options["use_peephole"] else z_o)
    squashed = _function("tanh", new)
    forms = (i, new, f, o, candidate, squashed, o * squashed)
    return [Traced(value, form) for value, form in zip(values, forms, strict=True)]


def gru_cell(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    x, h, *weights = arguments
    if any(item.form is not None for item in weights):
        return None
    w_ru, w_c, b_ru, b_c = (np.asarray(item.value) for item in weights)
    features, old = x.value.shape[-1], h.as_form()
    z = _joined(x.as_form(), old, w_ru, b_ru, features)
    units = z.width // 2
    r, u = (_function("sigmoid", Form.of(z.columns(n * units, (n + 1) * units))) for n in range(2))
    c = _function("tanh", Form.of(_joined(x.as_form(), r * old, w_c, b_c, features)))
    new = u * old + c + (u * c).scaled(np.asarray(-1.0))
    return [Traced(value, form) for value, form in zip(values, (r, u, c, new), strict=True)]

"""Layer normalisation in a form, as `tf.nn.batch_normalization` writes it with the moments of each row.

γ (v - μ) / √(s² + ε) + β   =   v m - μ m + β,   m = rsqrt(s² + ε) γ
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.graph.lift.expressions import Array, Form, FunctionCall, Term

NAME = "layer_norm"


@dataclass(frozen=True)
class Normalisation:
    """What a normalised quantity was, and how it was normalised."""

    inner: Form
    gamma: Array
    beta: Array
    epsilon: float


def normalised(form: Form) -> Form | None:
    """The form as one operation, if it is a layer normalisation written out."""
    if len(form.terms) != 2:
        return None
    for first, second in (form.terms, form.terms[::-1]):
        factor = _factor(second)
        if factor is None:
            continue
        rest = tuple(atom for atom in first.product if atom.key != factor.key)
        gamma, epsilon = factor.arguments[1], _epsilon(factor)
        if len(rest) + 1 == len(first.product) and rest and epsilon is not None and isinstance(gamma, np.ndarray):
            inner = Form((Term(rest, first.coefficient),))
            beta = np.broadcast_to(form.constant, gamma.shape)
            return Form.of(FunctionCall(NAME, (inner, gamma, beta), {"epsilon": epsilon}))
    return None


def _factor(term: Term) -> FunctionCall | None:
    """m of -μ m."""
    atom = term.product[0]
    if len(term.product) != 1 or not np.all(term.coefficient == -1):  # one number, or one for each unit
        return None
    if not isinstance(atom, FunctionCall) or atom.operation != "multiply":
        return None
    factor = atom.arguments[1].atom if isinstance(atom.arguments[1], Form) else None
    return factor if isinstance(factor, FunctionCall) and factor.operation == "multiply" else None


def _epsilon(factor: FunctionCall) -> float | None:
    """ε of rsqrt(s² + ε) γ."""
    root = factor.arguments[0].atom if isinstance(factor.arguments[0], Form) else None
    if not isinstance(root, FunctionCall) or root.operation != "rsqrt" or not isinstance(root.arguments[0], Form):
        return None
    constant = root.arguments[0].constant
    return float(constant) if constant.ndim == 0 else None


def unnormalised(form: Form) -> tuple[Form, Normalisation | None]:
    """A form without the layer normalisation around it."""
    atom = form.atom
    if not isinstance(atom, FunctionCall) or atom.operation != NAME:
        return form, None
    inner, gamma, beta = atom.arguments
    (term,) = inner.terms
    group = term.product[0]
    plain = getattr(group, "form", inner) if len(term.product) == 1 and np.all(term.coefficient == 1) else inner
    return plain, Normalisation(plain, gamma, beta, float(atom.options["epsilon"]))

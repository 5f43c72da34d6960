"""What a form is, computed from its parts in plain NumPy: the oracle for everything that rewrites forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Affine, Array, Atom, Form, FunctionCall, Leaf, SumFactor

FUNCTIONS = {"tanh": np.tanh, "exp": np.exp, "absolute": np.abs}


def value(form: Form, leaves: Mapping[str, Array]) -> Any:
    """The value of a form where its leaves have these values."""
    total: Any = form.constant
    for term in form.terms:
        product: Any = term.coefficient
        for atom in term.product:
            product = product * atom_value(atom, leaves)
        total = total + product
    return total


def atom_value(atom: Atom, leaves: Mapping[str, Array]) -> Any:
    match atom:
        case Leaf(name, start, stop):
            return leaves[name][:, start:stop]
        case SumFactor(form):
            return value(form, leaves)
        case Affine(maps, biases):
            return sum(value(form, leaves) @ matrix for form, matrix in maps) + sum(biases)
        case FunctionCall(operation, (argument,)):
            return FUNCTIONS[operation](value(argument, leaves))
    raise AssertionError(atom)

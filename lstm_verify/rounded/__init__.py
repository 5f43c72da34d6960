"""Rounded: an array that carries the variance of its rounding error through the layer equations.

A framework computes in float32 or less, the replay in float64. How far the two may lie apart follows from the
computation itself: each operation passes on the errors of its operands, first order and taken as independent, and adds
its own. With u the unit roundoff (2⁻²⁴ for float32):

    y = f(a, b)         var_y = f_a'² var_a + f_b'² var_b + u² y²               sums, products, quotients, roots
    y = g(z)            var_y = g'(z)² var_z + (4u y)²                          activations, exp, log
    y = 1 within u/32   var_y = g'(z)² var_z + (1 - y)²                         sigmoid and tanh, which are 1 there
    y = x @ W, n terms  var_y = var_x @ W² + u² (n/6 + 1) (x² @ W²) + u² (n/9 + 1) y²
    y + b               var   = var_y + var_b + u² (y + b)² + u² n/9 (b² + b (y + b))       b may be where a sum begins

The products: rounding each partial sum s_k by ±u s_k/√3 makes Σ s_k² u²/3, and partial sums of n terms t of either sign
grow like a random walk, s_k² ≈ k t², those of one sign like s_k = k y/n; XLA begins them with b.

What it does not follow is how errors of different units, or of one unit at different times, go together; `budget.py`
asks a witness for that.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, chapters 2 to 4 (the model of rounding);
Higham and Mary, SIAM J. Sci. Comput. 41(5), 2019 (errors as independent random variables).
"""

from __future__ import annotations

from lstm_verify.rounded.activations import activated
from lstm_verify.rounded.array import SIGMAS, Rounded, Rounding, Rules, Undecided, own_error, parts
from lstm_verify.rounded.array_functions import called
from lstm_verify.rounded.discrete import as_type
from lstm_verify.rounded.precision import FLOAT32, PRECISIONS, Precision
from lstm_verify.rounded.ufuncs import applied, approximated

Rounded.rules = Rules(applied, called, activated, approximated, as_type)

__all__ = [
    "FLOAT32",
    "PRECISIONS",
    "SIGMAS",
    "Precision",
    "Rounded",
    "Rounding",
    "Undecided",
    "own_error",
    "parts",
]

"""Products of matrices, cut as the BLAS library that NumPy calls is fastest at them.

OpenBLAS copies parts of both factors into an order of its own before it multiplies them; where a time step has few
samples that takes a third of the time. On processors with AVX-512 it has kernels that do without, for products of at
most 100³ multiplications. Source: `interface/gemm.c` and `kernel/x86_64/dgemm_small_kernel_permit_skylakex.c`
(OpenBLAS 0.3.31). Measured there, a product in float64 that is cut into such pieces is faster by 5 to 40 %, one in
float32 slower by 15 % (Zen 5); on other processors, where every piece is copied for itself, both would be slower.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from lstm_verify.arrays import Array

MOST_MULTIPLICATIONS = 100**3
"""In a product that OpenBLAS computes without copying its factors."""
FEWEST_ROWS = 4
"""In a piece; the kernels are slow for fewer."""
WITH_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""The processors, in OpenBLAS's names, that those kernels are for."""


def einsum(equation: str, *arrays: Array) -> Array:
    """`np.einsum`, also of bfloat16, of which NumPy knows no sums: they are made in float32 then."""
    if any(isinstance(array, np.ndarray) and array.dtype.kind not in "fiubc" for array in arrays):
        wide: Array = np.einsum(equation, *(array.astype(np.float32) for array in arrays), optimize=True)
        return wide.astype(arrays[0].dtype)
    y: Array = np.einsum(equation, *arrays, optimize=True)
    return y


def sliced(weights: Array, columns: int) -> Array:
    """Cut weights into pieces of equally many rows, for products with a matrix of `columns` columns.

    Args:
        weights: (rows, terms), in C order.
        columns: the samples in each of the products.

    Returns:
        A view (pieces, rows of a piece, terms): `matmul` takes it like the weights, and the elements of the product
        come out in the same order. The weights themselves where pieces would not be faster.
    """
    rows, terms = weights.shape
    most = MOST_MULTIPLICATIONS // max(columns * terms, 1)
    size = max((count for count in range(FEWEST_ROWS, min(most, rows) + 1) if rows % count == 0), default=rows)
    if size == rows or weights.dtype != np.float64 or not has_small_kernels():
        return weights
    return weights.reshape(-1, size, terms)


@cache
def has_small_kernels() -> bool:
    """Whether NumPy multiplies with an OpenBLAS that has kernels for small products on this processor."""
    from threadpoolctl import threadpool_info

    return any(library.get("architecture") in WITH_KERNELS for library in threadpool_info())

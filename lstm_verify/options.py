"""Options of a verification: how a framework predicts, and which inputs are generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lstm_verify.errors import InputError
from lstm_verify.rounded.precision import PRODUCTS

Progress = Callable[[str, int, int], None]
"""Told a stage (`replay`, `predict`), how many samples it has done, and how many there are."""


@dataclass(frozen=True)
class RuntimeOptions:
    """How a framework predicts.

    Raises:
        InputError: a value that makes no sense.

    Example:
        >>> RuntimeOptions("tf_keras", timeout=60).batch_size is None
        True
    """

    name: str | None = None
    """The framework, one of `runtimes.NAMES`; None takes the one that wrote the file."""
    batch_size: int | None = None
    """Samples that it predicts at a time; None is 32 for Keras, and all at once for graphs."""
    timeout: float = 600.0
    """Seconds until it is given up."""
    unsafe: bool = False
    """Whether it may run code from the file, such as Lambda layers."""
    products: str | None = None
    """How it multiplies matrices in float32: `float32`, or with factors rounded to `tf32`, as NVIDIA GPUs do, or to
    `bfloat16`, as oneDNN and TPUs may; None: as it says of itself, or float32."""

    optimize: bool = True
    """Whether it may rewrite the graph before it runs it, as ONNX Runtime does unless told otherwise."""

    def __post_init__(self) -> None:
        if not self.timeout > 0:
            raise InputError(f"timeout: {self.timeout}, expected a positive number of seconds")
        if self.products is not None and self.products not in PRODUCTS:
            raise InputError(f"products: {self.products!r}, expected one of {', '.join(PRODUCTS)}")


@dataclass(frozen=True)
class RandomInputs:
    """Inputs generated from the signature of a model: N(0, 1), tokens of its vocabulary, and so on."""

    samples: int = 32
    seed: int = 0

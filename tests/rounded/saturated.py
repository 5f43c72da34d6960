"""Print from where on TensorFlow's sigmoid and tanh are exactly 1, by format: `python -m tests.rounded.saturated`."""

from __future__ import annotations

import itertools
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

FORMATS = ("bfloat16", "float16", "float32", "float64")


def last_below_one(name: str, dtype: str, is_compiled: bool) -> float:
    """The largest input whose result is not 1, of very many up to 130."""
    function = tf.function(getattr(tf.math, name), jit_compile=is_compiled)
    z = tf.cast(np.linspace(0, 130, 400_001), dtype)
    below = np.asarray(tf.cast(z, "float64"))[np.asarray(tf.cast(function(z), "float64")) != 1]
    return float(below.max())


if __name__ == "__main__":
    cases = itertools.product(("sigmoid", "tanh"), FORMATS, (False, True))
    print(json.dumps([[name, dtype, last_below_one(name, dtype, jit)] for name, dtype, jit in cases]))

"""Whether a diagnosis says of a fault what the zoo says of it: the same function, number, order of gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NUMBER = 0.02
"""How far a number that was fitted may be off, relative to the true one."""
NUMBERS = ("forget_bias", "negative_slope", "epsilon", "clip")
FUNCTIONS = ("activation", "recurrent_activation")
OTHER_NAMES = {"swish": "silu"}
GATES_OF = {
    "gates": r"kernel, recurrent_kernel and bias|kernel and recurrent_kernel",
    "gates of the kernels": r"kernel and recurrent_kernel",
    "gates of the bias": r"bias",
}
"""By what the zoo calls it, the weights whose gates are in another order; some cells have no bias."""
CLIPPED = {"cell_clip": "cell_clip", "gate_clip": "clip of what goes into the gates"}

MEANINGS: dict[tuple[str, str], str] = {
    ("gelu_approximation", "gelu(approximate=True)"): r"approximate",
    ("gelu_approximation", "gelu"): r"exact",
    ("bias", "dropped"): r"left out",
    ("bias", "doubled"): r"added twice",
    ("bias", "without the recurrent bias"): r"without that of the recurrent product",
    ("bias", "without the input bias"): r"without that of the input",
    ("bias", "their sum as input bias"): r"both added to the input",
    ("initial_weights", "as built: 0 and 1"): r"as built: 0 and 1",
    ("initial_weights", "as built: 1 for the forget gate, else 0"): r"as built: 1 for the forget gate, else 0",
    ("normalization", "left out"): r"left out",
    ("normalization", "applied twice"): r"applied twice",
    ("product_precision", "tf32"): r"tf32",
    ("product_precision", "bfloat16"): r"bfloat16",
    ("other_weights", ""): r"others, .*",
    ("reset_after", "true"): r"True",
    ("reset_after", "false"): r"False",
    ("update_gate_inverted", "h = (1 - z) h + z c"): r"h = \(1 - z\)·h \+ z·h̃",
    ("recurrent_kernel_transposed", "transposed, gate by gate"): r"transposed",
    ("recurrent_kernel_dropped", "zero"): r"left out",
    ("kernel_layout", "[h; x]: the rows of h first"): r"rows of \[h; x\]",
    ("kernel_layout", "interleaved: (units, gates)"): r"side by side, read gate by gate",
    ("kernel_layout", "interleaved, read back: (units, gates)"): r"columns of a unit's gates side by side",
    ("kernel_layout", "cuDNN: every gate transposed, written flat"): r"each gate's block read column by column",
    (
        "kernel_layout",
        "cuDNN, read back: every gate transposed, read flat",
    ): r"each gate's block read (as its transpose|column by column)",
    ("coupled_gates", "i = 1 - f"): r"i = 1 - f",
    ("coupled_gates", "f = 1 - i"): r"f = 1 - i",
    ("peephole", "none"): r"none",
    ("peephole", "i, o, f"): r"i, o, f",
    ("mask", "ignored"): r"ignored(, and the values of hidden steps are read)?",
    ("mask", "as many steps from the start as are not padded"): r"as many steps from the start as are kept",
    ("mask", "ignored in samples that are all padding"): r"ignored in samples that are all padding",
    ("mask", "at least one step is read"): r"one step at least, in samples that are all padding",
    ("mask", "zeros"): r"is zero",
    ("mask", "the output is repeated"): r"repeats the output before",
    ("direction", "forward"): r"forwards|from the first step",
    ("direction", "backward"): r"backwards.*|from the last step",
    ("backward_order", "in order of processing"): r"as computed.*",
    ("backward_order", "in order of time"): r"in the order of time",
    ("backward_order", "of the last step that is no padding"): r"of the last time step that is no padding",
    ("backward_order", "of its first step, index -1"): r"of the last time step, index -1",
    ("directions_swapped", "backward, forward"): r"backward, then forward|exchanged",
    ("initial_state", "zero"): r"zero",
    ("initial_state", "zero at every step"): r"zero at every time step",
    ("initial_state", "zero again after 2 steps"): r"zero again after every 2 time steps",
    ("initial_state", "zero again after 3 steps"): r"zero again after every 3 time steps",
    ("initial_state", "zero again after 10 steps"): r"zero again after every 10 time steps",
    ("initial_state", "the same vector for every sample"): r"the same numbers for every sample: h = .*",
    ("initial_state", "zero for every sample"): r"zero",
    ("initial_state", "the last state of the same sample, of the prediction before"): r"that of the prediction before",
    ("initial_state", "the last state of the prediction before"): r"what the prediction before left",
    ("state_order", "c, h"): r"c, h",
    ("weight_precision", "float16"): r"float16",
    ("weight_precision", "bfloat16"): r"bfloat16",
    ("weight_precision", "int8 per tensor"): r"int8, a scale for each tensor.*",
    ("weight_precision", "int8 per channel"): r"int8, a scale for each column.*",
    ("dropout_active", ""): r"other predictions each time",
    ("equal_shape_weights_swapped", ""): r"exchanged|those of .* in .*, and the other way round",
} | {("merge_mode", mode): mode for mode in ("sum", "mul", "ave", "concat")}
"""By fault, and what the zoo says that it behaves as, the words of the diagnosis; empty: whatever the zoo says."""


def disagreement(
    described: Mapping[str, Any], parameter: str, file_says: str, behaves_as: str, size: int | None
) -> str:
    """What a diagnosis says otherwise than the zoo; empty if nothing.

    Args:
        described: a fault as the zoo describes it.
        parameter: what the diagnosis names in its place.
        file_says: what it says is in the file.
        behaves_as: and what is computed in its stead.
        size: the samples of a batch.
    """
    fault, wanted = described["fault"], described["behaves_as"]
    if fault == "gate_order":
        turned = exchanged(file_says, behaves_as.partition(" (")[0])
        of_these = bool(re.fullmatch(GATES_OF[described["parameter"]], parameter))
        same = of_these and turned == exchanged(described["file_says"], wanted)
    elif fault == "clip" and parameter != CLIPPED[described["parameter"]]:
        same = False
    elif fault in NUMBERS or isinstance(wanted, float):
        same = same_number(wanted, behaves_as)
    elif fault in FUNCTIONS:
        same = OTHER_NAMES.get(wanted, wanted) == behaves_as
    elif wanted == "the last state of the batch before":
        same = behaves_as in carried(size)
    else:
        meaning = MEANINGS.get((fault, "")) or MEANINGS[fault, wanted]
        same = bool(re.fullmatch(meaning, behaves_as))
    return "" if same else f"{parameter} = {behaves_as} for {described['parameter']} = {wanted}"


def exchanged(file_says: str, behaves_as: str) -> set[tuple[str, str]]:
    """Which gate is taken for which other one."""
    return {
        (one, other) for one, other in zip(file_says.split(", "), behaves_as.split(", "), strict=True) if one != other
    }


def same_number(wanted: float | None, found: str) -> bool:
    """Whether a number is the true one, up to what fitting may be off."""
    if wanted is None or found == "none":
        return wanted is None and found == "none"
    return abs(float(found) - wanted) <= NUMBER * abs(wanted)


def carried(size: int | None) -> tuple[str, ...]:
    """What a diagnosis may call the last state of the batch before."""
    each = (
        "the last one of the sample before" if size == 1 else f"the last one of the batch before, {size} samples each"
    )
    return each, "carried over from batch to batch"

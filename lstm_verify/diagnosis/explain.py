"""A diagnosis in words: what predict behaves as if, what the file says, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.arrays import Seen
from lstm_verify.diagnosis.below import Below
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.changes import Change

ADVICE = {
    "recurrent_activation": "Name the activation when you rebuild the layer, or load the file with the version that "
    "wrote it: its default, and what hard_sigmoid means, differ between versions.",
    "activation": "Look at how the activation was exported: converters drop the ones they do not know.",
    "negative_slope": "Pass the slope explicitly: its default is 0.2, 0.3 or 0.01, depending on the framework.",
    "gelu_approximation": "Say approximate=True or False wherever gelu is used: defaults differ.",
    "epsilon": "Export epsilon with the weights: 1e-3 in Keras, 1e-5 in PyTorch.",
    "forget_bias": "TensorFlow 1 adds a forget bias of 1 at run time, Keras has it in its weights: add it to the "
    "forget gate's part of the bias, or take it from there, once.",
    "gate_order": "Reorder the gates' blocks in kernel, recurrent_kernel and bias before the weights are set.",
    "bias": "Look at how biases are joined: PyTorch, ONNX and cuDNN have two for each gate.",
    "initial_weights": "Look at which weights were loaded, and whether by name: a layer that found none keeps what it "
    "was built with.",
    "normalization": "Normalise the data once, in the model or before it.",
    "reset_after": "Build the GRU with the reset_after that it was trained with.",
    "update_gate_inverted": "Negate the update gate's weights and bias, or exchange z and 1 - z.",
    "recurrent_kernel_transposed": "Transpose the recurrent kernel, gate by gate: its shape does not tell.",
    "recurrent_kernel_dropped": "The recurrent kernel is not used: look at which weights were loaded.",
    "kernel_layout": "Look at how the kernels were cut and laid out in memory when they were converted.",
    "coupled_gates": "Build the cell with input and forget gates of their own.",
    "earlier_cell_state": "Compute c before h: h = o g(c) takes the new c.",
    "time_steps": "Look at where the loop over time steps begins and ends, and at what it returns when.",
    "peephole": "Export the peephole weights, in the order of the other framework (ONNX: i, o, f).",
    "clip": "Set the clip of the runtime as in the file: BlockLSTM has 3 by default, CoreML 50, TensorFlow Lite 10.",
    "kernel_flipped": "Do not flip the kernel: the convolution of frameworks is a correlation.",
    "padding_symmetric": "Pad by hand as `same` does: with strides, one more at the end if the number is odd.",
    "channels_first": "Move the channels to where the file has them: before a Flatten, and in kernels.",
    "key_value": "Keras takes query, value, key; PyTorch query, key, value: name the arguments.",
    "mask": "Carry the mask, or the lengths of sequences, into the runtime.",
    "direction": "Look at go_backwards: the sequence is read from its other end.",
    "backward_order": "Bring the backward outputs into the order of time, and take index 0 as their last.",
    "directions_swapped": "Exchange the forward and the backward weights, or the halves of the output.",
    "merge_mode": "Set merge_mode as in the file.",
    "initial_state": "Reset or hand on the states as the model was trained: between calls, batches or files.",
    "state_order": "Keras and PyTorch have h, c; TensorFlow 1 and Flax c, h.",
    "weight_precision": "If the weights were meant to be stored so, allow for it with --atol.",
    "equal_shape_weights_swapped": "Compare the weights by name: a file was read in another order than it was written.",
    "product_precision": "NVIDIA GPUs multiply float32 in TF32 unless told otherwise: call "
    "tf.config.experimental.enable_tensor_float_32_execution(False), or for PyTorch set "
    "torch.backends.cuda.matmul.allow_tf32 = False. oneDNN and TPUs may use bfloat16: set "
    "ONEDNN_DEFAULT_FPMATH_MODE=STRICT, or the highest precision. Or accept it with --products tf32 or bfloat16.",
    "dynamic_range": "Convert without tf.lite.Optimize.DEFAULT, or with float16 as the supported type.",
    "other_weights": "Look at which weights were loaded, and whether by name: these are not the layer's.",
    "dropout_active": "Call the model with training=False, or export it for inference.",
}


def diagnosis_lines(diagnosis: Diagnosis, subject: str) -> Iterator[str]:
    """A diagnosis, a paragraph a line.

    Args:
        diagnosis: the diagnosis.
        subject: what was predicted with, such as `model.predict`; empty of recorded predictions.
    """
    if diagnosis.below is not None:
        yield from _below(diagnosis.below, subject)
        return
    if diagnosis.status == "unexplained":
        yield from _unexplained(diagnosis, subject)
        return
    first, *others = diagnosis.explanations
    yield _explained(first, subject)
    said = {_named(first.change)}
    same = [words for change in first.also if (words := _named(change)) not in said]
    if same:
        yield f"In other words, which compute the same: {'; '.join(dict.fromkeys(same))}."
    said |= set(same)
    for words in dict.fromkeys(_named(other.change) for other in others):
        if words not in said:
            yield f"It cannot be told apart on this input from: {words}."
    if others and diagnosis.separating:
        random, seed = diagnosis.separating["random"], diagnosis.separating["seed"]
        yield f"`--random {random} --seed {seed}` would tell them apart."
    for advice in _advice(first.change):
        yield f"What to do: {advice}"


def _advice(change: Change) -> Iterator[str]:
    if isinstance(change, Seen):
        yield change.advice
        return
    for fault in dict.fromkeys(part.fault for part in change.parts or (change,)):
        yield ADVICE[fault]


def _below(below: Below, subject: str) -> Iterator[str]:
    """That there is nothing to explain."""
    yield (
        f"Rounding explains {_returned(subject)} (at most {below.sigmas:.1f}σ), so no fault was looked for: the "
        f"tolerance asked for is below what {below.precision} can do. The smallest that is not: `{below.options}`."
    )


def _explained(explanation: Explanation, subject: str) -> str:
    change, after = explanation.change, explanation.after
    if isinstance(change, Seen):
        return f"{change.words}{_left(explanation)}."
    as_if = " and ".join(f"{_where(part)} {_had(part)}" for part in _parts(change))
    says = "; ".join(f"the file says {part.file_says}" for part in _parts(change))
    if change.fault == "dropout_active":
        who = subject or "The runtime"
        return f"{who} differs from itself when it is run again: dropout is active in {_where(change)}."
    count = explanation.samples
    which = "the sample" if count == 1 else f"the {count:,} samples tried"
    agree = "agrees" if count == 1 else "agree"
    return (
        f"{subject or 'What was recorded'} behaves as if {as_if}; {says}. With it, {which} {agree} within rounding "
        f"({after.sigmas:.1f}σ); without, up to {explanation.before.absolute:.2g}."
    )


def _parts(change: Change) -> tuple[Change, ...]:
    """What a change is made of, once for each kind."""
    if not change.parts:
        return (change,)
    kinds: dict[tuple[str, str | None, str, str], list[Change]] = {}
    for part in change.parts:
        kinds.setdefault(part.key, []).append(part)
    return tuple(
        Change(p[0].fault, tuple(x.layers[0] for x in p), *p[0].key[1:], p[0].make, p[0].tops) for p in kinds.values()
    )


def _returned(subject: str) -> str:
    return f"what {subject} returns" if subject else "what was recorded"


def _left(explanation: Explanation) -> str:
    """What is left of a deviation once it is explained, if that was measured."""
    before, after = explanation.before, explanation.after
    if not isfinite(before.absolute) or after.sigmas == 0:
        return ""
    return f" (within {after.sigmas:.1f}σ of rounding; as they are, up to {before.absolute:.2g} off)"


def _where(change: Change) -> str:
    return " and ".join(f"`{path}`" for path in change.layers if path) or "the whole model"


def _named(change: Change) -> str:
    """A change in a few words."""
    if isinstance(change, Seen):
        return f"{change.words[0].lower()}{change.words[1:]} ({change.fault})"
    return f"{_where(change)} {_what(change)}"


def _had(change: Change) -> str:
    """What a layer would be like."""
    return f"had {change.parameter} = {change.behaves_as}"


def _what(change: Change) -> str:
    return f"{change.parameter} = {change.behaves_as} ({change.fault})"


def _unexplained(diagnosis: Diagnosis, subject: str) -> Iterator[str]:
    tried = "1 change of the model was tried"
    if diagnosis.tried != 1:
        tried = f"{diagnosis.tried:,} changes of the model were tried"
    rest = "" if diagnosis.complete else ", not all there are before time was up"
    yield f"No known fault explains {_returned(subject)}: {tried}{rest}."
    if diagnosis.closest is not None:
        change, misfit = diagnosis.closest
        yield (
            f"The nearest is {_named(change)}, which leaves {misfit.absolute:.2g}: "
            "not an explanation, but perhaps a part of one."
        )
    if diagnosis.suspect is not None:
        one = diagnosis.suspect
        gate = f" (gate {one.gate})" if one.gate else ""
        yield (
            f"A single weight would explain it: {one.weight}{list(one.index)} of `{one.layer}`{gate} is "
            f"{one.file_says:.6g} in the file and behaves as {one.behaves_as:.6g}."
        )
    yield from place_lines(diagnosis)


def place_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Where a deviation starts."""
    place = diagnosis.place
    if place is None:
        return
    if place.layer is None:
        if place.timestep is not None:
            yield f"Outputs differ from time step {place.timestep} on."
        elif place.layers:
            yield "No layer that could be compared on its own introduces it."
        return
    where = f"in `{place.layer}`"
    where += f", {place.direction} direction" if place.direction else ""
    where += f", at time step {place.timestep}" if place.timestep is not None else ""
    where += f": other weights of the gate {place.gate} would explain what it gives" if place.gate else ""
    yield f"It starts {where}."
    for layer in place.layers:
        own = "" if layer.introduced is None else f", introduced by itself {_sigmas(layer.introduced)}"
        yield f"  {layer.layer}: {_sigmas(layer.carried)} in all{own}"


def _sigmas(value: float) -> str:
    return f"{value:.1f}σ" if value < 1000 else f"{value:.1e}σ"


def blind_line(spots: BlindSpots) -> str:
    """Blind spots in one line; empty if there are none."""
    if not spots.found:
        return ""
    by_layer = spots.by_layer()
    listed = [f"{', '.join(faults)} in {layer}" for layer, faults in by_layer.items()]
    more = f"; and in {len(listed) - 3} more layers" if len(listed) > 3 else ""
    return f"this input could not have shown: {'; '.join(listed[:3])}{more}"


def blind_details(spots: BlindSpots) -> Iterator[str]:
    """Every blind spot, a line each."""
    for spot in spots.found:
        change = spot.change
        yield f"{_where(change)}: {change.fault}, {change.parameter} = {change.behaves_as}: at most {spot.effect:.1g}σ"

"""What a faulty runtime does and Keras has no layer for, written in TensorFlow operations for both generations."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.zoo.faults.plan import SIDES, Layer

Tensor = Any
States = Sequence[Tensor]
Function = Callable[[Tensor], Tensor]
Step = Callable[[Any, list[Tensor], list[Tensor], States, Function, Function, Any], list[Tensor]]
"""TensorFlow, x@W + b by gate, h@U (+ b) by gate, states, activation, recurrent activation, option → new states."""


def make(keras: Any, layer: Layer) -> Any:
    """Return the framework's layer for a layer of a plan."""
    arguments = {key: callable_of(value) if "activation" in key else value for key, value in layer.arguments.items()}
    if layer.kind in LAYERS:
        return LAYERS[layer.kind](keras, layer.name, **arguments)
    if layer.kind == "LeakyReLU" and keras.__name__ == "tf_keras" and "negative_slope" in arguments:
        arguments["alpha"] = arguments.pop("negative_slope")
    inner = {key: make(keras, value) for key, value in layer.inner.items() if key not in SIDES}
    made = getattr(keras.layers, layer.kind)(**inner, **arguments, name=layer.name)
    for side in SIDES:
        if side in layer.inner:
            setattr(made, side, make(keras, layer.inner[side]))
    return made


# --- activations ---------------------------------------------------------------------------------------------


def callable_of(value: Any) -> Any:
    """Return a function for the name of one with numbers, such as ``hard_sigmoid(slope=0.2)``; others as they are."""
    found = re.fullmatch(r"(\w+)\((\w+)=(.*)\)", value) if isinstance(value, str) else None
    if not found:
        return value
    tf = importlib.import_module("tensorflow")
    name, _, number = found.groups()
    if name == "hard_sigmoid":
        slope = 1 / 6 if number == "0.166667" else float(number)
        return lambda x: tf.clip_by_value(slope * x + 0.5, 0.0, 1.0)
    if name == "leaky_relu":
        return lambda x: tf.where(x > 0, x, float(number) * x)
    if name == "gelu":
        return lambda x: tf.nn.gelu(x, approximate=number == "True")
    raise ValueError(value)


# --- products ------------------------------------------------------------------------------------------------

DROPPED_BITS = {"tf32": 13, "bfloat16": 16}
"""Of the 23 bits of a significand in float32, those that a factor of a product loses."""


def shortened(tf: Any, x: Tensor, products: str) -> Tensor:
    """Return numbers rounded to the nearest with fewer bits, ties to even, as a factor of a product."""
    if products not in DROPPED_BITS:
        return x
    bits, last = tf.bitcast(tf.convert_to_tensor(x), tf.uint32), DROPPED_BITS[products]
    even = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, np.uint32(last)), np.uint32(1))
    nearest = bits + even + np.uint32(2 ** (last - 1) - 1)
    return tf.bitcast(tf.bitwise.bitwise_and(nearest, np.uint32(2**32 - 2**last)), tf.float32)


@functools.cache
def short_dense_class(keras: Any) -> Any:
    """Return the class of Dense layers whose products are made of rounded factors, for one framework."""
    tf = importlib.import_module("tensorflow")

    class ShortDense(keras.layers.Dense):  # type: ignore[misc]
        """A Dense layer on a processor that shortens factors."""

        def __init__(self, products: str, **options: Any) -> None:
            super().__init__(**options)
            self.products = products

        def call(self, inputs: Tensor) -> Tensor:
            factors = (shortened(tf, tf.convert_to_tensor(each), self.products) for each in (inputs, self.kernel))
            return self.activation(tf.tensordot(*factors, 1) + self.bias)

    return ShortDense


def short_dense(keras: Any, name: str, products: str, **arguments: Any) -> Any:
    """Return a Dense layer whose products are made of rounded factors."""
    return short_dense_class(keras)(products, name=name, **arguments)


# --- cells ---------------------------------------------------------------------------------------------------


def lstm_step(
    tf: Any, x: list[Tensor], h: list[Tensor], states: States, act: Function, gate: Function, option: Any
) -> list[Tensor]:
    """One step of an LSTM that clips its cell or its gates, or computes one gate from another."""
    kind, limit = option
    z = [one + other for one, other in zip(x, h, strict=True)]
    if kind == "clip_gates":
        z = [tf.clip_by_value(each, -limit, limit) for each in z]
    i, f, c, o = gate(z[0]), gate(z[1]), act(z[2]), gate(z[3])
    if kind == "i=1-f":
        i = 1 - f
    if kind == "f=1-i":
        f = 1 - i
    carry = f * states[1] + i * c
    if kind == "clip_cell":
        carry = tf.clip_by_value(carry, -limit, limit)
    return [o * act(carry), carry]


def gru_step(
    tf: Any, x: list[Tensor], h: list[Tensor], states: States, act: Function, gate: Function, option: Any
) -> list[Tensor]:
    """One step of a GRU that resets after the product, and inverts its update gate or clips its gates."""
    kind, limit = option
    z, r = x[0] + h[0], x[1] + h[1]
    if kind == "clip_gates":
        z, r = tf.clip_by_value(z, -limit, limit), tf.clip_by_value(r, -limit, limit)
    c = x[2] + gate(r) * h[2]
    c = act(tf.clip_by_value(c, -limit, limit) if kind == "clip_gates" else c)
    kept = 1 - gate(z) if kind == "inverted" else gate(z)
    return [kept * states[0] + (1 - kept) * c]


@functools.cache
def cell_class(keras: Any) -> Any:
    """Return the class of cells that take a step of this module, for one framework."""
    tf = importlib.import_module("tensorflow")

    class OddCell(keras.layers.Layer):  # type: ignore[misc]
        """A cell with the weights of a Keras cell and the update of ``step``."""

        def __init__(
            self,
            units: int,
            gates: int,
            step: Step,
            option: Any,
            activation: Any = "tanh",
            recurrent_activation: Any = "sigmoid",
            use_bias: bool = True,
            **options: Any,
        ) -> None:
            super().__init__(**options)
            self.units, self.gates, self.step, self.option = units, gates, step, option
            self.activation = keras.activations.get(activation)
            self.recurrent_activation = keras.activations.get(recurrent_activation)
            self.use_bias = use_bias
            self.state_size = [units] * (2 if gates == 4 else 1)
            self.output_size = units

        def build(self, input_shape: Any) -> None:
            width = self.gates * self.units
            self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], width))
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(self.units, width))
            if self.use_bias:
                self.bias = self.add_weight(name="bias", shape=(width,) if self.gates == 4 else (2, width))
            self.built = True

        def call(self, inputs: Tensor, states: States, training: Any = None) -> tuple[Tensor, list[Tensor]]:
            pairs = ((inputs, self.kernel), (states[0], self.recurrent_kernel))
            x, h = (tf.matmul(*(shortened(tf, each, self.option[0]) for each in pair)) for pair in pairs)
            if self.use_bias and self.gates == 4:
                x += self.bias
            elif self.use_bias:
                x, h = x + self.bias[0], h + self.bias[1]
            x, h = (tf.split(both, self.gates, axis=-1) for both in (x, h))
            new = self.step(tf, x, h, states, self.activation, self.recurrent_activation, self.option)
            return new[0], new

    return OddCell


OF_THE_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


def odd_rnn(gates: int, step: Step) -> Callable[..., Any]:
    """Return a maker of layers with the arguments of LSTM or GRU, and ``option``."""

    def made(keras: Any, name: str, option: Any, **arguments: Any) -> Any:
        loop = {key: arguments.pop(key) for key in OF_THE_LOOP if key in arguments}
        arguments.pop("reset_after", None)
        cell = cell_class(keras)(gates=gates, step=step, option=option, **arguments)
        return keras.layers.RNN(cell, name=name, **loop)

    return made


# --- other layers --------------------------------------------------------------------------------------------


def flip(keras: Any, name: str) -> Any:
    """Return a layer that reverses the order of time."""
    return keras.layers.Lambda(lambda x: x[:, ::-1], name=name)


def step_of(keras: Any, name: str, index: int) -> Any:
    """Return a layer that takes one time step."""
    return keras.layers.Lambda(lambda x: x[:, index], name=name)


def unmask(keras: Any, name: str) -> Any:
    """Return a layer that passes no mask on."""
    return keras.layers.Lambda(lambda x: x + 0, name=name)  # The same tensor would keep its mask.


@functools.cache
def other_mask_class(keras: Any) -> Any:
    """Return the class of layers that pass on another mask than they are given."""
    tf = importlib.import_module("tensorflow")
    ops = getattr(keras, "ops", tf)
    total = getattr(ops, "sum", None) or tf.reduce_sum

    class OtherMask(keras.layers.Layer):  # type: ignore[misc]
        """What a runtime does that makes a mask by a rule of its own."""

        def __init__(self, rule: str, **options: Any) -> None:
            super().__init__(**options)
            self.supports_masking, self.rule = True, rule

        def call(self, inputs: Tensor) -> Tensor:
            return inputs + 0  # The same tensor would keep its mask.

        def compute_mask(self, inputs: Tensor, mask: Any = None) -> Tensor:
            steps = np.arange(mask.shape[1], dtype=np.int32)[None]
            length = total(ops.cast(mask, "int32"), axis=1, keepdims=True)
            if self.rule == "from the start":
                return ops.less(steps, length)
            kept_instead = steps >= 0 if self.rule == "all of none" else steps == 0
            return ops.logical_or(mask, ops.logical_and(ops.equal(length, 0), kept_instead))

    return OtherMask


def other_mask(rule: str) -> Callable[..., Any]:
    """Return a maker of layers that pass on the mask of a rule."""
    return lambda keras, name: other_mask_class(keras)(rule=rule, name=name)


@functools.cache
def last_valid_class(keras: Any) -> Any:
    """Return the class of layers that take the last step that is not hidden, as torch users do by the lengths."""
    tf = importlib.import_module("tensorflow")

    class LastValid(keras.layers.Layer):  # type: ignore[misc]
        """The step of index -1, were it not for padding."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.supports_masking = True

        def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
            steps = tf.range(mask.shape[1])[None] * tf.cast(mask, "int32")  # in the order of time, as the mask is
            return tf.gather(inputs[:, ::-1], tf.reduce_max(steps, axis=1), batch_dims=1)

        def compute_mask(self, inputs: Tensor, mask: Any = None) -> None:
            return None

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], *shape[2:])

    return LastValid


def last_valid(keras: Any, name: str) -> Any:
    """Return a layer that takes, of what a backward layer returns, the last step that is not hidden."""
    return last_valid_class(keras)(name=name)


@functools.cache
def begun_class(keras: Any) -> Any:
    """Return the class of recurrent layers that are called by hand: in pieces, or with a start of their own."""
    tf = importlib.import_module("tensorflow")

    class Begun(keras.layers.Layer):  # type: ignore[misc]
        """An LSTM or a GRU that is called for every few steps on their own, from one start in every unit."""

        def __init__(self, kind: str, every: int = 0, start: Any = 0.0, name: str = "", **arguments: Any) -> None:
            super().__init__(name=name)
            self.whole = getattr(keras.layers, kind)(**arguments, name=f"{name}_inside")
            self.every, self.start, self.count = every, start, 2 if kind == "LSTM" else 1
            self.sequences = bool(arguments.get("return_sequences"))

        def call(self, inputs: Tensor) -> Tensor:
            zeros = tf.zeros((tf.shape(inputs)[0], self.whole.units))
            states = [zeros + self.start] * self.count
            every = self.every or inputs.shape[1]
            parts = [inputs[:, start : start + every] for start in range(0, inputs.shape[1], every)]
            found = [self.whole(part, initial_state=states if self.count > 1 else states[0]) for part in parts]
            return tf.concat(found, axis=1) if self.sequences else found[-1]

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:2], self.whole.units) if self.sequences else (shape[0], self.whole.units)

    return Begun


def begun(keras: Any, name: str, **options: Any) -> Any:
    """Return a recurrent layer that is called by hand."""
    return begun_class(keras)(name=name, **options)


LAYERS: dict[str, Callable[..., Any]] = {
    "OddLSTM": odd_rnn(4, lstm_step),
    "OddGRU": odd_rnn(3, gru_step),
    "ShortDense": short_dense,
    "Flip": flip,
    "Step": step_of,
    "Unmask": unmask,
    "LengthMask": other_mask("from the start"),
    "FullMask": other_mask("all of none"),
    "FirstMask": other_mask("one of none"),
    "LastValid": last_valid,
    "Begun": begun,
}

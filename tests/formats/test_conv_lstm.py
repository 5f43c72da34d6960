"""Configs of ConvLSTM: what becomes of them, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_verify.errors import LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.registry import build, variables_of
from lstm_verify.inspection import describe
from lstm_verify.layers import RNN, Array, ConvLSTM1DCell, ConvLSTM2DCell
from tests.builders import random_array

CONFIG: dict[str, Any] = {
    "name": "conv",
    "filters": 3,
    "kernel_size": [2, 4],
    "strides": [1, 1],
    "padding": "valid",
    "dilation_rate": [1, 1],
    "data_format": "channels_last",
    "activation": "tanh",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": True,
}
ROWS = {"kernel_size": 2, "strides": 2, "dilation_rate": [1]}


def weights(*window: int) -> dict[tuple[str, ...], Array]:
    return {
        ("cell", "kernel"): random_array(*window, 2, 12),
        ("cell", "recurrent_kernel"): random_array(*window, 3, 12, seed=1),
        ("cell", "bias"): random_array(12, seed=2),
    }


def built(rank: int = 2, version: tuple[int, ...] = (3, 15), arrays: Any = None, **changes: Any) -> Any:
    config = Config(f"ConvLSTM{rank}D", {**CONFIG, **(ROWS if rank == 1 else {}), **changes}, version)
    given = arrays or weights(*((2,) if rank == 1 else (2, 4)))
    assert {variable.path for variable in variables_of(config)} <= set(given)
    layer = build(config, given)
    assert isinstance(layer, RNN)
    return layer


def test_numbers_for_all_axes_and_for_each() -> None:
    rows, images = built(1).cell, built(strides=2).cell
    assert isinstance(rows, ConvLSTM1DCell)
    assert isinstance(images, ConvLSTM2DCell)
    assert (rows.strides, rows.dilation, rows.window) == ((2,), (1,), (2,))
    assert (images.strides, images.dilation, images.window) == ((2, 2), (1, 1), (2, 4))


def test_hard_sigmoid_is_the_one_of_the_generation() -> None:
    assert str(built(version=(2, 15)).cell.recurrent_activation) == "hard_sigmoid(slope=0.2)"
    assert str(built().cell.recurrent_activation) == "hard_sigmoid(slope=0.166667)"


def test_only_keras_3_gives_zeros_for_hidden_steps() -> None:
    assert built(zero_output_for_mask=True).zero_output_for_mask
    assert not built(zero_output_for_mask=True, version=(2, 15)).zero_output_for_mask


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kernel_size": [2, 3]}, r"kernel has shape \(2, 4, 2, 12\), expected \(2, 3, …, 12\)"),
    ({"kernel_size": [2]}, "kernel_size is .*, expected 2 positive integers"),
    ({"kernel_size": "2"}, "kernel_size is '2', expected 2 positive"),
    ({"kernel_size": None}, "kernel_size is None"),
    ({"strides": 0}, "strides is 0"),
    ({"strides": [1, True]}, "strides is"),
    ({"dilation_rate": [1, -1]}, "dilation_rate is"),
    ({"dilation_rate": {}}, "dilation_rate is"),
    ({"filters": 4}, r"kernel has shape .*, expected \(2, 4, …, 16\)"),
    ({"filters": "3"}, "filters is '3'"),
    ({"padding": "causal"}, "padding='causal' is not supported"),
    ({"data_format": "channels_first"}, "data_format='channels_first' is not supported"),
    ({"peephole": True}, "peephole=True, which is not known"),
    ({"recurrent_strides": 2}, "recurrent_strides=2, which is not known"),
    ({"activation": "snake"}, "activation"),
    ({"time_major": True}, "time_major"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_configs_that_make_no_sense(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(LstmVerifyError, match=rf"layer 'conv' \(ConvLSTM2D\): .*{says}") as caught:
        built(**changes)
    assert isinstance(caught.value, ModelFileError | UnsupportedError)


@pytest.mark.parametrize("name", ["kernel", "recurrent_kernel", "bias"])
@pytest.mark.parametrize("change", ["transposed", "flat", "scalar", "longer", "shorter", "another axis", "empty"])
def test_weights_of_another_shape(name: str, change: str) -> None:
    array = weights(2, 4)[("cell", name)]
    wrong = {
        "transposed": array.T if array.ndim > 1 else array[:, None],
        "flat": array.reshape(-1)[:-1],
        "scalar": array.reshape(-1)[0].reshape(()),
        "longer": array.repeat(2, axis=0),
        "shorter": array[..., :-1],
        "another axis": array[None],
        "empty": array[:0],
    }[change]
    with pytest.raises(ModelFileError, match=f"layer 'conv'.*: {name} has shape .*, expected"):
        built(arrays={**weights(2, 4), ("cell", name): wrong})


def test_a_recurrent_kernel_that_does_not_take_what_it_gives() -> None:
    with pytest.raises(ModelFileError, match=r"recurrent_kernel has shape \(2, 4, 5, 12\), expected \(2, 4, 5, 20\)"):
        built(arrays={**weights(2, 4), ("cell", "recurrent_kernel"): random_array(2, 4, 5, 12)})


def test_what_is_said_of_it() -> None:
    found = describe(built(), "conv")
    assert found["type"] == "ConvLSTM2D"
    wanted = {"filters": 3, "kernel_size": [2, 4], "gates": "i, f, c, o", "strides": [1, 1], "padding": "valid"}
    assert wanted.items() <= found["settings"].items()
    assert "units" not in found["settings"]

"""Configs of layers of sequences, images and volumes: what is read from them, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_verify import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.registry import Arrays, build
from lstm_verify.layers import Array, Layer
from tests.builders import random_array

WEIGHTS: dict[str, dict[str, Array]] = {
    "Conv2D": {"kernel": random_array(3, 2, 4, 6), "bias": random_array(6)},
    "DepthwiseConv2D": {"depthwise_kernel": random_array(3, 2, 4, 2), "bias": random_array(8)},
    "SeparableConv2D": {
        "depthwise_kernel": random_array(3, 2, 4, 2),
        "pointwise_kernel": random_array(1, 1, 8, 6),
        "bias": random_array(6),
    },
    "Conv2DTranspose": {"kernel": random_array(3, 2, 6, 4), "bias": random_array(6)},
    "Conv1DTranspose": {"kernel": random_array(3, 6, 4), "bias": random_array(6)},
    "Conv1D": {"kernel": random_array(3, 4, 6), "bias": random_array(6)},
    "Conv3D": {"kernel": random_array(3, 2, 1, 4, 6), "bias": random_array(6)},
}
CONFIGS: dict[str, dict[str, Any]] = {
    "Conv2D": {"filters": 6, "kernel_size": [3, 2]},
    "DepthwiseConv2D": {"kernel_size": [3, 2], "depth_multiplier": 2},
    "SeparableConv2D": {"filters": 6, "kernel_size": [3, 2], "depth_multiplier": 2},
    "Conv2DTranspose": {"filters": 6, "kernel_size": [3, 2]},
    "Conv1DTranspose": {"filters": 6, "kernel_size": [3]},
    "Conv1D": {"filters": 6, "kernel_size": [3]},
    "Conv3D": {"filters": 6, "kernel_size": [3, 2, 1]},
    "MaxPooling1D": {},
    "MaxPooling3D": {"pool_size": [2, 3, 1]},
    "ZeroPadding1D": {},
    "Cropping1D": {},
    "ZeroPadding3D": {},
    "Cropping3D": {},
    "MaxPooling2D": {"pool_size": [2, 3]},
    "AveragePooling2D": {"pool_size": [2, 3]},
    "GlobalMaxPooling2D": {},
    "GlobalAveragePooling2D": {},
    "ZeroPadding2D": {},
    "Cropping2D": {},
    "UpSampling1D": {},
    "UpSampling2D": {},
    "SpatialDropout2D": {"rate": 0.5},
}


def made(class_name: str, arrays: dict[str, Array] | None = None, **options: Any) -> Layer:
    weights = WEIGHTS.get(class_name, {}) | (arrays or {})
    by_path: Arrays = {(name,): array for name, array in weights.items()}
    return build(Config(class_name, {"name": "layer", **CONFIGS[class_name], **options}, (3, 15, 1)), by_path)


def shown(layer: Any, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(layer, name) for name in names)


@pytest.mark.parametrize("class_name", CONFIGS)
def test_the_shortest_config_is_enough(class_name: str) -> None:
    assert made(class_name).name == "layer"


@pytest.mark.parametrize("value", [2, [2, 2], (2, 2)])
def test_one_number_stands_for_rows_and_columns(value: Any) -> None:
    conv = made("Conv2D", strides=value, dilation_rate=value)
    assert shown(conv, "strides", "dilation", "padding", "groups") == ((2, 2), (2, 2), "valid", 1)
    assert shown(made("MaxPooling2D", strides=value), "pool_size", "strides") == ((2, 3), (2, 2))
    assert shown(made("UpSampling2D", size=value), "size") == ((2, 2),)


def test_a_lone_number_of_sequences_and_three_of_volumes() -> None:
    conv = made("Conv1D", strides=[2], dilation_rate=3, padding="causal")
    assert shown(conv, "strides", "dilation", "padding", "groups") == (2, 3, "causal", 1)
    assert shown(made("MaxPooling1D"), "pool_size", "strides") == (2, 2)
    assert shown(made("Conv3D", strides=2, dilation_rate=[1, 2, 3]), "strides", "dilation") == ((2, 2, 2), (1, 2, 3))
    assert shown(made("MaxPooling3D"), "pool_size", "strides") == ((2, 3, 1), (2, 3, 1))


@pytest.mark.parametrize(
    ("class_name", "value", "edges"),
    [
        ("1D", 2, (2, 2)),
        ("1D", [1, 2], (1, 2)),
        ("3D", 1, (1,) * 6),
        ("3D", [1, 2, 3], (1, 1, 2, 2, 3, 3)),
        ("3D", [[1, 0], [0, 2], [3, 4]], (1, 0, 0, 2, 3, 4)),
    ],
)
def test_edges_of_sequences_and_volumes(class_name: str, value: Any, edges: tuple[int, ...]) -> None:
    assert shown(made(f"ZeroPadding{class_name}", padding=value), "padding") == (edges,)
    assert shown(made(f"Cropping{class_name}", cropping=value), "cropping") == (edges,)


@pytest.mark.parametrize("value", [[1], [1, 2, 3], [[1, 2]], "1", [1, -1]])
def test_what_are_no_edges_of_sequences(value: Any) -> None:
    with pytest.raises(ModelFileError, match=r"padding is .*, expected \(before, after\)"):
        made("ZeroPadding1D", padding=value)


def test_windows_of_a_pool_do_not_overlap_unless_told() -> None:
    assert shown(made("AveragePooling2D", strides=None, padding="same"), "strides", "padding") == ((2, 3), "same")


@pytest.mark.parametrize(("class_name", "key"), [("ZeroPadding2D", "padding"), ("Cropping2D", "cropping")])
@pytest.mark.parametrize(
    ("value", "edges"), [(2, (2, 2, 2, 2)), ([1, 2], (1, 1, 2, 2)), ([[1, 0], [2, 3]], (1, 0, 2, 3))]
)
def test_edges_are_above_below_left_right(class_name: str, key: str, value: Any, edges: tuple[int, ...]) -> None:
    assert shown(made(class_name, **{key: value}), key) == (edges,)


@pytest.mark.parametrize(("given", "read"), [(None, None), (1, (1, 1)), ([0, 1], (0, 1))])
def test_an_output_padding_may_be_none_or_zero(given: Any, read: Any) -> None:
    assert shown(made("Conv2DTranspose", strides=2, output_padding=given), "output_padding") == (read,)


PAIRS = [
    *((name, key) for name in ("Conv2D", "DepthwiseConv2D", "Conv2DTranspose") for key in ("strides", "dilation_rate")),
    ("Conv2D", "kernel_size"),
    ("MaxPooling2D", "pool_size"),
    ("AveragePooling2D", "strides"),
    ("UpSampling2D", "size"),
    ("Conv2DTranspose", "output_padding"),
]


@pytest.mark.parametrize("value", ["2", -1, 1.5, True, [1], [1, 2, 3], [1, None], [[1, 2], [3, 4]], {}, [-1, 1]])
@pytest.mark.parametrize(("class_name", "key"), PAIRS)
def test_what_are_no_two_numbers(class_name: str, key: str, value: Any) -> None:
    with pytest.raises(ModelFileError, match=rf"^layer 'layer' \({class_name}\): {key} is .*, expected two whole"):
        made(class_name, **{key: value})


@pytest.mark.parametrize("key", ["strides", "dilation_rate", "kernel_size", "output_padding", "filters"])
@pytest.mark.parametrize("value", ["2", -1, 1.5, True, [1, 2], {}])
def test_what_is_no_number(key: str, value: Any) -> None:
    with pytest.raises(ModelFileError, match=rf"^layer 'layer' \(Conv1DTranspose\): {key} is .*, expected an integer"):
        made("Conv1DTranspose", **{key: value})


@pytest.mark.parametrize(
    "value", ["1", -1, 1.5, True, [1], [1, 2, 3], [[1, 2], [3]], [[1, -2], [3, 4]], [[1, 2], None]]
)
@pytest.mark.parametrize(("class_name", "key"), [("ZeroPadding2D", "padding"), ("Cropping2D", "cropping")])
def test_what_are_no_edges(class_name: str, key: str, value: Any) -> None:
    with pytest.raises(ModelFileError, match=rf"^layer 'layer' \({class_name}\): {key} is .*, expected \(\(above"):
        made(class_name, **{key: value})


@pytest.mark.parametrize(
    ("class_name", "options"),
    [
        ("Conv2D", {"padding": "causal"}),
        ("Conv3D", {"padding": "causal"}),
        ("MaxPooling1D", {"padding": "causal"}),
        ("UpSampling1D", {"interpolation": "bilinear"}),
        ("Conv2D", {"padding": [[0, 0], [1, 1]]}),
        ("Conv2D", {"rank": 3}),
        ("Conv2D", {"data_format": "channels_first"}),
        ("DepthwiseConv2D", {"groups": 2}),
        ("SeparableConv2D", {"groups": 2}),
        ("Conv2DTranspose", {"groups": 2}),
        ("Conv1DTranspose", {"groups": 2}),
        ("Conv1DTranspose", {"padding": "causal"}),
        ("MaxPooling2D", {"padding": "full"}),
        ("GlobalMaxPooling2D", {"data_format": "channels_first"}),
        ("UpSampling2D", {"interpolation": "bilinear"}),
        ("UpSampling2D", {"interpolation": "lanczos5"}),
        ("Cropping2D", {"padding": 1}),
    ],
)
def test_options_that_are_not_supported(class_name: str, options: dict[str, Any]) -> None:
    (key,) = options
    with pytest.raises(UnsupportedError, match=rf"^layer 'layer' \({class_name}\): .*{key}="):
        made(class_name, **options)


@pytest.mark.parametrize(
    ("class_name", "weight", "shape"),
    [
        ("Conv2D", "kernel", (2, 3, 4, 6)),
        ("Conv2D", "kernel", (3, 2, 4, 5)),
        ("Conv2D", "kernel", (3, 2, 6)),
        ("Conv2D", "bias", (5,)),
        ("DepthwiseConv2D", "depthwise_kernel", (3, 2, 4, 3)),
        ("DepthwiseConv2D", "depthwise_kernel", (2, 2, 4, 2)),
        ("SeparableConv2D", "pointwise_kernel", (1, 1, 8, 5)),
        ("SeparableConv2D", "pointwise_kernel", (1, 8, 6)),
        ("Conv2DTranspose", "kernel", (3, 2, 4, 6)),
        ("Conv2DTranspose", "bias", (4,)),
        ("Conv1DTranspose", "kernel", (3, 4, 6)),
        ("Conv1DTranspose", "kernel", (2, 6, 4)),
    ],
)
def test_weights_that_do_not_belong_to_the_config(class_name: str, weight: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelFileError, match=rf"^layer 'layer'.*: {weight} has shape .*, expected"):
        made(class_name, {weight: random_array(*shape)})

"""Weights of shapes that do not belong to the config: refused, never broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.command import assert_refused, inputs, model, recorded, run
from tests.model_files import datasets, replace_dataset, with_hdf5

WRONG: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "transposed": lambda array: array.T,
    "extra_row": lambda array: np.concatenate([array, array[:1]]),
    "one_row_less": lambda array: array[:-1],
    "one_column_less": lambda array: array[..., :-1],
    "one_number": lambda array: array.reshape(-1)[:1],
    "scalar": lambda array: array.reshape(-1)[0],
    "another_axis": lambda array: array[None],
    "flat": lambda array: array.reshape(-1),
    "empty": lambda array: array[:0],
}
MODELS = ("origin_tanh_sigmoid", "stacked_gru", "conv_pool_lstm", "bidirectional_masked")


def cases() -> Iterator[object]:
    """Every weight of some models, with every change that alters its shape."""
    for name in MODELS:
        for weight in datasets(model(name)):
            with h5py.File(model(name), "r") as file:
                array = file[weight][()]
            parts = weight.removeprefix("model_weights/").split("/")
            for change, apply in WRONG.items():
                if apply(array).shape != array.shape:
                    label = "-".join((name, *parts[:1], *parts[-2:-1], parts[-1], change))
                    yield pytest.param(name, weight, apply, id=label)


@pytest.mark.parametrize(("name", "weight", "change"), list(cases()))
def test_weight_of_the_wrong_shape(
    name: str, weight: str, change: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    path = with_hdf5(model(name), tmp_path / "model.h5", replace_dataset(weight, change))
    result = run(path, "-i", inputs(name), "-e", recorded(name), "--output", tmp_path / "replayed.npz")
    assert_refused(result, path, "layer '", "shape")
    assert not (tmp_path / "replayed.npz").exists()

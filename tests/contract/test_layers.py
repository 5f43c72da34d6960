"""What every layer keeps to, by being there: a layer without an example fails."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import numpy as np
import pytest

from lstm_verify.inspection import describe
from lstm_verify.layers import ConvLSTMCell, Run, Signal, Spatial
from lstm_verify.layers.base import PRECISIONS, Layer, Weighted
from lstm_verify.operations import TensorList
from lstm_verify.run_arithmetic import RoundedArithmetic, as_rounded, output_value
from tests.contract.layers import EXAMPLES, Example, arrays_of, everything_in, layer_classes

CLASSES = layer_classes()
FAMILIES = {kind for kind in CLASSES if issubclass(kind, Spatial) and not hasattr(kind, "axes")} | {ConvLSTMCell}
"""What layers of sequences, of images and of volumes share: no file has such a layer, which has no number of axes."""
ITEMS = {name: list(everything_in(example.layer)) for name, example in EXAMPLES.items()}
every = pytest.mark.parametrize("name", EXAMPLES)
RUNNING = [name for name, example in EXAMPLES.items() if example.runs]


def computed(example: Example, layer: Layer | None = None) -> list[Any]:
    """The outputs of an example in plain NumPy."""
    with np.errstate(all="ignore"):
        signals = (layer or example.layer).apply(tuple(map(Signal, example.inputs)), Run())
    return [_plain(signal.value) for signal in signals]


def computed_with_errors(example: Example) -> list[Any]:
    """The same on arrays that carry the variance of their rounding errors along."""
    arithmetic = RoundedArithmetic()
    given = [Signal(_with_errors(value, arithmetic)) for value in example.inputs]
    with np.errstate(all="ignore"):
        signals = example.layer.apply(arithmetic.enter(example.layer, tuple(given)), Run(arithmetic=arithmetic))
    return [_plain(signal.value) for signal in arithmetic.leave(example.layer, signals)]


def _with_errors(value: Any, arithmetic: RoundedArithmetic) -> Any:
    if isinstance(value, TensorList):
        return dataclasses.replace(value, items=tuple(_with_errors(item, arithmetic) for item in value.items))
    return as_rounded(value, "float32", arithmetic)


def _plain(value: Any) -> Any:
    return output_value(value.stacked() if isinstance(value, TensorList) else value)


def assert_same(found: list[Any], wanted: list[Any]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind not in FAMILIES])
def test_every_layer_has_an_example(kind: type[Weighted]) -> None:
    assert any(type(item) is kind for items in ITEMS.values() for item in items), (
        f"{kind.__name__}: give it a row in tests/rounded/models.py, or in tests/contract/layers.py"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_a_docstring_has_its_equations_source_and_an_example(kind: type[Weighted]) -> None:
    """A family has its example in one of its layers: they differ in the number of axes alone."""
    about = sys.modules[kind.__module__].__doc__ or ""
    assert "Source" in about or "arXiv" in about, kind.__module__
    family = next((other for other in (kind, *kind.__bases__) if other in FAMILIES), kind)
    assert any(">>>" in (other.__doc__ or "") for other in CLASSES if family in (other, *other.__bases__))


@every
def test_a_layer_is_frozen_and_its_weights_are_read_only(name: str) -> None:
    for item in ITEMS[name]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            item.name = "other"  # type: ignore[misc]
        for path, array in item.weights():
            assert not array.flags.writeable, f"{path} of {item.kind}"


@every
def test_weights_are_cast(name: str) -> None:
    for item in ITEMS[name]:
        narrow = arrays_of(item.astype(np.float16))
        assert list(narrow) == list(arrays_of(item))
        for path, array in narrow.items():
            looked_up = item.kind in ("Embedding", "tensors")  # whose output is cast, or which have none
            assert looked_up or array.dtype == np.float16, f"{path} of {item.kind}"


@every
def test_weights_are_changed_by_a_function(name: str) -> None:
    for item in ITEMS[name]:
        before = arrays_of(item)
        after = arrays_of(item.with_weights(lambda array: np.asarray(-array)))
        assert list(after) == list(before)
        kept = item.kind in ("Embedding", "Constant")  # what is looked up, or compared with
        for path, array in after.items():
            np.testing.assert_array_equal(array, before[path] if kept else -before[path])
        assert all(array is before[path] for path, array in item.weights())


@every
def test_what_is_inside_is_put_back_and_exchanged(name: str) -> None:
    for item in ITEMS[name]:
        children = item.children()
        for path, child in children.items():
            other = dataclasses.replace(child, name="another")
            changed = item.with_child(path, other)
            assert type(changed) is type(item)
            assert changed.children() == {**children, path: other}
            assert changed.with_child(path, child).children() == children
        assert item.children() == children


@pytest.mark.parametrize("name", RUNNING)
def test_a_child_that_is_put_back_changes_nothing(name: str) -> None:
    example = EXAMPLES[name]
    layer = example.layer
    for path, child in layer.children().items():
        layer = layer.with_child(path, child)
    assert_same(computed(example, layer), computed(example))


@every
def test_a_layer_is_described_as_plain_data(name: str) -> None:
    layer = EXAMPLES[name].layer
    described = describe(layer, "layer")
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["type"]
    assert layer.precision in PRECISIONS
    inside = {path for path, _ in layer.weights()}
    assert set(described["weights"]) == inside


@every
def test_a_layer_begins_like_itself_or_says_why_not(name: str) -> None:
    layer = EXAMPLES[name].layer
    assert layer.begins_like(layer) == layer.is_resumable
    assert not layer.begins_like(EXAMPLES["Identity" if name != "Identity" else "Dense"].layer)


@pytest.mark.parametrize("name", RUNNING)
def test_values_with_errors_are_those_without(name: str) -> None:
    example = EXAMPLES[name]
    assert_same(computed_with_errors(example), computed(example))


@pytest.mark.parametrize("name", RUNNING)
def test_running_a_layer_twice_is_the_same_and_leaves_its_inputs_alone(name: str) -> None:
    example = EXAMPLES[name]
    before = [np.copy(value) for value in example.inputs if isinstance(value, np.ndarray)]
    first = computed(example)
    assert_same(computed(example), first)
    after = [value for value in example.inputs if isinstance(value, np.ndarray)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)

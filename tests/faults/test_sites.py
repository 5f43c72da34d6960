"""Sites: every layer and cell of a model is reached, and another one is put into one place and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify import replay
from lstm_verify.faults import FAULTS, Fault, Fit, Site, edits, own_weights, sites
from lstm_verify.faults.interface import no_edits
from lstm_verify.layers import Bidirectional, Dense, Masking, StackedCells, TimeDistributed
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model
from tests.builders import FEATURES, UNITS, dense, gru_cell, lstm_cell, rnn, sequences, sequential, simple_rnn_cell
from tests.faults.steps import only

NAMES = (
    *("recurrent_activation", "activation", "gate_order", "forget_bias", "bias", "recurrent_kernel_transposed"),
    *("recurrent_kernel_dropped", "kernel_layout", "reset_after", "update_gate_inverted", "direction"),
    *("backward_order", "directions_swapped", "merge_mode", "mask", "initial_state", "state_order", "coupled_gates"),
    *("peephole", "clip", "negative_slope", "gelu_approximation", "epsilon", "weight_precision"),
    *("equal_shape_weights_swapped", "dropout_active", "initial_weights", "normalization"),
    *("other_weights", "other_settings", "product_precision", "dynamic_range", "earlier_cell_state", "time_steps"),
    *("onnxruntime_clip", "onnxruntime_defaults", "onnxruntime_empty_sequences"),
    *("kernel_flipped", "padding_symmetric", "channels_first", "key_value"),
)
"""The names of all faults, which are stable."""
OF_ITS_OWN = {"dropout_active", "other_weights", "other_settings", "product_precision", "dynamic_range"}
"""Those that are no edit of a layer: a framework differs from itself, weights are found, the arithmetic is another."""


def everything() -> Model:
    """Bidirectional, in a nested model, in TimeDistributed, stacked cells, a loop of a graph."""
    both = Bidirectional(
        name="both",
        forward_layer=rnn(lstm_cell(seed=11), "ahead", return_sequences=True),
        backward_layer=rnn(gru_cell(seed=12), "back", go_backwards=True, return_sequences=True),
        return_sequences=True,
    )
    inner = replace(sequential(both, dense(5, 2 * UNITS, name="head")), name="inner")
    each = TimeDistributed(name="each", layer=replace(sequential(dense(3, 5, name="small")), name="of a step"))
    stack = StackedCells(name="cells", cells=(lstm_cell(4, 3, seed=13), simple_rnn_cell(4, 4, seed=14)))
    return sequential(Masking(name="mask"), inner, each, rnn(stack, "stacked"), dense(name="out"))


PATHS = [
    *("mask", "inner", "inner/both", "inner/both/forward_layer", "inner/both/forward_layer"),
    *("inner/both/backward_layer", "inner/both/backward_layer", "inner/head", "each", "each/layer"),
    *("each/layer/small", "stacked", "stacked", "stacked/cells/0", "stacked/cells/1", "out"),
]


def test_every_layer_and_cell_is_reached_wrappers_first() -> None:
    assert [site.path for site in sites(everything())] == PATHS
    assert {site.top for site in sites(everything())} == {"mask", "inner", "each", "stacked", "out"}
    for site in sites(everything()):
        assert site.path.split("/")[0] == site.top


def test_every_weight_belongs_to_one_site() -> None:
    model = everything()
    own = [id(weight) for site in sites(model) for weight in own_weights(site.item).values()]
    assert len(own) == len(set(own))
    assert set(own) == {id(weight) for _, weight in model.weights()}


@pytest.mark.parametrize("number", range(len(PATHS)), ids=[f"{n} {path}" for n, path in enumerate(PATHS)])
def test_something_else_is_put_into_one_place_only(number: int) -> None:
    model = everything()
    before = list(sites(model))
    site = before[number]
    marked = replace(site.item, name="another")
    after = list(sites(site.put(marked)))
    assert after[number].item is marked
    assert [s.path for s in after] == PATHS
    around = {n for n, s in enumerate(before) if contains(s.item, site.item)}
    for n, (new, old) in enumerate(zip(after, before, strict=True)):
        assert (new.item is old.item) == (n not in around | {number})
    assert [s.item for s in sites(model)] == [s.item for s in before]  # the model itself is as it was


def contains(outer: Any, inner: Any) -> bool:
    parts = [getattr(outer, name, None) for name in ("cell", "layer", "forward_layer", "backward_layer")]
    parts += [*getattr(outer, "cells", ()), *(outer.layers.values() if isinstance(outer, Model) else ())]
    return any(part is inner or contains(part, inner) for part in parts if part is not None)


def test_an_edit_deep_inside_changes_what_the_model_computes() -> None:
    model, x = everything(), sequences()
    honest = np.asarray(replay(model, x))
    for site in sites(model):
        if site.path == "inner/both/backward_layer" and hasattr(site.item, "kernel"):
            changed = site.put(only(site.item, "update_gate_inverted"))
            assert np.abs(np.asarray(replay(changed, x)) - honest).max() > 1e-4
            assert np.asarray(replay(model, x)).tolist() == honest.tolist()
            return
    raise AssertionError("the backward cell was not found")


def test_the_loop_of_a_graph_is_reached() -> None:
    scan = Scan(name="while", rnn=rnn(lstm_cell()), sequence=0, states=((1, 0, None), (2, 0, None)), counter=3)
    model = sequential(scan)
    found = list(sites(model))
    assert {site.path for site in found} == {"while"}
    (cell,) = [site for site in found if site.item is scan.rnn.cell]
    other = replace(scan.rnn.cell, name="another")
    changed = cell.put(other).layers["while"]
    assert isinstance(changed, Scan)
    assert changed.rnn.cell is other
    assert (changed.states, changed.sequence) == (scan.states, scan.sequence)


def test_a_shared_layer_is_one_site() -> None:
    model = everything()
    twice = replace(model, nodes=(*model.nodes, replace(model.nodes[-1], call=1)))
    assert [site.path for site in sites(twice)] == PATHS


# ---------------------------------------------------------------------------------------------- all faults


def test_every_fault_has_its_name_and_advice() -> None:
    known = [fault.name for fault in FAULTS]
    assert len(known) == len(set(known))
    assert set(known) == set(NAMES)
    assert {fault.name for fault in FAULTS if fault.edits is no_edits} == OF_ITS_OWN
    for fault in FAULTS:
        assert fault.advice.endswith(".")
        assert set(fault.comes_with) <= set(NAMES) - {fault.name}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_yields_nothing_for_layers_that_cannot_have_it(fault: Fault) -> None:
    other = Masking(name="other") if fault.name != "mask" else Dense(name="d", kernel=np.ones((2, 3)))
    assert list(fault.edits(other)) == []


def test_edits_say_what_they_are() -> None:
    sayings = set()
    for site in sites(everything()):
        for name, edit in edits(site.item):
            if isinstance(edit, Fit):
                assert edit.at(0.5).behaves_as == "0.5"
                continue
            assert edit.file_says != edit.behaves_as
            key = (site.path, type(site.item), name, edit.parameter, edit.file_says, edit.behaves_as)
            assert key not in sayings, key
            sayings.add(key)
    assert len(sayings) > 200


def test_making_an_edit_leaves_the_layer_as_it_was() -> None:
    for site in sites(everything()):
        weights = {name: weight.copy() for name, weight in own_weights(site.item).items()}
        for _, edit in edits(site.item):
            (edit.at(0.5) if isinstance(edit, Fit) else edit).make()
        for name, weight in own_weights(site.item).items():
            np.testing.assert_array_equal(weight, weights[name])


def test_a_site_says_where_it_is() -> None:
    site = next(sites(sequential(rnn(lstm_cell(features=FEATURES), "lstm"))))
    assert isinstance(site, Site)
    assert (site.path, site.top, site.item.name) == ("lstm", "lstm", "lstm")

"""Bidirectional: two layers that know nothing of each other, and their outputs merged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.layers import Bidirectional, Run, Signal
from tests import oracle
from tests.builders import CELLS, apply, gru_cell, lstm_cell, rnn, sequences, states_for

MERGED = {
    "concat": lambda y, y_rev: [*y, *y_rev],
    "sum": lambda y, y_rev: [a + b for a, b in zip(y, y_rev, strict=True)],
    "ave": lambda y, y_rev: [(a + b) / 2 for a, b in zip(y, y_rev, strict=True)],
    "mul": lambda y, y_rev: [a * b for a, b in zip(y, y_rev, strict=True)],
}
RIGHT_PADDED = np.arange(6) < np.array([6, 5, 3, 1, 2])[:, None]


def bidirectional(kind: str = "lstm", merge_mode: str | None = "concat", **options: Any) -> Bidirectional:
    make = CELLS[kind]
    return Bidirectional(
        name="bi",
        forward_layer=rnn(make(seed=1), "forward", **options),
        backward_layer=rnn(make(seed=11), "backward", go_backwards=True, **options),
        merge_mode=merge_mode,
        return_sequences=options.get("return_sequences", False),
        return_state=options.get("return_state", False),
    )


def zeros(kind: str) -> list[list[float]]:
    return [[0.0] * size for size in CELLS[kind]().state_sizes]


@pytest.mark.parametrize("merge_mode", MERGED)
@pytest.mark.parametrize("kind", CELLS)
def test_sequences_equal_the_scalar_loop(kind: str, merge_mode: str) -> None:
    x = sequences()
    (got,) = apply(bidirectional(kind, merge_mode, return_sequences=True), x)
    for sample in range(len(x)):
        y, _ = oracle.run(CELLS[kind](seed=1), x[sample].tolist(), zeros(kind))
        y_rev, _ = oracle.run(CELLS[kind](seed=11), x[sample, ::-1].tolist(), zeros(kind))
        for t, (ahead, back) in enumerate(zip(y, reversed(y_rev), strict=True)):
            assert_allclose(got[sample, t], MERGED[merge_mode](ahead, back), rtol=0, atol=1e-12)


@pytest.mark.parametrize("merge_mode", MERGED)
def test_without_sequences_both_last_outputs(merge_mode: str) -> None:
    x = sequences()
    (got,) = apply(bidirectional("gru", merge_mode), x)
    for sample in range(len(x)):
        y, _ = oracle.run(gru_cell(seed=1), x[sample].tolist(), zeros("gru"))
        y_rev, _ = oracle.run(gru_cell(seed=11), x[sample, ::-1].tolist(), zeros("gru"))
        assert_allclose(got[sample], MERGED[merge_mode](y[-1], y_rev[-1]), rtol=0, atol=1e-12)


def test_not_merged_gives_both_in_the_order_of_time() -> None:
    x = sequences()
    apart = apply(bidirectional(merge_mode=None, return_sequences=True), x)
    (joined,) = apply(bidirectional(return_sequences=True), x)
    assert_array_equal(np.concatenate(apart, axis=-1), joined)


def test_states_come_forward_first() -> None:
    x, layer = sequences(), bidirectional(return_state=True)
    output, *states = apply(layer, x)
    _, *ahead = apply(layer.forward_layer, x)
    _, *back = apply(layer.backward_layer, x)
    assert len(states) == 4
    for got, wanted in zip(states, [*ahead, *back], strict=True):
        assert_array_equal(got, wanted)
    assert_array_equal(output, np.concatenate([ahead[0], back[0]], axis=-1))


def test_initial_states_go_to_their_direction() -> None:
    x, layer = sequences(), bidirectional()
    ahead, back = states_for(lstm_cell(), seed=5), states_for(lstm_cell(), seed=50)
    (got,) = apply(layer, x, *ahead, *back)
    wanted = [*apply(layer.forward_layer, x, *ahead), *apply(layer.backward_layer, x, *back)]
    assert_array_equal(got, np.concatenate(wanted, axis=-1))


def test_the_backward_layer_starts_before_the_padding() -> None:
    """With right padding each direction sees only the steps that count, whatever the others hold."""
    x, layer = sequences(), bidirectional("lstm", zero_output_for_mask=True, return_sequences=True)
    (got,) = apply(layer, x, mask=RIGHT_PADDED)
    for sample, length in enumerate(RIGHT_PADDED.sum(axis=1)):
        (short,) = apply(layer, x[sample : sample + 1, :length])
        assert_allclose(got[sample, :length], short[0], rtol=0, atol=1e-12)
        assert_array_equal(got[sample, length:], 0.0)


def test_the_mask_goes_on_with_sequences_only() -> None:
    signal = Signal(sequences(), RIGHT_PADDED)
    assert bidirectional(return_sequences=True).apply((signal,), Run())[0].mask is RIGHT_PADDED
    assert bidirectional().apply((signal,), Run())[0].mask is None


def test_the_trace_names_both_directions() -> None:
    run = Run(trace={})
    apply(bidirectional(), sequences(), run=run.inside("bi"))
    assert {"bi/forward_layer/i", "bi/backward_layer/o"} <= set(run.trace or {})


def test_weights_have_paths_of_both_directions() -> None:
    paths = [path for path, _ in bidirectional().weights()]
    assert paths[0] == "forward_layer/kernel"
    assert "backward_layer/recurrent_kernel" in paths
    assert len(paths) == 6

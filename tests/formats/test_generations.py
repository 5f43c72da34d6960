"""What a file means differently by the generation of Keras that wrote it, where its config does not say so."""

from __future__ import annotations

import pytest

from lstm_verify import load
from lstm_verify.layers import RNN
from tests.command import model


@pytest.mark.parametrize(
    ("kind", "counts"), [("keras2.h5", True), ("keras2.keras", True), ("keras3.h5", False), ("keras3.keras", False)]
)
def test_whether_a_mask_counts_beside_an_initial_state(kind: str, counts: bool) -> None:
    """Keras 3 forgets an implicit mask there, as models of the zoo show."""
    lstm = load(model("origin_tanh_sigmoid", kind)).layers["lstm"]
    assert isinstance(lstm, RNN)
    assert lstm.mask_with_initial_state is counts

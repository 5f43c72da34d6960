"""Bidirectional: merge modes, states, unequal directions, and both directions under a mask."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import PADDED, SIGNAL, WORDS, Entry, Source, graph, stack
from tests.zoo.states import BATCHES

MERGE_MODES = ("sum", "mul", "concat", "ave", None)


def merged(class_name: str, merge_mode: str | None, masked: bool = False, only: Any = None, **arguments: Any) -> Entry:
    """Return one Bidirectional model, with each direction as an output where nothing merges them."""

    def connect(layers: Any, signal: Any) -> Any:
        both = layers.Bidirectional(getattr(layers, class_name)(4, **arguments), merge_mode=merge_mode)
        outputs = both(layers.Masking()(signal) if masked else signal)
        return list(outputs) if isinstance(outputs, (list, tuple)) else outputs

    return graph(PADDED if masked else SIGNAL, connect, only=only)


def merge_modes(prefix: str, class_name: str) -> dict[str, Entry]:
    """Return every merge mode, of last outputs and of sequences, without and with a mask."""
    made = {}
    for mode in MERGE_MODES:
        made[f"{prefix}_{mode}".lower()] = merged(class_name, mode)
        made[f"{prefix}_{mode}_sequences".lower()] = merged(class_name, mode, return_sequences=True)
        made[f"{prefix}_{mode}_masked".lower()] = merged(class_name, mode, masked=True)
        made[f"{prefix}_{mode}_masked_sequences".lower()] = merged(class_name, mode, masked=True, return_sequences=True)
    return made


def unequal(layers: Any, merge_mode: str = "sum", units: int = 4, **arguments: Any) -> Any:
    """Return a Bidirectional layer whose backward layer was given and differs from the forward one."""
    backward = layers.LSTM(units, activation="relu", go_backwards=True, name="backward", **arguments)
    forward = layers.LSTM(4, name="forward", **arguments)
    return layers.Bidirectional(forward, backward_layer=backward, merge_mode=merge_mode)


def exchanged(layers: Any, **arguments: Any) -> Any:
    """Return a Bidirectional layer whose forward layer runs backwards, and whose backward layer runs forwards."""
    forward = layers.LSTM(4, go_backwards=True, **arguments)
    return layers.Bidirectional(forward, backward_layer=layers.LSTM(4, **arguments))


def unequal_cells(layers: Any) -> Any:
    """Return a Bidirectional layer of an LSTM and a GRU."""
    backward = layers.GRU(6, go_backwards=True, return_sequences=True)
    return layers.Bidirectional(layers.LSTM(4, return_sequences=True), backward_layer=backward)


def words(*make: Any, **options: Any) -> Entry:
    """Return a Sequential model of layers behind an Embedding that masks its padding."""
    return stack(
        WORDS,
        lambda layers: [layers.Embedding(11, 3, mask_zero=True), *(one(layers) for one in make)],
        **options,
    )


def tagger(layers: Any) -> Any:
    """Return a masked Bidirectional LSTM over sequences."""
    return layers.Bidirectional(layers.LSTM(4, return_sequences=True))


def named(layers: Any) -> Any:
    """Return a Bidirectional layer that has a name of its own, as has the layer inside."""
    return layers.Bidirectional(layers.LSTM(4, name="inside"), name="around")


ENTRIES: dict[str, Entry] = {
    **merge_modes("bidirectional_lstm", "LSTM"),
    "bidirectional_gru": merged("GRU", "concat"),
    "bidirectional_gru_sum_sequences": merged("GRU", "sum", return_sequences=True),
    "bidirectional_gru_reset_before": merged("GRU", "concat", reset_after=False, return_sequences=True),
    "bidirectional_gru_masked": merged("GRU", "concat", masked=True, return_sequences=True),
    "bidirectional_simple_rnn": merged("SimpleRNN", "concat"),
    "bidirectional_simple_rnn_sequences": merged("SimpleRNN", "ave", return_sequences=True),
    "bidirectional_no_bias": merged("LSTM", "concat", use_bias=False),
    "bidirectional_hard_sigmoid": merged("LSTM", "concat", recurrent_activation="hard_sigmoid"),
    "bidirectional_unrolled": merged("LSTM", "concat", unroll=True, return_sequences=True),
    "bidirectional_dropouts": merged("LSTM", "concat", dropout=0.3, recurrent_dropout=0.2),
    # Keras 3 cannot build these: it makes the backward layer run backwards too, then refuses the pair.
    "bidirectional_backwards": merged("LSTM", "concat", go_backwards=True, only="tf_keras"),
    "bidirectional_backwards_sequences": merged(
        "LSTM", "concat", go_backwards=True, return_sequences=True, only="tf_keras"
    ),
    "bidirectional_backwards_masked": merged(
        "LSTM", "concat", masked=True, go_backwards=True, return_sequences=True, only="tf_keras"
    ),
    "bidirectional_exchanged": stack(SIGNAL, lambda layers: [exchanged(layers)]),
    "bidirectional_exchanged_sequences": stack(SIGNAL, lambda layers: [exchanged(layers, return_sequences=True)]),
    "bidirectional_return_state": merged("LSTM", "concat", return_state=True),
    "bidirectional_return_state_sequences": merged("LSTM", "sum", return_state=True, return_sequences=True),
    "bidirectional_return_state_none": merged("LSTM", None, return_state=True, return_sequences=True),
    "bidirectional_return_state_masked": merged(
        "LSTM", "concat", masked=True, return_state=True, return_sequences=True
    ),
    "bidirectional_gru_return_state": merged("GRU", "concat", return_state=True),
    "bidirectional_unequal": stack(SIGNAL, lambda layers: [unequal(layers)]),
    "bidirectional_unequal_sequences": stack(SIGNAL, lambda layers: [unequal(layers, return_sequences=True)]),
    "bidirectional_unequal_units": stack(SIGNAL, lambda layers: [unequal(layers, "concat", units=6)]),
    "bidirectional_unequal_masked": stack(
        PADDED, lambda layers: [layers.Masking(), unequal(layers, "concat", return_sequences=True)]
    ),
    "bidirectional_unequal_cells": stack(SIGNAL, lambda layers: [unequal_cells(layers)]),
    "bidirectional_stateful": stack(
        BATCHES, lambda layers: [layers.Bidirectional(layers.LSTM(4, stateful=True))], batch_size=2
    ),
    "bidirectional_stateful_sequences": stack(
        BATCHES,
        lambda layers: [layers.Bidirectional(layers.GRU(4, stateful=True, return_sequences=True))],
        batch_size=2,
    ),
    "bidirectional_named": stack(SIGNAL, lambda layers: [named(layers)]),
    "bidirectional_stacked": stack(SIGNAL, lambda layers: [tagger(layers), named(layers), layers.Dense(2)]),
    "bidirectional_any_length": stack(Source(SIGNAL.array, shape=(None, 3)), lambda layers: [tagger(layers)]),
    "bidirectional_rnn_lstm_cell": stack(
        SIGNAL, lambda layers: [layers.Bidirectional(layers.RNN(layers.LSTMCell(4), return_sequences=True))]
    ),
    "bidirectional_words": words(named),
    "bidirectional_words_tagger": words(tagger, lambda layers: layers.TimeDistributed(layers.Dense(2))),
    "bidirectional_words_stacked": words(tagger, tagger, named),
    "bidirectional_words_zero_output": words(
        lambda layers: layers.Bidirectional(layers.LSTM(4, return_sequences=True, zero_output_for_mask=True)),
        only="keras",
    ),
}

"""LSTM, GRU and SimpleRNN, and RNN around cells: every argument that changes what a layer computes."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import SIGNAL, Entry, Source, graph, normal, stack

CELLS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
"""Entry prefix → layer class, for the three recurrent layers."""

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no_bias": {"use_bias": False},
    "sequences": {"return_sequences": True},
    "backwards": {"go_backwards": True},
    "backwards_sequences": {"go_backwards": True, "return_sequences": True},
    "unrolled": {"unroll": True},
    "unrolled_backwards_sequences": {"unroll": True, "go_backwards": True, "return_sequences": True},
    "dropouts": {"dropout": 0.3, "recurrent_dropout": 0.2},
    "no_bias_sequences": {"use_bias": False, "return_sequences": True},
    "regularised": {"kernel_regularizer": "l2", "recurrent_initializer": "zeros", "bias_constraint": "non_neg"},
}
ONE_STEP = Source(normal(5, 1, 3))
ANY_LENGTH = Source(normal(5, 7, 3), shape=(None, 3))
TIME_MAJOR = Source(normal(7, 5, 3), batch_size=7)


def variants(prefix: str, class_name: str) -> dict[str, Entry]:
    """Return one recurrent layer in every variant, and on one step and on any number of steps."""

    def make(source: Source, arguments: dict[str, Any]) -> Entry:
        return stack(source, lambda layers: [getattr(layers, class_name)(4, **arguments)])

    made = {f"{prefix}_{variant}": make(SIGNAL, arguments) for variant, arguments in VARIANTS.items()}
    return {
        **made,
        f"{prefix}_one_step": make(ONE_STEP, {"return_sequences": True}),
        f"{prefix}_any_length": make(ANY_LENGTH, {}),
        f"{prefix}_one_unit": stack(SIGNAL, lambda layers: [getattr(layers, class_name)(1)]),
        f"{prefix}_wide": stack(SIGNAL, lambda layers: [getattr(layers, class_name)(9, return_sequences=True)]),
    }


def rnn(*make_cells: tuple[str, int, dict[str, Any]], **arguments: Any) -> Entry:
    """Return RNN around one cell, or around a list of cells, given as (class, units, arguments)."""
    options = {"only": arguments.pop("only")} if "only" in arguments else {}

    def make(layers: Any) -> list[Any]:
        cells = [getattr(layers, class_name)(units, **extra) for class_name, units, extra in make_cells]
        return [layers.RNN(cells if len(cells) > 1 else cells[0], **arguments)]

    return stack(SIGNAL, make, **options)


ARGUMENTS: dict[str, Entry] = {
    "lstm_forget_bias_zero": stack(SIGNAL, lambda layers: [layers.LSTM(4, unit_forget_bias=False)]),
    "gru_reset_before": stack(SIGNAL, lambda layers: [layers.GRU(4, reset_after=False)]),
    "gru_reset_before_sequences": stack(
        SIGNAL, lambda layers: [layers.GRU(4, reset_after=False, return_sequences=True)]
    ),
    "gru_reset_before_no_bias": stack(SIGNAL, lambda layers: [layers.GRU(4, reset_after=False, use_bias=False)]),
    "gru_reset_before_backwards": stack(SIGNAL, lambda layers: [layers.GRU(4, reset_after=False, go_backwards=True)]),
    "gru_reset_before_unrolled": stack(SIGNAL, lambda layers: [layers.GRU(4, reset_after=False, unroll=True)]),
    "gru_reset_before_dropouts": stack(
        SIGNAL, lambda layers: [layers.GRU(4, reset_after=False, dropout=0.3, recurrent_dropout=0.2)]
    ),
    "lstm_implementation_1": stack(SIGNAL, lambda layers: [layers.LSTM(4, implementation=1)]),
    "lstm_implementation_2": stack(SIGNAL, lambda layers: [layers.LSTM(4, implementation=2)]),
    "gru_implementation_1": stack(SIGNAL, lambda layers: [layers.GRU(4, implementation=1)]),
    "gru_reset_before_implementation_1": stack(
        SIGNAL, lambda layers: [layers.GRU(4, implementation=1, reset_after=False)]
    ),
    "lstm_implementation_1_dropouts": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, implementation=1, dropout=0.3, recurrent_dropout=0.2)]
    ),
    "lstm_time_major": stack(
        TIME_MAJOR,
        lambda layers: [layers.LSTM(4, time_major=True, return_sequences=True)],
        only="tf_keras",
        batch_size=7,
    ),
    "gru_time_major_backwards": stack(
        TIME_MAJOR,
        lambda layers: [layers.GRU(4, time_major=True, return_sequences=True, go_backwards=True)],
        only="tf_keras",
        batch_size=7,
    ),
    "lstm_without_cudnn": stack(SIGNAL, lambda layers: [layers.LSTM(4, use_cudnn=False)], only="keras"),
    "lstm_frozen": stack(SIGNAL, lambda layers: [layers.LSTM(4, trainable=False)]),
    "lstm_stacked": stack(SIGNAL, lambda layers: [layers.LSTM(4, return_sequences=True), layers.LSTM(6)]),
    "lstm_stacked_backwards": stack(
        SIGNAL,
        lambda layers: [layers.LSTM(4, return_sequences=True, go_backwards=True), layers.LSTM(6, go_backwards=True)],
    ),
    "gru_stacked": stack(
        SIGNAL, lambda layers: [layers.GRU(4, return_sequences=True), layers.GRU(6, reset_after=False)]
    ),
    "mixed_stacked": stack(
        SIGNAL,
        lambda layers: [
            layers.LSTM(4, return_sequences=True),
            layers.GRU(6, return_sequences=True),
            layers.SimpleRNN(4, return_sequences=True),
            layers.Dense(2, activation="softmax"),
        ],
    ),
    "autoencoder": stack(
        SIGNAL,
        lambda layers: [
            layers.LSTM(4),
            layers.RepeatVector(7),
            layers.LSTM(6, return_sequences=True),
            layers.TimeDistributed(layers.Dense(3)),
        ],
    ),
}

LSTM_CELL: tuple[str, int, dict[str, Any]] = ("LSTMCell", 4, {})

AROUND_CELLS: dict[str, Entry] = {
    "rnn_lstm_cell": rnn(LSTM_CELL),
    "rnn_lstm_cell_hard_sigmoid": rnn(("LSTMCell", 4, {"recurrent_activation": "hard_sigmoid"})),
    "rnn_lstm_cell_no_bias": rnn(("LSTMCell", 4, {"use_bias": False}), return_sequences=True),
    "rnn_lstm_cell_backwards_sequences": rnn(LSTM_CELL, go_backwards=True, return_sequences=True),
    "rnn_lstm_cell_unrolled": rnn(LSTM_CELL, unroll=True),
    "rnn_gru_cell": rnn(("GRUCell", 4, {})),
    "rnn_gru_cell_reset_before": rnn(("GRUCell", 4, {"reset_after": False})),
    "rnn_simple_cell": rnn(("SimpleRNNCell", 4, {"activation": "relu"}), return_sequences=True),
    "rnn_cells_lstm": rnn(LSTM_CELL, ("LSTMCell", 6, {})),
    "rnn_cells_lstm_sequences": rnn(LSTM_CELL, ("LSTMCell", 6, {}), ("LSTMCell", 5, {}), return_sequences=True),
    "rnn_cells_mixed": rnn(("GRUCell", 4, {}), ("LSTMCell", 6, {}), ("SimpleRNNCell", 5, {})),
    "rnn_cells_backwards": rnn(("GRUCell", 4, {"reset_after": False}), LSTM_CELL, go_backwards=True),
    "rnn_stacked_cells_layer": stack(
        SIGNAL,
        lambda layers: [layers.RNN(layers.StackedRNNCells([layers.LSTMCell(4), layers.LSTMCell(6)]))],
    ),
    "rnn_cells_return_state": graph(
        SIGNAL,
        lambda layers, signal: layers.RNN([layers.GRUCell(4), layers.GRUCell(6)], return_state=True)(signal),
    ),
    "rnn_lstm_cell_return_state": graph(
        SIGNAL, lambda layers, signal: layers.RNN(layers.LSTMCell(4), return_state=True)(signal)
    ),
}

ENTRIES: dict[str, Entry] = {
    **{name: entry for cell in CELLS.items() for name, entry in variants(*cell).items()},
    **ARGUMENTS,
    **AROUND_CELLS,
}

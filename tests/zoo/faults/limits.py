"""What the diagnosis is known not to find in the fault zoo, and why; the tests fail if it does after all."""

from __future__ import annotations

INSIDE = "the dropout of a recurrent layer is not in the replayed model: named, with the whole model for its layer"

NOT_NAMED = {
    "dropout_active_lstm_head_dropout": INSIDE,
    "dropout_active_lstm_second_recurrent_dropout": INSIDE,
    "dropout_active_gru_sequence_dropout": INSIDE,
    "dropout_active_gru_head_recurrent_dropout": INSIDE,
    "forget_bias_and_weight_precision_lstm_words": "bias and forget bias were added and then rounded to float16; the "
    "diagnosis rounds the bias, and adds the forget bias to that",
}
"""The faults that are not named in their layer."""

NOT_THE_VALUE: dict[str, str] = {}
"""The faults that are named, but with another value than theirs."""

NOT_A_BLIND_SPOT = {
    "directions_swapped_lstm_sum": "the order of what is summed is no fault, whatever the input",
}
"""The cases without effect that are not listed as blind spots."""

OF_THE_WEIGHTS = {
    "gate_order_lstm_equal_gates",
    "bias_lstm_zero_bias",
    "bias_gru_zero_recurrent_bias",
    "negative_slope_dense_positive",
    "equal_shape_weights_swapped_gru_twins",
    "recurrent_kernel_transposed_lstm_symmetric",
    "weight_precision_lstm_float16",
    "recurrent_activation_lstm_saturated",
}
"""The cases without effect that stay so with any input of usual size, for it is the weights that hide the fault."""

"""Which entries of the zoo the tests build as SavedModels: every layer, direction, mask and state option once or so.

Reading a graph differs from reading a file of Keras in what the framework traces, so names are chosen by what is
traced differently; the whole zoo is for the table in ``docs/``.
"""

from __future__ import annotations

from tests.zoo.models import entries_of

TRACED = {"lstm_plain", "gru_plain", "mask_lstm_sequences", "bidirectional_lstm_concat", "lstm_encoder_decoder"}
"""tf_keras saves these as users do: with the functions of every layer, and with the GPU variants of LSTM and GRU."""

SAVED_TOO = {"gru_plain", "mask_lstm_sequences", "lstm_stateful", "lstm_return_state_sequences"}
"""These are also written with ``tf.saved_model.save``."""

FROZEN = {"lstm_plain", "gru_reset_before", "mask_words_lstm", "bidirectional_lstm_concat"}
"""These are also written as frozen graphs of TensorFlow 2, once with functions and once with control flow lowered."""

RECURRENT = """
    lstm_plain lstm_no_bias lstm_backwards_sequences lstm_unrolled lstm_dropouts lstm_any_length
    lstm_implementation_1 lstm_stacked_backwards mixed_stacked gru_plain gru_unrolled gru_reset_before
    gru_reset_before_backwards simple_rnn_plain simple_rnn_backwards_sequences rnn_lstm_cell
    rnn_gru_cell_reset_before rnn_cells_mixed
"""

ACTIVATIONS = """
    lstm_recurrent_activation_hard_sigmoid lstm_recurrent_activation_relu lstm_activation_relu lstm_activation_elu
    lstm_activation_gelu lstm_activation_leaky_relu lstm_activation_mish lstm_activation_relu6 lstm_activation_selu
    lstm_activation_softmax lstm_activation_softplus lstm_activation_softsign lstm_activation_swish
    lstm_activation_hard_silu lstm_activation_hard_tanh gru_activation_hard_sigmoid simple_rnn_activation_relu
    lstm_activation_layer_relu_capped layer_relu_capped layer_softmax_time layer_prelu activation_log_softmax
"""

STATES = """
    lstm_return_state_sequences gru_return_state_masked lstm_only_carry lstm_stateful gru_stateful_sequences
    simple_rnn_stateful_backwards lstm_stateful_masked lstm_stateful_stacked lstm_initial_state
    gru_initial_state_backwards lstm_initial_state_masked bidirectional_initial_state lstm_encoder_decoder
    each_stateful_words each_stateful_masked_lstm each_stateful_masked_gru_sequences each_stateful_masked_bidirectional
"""

DIRECTIONS = """
    bidirectional_lstm_concat bidirectional_lstm_sum_sequences bidirectional_lstm_mul_masked
    bidirectional_lstm_ave_masked_sequences bidirectional_lstm_none_sequences bidirectional_gru_masked
    bidirectional_unrolled bidirectional_exchanged_sequences bidirectional_backwards_masked
    bidirectional_return_state_masked bidirectional_unequal_masked bidirectional_stateful
    bidirectional_words_stacked
"""

MASKS = """
    mask_lstm_sequences mask_lstm_backwards_sequences mask_lstm_unrolled_sequences mask_lstm_zero_output
    mask_lstm_zero_output_backwards mask_gru_sequences mask_gru_unrolled_backwards mask_gru_zero_output
    mask_gru_reset_before mask_simple_rnn_sequences mask_simple_rnn_backwards_sequences mask_words_lstm
    mask_minus_one mask_explicit mask_states mask_average mask_maximum mask_add_both mask_concatenate_axis_-1_both
    mask_through_bidirectional mask_out_of_nested mask_texts_reader
"""

AROUND = """
    only_conv_same only_conv_causal_dilated only_conv_strided_same only_separable_conv_same only_depthwise_conv
    only_conv_transpose only_max_pooling_same only_average_pooling_same only_global_max only_global_average
    only_batch_normalization only_layer_normalization only_group_normalization only_normalization_given only_permute
    only_zero_padding only_cropping only_up_sampling only_dense_three_d only_embedding_texts only_repeat_vector
    only_time_distributed_dense only_time_distributed_lstm merge_maximum merge_concatenate_time merge_dot
    graph_dict_of_outputs graph_dict_of_inputs graph_shared_layer nested_deep op_scalars op_slices
    policy_float64_lstm policy_mixed_float16_lstm policy_bfloat16_gru cudnn_lstm
"""


def names_of(framework: str) -> list[str]:
    """Return the names of the entries that one framework saves for the tests, in the order of the zoo."""
    chosen = set("\n".join((RECURRENT, ACTIVATIONS, STATES, DIRECTIONS, MASKS, AROUND)).split())
    return [name for name in entries_of(framework) if name in chosen]

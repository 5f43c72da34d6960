"""ConvLSTM: LSTMs whose products are convolutions, over sequences of rows and of images."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import Array, Entry, Source, graph, normal, padding, stack
from tests.zoo.policies import POLICIES

LENGTHS: dict[str, dict[str, Any]] = {
    "": {},
    "_sequences": {"return_sequences": True},
    "_backwards": {"go_backwards": True, "return_sequences": True},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "same": {"padding": "same"},
    "even": {"kernel_size": 2, "padding": "same"},
    "strided_same": {"strides": 2, "padding": "same"},
    "dilated_same": {"dilation_rate": 2, "padding": "same"},
    "no_bias": {"use_bias": False},
    "relu": {"activation": "relu", "recurrent_activation": "sigmoid", "dropout": 0.3, "recurrent_dropout": 0.2},
    "softmax": {"activation": "softmax"},
}
UNEVEN: dict[str, dict[str, Any]] = {
    "uneven": {"kernel_size": (2, 3), "padding": "same"},
    "uneven_strided": {"kernel_size": (3, 1), "strides": (1, 2), "padding": "same"},
    "uneven_dilated": {"kernel_size": (2, 3), "dilation_rate": (3, 1)},
}


def hidden(*size: int, seed: int) -> Array:
    """Return float32 (samples 5, timesteps 7, *size) with the padded steps set to zero."""
    signal = normal(5, 7, *size, seed=seed)
    signal[padding()] = 0
    return signal


KEEP = Source(~padding(), "keep")
SIZES = {1: (6, 2), 2: (6, 5, 2)}
"""By rank: the length, or rows and columns, and the channels of one time step."""
WITH_FILTERS = {1: (6, 3), 2: (6, 5, 3)}
"""The same for the states of a layer that keeps the size."""


def conv_lstm(layers: Any, rank: int, filters: int = 3, **options: Any) -> Any:
    """Return a layer of that rank."""
    return getattr(layers, f"ConvLSTM{rank}D")(filters, **{"kernel_size": 3, **options})


def alone(rank: int) -> dict[str, Entry]:
    """Return models of one layer with every option."""
    signal = Source(normal(5, 7, *SIZES[rank]))
    options = {**LENGTHS, **{f"_{name}": given for name, given in OPTIONS.items()}}
    options |= {f"_{name}": given for name, given in UNEVEN.items()} if rank == 2 else {}
    return {
        f"conv_lstm{rank}d{name}": stack(signal, lambda layers, given=given: [conv_lstm(layers, rank, **given)])
        for name, given in options.items()
    }


def with_holes(source: Source) -> Source:
    """Return the source with zeros at some places of some time steps."""
    signal = source.array.copy()
    signal[normal(*signal.shape[:-1], seed=27) > 0.5] = 0
    return Source(signal)


def masked(rank: int) -> dict[str, Entry]:
    """Return layers that are called with a mask, whose hidden steps show in the values before them."""
    signal = Source(hidden(*SIZES[rank], seed=21))

    def make(**options: Any) -> Entry:
        return graph(
            (signal, KEEP),
            lambda layers, x, keep: conv_lstm(layers, rank, **{"padding": "same", **options})(x, mask=keep),
        )

    def both(layers: Any, x: Any, keep: Any) -> Any:
        return layers.Bidirectional(conv_lstm(layers, rank, return_sequences=True))(x, mask=keep)

    def states(layers: Any, x: Any, keep: Any) -> Any:
        return list(conv_lstm(layers, rank, return_sequences=True, return_state=True)(x, mask=keep))

    def places(layers: Any, x: Any) -> Any:
        """Connect layers to a mask with an axis for rows, and one for columns."""
        first = conv_lstm(layers, rank, padding="same", return_sequences=True)(layers.Masking()(x))
        return layers.Bidirectional(conv_lstm(layers, rank, padding="same", return_sequences=True))(first)

    return {
        f"mask_conv_lstm{rank}d_places": graph(with_holes(signal), places),
        f"mask_conv_lstm{rank}d": make(),
        f"mask_conv_lstm{rank}d_backwards": make(go_backwards=True, return_sequences=True),
        f"mask_conv_lstm{rank}d_zero_output": make(zero_output_for_mask=True, return_sequences=True),
        f"mask_conv_lstm{rank}d_bidirectional": graph((signal, KEEP), both),
        f"mask_conv_lstm{rank}d_states": graph((signal, KEEP), states),
    }


def with_states(rank: int) -> dict[str, Entry]:
    """Return layers whose states come in, go out, or stay."""
    signal = Source(normal(5, 7, *SIZES[rank]))
    second = Source(normal(5, 4, *SIZES[rank], seed=22), "second")
    batches = Source(normal(6, 7, *SIZES[rank]), batch_size=2)
    state = [Source(normal(5, *WITH_FILTERS[rank], seed=seed), f"state_{seed}") for seed in (23, 24, 25, 26)]

    def initial(layers: Any, x: Any, h: Any, c: Any) -> Any:
        return conv_lstm(layers, rank, padding="same", return_sequences=True)(x, initial_state=[h, c])

    def masked_initial(layers: Any, x: Any, keep: Any, h: Any, c: Any) -> Any:
        return conv_lstm(layers, rank, padding="same", return_sequences=True)(x, mask=keep, initial_state=[h, c])

    def encoder_decoder(layers: Any, x: Any, target: Any) -> Any:
        _, *state = conv_lstm(layers, rank, return_state=True)(x)
        decoder = conv_lstm(layers, rank, return_sequences=True, return_state=True)
        return list(decoder(target, initial_state=state))

    def two_directions(layers: Any, x: Any, *states: Any) -> Any:
        inner = conv_lstm(layers, rank, padding="same", return_sequences=True, return_state=True)
        return list(layers.Bidirectional(inner)(x, initial_state=list(states)))

    return {
        f"conv_lstm{rank}d_return_state": graph(
            signal, lambda layers, x: list(conv_lstm(layers, rank, return_state=True, go_backwards=True)(x))
        ),
        f"conv_lstm{rank}d_initial_state": graph((signal, *state[:2]), initial),
        f"conv_lstm{rank}d_initial_state_masked": graph((signal, KEEP, *state[:2]), masked_initial),
        f"conv_lstm{rank}d_encoder_decoder": graph((signal, second), encoder_decoder),
        f"conv_lstm{rank}d_bidirectional_states": graph((signal, *state), two_directions),
        f"conv_lstm{rank}d_stateful": stack(
            batches,
            lambda layers: [conv_lstm(layers, rank, stateful=True, return_sequences=True, strides=2)],
            batch_size=2,
        ),
    }


def around(rank: int) -> dict[str, Entry]:
    """Return layers in wrappers, and among others."""
    signal = Source(normal(5, 7, *SIZES[rank]))
    nested = Source(normal(5, 2, 4, *SIZES[rank]))

    def both(merge: str | None, **options: Any) -> Entry:
        def connect(layers: Any, x: Any) -> Any:
            return layers.Bidirectional(conv_lstm(layers, rank, **options), merge_mode=merge)(x)

        return graph(signal, connect)

    return {
        f"conv_lstm{rank}d_bidirectional_sequences": both("concat", return_sequences=True),
        f"conv_lstm{rank}d_bidirectional_sum": both("sum", return_sequences=True, padding="same"),
        f"conv_lstm{rank}d_bidirectional_two": both(None, strides=2),
        f"conv_lstm{rank}d_distributed": stack(
            nested, lambda layers: [layers.TimeDistributed(conv_lstm(layers, rank))]
        ),
        f"conv_lstm{rank}d_stacked": stack(
            signal,
            lambda layers: [
                conv_lstm(layers, rank, filters=4, return_sequences=True),
                layers.BatchNormalization(),
                conv_lstm(layers, rank, padding="same"),
                layers.Flatten(),
                layers.Dense(2, activation="softmax"),
            ],
        ),
        f"conv_lstm{rank}d_any_length": stack(
            Source(signal.array, shape=(None, *SIZES[rank])), lambda layers: [conv_lstm(layers, rank)]
        ),
    }


def under_policies(rank: int) -> dict[str, Entry]:
    """Return layers with a dtype policy."""
    signal = Source(normal(5, 7, *SIZES[rank]))

    def make(policy: str) -> Entry:
        given = {"dtype": policy, "recurrent_initializer": "zeros"}  # as in `policies`
        return stack(signal, lambda layers: [conv_lstm(layers, rank, return_sequences=True, **given)])

    return {f"policy_{policy}_conv_lstm{rank}d": make(policy) for policy in POLICIES}


FAMILIES = (alone, masked, with_states, around, under_policies)
OF_ROWS = (
    *("conv_lstm1d", "conv_lstm1d_even", "conv_lstm1d_strided_same", "conv_lstm1d_dilated_same"),
    *("mask_conv_lstm1d_places", "mask_conv_lstm1d_bidirectional", "conv_lstm1d_encoder_decoder"),
    *("conv_lstm1d_bidirectional_states", "conv_lstm1d_stateful", "policy_mixed_float16_conv_lstm1d"),
)
"""What of one dimension is tried; of two it is everything."""

ENTRIES: dict[str, Entry] = {
    name: entry
    for rank in SIZES
    for family in FAMILIES
    for name, entry in family(rank).items()
    if rank == 2 or name in OF_ROWS
}

"""Faults of states: carried over, not reset, not given, in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.zoo.faults.case import Case, Fault, MakePlan, at, case
from tests.zoo.faults.places import at_place
from tests.zoo.faults.plan import Array, Layer, Plan, Sizes, edited, with_arguments

# --- initial states ------------------------------------------------------------------------------------------

FRESH, CARRIED = "zero for every sample", "the last state of the batch before"


def batched(plan: Plan, size: int) -> Plan:
    """Return a plan whose inputs have a batch size."""
    return replace(plan, inputs=tuple(replace(source, batch_size=size) for source in plan.inputs))


def carried(size: int, *layers: str, behaves_as: str = CARRIED) -> Fault:
    """Return the fault of layers that keep their state from one batch to the next."""

    def plan(plan: Plan, path: str) -> Plan:
        return batched(edited(plan, path, stateful), size)

    return at(Fault("initial_state", "initial_state", FRESH, behaves_as, plan=plan), *layers)


def stateful(layer: Layer) -> Layer:
    """Make a layer stateful, in a Bidirectional both."""
    if "layer" in layer.inner:
        return replace(layer, inner={"layer": stateful(layer.inner["layer"])})
    return with_arguments(stateful=True)(layer)


def samples(make: MakePlan, count: int) -> MakePlan:
    """Return a plan with another number of samples."""
    return lambda sizes: make(replace(sizes, samples=count))


def keeping(make: MakePlan, size: int) -> MakePlan:
    """Return a plan whose target is stateful, with a batch size."""

    def plan(sizes: Sizes) -> Plan:
        made = make(sizes)
        return batched(edited(made, made.target, stateful), size)

    return plan


def forgotten(plan: Plan, path: str) -> Plan:
    """Make a stateful layer start from zero in every batch."""
    return edited(plan, path, with_arguments(stateful=False))


def without_states(plan: Plan, path: str) -> Plan:
    """Call a layer without the states it is given."""
    return edited(plan, path, lambda layer: replace(layer, states=()))


FORGOTTEN = Fault("initial_state", "initial_state", CARRIED, FRESH, plan=forgotten)
UNUSED = Fault("initial_state", "initial_state", "given by the model", "zero", plan=without_states)
AGAIN = "the last state of the same sample, of the prediction before"
NOT_RESET = Fault(
    "initial_state", "initial_state", "zero in the first batch", "the last state of the prediction before"
)
STATE_CASES = [
    case("lstm_head", samples(at_place("head", "LSTM"), 20), carried(4, "lstm"), detail="batches", batch_size=4),
    case("gru_sequence", samples(at_place("sequence", "GRU"), 18), carried(6, "gru"), detail="batches", batch_size=6),
    case(
        "lstm_sequence", samples(at_place("sequence", "LSTM"), 16), carried(1, "lstm"), detail="samples", batch_size=1
    ),
    case("gru_head", samples(at_place("head", "GRU"), 16), carried(1, "gru"), detail="samples", batch_size=1),
    case(
        "lstm_both",
        samples(at_place("both", "LSTM"), 20),
        carried(5, "lstm_1", "lstm_2"),
        detail="batches",
        batch_size=5,
    ),
    case("lstm_second", samples(at_place("second", "LSTM"), 16), carried(8, "lstm_2"), detail="batches", batch_size=8),
    case(
        "gru_bidirectional",
        samples(at_place("bidirectional", "GRU", return_sequences=True), 16),
        carried(8, "bidirectional"),
        detail="batches",
        batch_size=8,
    ),
    case(
        "lstm_head",
        samples(at_place("head", "LSTM"), 16),
        carried(16, "lstm", behaves_as=AGAIN),
        detail="again",
        batch_size=16,
        runs=2,
    ),
    case(
        "gru_sequence",
        samples(at_place("sequence", "GRU"), 16),
        carried(16, "gru", behaves_as=AGAIN),
        detail="again",
        batch_size=16,
        runs=2,
    ),
    case(
        "lstm_stateful",
        keeping(samples(at_place("sequence", "LSTM"), 16), 4),
        FORGOTTEN,
        batch_size=4,
        honest_batch_size=4,
        detail="reset",
    ),
    case(
        "gru_stateful",
        keeping(samples(at_place("head", "GRU"), 18), 6),
        FORGOTTEN,
        batch_size=6,
        honest_batch_size=6,
        detail="reset",
    ),
    *(
        case(
            f"{kind.lower()}_stateful",
            keeping(samples(at_place("sequence", kind), 16), size),
            NOT_RESET,
            batch_size=size,
            honest_batch_size=size,
            runs=2,
            detail="not_reset",
        )
        for kind, size in (("LSTM", 4), ("GRU", 8))
    ),
    case("lstm_with_states", at_place("with_states", "LSTM"), UNUSED, detail="unused"),
    case("gru_encoder_decoder", at_place("encoder_decoder", "GRU"), UNUSED, detail="unused"),
]

# --- states that begin otherwise --------------------------------------------------------------------------


def begun(*layers: str, every: int = 0, start: float | Array = 0.0, behaves_as: str) -> Fault:
    """Return the fault of layers that are called by hand: every few steps on their own, or from another start."""

    def by_hand(layer: Layer) -> Layer:
        arguments = {key: value for key, value in layer.arguments.items() if key != "stateful"}
        return replace(layer, kind="Begun", arguments={**arguments, "kind": layer.kind, "every": every, "start": start})

    def plan(plan: Plan, path: str) -> Plan:
        return edited(plan, path, by_hand)

    return at(Fault("initial_state", "initial_state", FRESH, behaves_as, plan=plan), *layers)


def long(make: MakePlan, steps: int, count: int, units: int = 4) -> MakePlan:
    """Return a plan with other numbers of steps, samples and units."""
    return lambda sizes: make(replace(sizes, steps=steps, samples=count, units=units))


EVERY_STEP, EVERY = "zero at every step", "zero again after {} steps"
LEARNED = "the same vector for every sample"
VECTOR = np.random.default_rng(7).normal(size=4).astype(np.float32)
BEGUN_CASES = [
    case("lstm_head", at_place("head", "LSTM"), begun("lstm", every=1, behaves_as=EVERY_STEP), detail="each_step"),
    case("gru_sequence", at_place("sequence", "GRU"), begun("gru", every=1, behaves_as=EVERY_STEP), detail="each_step"),
    case("gru_words", at_place("words", "GRU"), begun("gru", every=3, behaves_as=EVERY.format(3)), detail="every_3"),
    case("lstm_sequence", long(at_place("sequence", "LSTM"), 40, 20),
         begun("lstm", every=10, behaves_as=EVERY.format(10)), detail="every_10"),
    case("lstm_both", at_place("both", "LSTM"), begun("lstm_1", "lstm_2", every=1, behaves_as=EVERY_STEP),
         detail="each_step"),
    case("gru_both", long(at_place("both", "GRU"), 9, 20), begun("gru_1", "gru_2", every=3, behaves_as=EVERY.format(3)),
         detail="every_3"),
    *(
        case(
            f"{kind.lower()}_stateful",
            keeping(samples(at_place("sequence", kind), 16), 4),
            begun(kind.lower(), every=every, behaves_as=EVERY.format(every) if every > 1 else EVERY_STEP),
            batch_size=4,
            honest_batch_size=4,
            detail=f"every_{every}",
        )
        for kind, every in (("LSTM", 1), ("GRU", 2))
    ),
    case("lstm_head", at_place("head", "LSTM"), begun("lstm", start=1.0, behaves_as=1.0), detail="ones"),
    case("gru_second", at_place("second", "GRU"), begun("gru_2", start=-0.25, behaves_as=-0.25), detail="constant"),
    case("lstm_head", long(at_place("head", "LSTM"), 6, 60), begun("lstm", start=VECTOR, behaves_as=LEARNED),
         detail="learned"),
    case("gru_first", long(at_place("first", "GRU"), 6, 60), begun("gru_1", start=VECTOR, behaves_as=LEARNED),
         detail="learned"),
    case("lstm_both", long(at_place("both", "LSTM"), 6, 100),
         begun("lstm_1", "lstm_2", start=VECTOR, behaves_as=LEARNED), detail="learned"),
]  # fmt: skip

# --- the order of states -------------------------------------------------------------------------------------


def states_turned(plan: Plan, path: str) -> Plan:
    """Give a layer its initial states in the order c, h; those of a Bidirectional in each direction."""

    def turned(layer: Layer) -> Layer:
        pairs = [layer.states[index : index + 2][::-1] for index in range(0, len(layer.states), 2)]
        return replace(layer, states=tuple(name for pair in pairs for name in pair))

    return edited(plan, path, turned)


def outputs_turned(plan: Plan, path: str) -> Plan:
    """Return the last states in the order c, h."""
    sequence, *states = plan.outputs
    return replace(plan, outputs=(sequence, *states[::-1]))


def given_both_ways(sizes: Sizes) -> Plan:
    """A Bidirectional LSTM that starts from four inputs."""
    plan = at_place("with_states", "LSTM")(sizes)
    names = ("forward_h", "forward_c", "backward_h", "backward_c")
    states = [
        replace(plan.inputs[1], name=name, array=0.5 * sizes.normal(sizes.samples, sizes.units, number=20 + number))
        for number, name in enumerate(names)
    ]
    inner = Layer("LSTM", "lstm", {"units": sizes.units})
    both = Layer("Bidirectional", "bidirectional", {}, {"layer": inner}, of=("input",), states=names)
    return Plan((plan.inputs[0], *states), (both, plan.layers[-1]), "bidirectional")


STATES_TURNED = Fault("state_order", "initial_state", "h, c", "c, h", plan=states_turned)
OUTPUTS_TURNED = Fault("state_order", "returned states", "h, c", "c, h", plan=outputs_turned)
ORDER_CASES = [
    case("lstm_with_states", at_place("with_states", "LSTM"), STATES_TURNED, detail="inputs"),
    case(
        "lstm_with_states_sequence",
        at_place("with_states", "LSTM", return_sequences=True),
        STATES_TURNED,
        detail="inputs",
    ),
    case("lstm_encoder_decoder", at_place("encoder_decoder", "LSTM"), STATES_TURNED, detail="inputs"),
    case("lstm_bidirectional", given_both_ways, STATES_TURNED, detail="inputs"),
    case("lstm_returned", at_place("returned", "LSTM"), OUTPUTS_TURNED, detail="outputs"),
    case(
        "lstm_returned_relu",
        at_place("returned", "LSTM", activation="relu"),
        OUTPUTS_TURNED,
        detail="outputs",
        scale=0.7,
    ),
]

CASES: list[Case] = [*STATE_CASES, *BEGUN_CASES, *ORDER_CASES]

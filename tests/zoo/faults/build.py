"""Build the zoo of faults with one framework.

``python -m tests.zoo.faults.build --framework keras|tf_keras --out DIR [--only PATTERN …]``

Every case becomes its honest model, ``NAME.keras`` or ``NAME.h5``, its inputs ``NAME.x.npz``, the predictions of the
honest model ``NAME.honest.npz`` and those of the faulty one ``NAME.y.npz``. ``cases.json`` says of each what its fault
is, ``blind.json`` has the cases whose fault changes nothing. Nothing here imports ``lstm_verify``.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fixtures.make import (
    GENERATIONS,
    NamedArrays,
    name_inputs,
    name_outputs,
    predict,
    versions,
    write_arrays,
)
from tests.zoo.build import prepare
from tests.zoo.faults import all_cases, blind
from tests.zoo.faults.case import Case, shared_out
from tests.zoo.faults.odd import make
from tests.zoo.faults.plan import Plan, Sizes
from tests.zoo.faults.record import Record, complaint, distance, record_of
from tests.zoo.faults.weights import assign, drawn


def build_model(keras: Any, plan: Plan) -> Any:
    """Build the framework's model of a plan."""
    inputs = {
        source.name: keras.Input(
            source.array.shape[1:], batch_size=source.batch_size, dtype=str(source.array.dtype), name=source.name
        )
        for source in plan.inputs
    }
    if plan.sequential:
        return keras.Sequential([*inputs.values(), *(make(keras, layer) for layer in plan.layers)])
    tensors: dict[str, Any] = dict(inputs)
    previous = plan.inputs[0].name
    for layer in plan.layers:
        given = [tensor(tensors, name) for name in layer.of or (previous,)]
        states = [tensor(tensors, name) for name in layer.states]
        options = {"initial_state": states if len(states) > 1 else states[0]} if states else {}
        tensors[layer.name] = make(keras, layer)(given if len(given) > 1 else given[0], **options)
        previous = layer.name
    outputs = [tensor(tensors, name) for name in plan.outputs or (previous,)]
    return keras.Model(list(inputs.values()), outputs if plan.outputs else outputs[0])


def tensor(tensors: Mapping[str, Any], name: str) -> Any:
    """Return a tensor by its name, ``name:1`` for the second of a layer."""
    layer, _, index = name.partition(":")
    return tensors[layer][int(index)] if index else tensors[layer]


def run(model: Any, plan: Plan, batch_size: int | None, training: bool = False) -> NamedArrays:
    """Return the predictions of a model for the inputs of its plan."""
    arrays = [source.array for source in plan.inputs]
    if batch_size:
        return predict(model, arrays, batch_size)
    outputs = model(arrays if len(arrays) > 1 else arrays[0], training=training)
    return name_outputs(model, outputs)


def build_case(keras: Any, case: Case, suffix: str, folder: Path) -> Record:
    """Write the files of one case and return its record.

    Raises:
        ValueError: the fault does not show, or it shows where it must not.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    plan = case.plan(Sizes.drawn(zlib.crc32(case.name.encode())))
    model = build_model(keras, plan)
    weights = case.weights(drawn(model, case.name, case.scale))
    assign(model, weights, plan.layers)
    model.save(folder / f"{case.name}{suffix}")
    write_arrays(folder / f"{case.name}.x.npz", name_inputs(model, [source.array for source in plan.inputs]))
    honest = run(model, plan, case.honest_batch_size)
    write_arrays(folder / f"{case.name}.honest.npz", honest)
    changed, weighed = plan, weights
    for fault in case.faults:
        changed, weighed = fault.in_plan(changed, plan), fault.in_weights(weighed, plan)
    reusable = changed is plan and plan.inputs[0].batch_size is None
    twin = model if reusable else build_model(keras, changed)  # What was saved is saved.
    assign(twin, weighed, changed.layers)
    for _ in range(case.runs):
        found = run(twin, changed, case.batch_size, case.training)
    faulty = dict(zip(honest, found.values(), strict=True))
    write_arrays(folder / f"{case.name}.y.npz", faulty)
    if case.training:
        again = run(twin, changed, case.batch_size, case.training)
        write_arrays(folder / f"{case.name}.y2.npz", dict(zip(honest, again.values(), strict=True)))
    deviation = max(distance(faulty[name], honest[name]) for name in honest)
    return {
        "name": case.name,
        "model": f"{case.name}{suffix}",
        **record_of(case.faults, plan.target, keras.__name__),
        "ties": [{"fault": name, "why": why} for name, why in case.ties],
        "batch_size": case.batch_size or case.honest_batch_size,
        "max_abs_deviation": deviation,
        "note": case.note,
    }


def build_cases(keras: Any, cases: Sequence[Case], folder: Path, patterns: Sequence[str], hidden: bool) -> list[Record]:
    """Write the cases of one framework.

    Raises:
        ValueError: in some the fault does not show, or shows where it must not; the message names them all.
    """
    records, wrong = [], []
    for case, framework, suffix in shared_out(cases):
        if framework == keras.__name__ and any(fnmatchcase(case.name, pattern) for pattern in patterns):
            try:
                record = build_case(keras, case, suffix, folder)
            except Exception as error:
                error.add_note(case.name)
                raise
            records.append(record)
            wrong.append(complaint(record, hidden))
    if any(wrong):
        raise ValueError("\n".join(filter(None, wrong)))
    return records


def main() -> None:
    """Build the zoo of faults of one framework."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--framework", choices=GENERATIONS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="names of cases, or patterns")
    arguments = parser.parse_args()
    started = time.perf_counter()
    keras = prepare(arguments.framework)
    arguments.out.mkdir(parents=True, exist_ok=True)
    common = {"framework": arguments.framework, "versions": versions()}
    hidden = build_cases(keras, blind.CASES, arguments.out, arguments.only, hidden=True)
    (arguments.out / "blind.json").write_text(json.dumps({**common, "cases": hidden}, indent=1) + "\n")
    shown = build_cases(keras, all_cases(), arguments.out, arguments.only, hidden=False)
    (arguments.out / "cases.json").write_text(json.dumps({**common, "cases": shown}, indent=1) + "\n")
    print(f"{arguments.framework}: {len(shown)} cases, {len(hidden)} blind ones, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

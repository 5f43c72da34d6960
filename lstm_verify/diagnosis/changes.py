"""Changes: the edits of faults, made in a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.faults import PRECISIONS, Edit, Fit, Site, edits, in_precision, own_weights, site_at, sites
from lstm_verify.layers.base import Array, Layer, Unary
from lstm_verify.model import LayerCall, Model, Tensor


@dataclass(frozen=True)
class Batches:
    """How samples run when something is carried over from one batch to the next."""

    size: int | None
    """The number of samples in a batch; None for all."""
    twice: bool = False
    """Whether everything was predicted once before."""


@dataclass(frozen=True)
class Change:
    """A changed model, which a faulty runtime may compute instead of the one in the file."""

    fault: str
    layers: tuple[str, ...]
    """The paths of the layers that it takes for others."""
    parameter: str | None
    file_says: str
    behaves_as: str
    make: Callable[[Model], Model]
    """From the model of the file to that model."""
    tops: frozenset[str]
    """The layers of the model itself that are other ones."""
    carries: bool = False
    """Whether samples of one batch depend on the batch before."""
    batches: Batches | None = None
    """How samples that depend on each other run; None: as the model does."""
    is_coarser: bool = False
    """Whether it rounds more than the model of the file, so that it need not come near by the σ of that."""
    parts: tuple[Change, ...] = ()
    """The changes that it is made of, if it is several in one."""

    @property
    def key(self) -> tuple[str, str | None, str, str]:
        """Identifies the kind of change, regardless of where it is made."""
        return self.fault, self.parameter, self.file_says, self.behaves_as

    def to_dict(self) -> dict[str, str | None]:
        """The change as plain data, of the first layer."""
        return {
            "fault": self.fault,
            "layer": self.layers[0],
            "parameter": self.parameter,
            "file_says": self.file_says,
            "behaves_as": self.behaves_as,
        }


@dataclass(frozen=True)
class Family:
    """A family of changes with a free number, which has to be fitted."""

    model: Model
    fault: str
    site: Site
    fit: Fit

    def at(self, value: float) -> Change:
        """Return the change for a value of the number."""
        return change_of(self.model, self.fault, self.site, self.fit.at(value), value)


def change_of(model: Model, fault: str, site: Site, edit: Edit, value: float | None = None) -> Change:
    """Apply an edit at its site in a model; `value` is the fitted number, if there is one."""
    return Change(
        fault,
        (site.path,),
        edit.parameter,
        edit.file_says,
        edit.behaves_as,
        partial(_made, of=model, site=site, fault=fault, edit=edit, value=value),
        frozenset({site.top}),
        edit.carries,
    )


def _made(model: Model, of: Model, site: Site, fault: str, edit: Edit, value: float | None) -> Model:
    """The model with an edit, which is looked up anew if another change may have been made at the same place before."""
    if model is of:
        return site.put(edit.make())
    path = site.path
    for site in sites(model):
        if site.path == path:
            for _, found in edits(site.item, only=fault):
                if found.parameter != edit.parameter:
                    continue
                if isinstance(found, Fit) and value is not None:
                    return site.put(found.make(value))
                if isinstance(found, Edit) and value is None and found.behaves_as == edit.behaves_as:
                    return site.put(found.make())
    raise UnsupportedError(f"layer '{path}': {fault} cannot be made after another change")


def singles(model: Model) -> Iterator[Change | Family]:
    """Yield every change of a single layer."""
    for site in sites(model):
        for fault, edit in edits(site.item):
            yield Family(model, fault, site, edit) if isinstance(edit, Fit) else change_of(model, fault, site, edit)


def exchanges(model: Model) -> Iterator[Change]:
    """Swap weights of equal shape between two layers: all of them, or a single one."""
    weighted = [(site, own_weights(site.item)) for site in sites(model)]
    for (first, ours), (second, theirs) in combinations([entry for entry in weighted if entry[1]], 2):
        same = [name for name, weight in ours.items() if name in theirs and theirs[name].shape == weight.shape]
        if first.path == second.path or not same:
            continue
        groups = [[name] for name in same]
        if len(same) == len(ours) == len(theirs) > 1:
            groups.insert(0, same)
        for names in groups:
            yield Change(
                "equal_shape_weights_swapped",
                (first.path, second.path),
                ", ".join(names),
                "each layer its own",
                f"those of {second.path} in {first.path}, and the other way round",
                partial(_exchanged, first=first, second=second, names=names),
                frozenset({first.top, second.top}),
            )


def _exchanged(model: Model, first: Site, second: Site, names: list[str]) -> Model:
    for target, source in ((first, second), (second, first)):
        new = {name: getattr(source.item, name) for name in names}
        here = site_at(model, target.path, lambda item: all(hasattr(item, name) for name in names))
        model = here.put(replace(here.item, **new))
    return model


def carried(change: Change, batch_size: int | None, samples: int) -> Iterator[Change]:
    """Yield a change that carries states over, for each order in which samples may follow each other.

    How many made a batch when predictions were recorded is not known: powers of two are tried, and what divides the
    samples.
    """
    sizes = {size for size in range(2, samples) if samples % size == 0 or size.bit_count() == 1} | {batch_size or 1}
    ways = [(Batches(1), "the last one of the sample before"), (Batches(None, True), "that of the prediction before")]
    ways += [
        (Batches(size), f"the last one of the batch before, {size} samples each")
        for size in sorted(sizes, key=lambda size: (size != batch_size, size))
        if 1 < size < samples
    ]
    for batches, words in ways:
        yield replace(change, batches=batches, behaves_as=words)


def not_reset(model: Model, batch_size: int | None) -> Iterator[Change]:
    """Yield a stateful model that starts from the states another prediction left behind."""
    stateful = [name for name, layer in model.layers.items() if layer.stateful]
    if stateful:
        yield Change(
            "initial_state",
            tuple(stateful),
            "initial state",
            "zero in the first batch",
            "what the prediction before left",
            lambda model: model,
            frozenset(model.layers),
            batches=Batches(batch_size, True),
        )


def ends(model: Model) -> Iterator[Change]:
    """Yield swapped inputs and outputs, and states that are given but not used."""
    for kind, named in (("inputs", model.inputs), ("outputs", model.outputs)):
        for first, second in combinations([item.name for item in named], 2):
            yield Change(
                "state_order",
                (f"{first}, {second}",),
                kind,
                f"{first}, {second}",
                f"{second}, {first}",
                partial(_ends_exchanged, kind=kind, first=first, second=second),
                frozenset(model.layers),
            )
    for spec in model.inputs if len(model.inputs) > 1 else ():
        if "float" in spec.dtype and spec.axis is not None:
            yield Change(
                "initial_state",
                (spec.name,),
                f"input {spec.name}",
                "what is given",
                "zero",
                partial(_without_input, name=spec.name),
                frozenset({_zero(spec.name)}),
            )


def _ends_exchanged(model: Model, kind: str, first: str, second: str) -> Model:
    if kind == "outputs":
        tensors = {output.name: output.tensor for output in model.outputs}
        tensors[first], tensors[second] = tensors[second], tensors[first]
        return replace(model, outputs=tuple(replace(output, tensor=tensors[output.name]) for output in model.outputs))
    other = {Tensor(first): Tensor(second), Tensor(second): Tensor(first)}
    return _rewired(model, other)


def _rewired(model: Model, other: Mapping[Tensor, Tensor]) -> Model:
    nodes = tuple(
        replace(node, inputs=tuple(other.get(tensor, tensor) for tensor in node.inputs)) for node in model.nodes
    )
    outputs = tuple(replace(output, tensor=other.get(output.tensor, output.tensor)) for output in model.outputs)
    return replace(model, nodes=nodes, outputs=outputs)


def _without_input(model: Model, name: str) -> Model:
    return in_place_of(model, name, Zeros(name=_zero(name), compute_dtype=""))


def _zero(name: str) -> str:
    return f"{name} as zero"


def in_place_of(model: Model, name: str, layer: Layer) -> Model:
    """Return the model with a layer applied to one of its inputs."""
    rewired = _rewired(model, {Tensor(name): Tensor(layer.name)})
    nodes = (LayerCall(layer.name, (Tensor(name),)), *rewired.nodes)
    return replace(rewired, nodes=nodes, layers={**model.layers, layer.name: layer})


@dataclass(frozen=True, eq=False, kw_only=True)
class Zeros(Unary):
    """A layer that returns zeros, whatever its input."""

    def forward(self, x: Array) -> Array:
        return np.zeros(x.shape)


def whole_model(model: Model) -> Iterator[Change]:
    """Yield the model with all weights rounded to a narrower format."""
    for words, rounding in PRECISIONS.items():
        for rank in (1, 2) if words.startswith("int8") else (1,):
            yield Change(
                "weight_precision",
                tuple(site.path for site in sites(model) if own_weights(site.item)) or ("",),
                "weights",
                "float32",
                words + (", not the biases" if rank == 2 else ""),
                partial(in_precision_everywhere, rounding=rounding, rank=rank),
                frozenset(model.layers),
            )


def in_precision_everywhere(model: Model, rounding: Callable[..., object], rank: int) -> Model:
    """The model with the weights of every layer rounded."""
    layers = {name: in_precision(layer, rounding, rank) for name, layer in model.layers.items()}  # type: ignore[arg-type]
    return replace(model, layers=layers)


def together(changes: tuple[Change, ...]) -> Change:
    """Combine several changes."""
    first = changes[0]
    same = all(change.key == first.key for change in changes)
    return Change(
        first.fault if same else " and ".join(dict.fromkeys(change.fault for change in changes)),
        tuple(dict.fromkeys(path for change in changes for path in change.layers)),
        first.parameter,
        first.file_says,
        first.behaves_as,
        partial(_all_made, changes=changes),
        frozenset().union(*(change.tops for change in changes)),
        any(change.carries for change in changes),
        parts=changes,
    )


def _all_made(model: Model, changes: tuple[Change, ...]) -> Model:
    for change in changes:
        model = change.make(model)
    return model

"""The model in an HTML page: its layers in order, and which of them a diagnosis names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lstm_verify.diagnosis import Diagnosis
from lstm_verify.diagnosis.arrays import Seen
from lstm_verify.inspection import inspect
from lstm_verify.model import Model
from lstm_verify.reporters.inspection import is_telling, shape_of, telling_settings
from lstm_verify.reporters.markup import scrolling, text
from lstm_verify.reporters.terminal import setting


def diagram(model: Model, diagnosis: Diagnosis | None) -> str:
    """Return the inputs, layers and outputs of a model as a list in the order of computation."""
    found, named = inspect(model), set(named_layers(diagnosis))
    order = {name: place for place, name in reversed(list(enumerate(node.layer for node in model.nodes)))}
    layers = sorted(found["layers"], key=lambda layer: order.get(layer["name"], len(order)))
    shown = [layer for layer in layers if is_telling(layer) or layer["name"] in named]
    items = [_end("input", spec["name"], f"{shape_of(spec)} {spec['dtype']}") for spec in found["inputs"]]
    items += [_layer(layer, layer["name"], named) for layer in shown]
    items += [_end("output", output["name"], f"from {output['tensor']}") for output in found["outputs"]]
    silent = len(layers) - len(shown)
    more = f"<p>{silent} operations without weights are not shown.</p>\n" if silent else ""
    return more + scrolling("layers", f'<ol class="layers">\n{"".join(items)}</ol>', len(items))


def named_layers(diagnosis: Diagnosis | None) -> Iterator[str]:
    """The paths of the layers that a diagnosis names."""
    if diagnosis is None:
        return
    for explanation in diagnosis.explanations:
        for change in explanation.change.parts or (explanation.change,):
            yield from () if isinstance(change, Seen) else change.layers
    if diagnosis.place is not None and diagnosis.place.layer:
        yield diagnosis.place.layer
    if diagnosis.suspect is not None:
        yield diagnosis.suspect.layer


def _end(kind: str, name: str, about: str) -> str:
    return f'<li class="end"><span class="kind">{kind}</span> <b>{text(name)}</b> <span>{text(about)}</span></li>\n'


def _layer(layer: dict[str, Any], path: str, named: set[str]) -> str:
    is_named = any(one == path or one.startswith(f"{path}/") for one in named)
    mark = ' <strong class="mark">named by the diagnosis</strong>' if is_named else ""
    given = f" <span>from {text(', '.join(layer['inputs']))}</span>" if layer["inputs"] else ""
    about = [", ".join(f"{key} {setting(value)}" for key, value in telling_settings(layer).items()), _weights(layer)]
    details = "".join(f'<p class="fine">{text(line)}</p>' for line in about if line)
    inner = "".join(_layer(one, f"{path}/{one['name']}", named) for one in layer["layers"])
    nested = f'<ol class="layers">\n{inner}</ol>' if inner else ""
    opening = '<li class="named">' if is_named else "<li>"
    title = f'<b>{text(layer["name"])}</b> <span class="kind">{text(layer["type"])}</span>'
    return f"{opening}{title}{given}{mark}{details}{nested}</li>\n"


def _weights(layer: dict[str, Any]) -> str:
    if layer["layers"]:
        return ""
    return ", ".join(f"{path} {tuple(weight['shape'])}" for path, weight in layer["weights"].items())

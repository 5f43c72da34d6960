"""The inspection of a model in the terminal: the content of a file as a tree of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from lstm_verify.errors import printable
from lstm_verify.reporters.terminal import pairs, setting


def render(found: dict[str, Any], console: Console) -> None:
    """Print what `inspect` found."""
    console.print(
        pairs(
            {
                "model": found["path"] or found["name"],
                **({"written by": f"{found['writer']}, as {found['format']}"} if found["writer"] else {}),
                "parameters": f"{found['parameters']:,}, computed in {found['precision']}",
                **{
                    f"input {spec['name']}": f"{shape_of(spec)} {spec['dtype']}{_said(spec['state'])}"
                    for spec in found["inputs"]
                },
                **{
                    f"output {output['name']}": f"from {output['tensor']}{_said(output['state'])}"
                    for output in found["outputs"]
                },
            }
        )
    )
    tree = Tree("", hide_root=True)
    telling = [layer for layer in found["layers"] if is_telling(layer)]
    for layer in telling:
        _grow(tree, layer)
    for item in found["unrolled"]:
        _grow(tree, {"name": item["layer"], **item, "inputs": [], "weights": {}, "layers": []})
    silent = len(found["layers"]) - len(telling)
    if silent:
        tree.add(Text(f"{silent} operations without weights (--json has them)", "dim"))
    console.print(tree)
    for finding in found["findings"]:
        console.print(Text.assemble(("note: ", "yellow"), printable(finding)))


def is_telling(layer: dict[str, Any]) -> bool:
    """Return whether a layer deserves a place in the tree: of graphs, whatever has weights or runs in a loop."""
    return bool(layer["weights"] or layer["layers"]) or not layer["operation"]


def _said(state: str | None) -> str:
    return f", state {state}" if state else ""


def _grow(tree: Tree, layer: dict[str, Any], path: str = "") -> None:
    given = f"  ← {', '.join(layer['inputs'])}" if layer["inputs"] else ""
    branch = tree.add(
        Text.assemble((printable(layer["name"]), "bold"), f"  {layer['type']}", (printable(given), "dim"))
    )
    path = f"{path}/{layer['name']}" if path else layer["name"]
    for line in _details(layer, path):
        branch.add(Text(printable(line)))
    for inner in layer["layers"]:
        _grow(branch, inner, path)


def _details(layer: dict[str, Any], path: str) -> Iterator[str]:
    settings = telling_settings(layer)
    if settings:
        yield "  ".join(f"{key}={setting(value)}" for key, value in settings.items())
    if not layer["layers"]:
        for name, weight in layer["weights"].items():
            yield f"{name} {_shape(weight['shape'])} {weight['dtype']}"
    if layer.get("values"):
        yield "inside: " + ", ".join(f"{path}/{name}" for name in layer["values"])


def telling_settings(layer: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a layer that are worth a place."""
    return {key: value for key, value in layer["settings"].items() if _telling(key, value)}


def _telling(key: str, value: Any) -> bool:
    """Whether a setting is worth a place: not one that is off, or in float32 like everything."""
    return value is not False and value != "" and (key, value) not in USUAL and key not in QUIET


USUAL = (("compute_dtype", "float32"), ("forget_bias", 0.0))
OF_HEADS = ("sees_query_mask", "takes_query_mask", "counts_mask", "factor_in_float32", "cancels")
QUIET = ("supports_masking", "mask_with_initial_state", "mask_from_layer", "masks_agree", "operation", *OF_HEADS)


def shape_of(spec: dict[str, Any]) -> str:
    """Return the shape of an input; where its samples are if that is not the first axis, as usual."""
    shape, axis = spec["shape"], spec["samples_axis"]
    return _shape([*shape[:axis], "samples", *shape[axis + 1 :]] if axis else shape)


def _shape(shape: list[Any] | None) -> str:
    if shape is None:
        return "any shape"
    lengths = ["any" if n is None else str(n) for n in shape]
    return f"({lengths[0]},)" if len(lengths) == 1 else f"({', '.join(lengths)})"

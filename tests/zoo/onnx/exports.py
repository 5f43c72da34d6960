"""What exporters write of a table of models: ``--origin keras | tf_keras | torch | keras_torch``.

An entry is ``MODEL_EXPORTER``. ``NAME.origin.npz`` has the float32 predictions of the origin, by the names in the file
and in its order. Keras models are beside it as ``MODEL.keras``, ``MODEL.h5`` and the SavedModel ``MODEL/``, with
``MODEL.x.npz`` and ``MODEL.y.npz`` by their own names. What an exporter cannot write is under ``failed``.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fixtures.make import name_inputs, predict, randomise, silent_stderr
from tests.zoo.build import prepare
from tests.zoo.onnx.writing import Arrays, Folder, main, one_line

Export = Callable[[Path], object]


def attempt(folder: Folder, name: str, write: Export) -> bool:
    """Write a file, or note why that failed."""
    path = folder.path / name
    try:
        with silent_stderr(), redirect_stdout(StringIO()):
            write(path)
    except Exception as error:  # What an exporter cannot do is a fact about it.
        folder.failed[name.removesuffix(".onnx")] = one_line(error)
        path.unlink(missing_ok=True)
        return False
    return True


def record(folder: Folder, model: str, exporter: str, x: Arrays, y: list[Any], write: Export, **said: Any) -> None:
    """Export a model, whose inputs are given by name and whose outputs in order."""
    name = f"{model}_{exporter}"
    if attempt(folder, f"{name}.onnx", write):
        graph = onnx.load(str(folder.file(name)), load_external_data=False).graph
        inputs, outputs = ([value.name for value in values] for values in (graph.input, graph.output))
        given = x if set(inputs) == set(x) else dict(zip(inputs, x.values(), strict=True))
        origin = dict(zip(outputs, y, strict=True))
        folder.add(name, None, given, origin=origin, row=model, exporter=exporter, **said)


# --- Keras -------------------------------------------------------------------------------------------------------


def from_keras(folder: Folder, framework: Any, torch: bool) -> None:
    """Write all models of one generation of Keras."""
    from tests.zoo.onnx.keras_models import MODELS, OF_TENSORFLOW

    for name, entry in MODELS.items():
        if torch and name in OF_TENSORFLOW:
            continue
        framework.backend.clear_session()
        framework.utils.set_random_seed(0)
        model, inputs = entry.build(framework)
        randomise(model, zlib.crc32(name.encode()), entry.scale)
        x, y = name_inputs(model, inputs), predict(model, inputs, None)
        np.savez(folder.file(name, ".x.npz"), **x)
        np.savez(folder.file(name, ".y.npz"), **y)
        files = beside(folder, name, model, framework, torch)
        for exporter, write in exporters(model, framework, torch).items():
            record(folder, name, exporter, x, list(y.values()), write, files=files)


def beside(folder: Folder, name: str, model: Any, framework: Any, torch: bool) -> list[str]:
    """Write a model in the formats of its own framework, and return the names of the files."""
    ways: dict[str, Export] = {f"{name}.keras": model.save, f"{name}.h5": model.save}
    if framework.__name__ == "tf_keras":
        ways[name] = partial(model.save, save_format="tf")
    elif not torch:
        ways[name] = partial(model.export, verbose=False)
    return [file for file, write in ways.items() if attempt(folder, file, write)]


def exporters(model: Any, framework: Any, torch: bool) -> dict[str, Export]:
    """Return the ways to export a model."""
    found: dict[str, Export] = {}
    if framework.__name__ == "keras":
        found["export"] = partial(model.export, format="onnx", verbose=False)
    if not torch:
        # Of a Sequential model of Keras 3, tf2onnx does not find the outputs.
        found["tf2onnx"] = partial(tf2onnx, framework.Model(model.inputs, model.outputs))
    return found


def tf2onnx(model: Any, path: Path) -> None:
    """Export with tf2onnx, for newer operators than `export` writes."""
    tensorflow, convert = importlib.import_module("tensorflow"), importlib.import_module("tf2onnx.convert")
    names = getattr(model, "input_names", None) or [tensor.name for tensor in model.inputs]
    signature = [
        tensorflow.TensorSpec(tensor.shape, tensor.dtype, name)
        for tensor, name in zip(model.inputs, names, strict=True)
    ]
    convert.from_keras(model, input_signature=signature, opset=18, output_path=str(path))


# --- PyTorch -----------------------------------------------------------------------------------------------------


def from_torch(folder: Folder) -> None:
    """Write all models of PyTorch with both of its exporters."""
    import torch

    from tests.zoo.onnx.torch_models import MODELS

    torch.set_num_threads(1)
    for name, entry in MODELS.items():
        torch.manual_seed(zlib.crc32(name.encode()))
        model = entry.make().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.6 * torch.randn_like(parameter))
            for buffer in model.buffers():
                buffer.copy_(torch.rand_like(buffer.float()) + 0.5)
        x, y = dict(entry.inputs), ran(model, entry.inputs)
        tensors = tuple(torch.from_numpy(array) for array in x.values())
        for exporter in ("dynamo", "torchscript"):
            write = partial(torch_onnx, model, tensors, entry, exporter == "dynamo", len(y))
            record(folder, name, exporter, x, y, write)
            if entry.longer:
                write = partial(copied, folder.file(f"{name}_{exporter}"))
                record(folder, name, f"{exporter}_longer", dict(entry.longer), ran(model, entry.longer), write)


def ran(model: Any, x: Mapping[str, Any]) -> list[Any]:
    """Return the outputs of a model of PyTorch."""
    import torch

    with torch.no_grad():
        found = model(*(torch.from_numpy(array) for array in x.values()))
    return [tensor.numpy() for tensor in (found if isinstance(found, tuple) else (found,))]


def copied(source: Path, target: Path) -> None:
    """Write a file again, for other inputs."""
    target.write_bytes(source.read_bytes())


def torch_onnx(model: Any, tensors: tuple[Any, ...], entry: Any, dynamo: bool, outputs: int, path: Path) -> None:
    """Export with one of the exporters of PyTorch, with free axes as its users declare them."""
    import torch

    names = list(entry.inputs)
    free = {key: {axis: name for axis, name in enumerate(axes) if name} for key, axes in entry.free.items()}
    options: dict[str, Any] = {"dynamic_axes": free, "output_names": ["y", "h", "c"][:outputs]}
    if dynamo:
        dims = {name: torch.export.Dim(name) for axes in free.values() for name in axes.values()}
        shapes = tuple({axis: dims[name] for axis, name in free.get(key, {}).items()} for key in names)
        options = {"dynamic_shapes": shapes if free else None, "verbose": False}
    torch.onnx.export(model, tensors, str(path), dynamo=dynamo, input_names=names, **options)


ORIGINS = ("keras", "tf_keras", "torch", "keras_torch")


def build(folder: Folder, origin: str) -> None:
    """Write what one framework exports."""
    if origin == "torch":
        from_torch(folder)
    elif origin == "keras_torch":
        from_keras(folder, importlib.import_module("keras"), torch=True)
    else:
        from_keras(folder, prepare(origin), torch=False)


if __name__ == "__main__":
    main(build, origin=ORIGINS)

"""The parent's side of a runtime's child process: start it, listen to it, stop it.

A framework fixes its settings once per process, prints to stderr, takes seconds to import and may run code that a
model file names; so it never runs in this process. Every way in which a child can fail (it dies, hangs, says nothing,
refuses the file) becomes a `FrameworkError` with a reason in one line, and so an inconclusive verdict.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import NpyRows, Rows
from lstm_verify.errors import FrameworkError, LstmVerifyError
from lstm_verify.processes import Child, Imports
from lstm_verify.runtimes.interface import Request, Runtime

CHILD = Path(__file__).with_name("child.py")


@dataclass
class Prediction:
    """A prediction in progress; `result` waits for it."""

    runtime: Runtime
    request: Request
    child: Child
    description: str = ""
    """What predicts, with versions, once it has said so."""
    device: str = ""
    """The processor that it computes on, if it has said so."""
    products: str = "float32"
    """How that multiplies matrices of float32: `float32` or `tf32`."""
    seconds: float = 0.0
    """How long it took to predict, without import and loading."""
    outputs: dict[str, Rows] | None = None
    again: float = 0.0
    """How far the first samples were from themselves when they were predicted once more."""
    fed: dict[str, Rows] = field(default_factory=dict)
    """Of a rollout: what inputs were given from the second step on, (steps - 1, samples, ...)."""
    tokens: dict[str, Rows] = field(default_factory=dict)
    """Of a rollout: the tokens that were chosen, by output, (steps, samples)."""
    error: str = ""
    timed_out: bool = False
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        deadline = time.monotonic() + self.request.timeout
        self._listener = threading.Thread(target=self._listen, args=(deadline,), daemon=True)
        self._listener.start()

    def result(self) -> dict[str, Rows]:
        """Wait for the predictions.

        Returns:
            The predictions in the order of the model's outputs, by the framework's names for them.

        Raises:
            FrameworkError: there are none; the message has the reason.
        """
        self._listener.join()
        if self.outputs is None and not self.timed_out:
            with suppress(subprocess.TimeoutExpired):
                self.child.process.wait(5)  # for the code that it ends with
        self.stop()
        if self.outputs is None or self.error:
            raise FrameworkError(f"{self.runtime.name}: {self._reason()}")
        for name, rows in self.outputs.items():
            if rows.dtype.kind not in "fiub":
                raise FrameworkError(f"{self.runtime.name}: output '{name}' has dtype {rows.dtype}, expected numbers")
        return self.outputs

    def stop(self) -> None:
        """Stop the child and every process that it started."""
        self.child.kill()
        self._listener.join(1)  # which hears that the child has ended, unless something holds its end of the pipe
        self.child.stop()

    def _reason(self) -> str:
        if self.timed_out:
            return f"no predictions after {self.request.timeout:g} s. Give it more time with --timeout"
        if "No module named" in self.error:
            return f"{self.error}. Install it with: {self.runtime.install}"
        if self.error:
            return self.error if self.description else f"{self.error.rstrip('.')}. {self._way_out()}"
        return f"its process {self.child.ending('before it predicted')}"

    def _way_out(self) -> str:
        """What helps where the framework cannot open the model."""
        recorded = "record predictions where the model runs, and give them with --expected"
        if self.request.suffix == ".h5":
            return f"Where Keras cannot reopen its own .h5, save the model as .keras; or {recorded}"
        return f"{recorded[0].upper()}{recorded[1:]}"

    def _listen(self, deadline: float) -> None:
        """Read replies until the last one."""
        try:
            while not self.error and self.outputs is None:
                message = self.child.reply(deadline)
                if message is None:
                    return
                self._hear(message)
        except TimeoutError:
            self.timed_out = True
        except (ValueError, LookupError, TypeError, LstmVerifyError) as error:
            self.error = f"its reply could not be understood ({error})"

    def _hear(self, message: dict[str, Any]) -> None:
        if "error" in message:
            self.error = message["error"]
        elif "outputs" in message:
            self.seconds, self.again = message["seconds"], float(message.get("again", 0.0))
            self.fed, self.tokens = (
                {item["name"]: _rows(Path(item["path"])) for item in message.get(kind, [])}
                for kind in ("fed", "tokens")
            )
            self.outputs = {
                item["name"] if _unique(message["outputs"], item) else f"#{index}": _rows(Path(item["path"]))
                for index, item in enumerate(message["outputs"])
            }
        elif "stage" in message:
            self.description, self.device = message["description"], str(message.get("device", ""))
            self.products = str(message.get("products", self.products))
        elif "done" in message and self.progress:
            self.progress(message["done"], message["of"])


def _unique(outputs: list[dict[str, str]], item: dict[str, str]) -> bool:
    return sum(other["name"] == item["name"] for other in outputs) == 1


@dataclass(frozen=True)
class Started:
    """A child process that waits for a request."""

    runtime: Runtime
    child: Child
    directory: Path
    """Where its files are."""


@contextmanager
def started(runtime: Runtime, early: bool = True) -> Iterator[Started]:
    """Start the child process of a framework, which ends, and its files with it, when the context does.

    Args:
        runtime: the framework.
        early: whether it imports the framework at once, before there is a request.
    """
    directory, child = Path(tempfile.mkdtemp(prefix="lstm-verify-")), None
    try:
        environment = {**runtime.environment, "TMPDIR": str(directory)}
        modules = (runtime.module,) if early else ()
        imports = Imports(runtime.module, runtime.environment)
        log = directory / "log.txt"
        child = Child(CHILD, arguments=modules, environment=environment, log=log, imports=imports)
        yield Started(runtime, child, directory)
    finally:
        if child:
            child.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def predicting(
    runtime: Runtime,
    request: Request,
    progress: Callable[[int, int], None] | None = None,
    ready: Started | None = None,
) -> Iterator[Prediction]:
    """Start a prediction in a child process, which ends, and its files with it, when the context does.

    Args:
        runtime: the framework.
        request: what to predict.
        progress: told (samples done, samples), from another thread.
        ready: a child process that has been started already, if it is that of the framework.
    """
    waiting = ready is not None and ready.runtime is runtime
    with nullcontext(ready) if waiting else started(runtime, early=False) as begun:
        assert begun is not None
        prediction = Prediction(runtime, request, begun.child, progress=progress)
        try:
            begun.child.ask(_message(runtime, request, begun.directory))
            yield prediction
        finally:
            prediction.stop()


def _message(runtime: Runtime, request: Request, directory: Path) -> dict[str, Any]:
    """What the child is asked for."""
    message = {
        "program": runtime.program,
        "module": runtime.module,
        "title": runtime.title,
        "model": str(_named_as_expected(request, directory)),
        "inputs": [
            {"name": name, "path": str(_on_disk(rows, directory / f"input-{index}.npy"))}
            for index, (name, rows) in enumerate(request.inputs.items())
        ],
        "directory": str(directory),
        "batch_size": request.batch_size or runtime.batch_size,
        "call": dict(request.call),
        "unsafe": request.unsafe,
        "again": request.again,
        "taps": request.taps,
        "architecture": None if request.architecture is None else str(Path(request.architecture).absolute()),
    }
    if request.rollout is not None:
        draws = None if request.draws is None else str(_on_disk(request.draws, directory / "draws.npy"))
        message["rollout"] = {**request.rollout, "draws": draws}
    return message


def _named_as_expected(request: Request, directory: Path) -> Path:
    """The model's path, or a link to it with the ending that the framework goes by."""
    if not request.suffix:
        return request.model.absolute()  # and not where a link leads: there may be more files beside it
    path = request.model.resolve()
    # Keras takes `x.weights.h5` for another layout than `x.h5`, and looks for shards beside their JSON
    if path.name.endswith(request.suffix) and not path.name.endswith(f".weights{request.suffix}"):
        return path
    link = directory / f"model{request.suffix}"
    link.symlink_to(path)
    return link


def _rows(path: Path) -> Rows:
    """What a child has written; a single number has no rows to read one by one."""
    rows = NpyRows(path)
    return rows if rows.shape else np.load(path)


def _on_disk(rows: Rows, path: Path) -> Path:
    if isinstance(rows, NpyRows):
        return rows.path.resolve()
    np.save(path, rows[:] if rows.shape else np.asarray(rows))
    return path

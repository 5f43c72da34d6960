"""Fake frameworks: a folder with the modules `fakeframework` and `tensorflow`, for the child process to import.

Each predicts what the real framework predicted, from the fixture's file, unless a few lines of code change that.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lstm_verify import Report, runtimes
from lstm_verify._verify import verify
from lstm_verify.cli.option_groups import grouped
from lstm_verify.runtimes import Runtime
from tests.command import inputs, model, recorded

FRAMEWORK = """
import os, sys
import numpy as np

__version__ = "9.9"
FOLDER = os.path.dirname(__file__)


def note(name, text):
    with open(os.path.join(FOLDER, name), "a") as file:
        file.write(f"{text}\\n")


note("pid", os.getpid())


class Tensor:
    def __init__(self, name):
        self.name = name


class Model:
    def __init__(self):
        self.answers = dict(np.load(os.environ["FAKE_ANSWERS"]))
        self.output_names = list(self.answers)
        self.inputs = [Tensor(name) for name in os.environ["FAKE_INPUTS"].split()]
        self.done = 0

    def predict(self, x, batch_size, verbose):
        samples = len(x[0] if isinstance(x, list) else x)
        if self.done == len(next(iter(self.answers.values()))):
            self.done = 0  # all are predicted, and now the first once more
        part = slice(self.done, self.done + samples)
        self.done += samples
        answers = [answer[part] for answer in self.answers.values()]
        return self.changed(answers if len(answers) > 1 else answers[0])

    def changed(self, answers):
        return answers


class models:
    @staticmethod
    def load_model(path, compile, safe_mode):
        note("loaded", path)
        return Model()
"""


class Fake:
    """A fake framework in a folder of its own."""

    def __init__(self, folder: Path, changes: str, name: str = "origin_tanh_sigmoid") -> None:
        self.folder, self.name = folder, name
        folder.mkdir(parents=True)
        (folder / "fakeframework.py").write_text(f"{FRAMEWORK}\n{changes}\n")
        (folder / "tensorflow.py").write_text('__version__ = "8.8"\n')
        self.environment = {
            "PYTHONPATH": str(folder),
            "OPENBLAS_NUM_THREADS": "1",  # imports NumPy faster
            "FAKE_ANSWERS": str(recorded(name)),
            "FAKE_INPUTS": " ".join(_input_names(name)),
        }
        self.runtime = Runtime(
            name="fake",
            title="Fake",
            program="keras_model",
            module="fakeframework",
            environment=self.environment,
            install="pip install fakeframework",
            batch_size=32,
        )

    def verify(self, monkeypatch: pytest.MonkeyPatch, x: object = None, **options: object) -> Report:
        """Verify the fixture against this framework."""
        monkeypatch.setattr(runtimes, "RUNTIMES", (self.runtime,))
        path = options.pop("path", model(self.name))
        return verify(path, inputs(self.name) if x is None else x, **grouped({"runtime": "fake", **options}))  # type: ignore[arg-type]

    def noted(self, name: str) -> list[str]:
        """What the framework wrote down in its folder."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


def _input_names(name: str) -> list[str]:
    return {"encoder_decoder": ["source", "target"]}.get(name, ["input"])


def gone(process: int) -> bool:
    """Whether a process has ended; one that its new parent has not waited for yet has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True

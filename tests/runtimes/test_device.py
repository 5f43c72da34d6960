"""The arithmetic of a framework: it says whether it multiplies in TF32, and the budget follows it, with a note.

There is no GPU here: a module in TensorFlow's place says that there is one, and the predictions are those of TF32.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lstm_verify import Verdict
from lstm_verify._replay import replay
from lstm_verify.diagnosis.reduced_precision import Shorter, ShortProducts
from lstm_verify.formats import load
from lstm_verify.runtimes.programs import device
from tests.command import inputs, model
from tests.runtimes.fakes import Fake

NAME = "origin_tanh_sigmoid"
GPU = """
from types import SimpleNamespace as Namespace

__version__ = "8.8"
experimental = Namespace(
    get_device_details=lambda gpu: {"device_name": "NVIDIA A100", "compute_capability": (8, 0)},
    tensor_float_32_execution_enabled=lambda: True,
)
config = Namespace(list_physical_devices=lambda kind: [Namespace(name="GPU:0")], experimental=experimental)
"""


def tensorflow(capability: tuple[int, int] | None, allowed: bool = True, gpus: int = 1) -> Any:
    details = {} if capability is None else {"device_name": "a GPU", "compute_capability": capability}
    experimental = SimpleNamespace(
        get_device_details=lambda gpu: details, tensor_float_32_execution_enabled=lambda: allowed
    )
    devices = [SimpleNamespace(name="GPU:0")] * gpus
    return SimpleNamespace(
        config=SimpleNamespace(list_physical_devices=lambda kind: devices, experimental=experimental)
    )


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        (tensorflow((8, 0)), {"device": "a GPU", "products": "tf32"}),
        (tensorflow((9, 0), allowed=False), {"device": "a GPU", "products": "float32"}),
        (tensorflow((7, 5)), {"device": "a GPU", "products": "float32"}),
        (tensorflow(None), {"device": "GPU:0", "products": "float32"}),
        (tensorflow((8, 0), gpus=0), {"device": "CPU", "products": "float32"}),
    ],
)
def test_what_a_framework_computes_with(framework: Any, said: dict[str, str]) -> None:
    assert device.facts(framework) == said


@pytest.fixture
def on_gpu(tmp_path: Path) -> Fake:
    """A framework that predicts in TF32, and says so."""
    fake = Fake(tmp_path / "fake", "")
    (fake.folder / "tensorflow.py").write_text(GPU)
    short = ShortProducts.of(load(model(NAME)), Shorter("tf32"), "tf32")
    (output,) = short.outputs
    predicted = np.asarray(replay(short, np.load(inputs(NAME))), np.float32)
    np.savez(fake.folder / "tf32.npz", **{output.name: predicted})
    fake.environment["FAKE_ANSWERS"] = str(fake.folder / "tf32.npz")
    return fake


def test_the_budget_follows_what_a_framework_says(on_gpu: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    report = on_gpu.verify(monkeypatch, blind_spots=False)
    assert report.verdict is Verdict.MATCH
    assert report.predicted.device == "NVIDIA A100"
    assert [note for note in report.notes if "NVIDIA A100 with products of matrices in tf32" in note]


def test_what_a_user_says_counts_more(on_gpu: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    report = on_gpu.verify(monkeypatch, products="float32", blind_spots=False)
    assert report.verdict is Verdict.MISMATCH
    assert not [note for note in report.notes if "products" in note]
    assert report.diagnosis is not None
    assert [e.change.behaves_as for e in report.diagnosis.explanations] == ["tf32"]


def test_a_framework_that_does_not_say_is_one_that_computes_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Fake(tmp_path / "fake", "").verify(monkeypatch, blind_spots=False)
    assert (report.verdict, report.predicted.device, report.predicted.products) == (Verdict.MATCH, "", "float32")

"""What a framework returns, from fake frameworks: whatever is not exactly the outputs of the model is no match."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Verdict
from tests.command import inputs
from tests.runtimes.fakes import Fake

ONE, THREE = "origin_tanh_sigmoid", "encoder_decoder"


def verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, name: str = ONE, **options: object
) -> Verdict:
    code = f"Model.changed = lambda self, answers: {change}"
    report = Fake(tmp_path / "fake", code, name).verify(monkeypatch, **{"diagnose": False, **options})
    assert report.verdict is Verdict.MATCH or report.summary()
    return report.verdict


@pytest.mark.parametrize(
    "change",
    [
        "None",
        "[]",
        "{}",
        "[None]",
        "'words'",
        "np.array(0.5)",
        "answers[:0]",
        "answers[:-1]",
        "answers[:1]",
        "np.concatenate([answers, answers])",
        "answers.T",
        "answers[:, :1]",
        "answers[..., None]",
        "answers[None]",
        "answers.reshape(-1)",
        "answers * np.nan",
        "answers + np.inf",
        "np.where(np.arange(8).reshape(4, 2) == 5, np.nan, answers)",
        "answers.astype(str)",
        "answers.astype(object)",
        "answers.astype(complex)",
        "answers.astype(complex) + 1j",
        "(answers * 100).astype('datetime64[s]')",
        "np.rec.fromarrays([answers])",
        "answers > 0.5",
        "answers.astype(int)",
        "[answers, answers]",
        "[answers, answers * 2]",
        "{'dense': answers, 'more': answers}",
        "{'more': answers * 2, 'dense': answers}",
        "{'a': answers * 2, 'dense': answers}",
        "{'dense': answers[::-1]}",
        "[[answers]]",
    ],
)
def test_other_predictions_are_no_match(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(tmp_path, monkeypatch, change) is not Verdict.MATCH


@pytest.mark.parametrize("change", ["answers[:1]", "answers[0]", "answers[0, 0]"])
def test_one_prediction_for_all_samples_is_never_broadcast(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All samples are the same, so that the one prediction is right for each of them."""
    same = np.repeat(np.arange(6, dtype=np.float32).reshape(1, 3, 2), 4, axis=0)
    assert verdict(tmp_path, monkeypatch, change, x=same) is not Verdict.MATCH


def test_a_prediction_for_each_of_the_same_samples_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = np.repeat(np.arange(6, dtype=np.float32).reshape(1, 3, 2), 4, axis=0)
    assert verdict(tmp_path, monkeypatch, "np.repeat(answers[:1], 4, axis=0)", x=same) is Verdict.MATCH


@pytest.mark.parametrize(
    "change",
    [
        "answers[:2]",
        "answers[::-1]",
        "[answers[0], answers[2], answers[1]]",
        "[*answers, answers[0]]",
        "dict(zip(['dense', 'decoder'], answers))",
        "dict(zip(['dense', 'decoder', 'decoder_1', 'more'], [*answers, answers[0]]))",
        "dict(zip(['dense', 'decoder_1', 'decoder'], answers))",
        "[answers[0], answers[1], answers[2][:3]]",
    ],
)
def test_missing_extra_or_swapped_outputs_are_no_match(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, change, THREE) is not Verdict.MATCH


@pytest.mark.parametrize(
    "change",
    [
        "answers",
        "tuple(answers)",
        "dict(zip(self.output_names, answers))",
        "dict(zip(['decoder_1', 'dense', 'decoder'], [answers[2], answers[0], answers[1]]))",
        "setattr(self, 'output_names', ['same', 'same', 'same']) or answers",
        "setattr(self, 'output_names', None) or answers",
        "setattr(self, 'output_names', ['one', 'two', 'three']) or answers",
        "[answer.astype(np.float64) for answer in answers]",
        "[np.asfortranarray(answer) for answer in answers]",
        "[answer.astype('>f4') for answer in answers]",
    ],
)
def test_the_same_predictions_in_other_forms_match(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, change, THREE) is Verdict.MATCH


@pytest.mark.parametrize(
    ("change", "coarse"),
    [
        ("answers.astype(np.float16)", 1e-3),
        ("answers.astype(__import__('ml_dtypes').bfloat16)", 5e-3),
    ],
)
def test_coarser_floats_are_compared_as_they_are(
    change: str, coarse: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path / "1", monkeypatch, change) is Verdict.MISMATCH
    assert verdict(tmp_path / "2", monkeypatch, change, atol=coarse) is Verdict.MATCH


CHANGING = """
import __main__
__main__.CHUNK_BYTES = 24
Model.changed = lambda self, answers: {change} if self.done > 2 else answers
"""


@pytest.mark.parametrize(
    "change",
    [
        "answers[:1]",
        "answers[:0]",
        "answers[:, :1]",
        "[answers, answers]",
        "answers.astype(complex)",
        "answers * np.nan",
    ],
)
def test_predictions_that_change_from_chunk_to_chunk(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = CHANGING.format(change=change)
    with np.load(inputs(ONE)) as archive:
        x = np.repeat(archive["input"][:1], 4, axis=0)
    report = Fake(tmp_path / "fake", code).verify(monkeypatch, x, batch_size=2)
    assert report.verdict is not Verdict.MATCH


def test_nothing_is_printed_by_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdict(tmp_path, monkeypatch, "answers * np.float32(1e38) * 100") is Verdict.MISMATCH

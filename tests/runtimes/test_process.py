"""A runtime's child process, with fake frameworks: every way to fail is no match, and leaves nothing behind."""

from __future__ import annotations

import importlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Verdict
from tests.command import inputs, model
from tests.runtimes.fakes import Fake, gone

LONG = 600
"""Seconds that nobody would wait, so that a busy machine is told apart from one that hangs."""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Fake]]:
    """Make a fake framework; in the end nothing of its child may be left: no process, no thread, no file."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    threads = set(threading.enumerate())
    made: list[Fake] = []

    def make(changes: str = "", name: str = "origin_tanh_sigmoid") -> Fake:
        made.append(Fake(tmp_path / f"fake-{len(made)}", changes, name))
        return made[-1]

    yield make
    for process in (int(line) for one in made for line in one.noted("grandchild")):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)  # where the test has found it alive
    for process in (int(line) for one in made for line in one.noted("pid")):
        assert not Path(f"/proc/{process}").exists(), "the child is still there, or a zombie"
    assert list(scratch.iterdir()) == []
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)  # a listener ends as soon as it hears that its child has
    assert set(threading.enumerate()) <= threads


def test_predicts(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    report = fake().verify(monkeypatch)
    assert report.verdict is Verdict.MATCH
    assert report.predicted.name == "fake"
    assert report.predicted.description == "Fake 9.9 on TensorFlow 8.8"
    assert report.timings["predict"] >= 0


def test_predicts_wrong(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    report = fake("Model.changed = lambda self, answer: answer + np.float32(1e-3)").verify(monkeypatch)
    assert report.verdict is Verdict.MISMATCH
    assert report.outputs[0].max_abs_deviation == pytest.approx(1e-3, rel=1e-3)


ANEW = """
draws = np.random.default_rng(5)
Model.changed = lambda self, answer: answer + np.float32(1e-2) * draws.random(answer.shape, np.float32)
"""


def test_predicts_something_else_each_time(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    report = fake(ANEW).verify(monkeypatch)
    assert report.verdict is Verdict.MISMATCH
    assert report.diagnosis is not None
    assert [explanation.change.fault for explanation in report.diagnosis.explanations] == ["dropout_active"]


LOAD = "\nmodels.load_model = staticmethod(load_model)"
FAILURES = {
    "at_import": ("raise ImportError('first\\n  second\\n')", "fake: ImportError: first second"),
    "at_import_without_words": ("raise ValueError()", "fake: ValueError"),
    "at_load": (
        f"def load_model(*_, **__): raise TypeError('Unrecognized\\n\\n  keyword\\targuments\\n'){LOAD}",
        "fake: TypeError: Unrecognized keyword",
    ),
    "at_load_at_length": (f"def load_model(*_, **__): raise ValueError('a\\n' * 10000){LOAD}", "fake: ValueError: a a"),
    "at_load_in_odd_letters": (
        f"def load_model(*_, **__): raise ValueError('ä \\udcff \\x1b[2J \\x00'){LOAD}",
        "fake: ValueError: ä",
    ),
    "at_predict": (
        "def changed(*_): raise RuntimeError('no memory')\nModel.changed = changed",
        "RuntimeError: no memory",
    ),
    "by_exit": ("def changed(*_): sys.exit(0)\nModel.changed = changed", "fake: "),
    "by_exit_with_words": ("def changed(*_): sys.exit('goodbye')\nModel.changed = changed", "goodbye"),
    "by_interrupt": ("def changed(*_): raise KeyboardInterrupt\nModel.changed = changed", "KeyboardInterrupt"),
    "by_silent_exit": ("os._exit(0)", "ended with code 0"),
    "by_exit_code": ("def changed(*_): os._exit(3)\nModel.changed = changed", "ended with code 3"),
    "by_signal": ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    "by_unnamed_signal": ("import signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)", "killed by"),
    "with_last_words": ("print('it is over', file=sys.stderr, flush=True); os._exit(1)", "it is over"),
    "with_last_words_not_utf8": ("os.write(2, b'\\xff\\xfe over\\n'); os._exit(1)", "over"),
    "with_protocol_broken": (
        "frame = sys._getframe()\n"
        "while 'request' not in frame.f_locals: frame = frame.f_back\n"
        "os.write(frame.f_locals['request']['replies'], b'hello\\n')",
        "could not be understood",
    ),
    "no_module": ("import a_module_that_is_not_there", "pip install fakeframework"),
}


@pytest.mark.parametrize(("changes", "reason"), FAILURES.values(), ids=FAILURES)
def test_failure_is_inconclusive_with_its_reason_in_one_line(
    changes: str, reason: str, fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = fake(changes).verify(monkeypatch)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.exit_code == 3
    assert reason in report.reason
    assert report.reason.isprintable()
    assert len(report.reason) < 1000
    assert report.outputs == ()


def test_framework_that_is_not_installed(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    one = fake()
    (one.folder / "fakeframework.py").unlink()
    report = one.verify(monkeypatch)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason.endswith("No module named 'fakeframework'. Install it with: pip install fakeframework")


def test_hang_ends_with_everything_it_started(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    hang = fake(
        "import subprocess, time\n"
        f"note('grandchild', subprocess.Popen([sys.executable, '-c', 'import time; time.sleep({LONG})']).pid)\n"
        f"time.sleep({LONG})"
    )
    started = time.monotonic()
    report = hang.verify(monkeypatch, timeout=2)
    assert time.monotonic() - started < LONG / 2
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason == "fake: no predictions after 2 s. Give it more time with --timeout"
    assert_gone(int(hang.noted("grandchild")[0]))


@pytest.mark.parametrize("end", ["os._exit(1)", "note('ready', '')"], ids=["crash", "success"])
def test_what_a_child_started_ends_with_it(
    end: str, fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fake(f"import subprocess\nnote('grandchild', subprocess.Popen(['sleep', '{LONG}']).pid)\n{end}")
    one.verify(monkeypatch)
    assert_gone(int(one.noted("grandchild")[0]))


def test_temporary_files_of_a_framework_go_with_it(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow writes the functions that it traces into files, and does not get to remove them when it is ended."""
    one = fake("import tempfile\nnote('temporary', tempfile.mkstemp()[1])")
    assert one.verify(monkeypatch).verdict is Verdict.MATCH
    (left,) = one.noted("temporary")
    assert not Path(left).exists()


def assert_gone(process: int) -> None:
    for _ in range(500):  # the system may take its time
        if gone(process):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {process} is still running")


def test_predictions_count_even_if_the_framework_does_not_end(
    fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frameworks leave threads behind that keep their process alive; nobody has to wait for these."""
    one = fake(f"import threading, time\nthreading.Thread(target=time.sleep, args=({LONG},)).start()")
    started = time.monotonic()
    assert one.verify(monkeypatch, timeout=LONG / 2).verdict is Verdict.MATCH
    assert time.monotonic() - started < LONG / 2


def test_what_a_framework_prints_disturbs_nobody(
    fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = "print('{\"error\": \"x\"}', flush=True); os.write(1, b'\\xff\\n'); os.write(2, b'\\x00 noise\\n' * 50000)"
    assert fake(noise).verify(monkeypatch).verdict is Verdict.MATCH
    assert capfd.readouterr() == ("", "")


def test_framework_finds_no_standard_input_to_wait_for(
    fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fake("note('input', repr(sys.stdin.read()))").verify(monkeypatch).verdict is Verdict.MATCH


def test_an_error_of_the_replay_ends_the_child(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the replay failed")

    monkeypatch.setattr(importlib.import_module("lstm_verify._verify"), "replay_rows", fail)
    with pytest.raises(RuntimeError, match="the replay failed"):
        fake(f"import time; time.sleep({LONG})").verify(monkeypatch)


# --- what the framework is given


READING = """
def load_model(path, **_):
    note("loaded", path)
    note("bytes", len(open(path, "rb").read()))
    return Model()
models.load_model = staticmethod(load_model)
"""


@pytest.mark.parametrize("name", ["model.bin", "model", "modell ä.h5"])
def test_the_file_has_the_ending_that_the_framework_wants(
    name: str, fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(model("origin_tanh_sigmoid").read_bytes())
    one = fake(READING)
    assert one.verify(monkeypatch, path=path).verdict is Verdict.MATCH
    assert one.noted("loaded")[0].endswith(".h5")
    assert one.noted("bytes") == [str(path.stat().st_size)]


@pytest.mark.parametrize("unsafe", [False, True])
def test_safe_mode_is_on_unless_unsafe(
    unsafe: bool, fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fake("models.load_model = staticmethod(lambda path, compile, safe_mode: note('safe', safe_mode) or Model())")
    one.verify(monkeypatch, unsafe=unsafe)
    assert one.noted("safe") == [str(not unsafe)]


LOOKING = """
predict = Model.predict
def looking(self, x, **options):
    note("shapes", [array.shape[1:] for array in x])
    return predict(self, x, **options)
Model.predict = looking
"""


@pytest.mark.parametrize("names", [["source", "target"], ["target", "source"]])
def test_inputs_arrive_in_the_order_of_the_framework(
    names: list[str], fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fake(LOOKING, name="encoder_decoder")
    one.environment["FAKE_INPUTS"] = " ".join(names)
    assert one.verify(monkeypatch).verdict is Verdict.MATCH
    wanted = str([{"source": (7, 3), "target": (4, 2)}[name] for name in names])
    assert one.noted("shapes") == [wanted, wanted]  # predicted twice, to see whether it comes out the same


RECORD = """
import __main__
__main__.CHUNK_BYTES = 700
predict = Model.predict
def recording(self, x, batch_size, verbose):
    note("parts", f"{len(x)} {batch_size}")
    parts.append(x)
    np.save(os.path.join(FOLDER, "x.npy"), np.concatenate(parts))
    return np.zeros((len(x), 2), np.float32)
parts = []
Model.predict = recording
"""


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4, 7, 32, 1000])
def test_chunks_are_whole_batches(
    batch_size: int, mapped: bool, fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    x = np.random.default_rng(3).standard_normal((101, 3, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    one = fake(RECORD)
    one.verify(monkeypatch, tmp_path / "x.npy" if mapped else x, batch_size=batch_size)
    *parts, again = (int(line.split()[0]) for line in one.noted("parts"))
    assert sum(parts) == 101
    assert again == min(batch_size, 101)  # the first batch once more, to see whether it comes out the same
    assert all(part % batch_size == 0 for part in parts[:-1])
    assert len(parts) > 1 or batch_size > 50
    assert {line.split()[1] for line in one.noted("parts")} == {str(batch_size)}
    np.testing.assert_array_equal(np.load(one.folder / "x.npy"), np.concatenate([x, x[:again]]))


def test_a_mapped_file_is_not_copied_for_the_child(
    fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with np.load(inputs("origin_tanh_sigmoid")) as archive:
        np.save(tmp_path / "x.npy", archive["input"])
    one = fake("note('scratch', [n for _, _, names in os.walk(os.environ['SCRATCH']) for n in names])")
    one.environment["SCRATCH"] = str(tmp_path / "scratch")
    assert one.verify(monkeypatch, tmp_path / "x.npy").verdict is Verdict.MATCH
    assert "input-0.npy" not in one.noted("scratch")[0]

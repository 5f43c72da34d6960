"""Tasks on a Dask cluster: the same as with one process, byte for byte, and nothing lost with a worker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lstm_verify import InputError
from lstm_verify.checking import checks, jobs
from lstm_verify.checking.cluster import cluster
from lstm_verify.checking.jobs import processes
from lstm_verify.checking.run import Outcome, checked
from lstm_verify.checking.task import Task
from tests.checking.tasks import NAMES, task, wrong

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster with two workers, which gives a task up when a third worker has ended under it."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 2, "distributed.logging.distributed": "critical"}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as local,
    ):
        yield local.scheduler_address


def lines(outcomes: Iterator[Outcome]) -> list[str]:
    return [json.dumps(outcome.to_dict()) for outcome in outcomes]


def test_the_same_as_one_process_byte_for_byte(address: str, tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    given = [*(task(name) for name in NAMES), Task("bad.h5", str(tmp_path / "bad.h5"), str(tmp_path))]
    given.insert(1, task(expected=(("", str(wrong(tmp_path))),)))
    by_cluster = lines(checks(given, len(given), executors=cluster(address)))
    assert by_cluster == lines(checks(given, 1, executors=processes))
    assert [json.loads(line)["verdict"] for line in by_cluster] == ["match", "mismatch", "match", "match", "error"]


def kill_once(given: Task) -> Outcome:
    """End the worker, the first time that it does a task; one called `always` ends it every time."""
    flag = Path(given.folder, f"{given.name}.flag")
    if given.name == "always" or not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return checked(given)


def test_a_killed_worker_loses_nothing(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "done", kill_once)
    given = [replace(task(name), folder=str(tmp_path)) for name in NAMES[:2]]
    found = list(checks(given, 2, executors=cluster(address)))
    assert [outcome.verdict for outcome in found] == ["match", "match"]
    assert len(list(tmp_path.glob("*.flag"))) == 2


def test_who_ends_every_worker_is_an_error(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "done", kill_once)
    (outcome,) = checks([Task("always", "", str(tmp_path))], 1, executors=cluster(address))
    assert (outcome.verdict, outcome.exit_code) == ("error", 2)
    assert outcome.cause.startswith("KilledWorker")


def test_no_scheduler_is_an_error() -> None:
    with pytest.raises(InputError, match="no scheduler answers there"):
        list(checks([task()], 1, executors=cluster("nonsense://nowhere:1")))

"""Fixtures that several test modules share: the zoo of models that real frameworks built, and where real models lie."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
REAL_MODELS = ROOT.parent / "shared" / "models"

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the models that a framework (`keras` or `tf_keras`) built; both are built at the same time.

    The environment variable `LSTM_VERIFY_ZOO` names a folder that keeps them from one run to the next.
    """
    kept = os.environ.get("LSTM_VERIFY_ZOO")
    root = Path(kept) if kept else tmp_path_factory.mktemp("zoo")
    children = {framework: _build(framework, root / framework) for framework in ("keras", "tf_keras")}
    failed: dict[str, str] = {}

    def folder(framework: str) -> Path:
        child = children.pop(framework, None)
        if child is not None:
            output, _ = child.communicate()
            if child.returncode != 0:
                failed[framework] = output.decode(errors="replace")[-3000:]
        assert framework not in failed, failed[framework]
        return root / framework

    return folder


def _build(framework: str, folder: Path) -> subprocess.Popen[bytes] | None:
    if (folder / "zoo.json").exists():
        return None
    command = [sys.executable, "-m", "tests.zoo.build", "--framework", framework, "--out", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

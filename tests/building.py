"""Building the zoos in the background: real frameworks write their models while other tests run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
AT_ONCE = 2

COMMANDS = {
    "saved_keras": ("saved_models.json", "tests.zoo.saved_models", "--framework", "keras"),
    "saved_tf_keras": ("saved_models.json", "tests.zoo.saved_models", "--framework", "tf_keras"),
    "tf1": ("tf1.json", "tests.zoo.tf1"),
    "faults_tf1": ("cases.json", "tests.zoo.faults.tf1"),
    "faults_keras": ("cases.json", "tests.zoo.faults.build", "--framework", "keras"),
    "faults_tf_keras": ("cases.json", "tests.zoo.faults.build", "--framework", "tf_keras"),
    "edges_keras": ("edges.json", "tests.zoo.edges", "--framework", "keras"),
    "edges_tf_keras": ("edges.json", "tests.zoo.edges", "--framework", "tf_keras"),
    "weights_keras": ("weights.json", "tests.zoo.weights_alone", "--framework", "keras"),
    "weights_tf_keras": ("weights.json", "tests.zoo.weights_alone", "--framework", "tf_keras"),
    "keras": ("zoo.json", "tests.zoo.build", "--framework", "keras"),
    "tf_keras": ("zoo.json", "tests.zoo.build", "--framework", "tf_keras"),
}
"""By the name of the zoo, the file that is there when it is built, and the program that builds it with its options."""


class Building:
    """Programs that build zoos, each in its folder below one root; what is there already is left as it is."""

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._root = root
        self._running: list[subprocess.Popen[bytes]] = []
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._built: dict[str, Future[str]] = {name: self._pool.submit(self._build, name) for name in names}

    def folder(self, name: str) -> Path:
        """The folder of a zoo, as soon as it is built."""
        error = self._built[name].result()
        assert not error, error
        return self._root / name

    def stop(self) -> None:
        """End what still runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in self._running:
            child.kill()
        self._pool.shutdown()

    def _build(self, name: str) -> str:
        """Build a zoo, and return what the program says if it fails."""
        index, *program = COMMANDS[name]
        if (self._root / name / index).exists():
            return ""
        command = [sys.executable, "-m", *program, "--out", str(self._root / name)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            self._running.append(child)
            output, _ = child.communicate()
        return output.decode(errors="replace")[-3000:] if child.returncode else ""

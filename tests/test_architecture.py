"""The folder tree is the architecture: who may import whom, and what importing the package loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.conftest import FIXTURES, ROOT

PACKAGE = ROOT / "lstm_verify"
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))

# a room, and the rooms that it may import from; every room may import itself
MAY_IMPORT = {
    "errors": set(),
    "arrays": {"errors"},
    "array_files": {"arrays", "errors"},
    "operations": {"arrays", "errors"},
    "layers": {"arrays", "operations", "rounded", "errors"},
    "rounded": {"errors"},
    "model": {"layers", "errors"},
    "timing": set(),
    "hashing": {"arrays", "errors"},
    "versions": {"__init__"},
    "golden": {
        *("array_files", "arrays", "errors", "formats", "hashing", "inputs", "judging", "model", "options", "rounded"),
    },
    "_judge": {"arrays", "errors", "golden", "judging", "report"},
    "_record": {
        *("arrays", "errors", "formats", "golden", "hashing", "judging", "report", "versions", "_verify"),
    },
    "processes": set(),
    "options": {"rounded", "errors"},
    "checkpoints": {"layers"},
    "inputs": {"array_files", "arrays", "model", "layers", "rounded", "errors"},
    "_replay": {"arrays", "checkpoints", "inputs", "model", "layers", "errors"},
    "run_arithmetic": {"arrays", "layers", "model", "rounded"},
    "budget": {
        *(
            "runtimes",
            "checkpoints",
            "run_arithmetic",
            "arrays",
            "inputs",
            "layers",
            "model",
            "_replay",
            "rounded",
            "errors",
        ),
    },
    "judging": {
        *("array_files", "arrays", "budget", "graph", "inputs", "layers", "model", "operations", "_replay", "rounded"),
        "errors",
    },
    "given": {"array_files", "arrays", "inputs", "model", "given_states", "errors"},
    "graph": {"arrays", "inputs", "model", "layers", "operations", "errors"},
    "formats": {"processes", "hashing", "arrays", "graph", "model", "layers", "operations", "rounded", "errors"},
    "runtimes": {"arrays", "processes", "errors"},
    "inspection": {"model", "layers", "operations"},
    "faults": {"layers", "model", "operations", "errors"},
    "diagnosis": {
        *("arrays", "budget", "judging", "errors", "faults", "inputs", "layers", "model", "_replay", "rounded"),
        *("run_arithmetic", "checkpoints", "operations", "timing"),
    },
    "details": {"arrays", "judging", "model", "_replay", "errors"},
    "report": {"arrays", "details", "golden", "judging", "diagnosis", "model", "errors"},
    "reporters": {
        "_judge",
        "arrays",
        "checking",
        "cross",
        "details",
        "report",
        "rollouts",
        "judging",
        "diagnosis",
        "faults",
        "hashing",
        "inspection",
        "layers",
        "model",
        "errors",
    },
    "given_states": {"arrays", "inputs", "model", "errors"},
    "case": {
        *("arrays", "diagnosis", "errors", "formats", "given", "inputs", "judging", "model", "options", "report"),
        *("runtimes",),
    },
    "_verify": {
        *("arrays", "judging", "errors", "formats", "inputs", "inspection", "model", "_replay", "report", "runtimes"),
        *("case", "details", "diagnosis", "timing", "given", "golden", "budget", "options", "expected"),
    },
    "expected": {
        *("_replay", "arrays", "case", "errors", "given", "golden", "inner_values", "inputs", "model", "report"),
        "judging",
    },
    "inner_values": {"arrays", "errors", "inputs", "layers", "model", "_replay"},
    "rollouts": {
        *("arrays", "judging", "errors", "formats", "inputs", "layers", "model", "_replay", "report", "runtimes"),
        *("budget", "run_arithmetic", "timing", "case", "details", "given", "graph", "options", "array_files"),
    },
    "cross": {
        *("arrays", "case", "diagnosis", "errors", "faults", "formats", "inputs", "judging", "layers", "model"),
        *("operations", "options", "report", "rounded", "timing", "_replay", "_verify"),
    },
    "pytest_plugin": {"_record", "_verify", "case", "golden", "inputs", "options", "report"},
    "preloading": {"processes"},
    "checking": {
        *(
            "_record",
            "_verify",
            "array_files",
            "arrays",
            "cross",
            "errors",
            "formats",
            "golden",
            "hashing",
            "judging",
            "options",
        ),
        *("preloading", "report", "runtimes", "versions"),
    },
    "cli": {
        *(
            "_judge",
            "_record",
            "_replay",
            "case",
            "checking",
            "cross",
            "array_files",
            "arrays",
            "errors",
            "formats",
            "golden",
            "inputs",
            "inspection",
            "judging",
            "options",
            "report",
            "reporters",
            "rollouts",
            "_verify",
        ),
        "__init__",
    },
}
ONLY_IN = {
    "pytest": {"pytest_plugin"},
    "click": {"cli"},
    "rich": {
        *(
            f"reporters/{name}"
            for name in ("terminal", "inspection", "rollout", "evidence", "against", "check", "anew", "console")
        ),
        "cli",
    },
    "matplotlib": {*(f"reporters/{name}" for name in ("drawing", "gates", "svg")), "report"},  # which names a type
    "pandas": {"reporters/samples", "report"},
    "h5py": {"formats/hdf5/child"},
    "distributed": set(),
    "threadpoolctl": {"_replay", "operations/products"},
    "tensorflow": {"formats/tensorflow/child", "formats/tensorflow/protobufs"},
    "keras": set(),
    "tf_keras": {"formats/tensorflow/child"},
}


def room_of(module: str) -> str:
    return module.split("/")[0]


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text())


def imports(module: str, nodes: Callable[[ast.AST], Iterable[ast.AST]] = ast.walk) -> Iterator[str]:
    """Everything a module imports, by its full name, whether at the top or inside a function."""
    for node in nodes(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) not in ("__init__", "__main__")])
def test_imports_point_down_only(module: str) -> None:
    room = room_of(module)
    rooms = {path.stem for path in PACKAGE.iterdir()} - {"__init__"}
    used = {name.split(".")[1] for name in imports(module) if name.startswith("lstm_verify.")} & rooms
    assert used - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_lives_in_one_place(library: str) -> None:
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in imports(module))}
    assert not [user for user in users if not {user, room_of(user)} & ONLY_IN[library]]


def when_run(tree: ast.AST) -> Iterator[ast.AST]:
    """All of a module but for what only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from when_run(node)


def inside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in when_run(tree):
        if isinstance(node, ast.FunctionDef):
            yield from ast.walk(node)


NAMES = {f"lstm_verify.{module.replace('/', '.')}".removesuffix(".__init__"): module for module in MODULES}


def needed_by(module: str) -> Iterator[str]:
    """The modules of the package that one needs, at its top or later."""
    for node in when_run(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                yield name if name in NAMES else node.module


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({name: set(needed_by(module)) for name, module in NAMES.items()}).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None


LATER = {
    "formats/saved_model": "formats.tensorflow",
    "formats/onnx_file": "formats.onnx",
    "formats/tf1": "formats.tensorflow",
    "formats/weights/checkpoint": "formats.tensorflow",
}
"""Who may import what of the package inside a function, besides the doors to it: what takes long, and seldom."""


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) not in ("cli", "pytest_plugin", "__init__")])
def test_imports_stand_at_the_top(module: str) -> None:
    found = {name for name in imports(module, inside_functions) if name.startswith("lstm_verify.")}
    allowed = f"lstm_verify.{LATER.get(module, 'none')}"
    assert not {name for name in found if not name.startswith(allowed)}


CHILDREN = ("runtimes/child", "runtimes/programs/", "formats/hdf5/child", "preloading/server")


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(CHILDREN)])
def test_the_child_process_shares_no_code_with_the_replay(module: str) -> None:
    assert not [name for name in imports(module) if name.startswith("lstm_verify")]


def test_the_map_and_the_tree_agree() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    plan = text.split("```\nlstm_verify/\n")[1].split("```")[0]
    drawn = {line.split()[0].rstrip("/") for line in plan.splitlines() if re.match(r"  \S", line)}
    assert drawn == {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}


def test_no_module_is_long() -> None:
    lengths = {module: len((PACKAGE / f"{module}.py").read_text().splitlines()) for module in MODULES}
    assert not {module: length for module, length in lengths.items() if length > 320}


def test_verifying_against_recorded_predictions_imports_no_framework() -> None:
    code = f"""
import sys
import lstm_verify
report = lstm_verify.verify(
    {str(FIXTURES / "origin_tanh_sigmoid.keras3.h5")!r},
    {str(FIXTURES / "origin.x.npy")!r},
    expected={str(FIXTURES / "origin_tanh_sigmoid.keras3.y.npz")!r},
)
report.raise_for_mismatch()
print(sorted({{name.split(".")[0] for name in sys.modules}} & {{"tensorflow", "keras", "tf_keras", "torch", "jax"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_imports_neither_click_nor_rich() -> None:
    code = "import sys, lstm_verify; print(sorted({'click', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

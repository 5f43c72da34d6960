"""Fixtures that test modules share, the marks that follow from them, and how tests are shared out among processes."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

from tests.building import RECIPES, ROOT, Build, Recipe, built
from tests.graph_zoo import GraphZoo
from tests.warm import Servers
from tests.without_frameworks import sitecustomize

FIXTURES = ROOT / "fixtures"
REAL_MODELS = ROOT.parent / "shared" / "models"
CASES = ROOT.parent / "shared" / "cases"
WARM = Servers()
GUARD = str(Path(sitecustomize.__file__).parent)

os.environ["LSTM_VERIFY_STRICT"] = "1"  # mistakes of the package are not taken for damaged files
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):  # tests print the same in GitHub Actions as elsewhere
    os.environ.pop(name, None)

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


# --- models that frameworks built --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def build() -> Build:
    """From a recipe to the folder that a framework has written by it; who asks for it is marked `zoo`.

    The hash of its sources is computed once, since they do not change while tests run.
    """
    found: dict[str, Path] = {}

    def once(recipe: Recipe) -> Path:
        key = repr(recipe)
        if key not in found:
            found[key] = built(recipe)
        return found[key]

    return once


@pytest.fixture(scope="session")
def zoo(build: Build) -> Callable[[str], Path]:
    """The folder of the models that a framework (`keras` or `tf_keras`) built."""
    return lambda framework: build(RECIPES[framework])


@pytest.fixture(scope="session")
def fault_zoo(build: Build) -> Callable[[str], Path]:
    """The folder of honest models and faulty predictions of a framework (`keras`, `tf_keras` or `tf1`)."""
    return lambda framework: build(RECIPES[f"faults_{framework}"])


@pytest.fixture(scope="session")
def edges(build: Build) -> Callable[[str], Path]:
    """The folder of the discrete decisions of a framework (`keras` or `tf_keras`)."""
    return lambda framework: build(RECIPES[f"edges_{framework}"])


@pytest.fixture(scope="session")
def weights_alone(build: Build) -> Callable[[str], Path]:
    """The folder of configs and weights apart, as a framework (`keras` or `tf_keras`) wrote them."""
    return lambda framework: build(RECIPES[f"weights_{framework}"])


@pytest.fixture(scope="session")
def graph_zoo(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GraphZoo]:
    """The models of a zoo of TensorFlow graphs: `tf1`, `saved_keras` or `saved_tf_keras`."""
    found: dict[str, GraphZoo] = {}

    def named(name: str) -> GraphZoo:
        if name not in found:
            found[name] = GraphZoo(build(RECIPES[name]), tmp_path_factory.mktemp(name))
        return found[name]

    return named


# --- marks, and the processes of pytest-xdist --------------------------------------------------------------------


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses models that a framework built; what frameworks are asked live has its mark in its module."""
    if "build" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.zoo)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest: with frameworks, and with groups of many tests."""
    sizes = Counter(group_of(item.nodeid) for item in items)
    groups = {item: group_of(item.nodeid) for item in items}
    items.sort(key=lambda item: (not starts_frameworks(item), -sizes[groups[item]], groups[item]))


OF_GRAPHS = ("test_graph_zoo.py", "test_recovered_cells.py")
"""Modules that read the same graphs."""
CASE_BY_CASE = ("test_diagnosis_zoo.py",)
"""Modules whose tests with the same parameters share something that takes long, and no others do."""


def group_of(nodeid: str) -> str:
    """What a test is kept together with: those of its module, with the same framework as first parameter."""
    module, _, rest = nodeid.partition("::")
    module = "graph zoo" if module.endswith(OF_GRAPHS) else module
    parameters = rest.partition("[")[2]
    if module.endswith(CASE_BY_CASE):
        return f"{module} {parameters}"
    first = parameters.partition("-")[0]
    return f"{module} {first}" if first in ("keras", "tf_keras") else module


class Groups(LoadScopeScheduling):
    """Shares out groups of tests, in their order, among the processes of pytest-xdist."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    config.option.loadscopereorder = False
    return Groups(config, log)


def starts_frameworks(item: pytest.Item) -> bool:
    """Whether a test may: live, or to build what it needs."""
    return any(item.get_closest_marker(mark) for mark in ("framework", "zoo"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread_each() -> None:
    """Processes side by side do not compete for the cores."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        threadpool_limits(1)
        os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


# --- no framework unless a mark says so --------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    os.environ.pop(sitecustomize.NOTES, None)
    if not starts_frameworks(item):
        os.environ[sitecustomize.NOTES] = str(refused_imports())
    WARM.use(starts_frameworks(item) and not item.get_closest_marker("cold"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    notes = refused_imports()
    if notes.exists():
        text = notes.read_text()
        notes.unlink()
        pytest.fail(f"this test starts a framework, so its module needs pytestmark = pytest.mark.framework: {text}")


def refused_imports() -> Path:
    """Where imports of frameworks are noted that have been refused."""
    return Path(tempfile.gettempdir()) / f"lstm-verify-refused-{os.getpid()}"


def pytest_unconfigure() -> None:
    WARM.stop()


def pytest_configure() -> None:
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [GUARD, os.environ.get("PYTHONPATH")]))

"""Fixtures that test modules share: the zoos of models that real frameworks built, and where real models lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.building import COMMANDS, ROOT, Building
from tests.graph_zoo import GraphZoo

FIXTURES = ROOT / "fixtures"
REAL_MODELS = ROOT.parent / "shared" / "models"
CASES = ROOT.parent / "shared" / "cases"
GRAPH_ZOOS = ("tf1", "saved_keras", "saved_tf_keras")
FAULT_ZOOS = ("faults_tf1", "faults_keras", "faults_tf_keras")
EDGE_ZOOS = ("edges_keras", "edges_tf_keras")
FIXTURE_OF = dict.fromkeys(GRAPH_ZOOS, "graph_zoo") | dict.fromkeys(FAULT_ZOOS, "fault_zoo")
FIXTURE_OF |= dict.fromkeys(("weights_keras", "weights_tf_keras"), "weights_alone")
FIXTURE_OF |= dict.fromkeys(EDGE_ZOOS, "edges")
"""By the name of a zoo, the fixture that hands it out; for the others it is `zoo`."""

os.environ["LSTM_VERIFY_STRICT"] = "1"  # mistakes of the package are not taken for damaged files

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture(scope="session", autouse=True)
def building(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """The zoos that some test will ask for, built in the background from the start.

    The environment variable `LSTM_VERIFY_ZOO` names a folder that keeps them from one run to the next.
    """
    kept = os.environ.get("LSTM_VERIFY_ZOO")
    root = Path(kept) if kept else tmp_path_factory.mktemp("zoo")
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    found = Building(root, [name for name in COMMANDS if FIXTURE_OF.get(name, "zoo") in asked])
    yield found
    found.stop()


@pytest.fixture(scope="session")
def zoo(building: Building) -> Callable[[str], Path]:
    """The folder of the models that a framework (`keras` or `tf_keras`) built."""
    return building.folder


@pytest.fixture(scope="session")
def fault_zoo(building: Building) -> Callable[[str], Path]:
    """The folder of honest models and faulty predictions of a framework (`keras`, `tf_keras` or `tf1`)."""
    return lambda framework: building.folder(f"faults_{framework}")


@pytest.fixture(scope="session")
def edges(building: Building) -> Callable[[str], Path]:
    """The folder of the discrete decisions of a framework (`keras` or `tf_keras`)."""
    return lambda framework: building.folder(f"edges_{framework}")


@pytest.fixture(scope="session")
def weights_alone(building: Building) -> Callable[[str], Path]:
    """The folder of configs and weights apart, as a framework (`keras` or `tf_keras`) wrote them."""
    return lambda framework: building.folder(f"weights_{framework}")


@pytest.fixture(scope="session")
def graph_zoo(building: Building, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GraphZoo]:
    """The models of a zoo of TensorFlow graphs, one of `GRAPH_ZOOS`."""
    found: dict[str, GraphZoo] = {}

    def named(name: str) -> GraphZoo:
        if name not in found:
            found[name] = GraphZoo(building.folder(name), tmp_path_factory.mktemp(name))
        return found[name]

    return named

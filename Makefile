# Needs Python 3.11 or later, and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin

# child processes of tests start faster with their bytecode kept, whatever the environment says
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast check fixtures tables benchmark clean

demo: .venv/installed ## install, and verify a model of fixtures/
	$(BIN)/lstm-verify fixtures/origin_tanh_sigmoid.keras3.h5 --input fixtures/origin.x.npy

test: .venv/installed ## the whole test suite, in two processes; what frameworks build for it is kept in .cache
	$(BIN)/python -m pytest -n 2

test-fast: .venv/installed ## what needs no framework, in a minute or so
	$(BIN)/python -m pytest -n 2 -m "not framework and not zoo"

check: .venv/installed ## style, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

fixtures: .venv/installed ## make the models of fixtures/ anew, with the real frameworks
	$(BIN)/python fixtures/make.py
	$(BIN)/python -m fixtures.onnx_files
	$(BIN)/lstm-verify record fixtures/origin_tanh_sigmoid.keras3.h5 -i fixtures/origin.x.npy -o fixtures/origin.golden --update -q

tables: .venv/installed ## make docs/saved-models.md, diagnosis.md and formats.md anew, from models that take half an hour to build
	$(BIN)/python -m tests.zoo.saved_models --framework keras --all --out build/zoo/keras
	$(BIN)/python -m tests.zoo.saved_models --framework tf_keras --all --out build/zoo/tf_keras
	$(BIN)/python -m tests.zoo.table --zoo build/zoo
	$(BIN)/python -m tests.zoo.faults.build --framework keras --out build/zoo/faults_keras
	$(BIN)/python -m tests.zoo.faults.build --framework tf_keras --out build/zoo/faults_tf_keras
	$(BIN)/python -m tests.zoo.faults.tf1 --out build/zoo/faults_tf1
	$(BIN)/python -m tests.zoo.faults.table --zoo build/zoo
	$(BIN)/python -m tests.zoo.onnx.table --out docs/formats.md

benchmark: .venv/installed ## print the tables of docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

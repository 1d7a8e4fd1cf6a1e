# One word per thing to do. A fresh machine needs Python 3.11 or newer with venv; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_INSTALLED := $(VENV)/.installed-demo
DEMO_GENERATE_INSTALLED := $(VENV)/.installed-demo-generate
ORACLES_INSTALLED := $(VENV)/.installed-oracles

.PHONY: install demo demo-generate test test-all lint format bench docs claims clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(DEMO_INSTALLED): $(INSTALLED) requirements/demo.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/demo.txt
	touch $@

$(DEMO_GENERATE_INSTALLED): $(DEMO_INSTALLED) requirements/demo-generate.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/demo-generate.txt
	touch $@

$(ORACLES_INSTALLED): $(INSTALLED) requirements/oracles.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/oracles.txt
	touch $@

.demo/sentiment.csv: demo/fetch.py | $(INSTALLED)
	$(BIN)/python demo/fetch.py .demo

# The main job on real data with a real model: data in, an accountable model out, and the page that shows it.
demo: $(DEMO_INSTALLED) .demo/sentiment.csv
	$(BIN)/goodfit run demo/recipe.yaml --workspace .demo/runs

.demo/docstrings.jsonl: demo/docstrings.py | $(INSTALLED)
	$(BIN)/python demo/docstrings.py .demo

# The second demo: a small language model learns a task, beside its base model and the nearest training answer.
demo-generate: $(DEMO_GENERATE_INSTALLED) .demo/docstrings.jsonl
	$(BIN)/goodfit run demo/generate.yaml --workspace .demo/runs

# What every change must pass; under 20 minutes on two cores.
test: $(DEMO_INSTALLED) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

# The slow checks too: simulations at full length, a million rows, losses beside TRL's. Before a release.
test-all: $(DEMO_INSTALLED) $(ORACLES_INSTALLED) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Benchmarks leave their figures in benchmarks/results; README tables are made from those.
bench: $(DEMO_GENERATE_INSTALLED) $(ORACLES_INSTALLED)
	$(BIN)/python -m benchmarks.all

claims: $(INSTALLED)
	$(BIN)/python -m benchmarks.claims --markdown

# Pages that are made from the code.
docs: $(INSTALLED)
	$(BIN)/python -m scripts.reference --write

clean:
	rm -rf $(VENV) .demo build dist .pytest_cache .mypy_cache .ruff_cache

# Needs Python 3.11 or newer, and nothing else installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test ui lint lock clean

demo: $(READY)
	$(BIN)/migrate demo

# Tests start dozens of interpreters: bytecode is kept even where the environment says not to.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

ui: $(READY)
	$(BIN)/migrate ui

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The lock is compiled for every platform and Python from 3.11 on; it names packages and hashes, never where they come from.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

clean:
	rm -rf $(VENV) data/sandbox

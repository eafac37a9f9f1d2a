# The same targets for a person and for CI. Needs Python 3.11 or later and nothing else.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
BIN := .venv/bin
# the real faces used for development, where they are at hand
ifneq ($(wildcard ../shared/data),)
export TWINLENS_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test check bench clean setup

demo: .venv/demo  ## enrol a person from one photo, find her again, answer unknown for others
	$(BIN)/twinlens demo

test: .venv/dev  ## the default tests, under two minutes on two cores
	$(BIN)/pytest -q -n 2 -m "not slow"

check: .venv/dev  ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev  ## every figure of docs/benchmarks.md that needs no peer
	$(BIN)/python benchmarks/speed.py

setup: .venv/dev

clean:
	rm -rf .venv build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Twinlens needs Python 3.11 or later on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml
	@echo 'installing packages into .venv: one to several minutes'
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml
	@echo 'installing packages into .venv: one to several minutes'
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ .venv/demo

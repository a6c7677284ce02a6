# Every target makes the environment it needs: a fresh machine with Python 3.11+, make and a package index is enough.
# `PYTHON=python3.13 make test` chooses another interpreter; each has an environment of its own.

PYTHON ?= python3
PYTHON_PATH := $(shell .ci/find-python $(PYTHON))
ifeq ($(PYTHON_PATH),)
$(error no working $(PYTHON) of version 3.11 or newer)
endif
TAG := $(shell $(PYTHON_PATH) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV := .venv/$(TAG)
PY := $(VENV)/bin/python
JUDGE := .venv/judge-$(TAG)
ARGS ?=
ONLY ?=

.PHONY: help demo test test-fast agreement soak check bench conformance coverage format clean

help:
	@echo "make demo         run the demonstration service and its clients (ARGS=--once ends by itself)"
	@echo "make test         run the tests (ARGS='-k name' passes arguments to pytest)"
	@echo "make agreement    run the same tests under pytest and under trial, and compare"
	@echo "make soak         let connections come and go for two minutes, half of them misbehaving, and see what is left"
	@echo "make check        lint, formatting, types, architecture"
	@echo "make bench        measure beside the peers and hold the budgets (ONLY=echo runs one)"
	@echo "make conformance  run Twisted's own tests on Selvage (ARGS='twisted.internet.test.test_core' runs some)"
	@echo "make coverage     write docs/reference/coverage.md anew: what is native, what comes from Twisted"

# Stamps keep the second run quick: an environment is renewed when what it is made of changes.
$(VENV)/base.stamp: pyproject.toml
	$(PYTHON_PATH) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PY) -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/base.stamp
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/check.stamp: $(VENV)/test.stamp
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test,check]'
	@touch $@

# Twisted with what its own tests ask for, beside Selvage: the judge of conformance and the peer of the benchmarks.
$(JUDGE)/judge.stamp: pyproject.toml tests/conformance/requirements.txt
	$(PYTHON_PATH) -m venv $(JUDGE)
	$(JUDGE)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(JUDGE)/bin/python -m pip install --quiet --disable-pip-version-check -e . -r tests/conformance/requirements.txt
	@touch $@

demo: $(VENV)/base.stamp
	$(VENV)/bin/selvage demo $(ARGS)

test: $(VENV)/test.stamp
	$(PY) -m pytest $(ARGS)

test-fast: $(VENV)/test.stamp
	$(PY) -m pytest -m "not slow" $(ARGS)

agreement: $(VENV)/test.stamp
	$(PY) -m tests.agreement $(ARGS)

soak: $(VENV)/test.stamp
	$(PY) -m tests.soak $(ARGS)

check: $(VENV)/check.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) -m pytest -q tests/test_architecture.py tests/test_public_api.py tests/typing

format: $(VENV)/check.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(JUDGE)/judge.stamp
	$(JUDGE)/bin/python -m benchmarks $(if $(ONLY),--only "$(ONLY)") $(ARGS)

conformance: $(JUDGE)/judge.stamp
	$(JUDGE)/bin/python -m tests.conformance $(ARGS)

coverage: $(VENV)/test.stamp
	$(PY) -m tests.coverage_table

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis build dist

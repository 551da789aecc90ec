# Two commands are enough: `make run` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
# Test processes side by side.
JOBS ?= 2

BIN := .venv/bin
FLASK := $(BIN)/flask --app app
PYTEST := $(BIN)/python -m pytest
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UNFETCHED := { echo "The packages could not be fetched. pip needs a package index: behind a proxy set HTTPS_PROXY, for a mirror PIP_INDEX_URL, then run make again." >&2; exit 1; }
COVERAGE := --cov --cov-report=

export PORT
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests run test test-fast lint soak bench audit migrations clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Stamps: a step is done again only when what it was made from has changed.

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; PYTHON=<path> make ... takes another one")'
	@$(PYTHON) -m tools.system venv
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.packages: requirements.txt | .venv/bin/python
	@$(PIP) -r requirements.txt || $(UNFETCHED)
	@touch $@

.venv/.packages-dev: requirements-dev.txt .venv/.packages
	@$(PIP) -r requirements.txt -r requirements-dev.txt || $(UNFETCHED)
	@touch $@

setup: export VIELSTIMMIG_DEMO ?= 1
setup: .venv/.packages ## virtual environment, packages, fonts and speech, translations, databases
	@$(BIN)/python -m tools.system demo
	@$(FLASK) i18n compile
	@$(FLASK) db-upgrade

setup-tests: setup .venv/.packages-dev ## setup and what tests need: Chromium, R, PSPP and the test tools
	@$(BIN)/python -m tools.system tests

run: export VIELSTIMMIG_DEMO ?= 1
run: setup ## the demo at http://127.0.0.1:8000 (PORT=... for another port); Ctrl-C stops it
	@$(FLASK) demo --if-empty
	@exec $(FLASK) serve --port $(PORT)

test: setup-tests lint ## every check: linters, then all tests with coverage, fast ones first
	$(PYTEST) -q -n $(JOBS) --dist loadfile -m "not slow and not browser and not postgres and not soak" $(COVERAGE)
	$(PYTEST) -q -n $(JOBS) --dist loadfile -m "(slow or browser or postgres) and not soak" $(COVERAGE) --cov-append
	@$(BIN)/coverage report --skip-covered --skip-empty
	@$(BIN)/python -m tools.coverage_of_pure

test-fast: .venv/.packages-dev ## tests without browser, PostgreSQL and slow ones
	$(PYTEST) -q -m "not slow and not browser and not postgres and not soak"

lint: .venv/.packages-dev ## ruff, mypy, djlint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates

soak: setup-tests ## long attacks and simulations (docs/soak.md)
	$(PYTEST) -q -n $(JOBS) -m soak

# The rival of the tally wants an older numpy, so it has an environment of its own; without it the tally runs alone.
bench/.peer/.ready:
	-@$(PYTHON) -m venv bench/.peer && bench/.peer/bin/python -m pip install --quiet --disable-pip-version-check pref_voting==1.18.2 && touch $@

bench: .venv/.packages-dev bench/.peer/.ready ## benchmarks against rivals and the physical floor (QUICK=1, NAMES="...")
	$(BIN)/python -m tools.benchmarks $(if $(QUICK),--quick) $(NAMES)

audit: .venv/.packages-dev ## known weaknesses in the packages; needs the open internet
	$(BIN)/python -m tools.audit

migrations: export VIELSTIMMIG_DEMO ?= 1
migrations: .venv/.packages ## write migrations for changed models (MESSAGE="what changed")
	$(FLASK) db-revision "$(or $(MESSAGE),Change of models)"

clean: ## remove caches and the virtual environment; the databases in instance/ stay
	rm -rf .venv bench/.peer .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

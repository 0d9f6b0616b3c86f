# `make run` and `make test` work from a clean clone: they make .venv, install the locked versions and fetch what is
# missing. Another Python: PYTHON=python3.12 make run

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Which Python .venv was made with: another one makes it anew, none named keeps it.
MADE_WITH := $(shell cat $(VENV)/.python 2>/dev/null)
ifndef PYTHON
  PYTHON := $(or $(MADE_WITH),python3)
endif
PROMPT ?= Which RAM address holds Link's current health?
export PROMPT

.DEFAULT_GOAL := help
.PHONY: help setup asar model run test check lint type contracts facts docs-check bench bench-peers docs smoke eval-experts lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 23

ifneq ($(PYTHON),$(MADE_WITH))
$(READY): another-python
endif
.PHONY: another-python
another-python:

$(READY): requirements.lock pyproject.toml
	@.ci/setup "$(PYTHON)"
	@printf '%s' "$(PYTHON)" > $(VENV)/.python && touch $@

setup: $(READY) ## make .venv with the locked versions

asar: $(READY)
	@$(BIN)/afs fetch asar

model: $(READY)
	@$(BIN)/afs fetch model

run: asar model ## set everything up, then answer a question on the embedded model (PROMPT="...")
	@$(BIN)/afs-run "$$PROMPT" 2>&1

test: $(READY) ## set everything up, then run the tests (ARGS="-k name")
	@$(BIN)/afs fetch asar || echo "make: no asar, so the tests that need it are skipped" >&2
	@$(BIN)/python -m pytest $(ARGS)

check: lint type contracts facts docs-check test ## all that .ci/run asks: lint, types, contracts, facts, docs, tests

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && echo "lint: clean"

type: $(READY) ## mypy and pyright, both strict
	@$(BIN)/mypy && $(BIN)/mypy --strict .ci/lock.py docs/generate.py
	@if command -v node >/dev/null && command -v npm >/dev/null; \
	  then $(BIN)/pyright --pythonpath $(BIN)/python && $(BIN)/pyright --pythonpath $(BIN)/python .ci/lock.py docs/generate.py; \
	  else echo "pyright: SKIPPED, it needs node and npm (on Debian: apt-get install nodejs npm)"; fi

contracts: $(READY) ## who may import whom
	@$(BIN)/lint-imports --no-logo

facts: $(READY) ## rows of the fact tables by confidence; fails where one has no source
	@$(BIN)/python -m knowledge.alttp.report

docs: $(READY) ## write the tool tables from the servers themselves, and what the CPU was held to
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m tests.oracle.coverage

docs-check: $(READY)
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/python -m tests.oracle.coverage --check
	@$(BIN)/python -m knowledge.m65816.cpu_generate --check
	@$(BIN)/python .ci/lock.py --check

bench: $(READY) ## speed as ratios in one run; fails on a missed bound (ARGS="--json FILE")
	@$(BIN)/python -m benchmarks.bench $(ARGS)

bench-peers: $(READY) ## our runner beside five others; pip installs those below your cache folder, 1 GB (ARGS="--rounds 3")
	@$(BIN)/python -m benchmarks.peers.compare $(ARGS)

smoke: asar model ## ten prompts on the embedded model, at least nine right
	@$(BIN)/python -m benchmarks.smoke $(ARGS)

eval-experts: asar model ## experts without and with checks, graded by running; hours, goes on where it stopped (ARGS="--limit 4")
	@$(BIN)/python -m benchmarks.experts.evaluate $(ARGS)

lock: $(READY) ## lock the versions again (UPGRADE=1 takes the newest)
	@$(BIN)/python .ci/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove .venv and all caches; what was fetched stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

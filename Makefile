# Every target sets up what it needs: a fresh clone with make, Python 3.11+ and a package index is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
MODEL := $(VENV)-model/.done
PORT ?= 8400

.PHONY: up demo test test-crash test-real-model check format bench lock clean help

up: $(RUNTIME)  ## plan, apply and serve this repository's configuration; LIVE=1 for real providers
	@$(BIN)/modelops up --port $(PORT) $(if $(LIVE),,--simulate)

demo: $(RUNTIME)  ## the whole journey as one shot
	@$(BIN)/python scripts/demo.py

# Three on two cores: a third of the time a test waits for a server. By `worksteal` none is idle at the end.
test: $(DEV)  ## everything but the long kill tests
	$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not crash and not real_model"

test-crash: $(DEV)  ## the long kill tests in full
	$(BIN)/python -m pytest -q -m crash -o faulthandler_timeout=1800

test-real-model: $(DEV) $(MODEL)  ## a real model as a target; llama.cpp compiles for some minutes
	$(BIN)/python -m pytest -v -m real_model tests/e2e/test_real_model.py

check: $(DEV)  ## format, lint, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for file in $$(git ls-files "*conftest.py"); do $(BIN)/mypy --no-error-summary $$file || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/modelops schema --check

format: $(DEV)  ## rewrite format and generated files
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/modelops schema --write

bench: $(BENCH)  ## measure what needs no other gateway; benchmarks/README.md says how to read it
	$(BIN)/python -m benchmarks

lock:  ## pin dependencies anew, hashes included
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml --group build -o requirements/runtime.txt
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml --group bench -c requirements/runtime.txt -o requirements/bench.txt
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		--group model -o requirements/model.txt
	rm -rf .venv-lock

clean:  ## remove the environments, caches, and `.modelops` with its stores and keys
	rm -rf $(VENV) $(VENV)-model .modelops .pytest_cache .mypy_cache .ruff_cache .hypothesis

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("modelops needs Python 3.11 or newer; set PYTHON=") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(VENV)/bin/python requirements/runtime.txt pyproject.toml
	@echo "installing dependencies into $(VENV) ..." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(BENCH): $(RUNTIME) requirements/bench.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

$(MODEL): requirements/model.txt
	@$(PYTHON) -m venv $(VENV)-model
	@echo "compiling llama.cpp into $(VENV)-model: some minutes ..." >&2
	@$(VENV)-model/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/model.txt
	@touch $@

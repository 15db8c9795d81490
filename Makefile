# Every target sets up what it needs: a fresh clone with make, Python 3.11+ and a package index is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
MODEL := $(VENV)-model/.done
PORT ?= 8400
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

.PHONY: up demo test test-crash test-real-model check format bench lock clean help

up: $(RUNTIME)  ## plan, apply and serve this repository's configuration; LIVE=1 for real providers
	@$(BIN)/modelops up --port $(PORT) $(if $(LIVE),,--simulate)

demo: $(RUNTIME)  ## run the whole journey once: validate, plan, apply, serve, fail over, report
	@$(BIN)/python scripts/demo.py

# Three processes on two cores, since tests wait for servers a third of the time; `worksteal` keeps all three busy.
test: $(DEV)  ## run the tests, except the long kill tests
	$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not crash and not real_model"

test-crash: $(DEV)  ## run the long kill tests
	$(BIN)/python -m pytest -q -m crash -o faulthandler_timeout=1800

test-real-model: $(DEV) $(MODEL)  ## test with a real model; compiling llama.cpp takes some minutes
	$(BIN)/python -m pytest -v -m real_model tests/e2e/test_real_model.py

check: $(DEV)  ## check format, lint, types, import contracts and generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for file in $$(git ls-files "*conftest.py"); do $(BIN)/mypy --no-error-summary $$file || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/modelops schema --check

format: $(DEV)  ## rewrite formatting and the JSON Schemas
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/modelops schema --write

bench: $(BENCH)  ## run the benchmarks that need no other gateway; see benchmarks/README.md
	$(BIN)/python -m benchmarks

lock:  ## pin dependencies and their hashes after a change in pyproject.toml
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	$(COMPILE) pyproject.toml --group build -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --group build --extra postgres -c requirements/runtime.txt -o requirements/postgres.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/postgres.txt -o requirements/dev.txt
	$(COMPILE) pyproject.toml --group bench -c requirements/runtime.txt -o requirements/bench.txt
	$(COMPILE) --group model -o requirements/model.txt
	rm -rf .venv-lock

clean:  ## remove the environments, caches, and `.modelops` with its stores and keys
	rm -rf $(VENV) $(VENV)-model .modelops .pytest_cache .mypy_cache .ruff_cache .hypothesis

help:  ## list these targets
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
	@echo "compiling llama.cpp into $(VENV)-model; this takes some minutes ..." >&2
	@$(VENV)-model/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/model.txt
	@touch $@

.DEFAULT_GOAL := help
.PHONY: help run test deep check bench wheels zips lock clean

VENV := .venv
BIN := $(VENV)/bin
EMULATOR := $(VENV)/emulator
PYTHON ?= python3
PLATFORM ?= linux-arm64
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python $(BIN)/python --python-version 3.11 --generate-hashes \
  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/run  ## set up and serve demo data of ./data on 127.0.0.1:8000
	$(BIN)/telemed serve --demo

test: $(VENV)/dev $(VENV)/chromium $(EMULATOR)/made  ## set up and run every part of the tests, gates included
	$(BIN)/python tests/run_parts.py

deep: $(VENV)/dev $(VENV)/chromium $(EMULATOR)/made  ## the same with large numbers
	TELEMED_TEST_SCALE=deep $(BIN)/python tests/run_parts.py

check: $(VENV)/dev  ## format, lint, types, rules of dependency and the unit tests
	$(BIN)/python tests/run_parts.py gates unit

bench: $(VENV)/dev $(EMULATOR)/made  ## print ratios against floors and peers
	PYTHONPATH=tests $(BIN)/python -m benchmarks

wheels: $(VENV)/dev  ## build telemed and telemed-core into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	$(BIN)/python -m build --wheel --no-isolation --outdir dist packaging/telemed-core

zips: $(VENV)/dev  ## pack the functions for Lambda on arm64 into dist/lambdas/; make zips PLATFORM=here: for this machine
	PYTHONPATH=packaging/lambdas $(BIN)/python -m lambda_zips --platform $(PLATFORM)

lock: $(VENV)/dev  ## pin the newest allowed versions by hash, without addresses
	$(COMPILE) --group build --output-file requirements/build.txt
	$(COMPILE) pyproject.toml --extra local --extra postgres --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --all-extras --group dev --constraints requirements/build.txt --constraints requirements/runtime.txt \
	  --output-file requirements/dev.txt
	$(COMPILE) --group emulator --output-file requirements/emulator.txt
	@# Functions get what was tested; what has bounds of its own among them is left to these.
	sed '/^psycopg/,/[^\\]$$/d' requirements/dev.txt | $(COMPILE) --group lambda --constraints - --output-file requirements/lambda.txt
	@if grep -n '://' requirements/*.txt; then echo 'an address in a lock'; exit 1; fi

clean:  ## remove all that was made here
	rm -rf $(VENV) dist build .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# What is installed is pinned by hash, the build back end included: nothing is built in an environment of its own.
$(VENV)/run: $(VENV)/made requirements/build.txt requirements/runtime.txt pyproject.toml
	$(PIP) install --require-hashes --requirement requirements/build.txt --requirement requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

# An emulator of AWS. It holds botocore to another version than ours, and so it is installed apart.
$(EMULATOR)/made: $(VENV)/made requirements/emulator.txt
	$(PYTHON) -m venv $(EMULATOR)
	$(EMULATOR)/bin/python -m pip --quiet --quiet --disable-pip-version-check install --only-binary :all: --require-hashes \
	  --requirement requirements/emulator.txt
	@touch $@

# In it two people see each other. Debian has a package of it; CHROMIUM=path names another one.
$(VENV)/chromium: $(VENV)/made
	@if [ -n "$$CHROMIUM" ]; then \
	  command -v "$$CHROMIUM" > /dev/null || { echo "CHROMIUM: there is no program at $$CHROMIUM" >&2; exit 1; }; \
	elif command -v chromium > /dev/null; then \
	  touch $@; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update --quiet && DEBIAN_FRONTEND=noninteractive apt-get install --quiet -y --no-install-recommends chromium && touch $@; \
	else \
	  echo 'the tests need Chromium: install it, run this as root where apt-get is, or make CHROMIUM=path … names one' >&2; exit 1; \
	fi

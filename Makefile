# SPDX-License-Identifier: Apache-2.0
#
#   make demo   compile the sample, run it on this computer and, with a Zephyr, on an emulated board
#   make test   all tests; those that need a Zephyr skip without one
#
# Both set up what they need in .venv and say which packages of the system are missing.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(VENV)/ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/demo.sh

test: lint
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

$(VENV)/ready: requirements.txt requirements-compiler.txt tools/setup.sh
	@tools/setup.sh "$(PYTHON)" "$(VENV)" requirements-compiler.txt
	@touch $@

$(VENV)/ready-dev: requirements.txt requirements-compiler.txt requirements-dev.txt tools/setup.sh
	@tools/setup.sh "$(PYTHON)" "$(VENV)" requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) build

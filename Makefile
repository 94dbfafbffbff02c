.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test lint format types golden bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## build the wheel, install it, and show what it does
	@$(PYTHON) examples/demo.py

test: $(INSTALLED) lint types ## run every check
	$(BIN)/python -m pytest -n auto

lint: $(INSTALLED) ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## check the types
	$(BIN)/mypy
	$(BIN)/pyright

format: $(INSTALLED) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(INSTALLED) ## render the fixture catalogue's golden file again
	$(BIN)/python -m holotype_codegen generate tests/fixtures/small/models.json \
		--output tests/golden/small_models.py --line-length 100

bench: $(INSTALLED) ## measure against the peers, in benchmarks/
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/run.py

clean: ## remove what the other targets made
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis src/holotype/models.py

$(INSTALLED): pyproject.toml constraints.txt models.json hatch_build.py $(wildcard src/holotype_codegen/*.py) \
		src/holotype_codegen/templates/models.py.jinja schema/models.schema.json
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	touch $@

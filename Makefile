# Every target works on a fresh clone: the first one that needs it makes .venv, and again when the requirements change.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first Python on this machine that is new enough, unless PYTHON=/path/to/python is given.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,\
            $(shell $(name) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(name))))
VENV_PYTHON := .venv/bin/python
READY := .venv/.requirements-installed

.PHONY: help setup run lab notebooks test test-fast test-slow look lint types bench-train bench-responses bench-probes bench-attributions bench-first-paint bench-first-answer bench-evaluation bench-lesions bench-clicks bench-block-clicks bench-import bench-scale bench-folder gpu-check zoo zoo-pack zoo-lesions clean

help: ## Show this list
	@echo 'ResNet Explorer: make TARGET'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create the environment .venv and install everything into it

run: $(READY) ## Open the app (PORT=8600 for another port)
	@exec $(VENV_PYTHON) -m streamlit run streamlit_app.py $(if $(PORT),--server.port $(PORT))

NOTEBOOKS ?= notebooks

lab: $(READY) ## Open the notebooks in JupyterLab, with this project's Python (PORT=8889 for another port)
	@PYTHONPATH='$(CURDIR)' JUPYTER_CONFIG_PATH='$(CURDIR)/notebooks/.jupyter' JUPYTER_PREFER_ENV_PATH=1 OMP_WAIT_POLICY=PASSIVE \
	    exec $(VENV_PYTHON) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir='$(NOTEBOOKS)' $(if $(PORT),--port $(PORT)) $(ARGS)

notebooks: $(READY) ## Run the notebooks whose source has changed and keep their outputs (ARGS=--all for all; needs chromium)
	$(VENV_PYTHON) -m notebooks.build $(ARGS)

# Several processes with one thread each; tests that measure times of drawing or waiting run alone afterwards.
PARALLEL := OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -n auto --maxprocesses 4 --dist worksteal $(if $(CI),--durations=20)

test: $(READY) ## Run all tests: unit, app, worker, faults, browser
	$(PARALLEL) -m 'not slow and not alone'
	$(VENV_PYTHON) -m pytest -m alone tests/browser

test-fast: $(READY) ## Run the quick unit tests in a minute: one network a family; what trains, starts processes or takes seconds is left out
	$(PARALLEL) -m 'not slow and not thorough' tests/unit

test-slow: $(READY) ## Run the tests that take minutes
	$(VENV_PYTHON) -m pytest -m slow --timeout 1800

look: $(READY) ## Take screenshots of pages (PAGE='train degradation?experiment=shipped-digits')
	$(VENV_PYTHON) -m tests.browser.look $(PAGE)

lint: $(READY) ## Check style and format
	$(VENV_PYTHON) -m ruff check --quiet
	$(VENV_PYTHON) -m ruff format --check --quiet

types: $(READY) ## Check types
	$(VENV_PYTHON) -m mypy

bench-train: $(READY) ## Measure training speed against a plain reference (needs CIFAR-10)
	$(VENV_PYTHON) -m benchmarks.train_speed $(ARGS)

bench-evaluation: $(READY) ## Measure the cost of an evaluation against a plain forward pass
	OMP_WAIT_POLICY=passive $(VENV_PYTHON) -m benchmarks.evaluation_cost $(ARGS)

bench-lesions: $(READY) ## Measure the cost of deleting each block in turn against plain forward passes
	OMP_WAIT_POLICY=passive $(VENV_PYTHON) -m benchmarks.lesions $(ARGS)

bench-responses: $(READY) ## Measure the cost of response statistics against a bare forward pass
	$(VENV_PYTHON) -m benchmarks.response_cost $(ARGS)

bench-probes: $(READY) ## Measure what probes of the layers add to the training time
	$(VENV_PYTHON) -m benchmarks.probe_cost $(ARGS)

bench-attributions: $(READY) ## Measure the cost of attributions: batches, single images, Captum alone, a grid of maps
	$(VENV_PYTHON) -m benchmarks.attribution_cost $(ARGS)

bench-first-paint: $(READY) ## Measure the time from start to the first page (needs chromium)
	$(VENV_PYTHON) -m benchmarks.first_paint $(ARGS)

bench-first-answer: $(READY) ## Measure the wait for the first picture after a start (needs chromium)
	$(VENV_PYTHON) -m benchmarks.first_answer $(ARGS)

bench-clicks: $(READY) ## Measure how quickly pages answer a click while an experiment trains (needs chromium, CIFAR-10)
	$(VENV_PYTHON) -m benchmarks.click_time $(ARGS)

bench-block-clicks: $(READY) ## Measure how quickly the Blocks page answers a click on a block (needs chromium, CIFAR-10)
	$(VENV_PYTHON) -m benchmarks.block_clicks $(ARGS)

bench-import: $(READY) ## Measure what measuring the network adds to an import of weights (needs CIFAR-10)
	OMP_WAIT_POLICY=passive $(VENV_PYTHON) -m benchmarks.import_cost $(ARGS)

bench-scale: $(READY) ## Measure listing and drawing of hundreds of runs (1.4 GB in the temporary folder)
	$(VENV_PYTHON) -m benchmarks.scale $(ARGS)

bench-folder: $(READY) ## Measure adding and evaluating a folder of 10,000 photographs (2.2 GB in the temporary folder)
	$(VENV_PYTHON) -m benchmarks.folder_cost $(ARGS)

gpu-check: $(READY) ## Check and time everything on a GPU, in four minutes (ARGS='--cifar test_batch')
	$(VENV_PYTHON) -m benchmarks.gpu_check $(ARGS)

# Where the shipped networks are trained: never in the checkout.
ZOO_HOME ?= $(HOME)/.cache/resnet-explorer-zoo

zoo: $(READY) ## Train the networks that ship in checkpoints/ (half a day on two cores; continue with make zoo)
	EXPLORER_HOME='$(ZOO_HOME)' $(VENV_PYTHON) -m checkpoints.zoo train $(ARGS)

zoo-pack: $(READY) ## Put the networks that have finished into checkpoints/
	EXPLORER_HOME='$(ZOO_HOME)' $(VENV_PYTHON) -m checkpoints.zoo pack $(ARGS)

zoo-lesions: $(READY) ## Delete each block of the networks in checkpoints/ in turn, and write the errors beside them
	$(VENV_PYTHON) -m checkpoints.lesions $(ARGS)

clean: ## Remove the environment and all caches; runs and data stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose Python is gone or too old is created again.
ifneq ($(shell $(VENV_PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null && echo usable),usable)
.PHONY: $(READY)
endif

$(READY): $(wildcard requirements*.txt)
	@if ! '$(PYTHON)' -c '$(NEW_ENOUGH)' 2>/dev/null; then \
	    echo 'Python 3.11 or newer is missing; $(or $(PYTHON),python3) is $(or $(shell command -v $(or $(PYTHON),python3) >/dev/null && $(or $(PYTHON),python3) --version 2>&1 | head -1),not there).' >&2; \
	    echo 'Install it, or give the path of one: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.11' >&2; exit 1; fi
	@if ! '$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo 'The venv module of $(PYTHON) is missing. On Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; fi
	@$(VENV_PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null && $(VENV_PYTHON) -m pip --version >/dev/null 2>&1 || \
	    '$(PYTHON)' -m venv --clear .venv
	@echo 'Installing the requirements into .venv; the first time takes some minutes and about 6 GB of disk.'
	@$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-input -r requirements-dev.txt || { \
	    echo 'Installing failed, for the reason above. Is there a network, and room on the disk? Then run make again.' >&2; \
	    exit 1; }
	@touch $@

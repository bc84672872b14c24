# Jianzhen 鉴真. `make help` explains every target; needs Python >= 3.11, make and git, nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
PACKAGES := contracts standards policy tlog kit ingest qc cases credit publish evidence gateway portal issuer jianzhen jianzhen_client
WORKERS ?= 3
FAST := not slow and not chaos and not browser
PASSED := .artefacts/passed
TREE := git rev-parse HEAD && git diff HEAD | cksum && git status --porcelain | cksum
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile

.PHONY: help setup assets portal-assets up down status demo lint format types imports unit test test-all chaos fuzz \
	bench bench-large lock docs screenshots kubectl tools clean distclean

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "  afterwards:         .venv/bin/jianzhen --help"

setup: ## Install everything into this clone (.venv), nothing outside it; no root
	@sh infra/local/setup.sh
	@sh infra/local/assets.sh

assets portal-assets: setup ## Fetch the portal's npm packages (done by setup, too)

up: setup ## Start the whole platform in the background, load the demo region, run the demo, say where to look
	@$(BIN)/jianzhen up

down: setup ## Stop it; no process is left, the data stay in .state
	@$(BIN)/jianzhen down

status: setup ## What runs, since when, and is it ready
	@$(BIN)/jianzhen status

demo: setup ## Run the demo again on the running platform
	@$(BIN)/jianzhen demo

lint: setup ## Style, format, types and who-may-import-whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(MAKE) --no-print-directory types imports

types: setup
	$(BIN)/mypy $(PACKAGES:%=-p %)

imports: setup
	$(BIN)/lint-imports

format: setup ## Let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

unit: setup kubectl ## Tests only, without lint and without what takes minutes; PATHS=services/qc narrows it
	$(PYTEST) -m "$(FAST)" $(PATHS)

test: lint kubectl ## Lint and all tests that take seconds, on real servers of their own, beside a running `make up`
	@rm -f $(PASSED)
	$(PYTEST) -m "$(FAST)"
	@mkdir -p .artefacts && ($(TREE)) >$(PASSED) 2>/dev/null || true

test-all: lint tools ## Everything: also slow tests, kill -9 in a row and the browser
	@mkdir -p .artefacts
	@if [ -s $(PASSED) ] && [ "$$($(TREE))" = "$$(cat $(PASSED))" ]; then \
	  echo "what 'make test' passed on this very tree is not run again"; chosen="(slow or chaos) and "; fi; \
	$(PYTEST) -m "$${chosen}not platform and not browser and not fuzz"
	@# A platform that is killed and comes back waits most of its time: the browser uses it, and the fuzzers what is idle.
	@{ CHROMIUM=$(CURDIR)/.tools/chromium $(BIN)/pytest -m browser && nice -n 19 $(BIN)/pytest -m fuzz; } \
	  >.artefacts/beside.log 2>&1 & beside=$$!; \
	$(BIN)/pytest -m "platform and not browser"; platform=$$?; \
	wait $$beside; code=$$?; cat .artefacts/beside.log; [ $$platform -eq 0 ] && [ $$code -eq 0 ]

chaos: setup ## Only the tests that kill processes, fill disks and cut the bus
	$(BIN)/pytest -m chaos

fuzz: setup ## Property tests with 2,000 examples each, then each parser by coverage: FUZZ_SECONDS (3600), FUZZ_INPUTS
	$(BIN)/pytest --hypothesis-profile=fuzz --timeout=900 -m "hypothesis and not slow"
	$(BIN)/python tests/fuzz/run.py all --seconds $${FUZZ_SECONDS:-3600} --inputs $${FUZZ_INPUTS:--1}

bench: setup ## Figures beside limits and a peer in the same run (12 min); WRITE=1 fills the READMEs
	@sh tests/bench/sensorthings/setup.sh
	$(BIN)/python tests/bench/run.py $(if $(WRITE),--write) $(ARGS)

bench-large: setup ## The same at 1 to ROWS=100000000 observations; asks the disk first; WRITE=1 puts the plots into docs
	$(BIN)/python tests/bench/large.py $(if $(ROWS),--rows $(ROWS)) $(if $(WRITE),--pictures docs/pictures) $(ARGS)

screenshots: setup tools ## Pictures of the running portal: zh and en, phone and desktop (.artefacts/)
	CHROMIUM=$(CURDIR)/.tools/chromium $(BIN)/pytest -m browser

docs: setup ## Renew what is made from code: asyncapi.yaml, the event table, the bus accounts, the Python client
	$(BIN)/python -m jianzhen.streams --write infra/nats
	$(BIN)/python -m jianzhen.documents write

lock: setup ## Renew locks/ after a change of dependencies (UPGRADE=1: newer uv and node, too)
	@sh infra/local/lock.sh

kubectl: setup
	@sh infra/local/tools.sh kubectl

tools: setup ## What only test-all needs: a browser, Go, Keycloak (apt as root, else a wheel, npm, mvn)
	@sh infra/local/tools.sh

clean: ## Remove caches and artefacts
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .artefacts
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## Stop the platform and remove .venv, .state and .tools as well
	@[ ! -x $(BIN)/jianzhen ] || $(BIN)/jianzhen down
	rm -rf .venv .state .tools portal/node_modules

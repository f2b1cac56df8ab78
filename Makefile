# `make` alone lists the targets. Everything runs in .venv, which is made and repaired on the way.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BOOT_PYTHON := $(shell command -v python3.11 || command -v python3 || echo python3)
PYTHON := .venv/bin/python
MANAGE = eval "$$($(PYTHON) -m deploy.local.servers)" && $(PYTHON) manage.py

.PHONY: help up down env migrate shell test lint lock environment environment-dev clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: environment ## Start Plumbline with its demo data (PORT=8000, MANIFESTS=path/ to scan your own)
	@exec $(PYTHON) -m deploy.local.up

down: environment ## Stop what a killed `make up` or `make env` left running
	@$(PYTHON) -m deploy.local.down

env: environment ## Start the embedded servers; print exports for: eval "$$(make -s env)"
	@$(PYTHON) -m deploy.local.servers

migrate: environment ## Apply the migrations
	@$(MANAGE) migrate && $(PYTHON) manage.py sync_library

shell: environment ## Django's shell, as the application's database role
	@$(MANAGE) shell

test: environment-dev ## Every test, browser tests included (ARGS="-k posture" to choose)
	@.venv/bin/pytest $(ARGS)

lint: environment-dev ## ruff, mypy, import-linter, migrations, the API's description, standards and catalogue
	@sh deploy/lint.sh

lock: environment-dev ## Pin requirements*.in to requirements*.txt, with hashes from the public index
	@sh deploy/lock.sh

clean: ## Stop everything and delete .local (the data) and .venv
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.local.down --delete; fi
	@rm -rf .local .venv staticfiles

environment:
	@command -v $(BOOT_PYTHON) >/dev/null || { echo "Python 3.11 is needed: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(BOOT_PYTHON) deploy/local/environment.py >&2

environment-dev:
	@command -v $(BOOT_PYTHON) >/dev/null || { echo "Python 3.11 is needed: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(BOOT_PYTHON) deploy/local/environment.py --dev >&2

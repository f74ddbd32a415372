# Trainyard's commands. Each one sets up what it needs first, and is thin over `yard`: `.venv/bin/yard --help`.
#
#   make up STACK=trial               another stack than `local`: the one whose settings are in Pulumi.trial.yaml
#   make setup PYTHON=python3.12      another interpreter; once made, the environments keep theirs
#   make test TESTS=tests/engine      a part of the tests; PYTEST_ARGS adds arguments, such as PYTEST_ARGS="-x -n 0"

STACK ?= local
PYTHON ?= $(shell test -x .venv/bin/python && echo .venv/bin/python || echo python3)
TESTS ?=
PYTEST_ARGS ?=

YARD := .venv/bin/yard
RESOLVE = "$(CURDIR)/.venv/bin/uv" pip compile --quiet $(UPGRADE) --custom-compile-command "make requirements" \
	requirements.in --output-file requirements.txt
IMAGES = workloads/training/image workloads/serving/image
# As the images are: Python 3.12 on x86-64 Linux, each package of a known hash, in the versions that the tests run with.
FOR_IMAGE = --python-version 3.12 --python-platform x86_64-manylinux_2_35 --only-binary :all: --generate-hashes \
	--no-annotate --constraint "$(CURDIR)/requirements.txt"
CHECK_SCHEMA = .venv/bin/check-jsonschema --quiet --builtin-schema
DOCKERFILES = $(wildcard workloads/*/image/Dockerfile workloads/*/image/Dockerfile.*)

.DEFAULT_GOAL := help
.PHONY: help setup environments up preview predict destroy test lint format bench requirements clean

help: ## List the commands
	@echo "Usage: make COMMAND [STACK=local]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-13s %s\n", $$1, $$2 }'

setup: environments ## Make the environments (every other command does so itself where needed)
	@echo "Ready. Next: make up, then make predict; or make test."

environments:
	@command -v "$(PYTHON)" >/dev/null || { echo "setup: there is no '$(PYTHON)' on PATH; Trainyard needs Python 3.11 or newer: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" scripts/setup.py

up: environments ## Provision, train and serve
	@$(YARD) up -s $(STACK) --yes --policy-pack policies

preview: environments ## Show what `make up` would change, and change nothing
	@$(YARD) preview -s $(STACK) --policy-pack policies

predict: environments ## Send test images to the inference service
	@$(YARD) predict -s $(STACK)

destroy: environments ## Remove everything that `make up` made
	@$(YARD) destroy -s $(STACK) --yes

test: environments ## Run the tests
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(PYTEST_ARGS) $(TESTS)

lint: environments ## Check style, types, Dockerfiles and workflows
	@failed=0; \
	echo "ruff check";  .venv/bin/ruff check --quiet . || failed=1; \
	echo "ruff format"; .venv/bin/ruff format --quiet --diff . || failed=1; \
	echo "mypy";        .venv/bin/mypy --no-error-summary || failed=1; \
	echo "hadolint";    $(if $(DOCKERFILES),.venv/bin/hadolint $(DOCKERFILES),true) || failed=1; \
	echo "zizmor";      .venv/bin/zizmor --offline --quiet --no-progress --persona=pedantic .github || failed=1; \
	echo "schemas";     $(CHECK_SCHEMA) vendor.github-workflows .github/workflows/*.yml || failed=1; \
	$(CHECK_SCHEMA) vendor.github-actions .github/actions/*/action.yml || failed=1; \
	$(CHECK_SCHEMA) vendor.dependabot .github/dependabot.yml || failed=1; \
	echo "actionlint";  if command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 || failed=1; \
	else echo "  left out: there is no go on PATH"; fi; \
	exit $$failed

format: environments ## Rewrite the Python files in the project's style
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format .

bench: environments ## Measure, print a table and write bench/results.json
	@$(YARD) bench

requirements: environments ## Resolve requirements.in into requirements.txt (add UPGRADE=--upgrade for newer versions)
	@for name in . policies workloads/training/federated; do (cd $$name && $(RESOLVE) --universal --python-version 3.11) || exit 1; done
	@for name in $(IMAGES); do (cd $$name && $(RESOLVE) $(FOR_IMAGE)) || exit 1; done

clean: ## Remove the environments and all caches (never a stack's state)
	@rm -rf .venv .venv-federated .venv-triton policies/.venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -not -path './.git/*' -exec rm -rf {} +

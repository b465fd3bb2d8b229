# The verbs of this project; `make` alone lists them. CONTRIBUTING.md says which are heavy.
# Everything is installed into .venv and build/, from locks with hashes.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
DEMO_VENV ?= build/demo-venv
TEMPLATE_VENV ?= build/template-venv
WORKFLOW_TOOLS ?= build/workflow-tools
DOCS ?= build/docs
WORKERS ?= 2
RUN := "$(VENV)/bin/python"
# Tests find the environment of the generated repository here; relative, because the path may hold spaces.
export MLOPSGEN_TEMPLATE_VENV := $(TEMPLATE_VENV)
export MLFLOW_DISABLE_TELEMETRY := true
# With it, each process that the tests start would compile the tool anew.
unexport PYTHONDONTWRITEBYTECODE
TESTS := $(RUN) -m pytest -n $(WORKERS) --dist worksteal

.PHONY: help
help: ## List the verbs.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: ## Make .venv with the tool and everything that developing it needs.
	@$(PYTHON) tools/environment.py "$(VENV)" --lock requirements-dev.txt --editable .

.PHONY: template-venv
template-venv: ## Make the environment of the generated repository, in build/.
	@$(PYTHON) tools/environment.py "$(TEMPLATE_VENV)" --lock template/requirements-dev.txt

.PHONY: workflow-tools
workflow-tools: setup ## Make the programs that check workflow files, in build/.
	@$(RUN) tools/workflow_tools.py "$(WORKFLOW_TOOLS)"

.PHONY: demo
demo: ## From nothing to a trained model: init, push, a change, push again. Makes demo/<number>.
	@$(PYTHON) tools/environment.py "$(DEMO_VENV)" --lock requirements.txt --editable .
	@"$(DEMO_VENV)/bin/python" tools/demo.py

.PHONY: lint
lint: setup ## Check style, types and the layers of the tool.
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@"$(VENV)/bin/lint-imports" --no-logo

.PHONY: format
format: setup ## Put the code into the common format.
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

.PHONY: servers
servers: ## Install the servers that the tests speak with (Debian's packages), where they are missing.
	@tools/packages.sh servers

.PHONY: test
test: servers lint template-venv workflow-tools ## Lint and every test but the heavy ones.
	@$(TESTS) -m "not matrix and not kills and not whole"

.PHONY: test-matrix
test-matrix: setup template-venv ## Every rendering of the option matrix with its own lint, types and tests.
	@$(TESTS) -m matrix tests/test_rendering_matrix.py tests/test_compiled_template.py

.PHONY: explore
explore: setup template-venv ## The property tests with examples that nobody has seen yet.
	@EXPLORE=1 $(TESTS) tests/test_answers.py tests/test_naming.py tests/test_needs.py tests/test_push_plan.py \
	  tests/test_push_apply.py tests/test_secret_value.py tests/test_worker_parts.py tests/test_generated_documents.py
	@cd template && EXPLORE=1 "$(abspath $(TEMPLATE_VENV))/bin/python" -m pytest -q -p no:cacheprovider tests/managed/test_gate.py tests/managed/test_report_words.py

.PHONY: test-kills
test-kills: setup ## Kill and fail a push and a fleet at each remote call in turn, in every way.
	@$(TESTS) -m kills tests/test_push_killed.py tests/test_fleet_disturbed.py

.PHONY: test-whole
test-whole: setup template-venv ## A push of a new repository with every step of its workflow, and a few more tests that take long.
	@$(TESTS) -m whole tests/act tests/test_end_to_end.py tests/test_secrets_github.py

.PHONY: bench
bench: setup template-venv ## Measure beside the peers; writes benchmarks/results.json and docs/explanation/benchmarks.md.
	@$(PYTHON) tools/environment.py build/peers-venv --lock benchmarks/requirements-peers.txt
	@$(RUN) -m benchmarks

.PHONY: docs
docs: setup ## Build the documentation into build/docs; a broken link or reference ends it.
	@$(RUN) -m sphinx -q -W --keep-going -n -j 2 -b html docs "$(DOCS)"
	@echo "$(DOCS)/index.html"

.PHONY: diagrams
diagrams: ## Draw docs/diagrams/*.dot again where their text has changed.
	@tools/packages.sh graphviz
	@$(PYTHON) tools/diagrams.py

.PHONY: pictures
pictures: setup ## Make the pictures of the README and the documentation again from a real run, in a terminal of tmux.
	@tools/packages.sh tmux
	@$(RUN) tools/pictures.py

.PHONY: videos
videos: setup template-venv ## Make the two videos again, from real runs (VIDEO=1 or 2 for one of them).
	@tools/packages.sh chromium ffmpeg graphviz fonts-dejavu-core
	@$(PYTHON) tools/environment.py build/videos-venv --lock videos/requirements.txt
	@$(RUN) -m videos.player
	@$(RUN) -m videos $(VIDEO)

.PHONY: dist
dist: setup ## Build the sdist and the wheel into dist/.
	@$(RUN) -m build --no-isolation

.PHONY: release-check
release-check: setup ## Look at the release that this commit would be (TAG=v1.2.3 when the tag is there).
	@$(RUN) tools/release_check.py $(if $(TAG),--tag "$(TAG)")

.PHONY: generate
generate: setup ## Write again what is made from the code: copier.yml's questions, the JSON Schemas, the reference.
	@$(RUN) tools/generate.py

.PHONY: example
example: setup ## Write example-generated-repo/ again, from example/ and the template.
	@$(RUN) tools/example.py

.PHONY: example-report
example-report: setup ## Make the sample report of the docs again (WINE_CSV=FILE serves a copy of the data).
	@tools/packages.sh chromium
	@$(RUN) tools/example_report.py

.PHONY: lock
lock: setup ## Lock the requirements again (UPGRADE=1 for the newest versions).
	@set -- "$(VENV)/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header; \
	for name in requirements-dev benchmarks/requirements-peers videos/requirements; do \
	  "$$@" $(if $(UPGRADE),--upgrade) "$$name.in" --output-file "$$name.txt" || exit 1; \
	done; \
	"$$@" --extra locks --constraint requirements-dev.txt pyproject.toml requirements.in --output-file requirements.txt

.PHONY: newest
newest: setup template-venv ## Lock the newest versions of everything, in the template as well: what the nightly tests run with.
	@$(MAKE) --no-print-directory lock UPGRADE=1
	@PYTHONPATH=src $(MAKE) --no-print-directory --directory template lock UPGRADE=1 VENV="$(abspath $(TEMPLATE_VENV))"
	@$(MAKE) --no-print-directory generate example

.PHONY: github-contract
github-contract: setup ## Fetch GitHub's description of its API (npm) and trim it again for the tests.
	@$(RUN) tools/github_contract.py

.PHONY: clean
clean: ## Remove what can be made again (demo/ is yours and stays).
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Commands for people and CI. VENV and PYTHON may be set: make test PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
# HOST counts only on the command line: some shells and conda set it in the environment.
LISTEN = --host '$(if $(filter command,$(origin HOST)),$(HOST),127.0.0.1)' --port '$(PORT)'
BIN = $(VENV)/bin
NODE = tests/node/node_modules
ON_S3 = tests/api/test_api_content.py tests/api/test_api_removal.py tests/tasks/test_posters.py tests/worker/test_steps.py tests/worker/test_custody.py

# If it is set, each test process compiles every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test quick test-docs test-s3 test-long e2e screenshots docs site messages check format bench bench-accounts bench-poll clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/make \1\t\2/' | expand -t 20

demo: installed ## Run everything on HOST and PORT, and make a video; ONCE=1 ends after it
	@$(BIN)/python manage.py demo $(LISTEN) $(if $(ONCE),--once)

serve: installed ## Run everything on HOST (127.0.0.1) and PORT (8000); CANNED=1 hands out one ready video
	@$(BIN)/python manage.py serve $(LISTEN) $(if $(CANNED),--canned)

test: installed-for-tests ## Run every test, on an embedded PostgreSQL of its own
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

quick: installed-for-tests ## Run the tests that start no processes
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not processes" $(ARGS)

test-docs: installed-for-tests $(NODE)/.package-lock.json ## Run the examples of the documents, including Node's (installed if it is missing)
	REQUIRE_NODE=1 $(BIN)/python -m pytest tests/house/test_docs_examples.py $(ARGS)

test-s3: installed-for-tests ## Run the tests of kept videos on a bucket of a server of its own instead of a folder
	TEST_RESULTS=s3 $(BIN)/python -m pytest -n 3 --dist worksteal $(ON_S3) $(ARGS)

test-long: installed-for-tests ## Run the property tests of money, state, requests and faults with many examples
	HYPOTHESIS_RUNS=2000 $(BIN)/python -m pytest tests/billing/test_money_machine.py tests/api/test_api_properties.py $(ARGS)
	HYPOTHESIS_RUNS=300 $(BIN)/python -m pytest tests/contract/test_capabilities.py $(ARGS)
	SCHEMATHESIS_EXAMPLES=50 $(BIN)/python -m pytest tests/api/test_openapi_client.py $(ARGS)
	KILL_STRIDE=1 $(BIN)/python -m pytest tests/worker/test_custody_kills.py $(ARGS)
	FAULT_SCHEDULES=1000 $(BIN)/python -m pytest -n 3 --dist worksteal tests/worker/test_fault_schedules.py $(ARGS)

e2e: installed-for-tests chromium ## Test the pages in a real browser (Debian's chromium, installed if it is missing)
	$(BIN)/python -m pytest tests/e2e $(ARGS)

screenshots: installed-for-tests chromium ## Take screenshots of every page, wide and narrow, light and dark, in each language, into .screenshots/
	$(BIN)/python -m pytest tests/e2e/screenshots.py $(ARGS)

check: installed-for-tests ## Check style, import directions, types, deployment settings and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	PUBLIC_URL=https://reelay.example EMAIL_URL=smtp+tls://mail.example:587 $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: installed-for-tests ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: installed-for-tests ## Update the tables of the models in docs/models/, and the OpenAPI document
	$(BIN)/python -m tests.contract.model_tables
	$(BIN)/python manage.py openapi

site: installed-for-site ## Build the documentation into .site/, which Reelay serves at /docs/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'The documentation is in .site/, and at /docs/ of a running Reelay.'

messages: installed-for-tests ## Collect and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale zh_Hans --ignore '$(VENV)' --ignore build --ignore tests --no-obsolete --add-location file --extension html,txt,svg,py
	$(BIN)/python manage.py compilemessages --locale zh_Hans --ignore '$(VENV)'

bench: installed-for-tests ## Run the benchmarks: rates, latencies, a million tasks, time until finished videos show; needs wrk
	$(BIN)/python -m tests.bench.gateway
	$(BIN)/python -m tests.bench.million
	$(BIN)/python -m tests.bench.pages
	$(BIN)/python -m tests.bench.finish_to_visible
	for store in folder proxy redirect; do $(BIN)/python -m tests.bench.slow_downloads --store $$store || exit 1; done
	$(BIN)/python -m tests.bench.custody
	$(BIN)/python -m tests.bench.database_faults

bench-accounts: installed-for-tests ## Measure how accounts share the work, and what an account that refuses its key costs
	$(BIN)/python -m tests.bench.accounts $(ARGS)

bench-poll: installed-for-tests ## Measure how soon ends are seen with thousands of open tasks, endless tasks, and an account that hangs
	$(BIN)/python -m tests.bench.polling $(ARGS)

clean: ## Remove everything the commands created, including the local database and its videos
	rm -rf $(VENV) .data .site $(NODE)

# Checks the virtual environment, installs what is missing, and recreates it if it is damaged.
define provide
	@command -v $(PYTHON) >/dev/null || { echo 'There is no $(PYTHON): install Python 3.11 or later, or name another, such as make PYTHON=python3.12.' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Reelay needs Python 3.11 or later, and $(PYTHON) is Python %s.%s: install a newer one, or name it, such as make PYTHON=python3.12." % sys.version_info[:2])'
	@$(PYTHON) -m config.installation '$(VENV)' $(1)
endef

.PHONY: installed installed-for-site installed-for-tests
installed:
	$(call provide,local)

installed-for-site:
	$(call provide,docs)

installed-for-tests:
	$(call provide,test)

# npm writes this file after it has installed the packages of the lock file.
$(NODE)/.package-lock.json: tests/node/package.json tests/node/package-lock.json | node
	@echo "Installing into $(NODE) …"
	@cd tests/node && npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: node
node:
	@command -v node >/dev/null && command -v npm >/dev/null || (apt-get update -qq && apt-get install -y -qq nodejs npm)

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium curl fonts-noto-cjk)

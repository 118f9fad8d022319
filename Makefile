# Two commands matter: `make demo` and `make test`. Both do all the set-up they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FOREIGN := .foreign/.installed
FUZZ := .fuzz/.installed

.PHONY: demo test nightly check bench docs system foreign fuzz lock

$(STAMP): requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/lastday demo

# Real servers that the tests talk to; without root they must be there already (the tests say so and fail).
system:
	@if [ "$$(id -u)" = 0 ] && ! { [ -x /usr/sbin/slapd ] && [ -e /usr/lib/ldap/ppolicy.so ] && ls /usr/lib/postgresql/15/bin/initdb >/dev/null 2>&1; }; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slapd slapd-contrib ldap-utils postgresql-15 postgresql-client-15 >/dev/null; fi
	@if [ "$$(id -u)" = 0 ] && ! { command -v node && command -v npm; } >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; fi

# SCIM servers of other projects that the tests talk to, apart from our own packages and exactly as locked.
foreign: $(FOREIGN)

SCIMMY := tests/servers/foreign/scimmy
$(FOREIGN): requirements/foreign.lock $(SCIMMY)/package.json $(SCIMMY)/package-lock.json | system
	test -x .foreign/venv/bin/python || $(PYTHON) -m venv .foreign/venv
	.foreign/venv/bin/python -m pip install --quiet --require-hashes -r requirements/foreign.lock
	mkdir -p .foreign/scimmy
	cp $(SCIMMY)/package.json $(SCIMMY)/package-lock.json .foreign/scimmy/
	ln -sfn $(CURDIR)/$(SCIMMY)/server.mjs .foreign/scimmy/server.mjs
	npm ci --prefix .foreign/scimmy --silent --no-audit --no-fund
	touch $(FOREIGN)

check: $(STAMP)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/deptry src

fuzz: $(FUZZ)

$(FUZZ): requirements/fuzz.lock
	test -x .fuzz/bin/python || $(PYTHON) -m venv .fuzz
	.fuzz/bin/python -m pip install --quiet --require-hashes -r requirements/fuzz.lock
	touch $(FUZZ)

# One worker for each file: modules share a world of servers. (xdist's groups have no effect under pytest 9.2.)
test: $(STAMP) system foreign fuzz check
	$(BIN)/pytest -n 2 --dist loadfile -m "not nightly"

nightly: $(STAMP) system foreign fuzz
	$(BIN)/pytest -n 2 --dist loadfile

bench: $(STAMP)
	$(BIN)/python -m bench spine

docs: $(STAMP)
	$(BIN)/pytest tests/docs

lock:
	$(BIN)/uv pip compile pyproject.toml --generate-hashes -o requirements/run.lock -q --python-version 3.11
	$(BIN)/uv pip compile pyproject.toml --group dev --extra demo --generate-hashes -o requirements/dev.lock -q --python-version 3.11
	$(BIN)/uv pip compile requirements/foreign.in --generate-hashes -o requirements/foreign.lock -q --python-version 3.11
	$(BIN)/uv pip compile requirements/fuzz.in --generate-hashes -o requirements/fuzz.lock -q --python-version 3.11

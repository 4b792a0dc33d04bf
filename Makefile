# Everything a checkout needs, from nothing but Python 3.11+, pip and make. `make help` lists the targets.

VENV   ?= .venv
PYTHON ?= python3
# Not `?=`: some shells and toolchains export a HOST that means another thing. `make run HOST=0.0.0.0` wins anyway.
HOST    = 127.0.0.1
PORT   ?= 5000

LOCK  := requirements/development.txt
PY    := $(VENV)/bin/python
FLASK := $(VENV)/bin/flask --app wsgi
# pip of the system installs into the environment: Debian has neither ensurepip nor a pip that works outside one.
PIP   := $(PYTHON) -m pip --python $(PY) --disable-pip-version-check
# Written last, so that an interrupted installation is seen.
STAMP := $(VENV)/.installed
WHOLE := $(shell test -f $(STAMP) && $(PY) -c '' 2>/dev/null && echo yes)
CHECKED := forum tests benchmarks $(wildcard wsgi.py)

export PIP_ROOT_USER_ACTION ?= ignore

# `make -j` would seed the database while it is being installed.
.NOTPARALLEL:
.DEFAULT_GOAL := install

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

.PHONY: install
install: $(STAMP) ## make the environment in .venv, or mend it

$(STAMP): pyproject.toml $(LOCK) $(if $(WHOLE),,anew)
	@echo "Installing into $(VENV) (half a minute or so)"
	@$(PIP) install -q --require-hashes -r $(LOCK)
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

# A half-made environment is not patched but made again; a directory that is something else is left alone.
.PHONY: anew
anew:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Forum needs Python 3.11 or newer: try  make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 \
	  || { echo "$(PYTHON) has no pip: on Debian,  apt-get install python3-pip"; exit 1; }
	@test ! -e $(VENV) -o -e $(VENV)/pyvenv.cfg -o -z "$$(ls -A $(VENV) 2>/dev/null)" \
	  || { echo "$(VENV) exists and is no Python environment: move it away, or use VENV=elsewhere"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv --without-pip $(VENV)

.PHONY: run
run: export FORUM_BASE_URL ?= http://$(HOST):$(PORT)
run: port install ## serve the reference site: make run [HOST=127.0.0.1] [PORT=5000]
	@$(FLASK) forum db upgrade
	@$(FLASK) forum demo
	@test "$$FORUM_BASE_URL" = http://127.0.0.1:5000 || \
	  echo "For commands in another shell:  export FORUM_BASE_URL=$$FORUM_BASE_URL"
	@exec $(VENV)/bin/waitress-serve --listen=$(HOST):$(PORT) wsgi:app

.PHONY: port
port:
	@case '$(PORT)' in \
	  ''|*[!0-9]*|??????*) false ;; \
	  *) test '$(PORT)' -ge 1 -a '$(PORT)' -le 65535 ;; \
	esac || { echo "PORT must be a number from 1 to 65535, not $(PORT)"; exit 1; }
	@why=$$($(PYTHON) -c 'import socket; socket.create_server(("$(HOST)", $(PORT)))' 2>&1 | tail -n 1); \
	case "$$why" in \
	  "") ;; \
	  *"in use"*) echo "Port $(PORT) is taken: try  make run PORT=$$(($(PORT) + 1))"; exit 1 ;; \
	  *) echo "Cannot listen on $(HOST):$(PORT): $$why"; exit 1 ;; \
	esac

.PHONY: test
test: browser lint ## lint, types and the whole test suite: make test [ARGS="tests/test_tree.py -x"]
	@$(VENV)/bin/pytest -q -n 2 --cov --cov-report=term $(ARGS)

.PHONY: lint
lint: install ## ruff and mypy
	@$(VENV)/bin/ruff check -q .
	@$(VENV)/bin/ruff format -q --check $(CHECKED)
	@$(VENV)/bin/mypy --no-error-summary

# Some tests look at pages with a browser. Debian's own is taken where we may install it; else those tests say so.
# libatomic1 is what Playwright's driver needs and a minimal Debian lacks.
.PHONY: browser
browser: install
	@for name in "$$FORUM_TEST_CHROMIUM" chromium chromium-browser google-chrome; do \
	  command -v "$$name" >/dev/null 2>&1 && $(PY) -m playwright --version >/dev/null 2>&1 && exit 0; \
	done; \
	as_root=; test "$$(id -u)" = 0 || as_root="sudo -n"; \
	if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
	  echo "Installing chromium for the browser tests (apt-get)"; \
	  $$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium fonts-liberation libatomic1 >/dev/null && exit 0; \
	fi; \
	echo "*** NO CHROMIUM: the browser tests will be skipped. Install it, or set FORUM_TEST_CHROMIUM. ***" >&2

.PHONY: bench
bench: install ## run the benchmarks one after the other
	@for file in benchmarks/[a-z]*.py; do \
	  echo "== $$file"; $(PY) -m "benchmarks.$$(basename "$$file" .py)" || exit 1; \
	done

.PHONY: soak
soak: install ## post and mail while processes are killed: make soak [ARGS="--minutes 3 --database sqlite --seed 7"]
	@$(PY) -m tests.soak $(ARGS)

.PHONY: docs
docs: install ## write the reference of the settings into docs/settings.md
	@set -e; page=docs/settings.md; \
	reference=$$($(FLASK) forum config reference && echo .); \
	{ sed '/reference: begin/q' $$page; printf '%s' "$${reference%.}"; sed -n '/reference: end/,$$p' $$page; } > $$page.new; \
	mv $$page.new $$page

# Translators' editors open forum/translations/*/LC_MESSAGES/forum.po; what they save is compiled by the same command.
MESSAGES := $(wildcard forum/translations/*/LC_MESSAGES/forum.po)
WORDS    := -k N_ -k NP_:1c,2 -k pgettext:1c,2 -k forum_gettext -k forum_ngettext:1,2 -k forum_pgettext:1c,2

.PHONY: messages
messages: install ## collect what people read into the catalogs, and compile them
	@set -e; pot=$$(mktemp); trap 'rm -f "$$pot"' EXIT; \
	$(VENV)/bin/pybabel -q extract -F pyproject.toml $(WORDS) --no-wrap --sort-output --add-location=file \
	  --omit-header -o "$$pot" .; \
	for po in $(MESSAGES); do \
	  tag=$$(echo "$$po" | cut -d/ -f3); \
	  $(VENV)/bin/pybabel -q update -i "$$pot" -o "$$po" -l "$$tag" --no-wrap --no-fuzzy-matching \
	    --ignore-obsolete --ignore-pot-creation-date; \
	  $(VENV)/bin/pybabel -q compile -i "$$po" -o "$${po%.po}.mo" -l "$$tag"; \
	done

.PHONY: lock
lock: ## for maintainers: choose the newest versions that fit pyproject.toml and write the lock
	@test -x .venv-lock/bin/uv || { \
	  $(PYTHON) -m venv --without-pip .venv-lock && $(PYTHON) -m pip --python .venv-lock/bin/python install -q uv; }
	@.venv-lock/bin/uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
	  --upgrade --only-binary :all: --generate-hashes --emit-build-options --no-emit-index-url --no-annotate \
	  --no-header --no-config -q -o $(LOCK)

.PHONY: doctor
doctor: ## what this machine has and lacks, with the remedy
	@echo "Python     $$($(PYTHON) --version 2>&1), $$($(PYTHON) -m pip --version 2>/dev/null | cut -d' ' -f1,2 || true)"
	@echo "venv       $(if $(WHOLE),$(VENV) is complete,$(VENV) is missing or half-made:  make install)"
	@test -w . && echo "checkout   writable" || echo "checkout   NOT WRITABLE: install elsewhere with VENV=/some/where"
	@echo "port       $$($(MAKE) -s port 2>/dev/null || true)" | sed '/^port *$$/s/$$/$(PORT) is free/'
	@test -z "$(WHOLE)" || $(VENV)/bin/pytest -q -p tests.services -p no:randomly --no-header tests/test_services.py

.PHONY: clean
clean: ## remove the environment and everything generated; databases in instance/ stay
	@test ! -e $(VENV)/pyvenv.cfg || rm -rf $(VENV)
	@rm -rf .venv-lock dist build htmlcov .coverage .coverage.* .hypothesis \
	  .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The commands of the workbook; `make` alone lists them.
#
#   PYTHON=python3.12    the Python that the environment is made with
#   PIP_ARGS="…"         more for pip, such as an --index-url
#   LAB_ARGS="…"         more for JupyterLab, such as "--no-browser --port 9000"
#   LESSONS="03 04"      the lessons that `make notebooks` runs, all without it

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
FETCHED := .venv/fetched
FIRST := /lab/tree/notebooks/00_start_here.ipynb
ROOT_MAY := $(if $(filter 0,$(shell id -u)),--allow-root)
# Two lessons side by side, each on one core, take less time than one after the other on two.
IN_PAIRS := --numprocesses=2 --dist=loadfile
LESSON_TESTS := $(IN_PAIRS) --nbval-current-env --nbval-cell-timeout=300 notebooks
STORED_WITH := PREFIXLAB_BACKBONE=smollm2
ONE_CORE := OMP_NUM_THREADS=1
APART := --ignore=tests/notebooks --ignore=tests/browser

heading = @printf '\n== %s\n' $(1)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab test style types stored unit real browser lessons test-gpt2 notebooks pictures

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Later on the server starts at once, and the files are verified beside it.
lab: $(INSTALLED) ## open the workbook in JupyterLab
	@if [ -e $(FETCHED) ]; then nice -n 19 $(BIN)/python -m prefixlab & \
	else $(BIN)/python -m prefixlab && touch $(FETCHED); fi && \
	exec $(BIN)/jupyter lab $(ROOT_MAY) --LabApp.default_url=$(FIRST) $(LAB_ARGS)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "prefixlab needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
	"Name a newer one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) comes without its venv module; install it" \
	"(on Debian and Ubuntu: apt-get install python3-venv), then try again."; exit 1; }
	@echo "Making the environment in .venv: some minutes, this once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -e '.[dev]' -c constraints.txt $(PIP_ARGS)
	@touch $@

test: $(INSTALLED) style types stored unit real browser lessons ## run every check

style: $(INSTALLED)
	$(call heading,"Style: ruff")
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(INSTALLED)
	$(call heading,"Types: mypy")
	@$(BIN)/mypy

stored: $(INSTALLED)
	$(call heading,"The lessons as they are stored")
	@$(BIN)/pytest tests/notebooks

unit: $(INSTALLED)
	$(call heading,"Unit tests: tiny models")
	@$(ONE_CORE) $(BIN)/pytest $(IN_PAIRS) -m "not real" $(APART)

real: $(INSTALLED)
	$(call heading,"Tests on the real backbone and its data")
	@$(BIN)/pytest -m real $(APART)

browser: $(INSTALLED)
	$(call heading,"The panels in a browser")
	@$(ONE_CORE) $(BIN)/pytest --numprocesses=2 tests/browser

lessons: $(INSTALLED)
	$(call heading,"The lessons run again and compared with what is stored: nbval")
	@$(STORED_WITH) $(ONE_CORE) $(BIN)/pytest --nbval $(LESSON_TESTS)

test-gpt2: $(INSTALLED) ## run the lessons on GPT-2 small, or on a model of its shape
	@PREFIXLAB_BACKBONE=$$($(BIN)/python tests/random_gpt2.py) && export PREFIXLAB_BACKBONE && \
	$(ONE_CORE) $(BIN)/pytest --nbval-lax $(LESSON_TESTS)

notebooks: $(INSTALLED) ## run the lessons and store them clean (LESSONS="03 04" for some)
	@$(STORED_WITH) $(BIN)/python tests/notebooks/store.py $(LESSONS)

pictures: $(INSTALLED) ## take the README's pictures of the panels, in a browser
	@$(STORED_WITH) $(BIN)/python tests/browser/pictures.py

# The commands of the workbook; `make` alone lists them.
#
#   PYTHON=python3.12    the Python that the environment is made with
#   PIP_ARGS="…"         more for pip, such as an --index-url
#   LAB_ARGS="…"         more for JupyterLab, such as "--no-browser --port 9000"
#   LANGUAGE=zh_CN       `make lab` in Chinese: your own copy is mine_zh_CN/, and the panels speak it
#   LESSONS="03 04"      the lessons that `make notebooks` runs, all without it
#   RECORD_ARGS="…"      more for the recorder, such as "prefix_tuning --workers 4" (docs/recording.md)
#   LOCK_ARGS=--upgrade  `make lock` takes the newest releases, not those that the lock has already

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
LATEST := .venv-latest/bin
FETCHED := .venv/fetched
# What a shell has in LANGUAGE is a list for gettext; meant is what is said to make.
ifeq ($(origin LANGUAGE),command line)
export PREFIXLAB_LANGUAGE := $(LANGUAGE)
endif
FIRST := /lab/tree/mine$(addprefix _,$(PREFIXLAB_LANGUAGE))/00_start_here.ipynb
ROOT_MAY := $(if $(filter 0,$(shell id -u)),--allow-root)
# Two lessons side by side, each on one core, take less time than one after the other on two.
IN_PAIRS := --numprocesses=2 --dist=loadfile
# A lesson's cells build on each other: they keep their order.
LESSON_TESTS := $(IN_PAIRS) -p no:randomly --nbval-current-env --nbval-cell-timeout=900 notebooks
STORED_WITH := PREFIXLAB_BACKBONE=smollm2
# What is stored was computed as every processor can.
EXACT := PREFIXLAB_DTYPE=float32
ONE_CORE := OMP_NUM_THREADS=1
PARTS := style types stored unit real browser lessons
APART := --ignore=tests/notebooks --ignore=tests/browser

heading = @printf '\n== %s\n' $(1)
define able
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "prefixlab needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
	"Name a newer one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) comes without its venv module; install it" \
	"(on Debian and Ubuntu: apt-get install python3-venv), then try again."; exit 1; }
endef

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab test $(PARTS) test-gpt2 test-latest lock notebooks translations site record record-check \
	pictures bench

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Later on the server starts at once, and the files are verified beside it.
lab: $(INSTALLED) ## open your own copy of the lessons, mine/, in JupyterLab
	@$(BIN)/python -m prefixlab.workbook.copies
	@if [ -e $(FETCHED) ]; then nice -n 19 $(BIN)/python -m prefixlab fetch & \
	else $(BIN)/python -m prefixlab fetch && touch $(FETCHED); fi && \
	exec $(BIN)/jupyter lab $(ROOT_MAY) --LabApp.default_url=$(FIRST) $(LAB_ARGS)

$(INSTALLED): pyproject.toml constraints.txt
	$(call able)
	@echo "Making the environment in .venv: some minutes, this once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -e '.[dev]' -c constraints.txt $(PIP_ARGS)
	@touch $@

test: $(INSTALLED) ## run every check, and say how long each part took
	@MAKE="$(MAKE)" $(BIN)/python tests/all_parts.py $(PARTS)

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

# One environment more, made anew each time. Of the lock it keeps torch alone, since any other may
# weigh gigabytes on Linux; what else is newer than the lock is listed before the tests.
test-latest: ## run unit and parity tests with the newest releases, whatever the lock says
	$(call able)
	@$(PYTHON) -m venv --clear .venv-latest
	@$(PYTHON) tests/newest.py > .venv-latest/wanted.txt
	@$(LATEST)/python -m pip install -r .venv-latest/wanted.txt $(PIP_ARGS)
	@$(LATEST)/python -m pip install --no-deps -e . $(PIP_ARGS)
	$(call heading,"Other than in the lock")
	@sed 's/ *[;#].*//; /^$$/d' constraints.txt > .venv-latest/lock.txt
	@$(LATEST)/uv pip freeze --python $(LATEST)/python --exclude-editable | grep -v -e '^pip==' -e '^torch==' | \
	grep -vxFf .venv-latest/lock.txt || echo "nothing: the lock has the newest releases"
	$(call heading,"Unit and parity tests: tiny models")
	@$(ONE_CORE) $(LATEST)/pytest $(IN_PAIRS) -m "not real" $(APART) -W default \
	--ignore=tests/test_environment.py

# The versions that constraints.txt has already stay wherever pyproject.toml allows them.
lock: $(INSTALLED) ## pin every package, for all platforms, in constraints.txt
	@$(BIN)/uv pip compile --universal --extra dev --python-version 3.11 $(LOCK_ARGS) \
	--no-annotate --custom-compile-command "make lock" --output-file constraints.txt pyproject.toml

notebooks: $(INSTALLED) ## run the lessons and store them clean (LESSONS="03 04" for some)
	@$(STORED_WITH) $(EXACT) $(BIN)/python tests/notebooks/store.py $(LESSONS)

translations: $(INSTALLED) ## bring the catalogues of translators up to date with the lessons
	@$(BIN)/python -m prefixlab.workbook.catalogues

site: $(INSTALLED) ## build the web site in build/site: no lesson is run
	@$(ONE_CORE) $(BIN)/python docs/build.py build/site

record: $(INSTALLED) ## record the runs that the lessons compare; stopped, it goes on later
	@$(STORED_WITH) $(BIN)/python -m prefixlab.workbook.recording $(RECORD_ARGS)

record-check: $(INSTALLED) ## say which runs are still to be recorded, and what the others leave open
	@$(STORED_WITH) $(BIN)/python -m prefixlab.workbook.recording --check $(RECORD_ARGS)

pictures: $(INSTALLED) ## take the README's pictures of the panels, in a browser
	@$(STORED_WITH) $(BIN)/python tests/browser/pictures.py

bench: $(INSTALLED) ## measure this package against PEFT, and write benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks.bench

# `make demo` and `make test` set up all they need. PYTHON picks the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed

# one thread each: a model this small is slower on two, and spinning threads starve the tests
export OMP_NUM_THREADS := 1
export OMP_WAIT_POLICY := passive
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE := 1
# tensors of some megabytes come and go at every step: keep their memory, do not give it back
export MALLOC_MMAP_THRESHOLD_ := 268435456
export MALLOC_TRIM_THRESHOLD_ := 268435456

.DEFAULT_GOAL := help
.PHONY: help install demo check test test-all test-deepspeed test-vllm bench generated docs build clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(READY)  ## make .venv with everything the demo and the tests need

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else "Python 3.11 to 3.13 is needed; say which: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

demo: install  ## the main job: solve a priced game, fine-tune an assistant on it, show what changed
	$(BIN)/gtalign demo --out runs/demo

check: install  ## what must hold of the sources: lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install  ## all fast tests, offline
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not gpu and not net"

test-all: install  ## the slow ones too
	$(BIN)/pytest -n 2 --dist worksteal -m "not gpu and not net"

DEEPSPEED ?= deepspeed-env
test-deepspeed:  ## ZeRO in two processes, in an environment of its own (docs/training.md says how to make it)
	$(DEEPSPEED)/bin/python -m pytest tests/training/test_deepspeed.py

VLLM ?= vllm-env
test-vllm: install  ## vLLM itself, in an environment of its own (docs/models.md says how to make it)
	test -d $(VLLM)/tiny/sft/model || $(BIN)/python tests/engines/warm_start.py $(VLLM)/tiny
	GTALIGN_SERVED_MODEL=$(VLLM)/tiny/sft/model $(VLLM)/bin/python -m pytest -m net tests/engines

bench: install  ## ratios against named peers, in one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/steps.py
	$(BIN)/python benchmarks/processes.py
	$(BIN)/python benchmarks/solvers.py
	$(BIN)/python benchmarks/dialogues.py
	$(BIN)/python benchmarks/playground.py
	$(BIN)/python benchmarks/training.py

generated: install  ## rewrite tables of the documents, JSON Schemas and playthroughs; review the difference
	$(BIN)/python docs/generate.py
	$(BIN)/gtalign schema --out scenarios/schemas
	$(BIN)/python tests/playthroughs/rewrite.py

docs: install  ## rewrite pages, pictures and notebooks, build the site in docs/_build/html, run all that pages show
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/figures.py
	$(BIN)/python docs/making/notebooks.py
	rm -rf docs/_build
	$(BIN)/python -m sphinx -q -b html -n -W --keep-going docs docs/_build/html
	$(BIN)/pytest -q tests/docs

build: install  ## the wheel and the source distribution, in dist/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist

clean:  ## remove what the other targets made, .venv included
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache docs/_build

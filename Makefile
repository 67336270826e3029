# Every target that needs the environment sets it up first; see `make help` and docs/install.md.

STACK ?= onedl
PYTHON ?= python3
VENV ?= .venv-$(STACK)
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help install test lint demo clean

help:
	@echo 'make install   virtual environment $(VENV): torch, mmcv with operators, the stack, this package'
	@echo 'make test      run the tests               (ARGS="-k points -x": arguments for pytest)'
	@echo 'make lint      check style with ruff'
	@echo 'make demo      toy data, ten points per object, train, evaluate, pictures'
	@echo 'make clean     remove build results and caches, keep the environments and work_dirs'
	@echo
	@echo 'STACK=onedl|openmmlab   which packages below, each in its own environment (now: $(STACK))'
	@echo 'TORCH="torch==2.13.0"   what to give to pip for torch; may hold options like --index-url URL'
	@echo 'PYTHON=python3          the interpreter of a new environment, 3.10 or newer'
	@echo 'PIP_FIND_LINKS=DIR      where to look for a prebuilt mmcv, which saves its compilation'

install:
	@PYTHON='$(PYTHON)' TORCH='$(TORCH)' bash tools/setup_env.sh $(VENV) $(STACK)

test: install
	$(RUN) -m pytest -q $(ARGS)

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

demo: install
	$(RUN) tools/demo.py $(ARGS)

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# make run     open the studio (where there is no display: train the quick preset and write a gallery)
# make test    everything that CI runs
# make setup   only the environment · make check  lint, types, import contracts · make bench · make results
#
# PIP_ARGS is handed to pip, for example  make setup PIP_ARGS="--extra-index-url URL"  to name an index that carries CPU builds of torch.

SHELL := /bin/bash
BIN := .venv/bin
export QT_API := pyside6

.PHONY: run test setup check bench results clean
run: setup
	@$(BIN)/python -m studio.first_run

test: check
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m "not slow" -q -n 2 --dist loadfile

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONWARNINGS= $(BIN)/basedpyright --level error
	@$(BIN)/lint-imports

setup:
	@bash .ci/setup.sh $(PIP_ARGS)

bench: setup
	@$(BIN)/python tests/bench/bench.py $(BENCH)

results: setup
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m slow -q

clean:
	rm -rf .venv dist build .pytest_cache .ruff_cache .import_linter_cache .hypothesis

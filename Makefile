# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed

.PHONY: demo test slow lint clean

demo: $(STAMP)
	$(BIN)/popgan run --demo -o demo

test: $(STAMP)
	$(BIN)/python -m pytest

# A search on a cluster is among the slow tests; its engine is an extra of 400 MB.
slow: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[ray]'
	$(BIN)/python -m pytest -m slow -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# constraints.txt pins torch to the version whose CPU build is small; without it pip may fetch
# gigabytes of CUDA libraries. torch-fidelity, an oracle of the tests, names torchvision, which popgan
# does without; so it goes into a folder of its own, where only its test looks (tests/evidence).
$(STAMP): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/oracles torch-fidelity==0.4.0
	touch $(STAMP)

clean:
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache

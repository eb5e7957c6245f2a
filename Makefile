# Everything a fresh machine needs is set up in .venv by the target that needs it.
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SAMPLES := daspy-toolbox==1.2.7 msnoise==1.6.5 opsdata-coal-node==0.1.5
OUT ?= demo-report

.PHONY: demo test test-all lint bench bench-denoise bench-explore bench-pick bench-slip bench-tomography docs clean

$(VENV)/.user: pyproject.toml constraints.txt Makefile
	test -x $(BIN)/python || python3 -m venv $(VENV)
	$(PIP) -c constraints.txt -e '.[das,regional]' || $(PIP) -c constraints.txt -e '.[das]'  # without a C++ compiler
	$(PIP) --no-deps $(SAMPLES)
	touch $@

$(VENV)/.dev: $(VENV)/.user
	$(PIP) -c constraints.txt -e '.[das,dev]'
	touch $@

demo: $(VENV)/.user
	$(BIN)/selfseis demo --out $(OUT)

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

test-all: $(VENV)/.dev
	OMP_NUM_THREADS=1 HYPOTHESIS_PROFILE="new examples" $(BIN)/python -m pytest -m "slow or not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

bench-denoise: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks denoise_fibre denoise_limits denoise_stationary denoise_hidden denoise_speed

bench-explore: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks explore_planted explore_speed

bench-pick: $(VENV)/.dev
	$(BIN)/python -m benchmarks picking_archive picking_windows picking_mine picking_regional picking_speed picking_rates picking_damage locating_swarm continuous

bench-tomography: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks tomography_mantle tomography_flinders tomography_scale

bench-slip: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks slip_illapel slip_synthetic

docs: $(VENV)/.dev
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .mypy_cache .hypothesis

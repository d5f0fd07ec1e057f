# make demo   the default recipe on the embedded data -> runs/elpv/report.html
# make test   every test, on every core, and then, alone, those that time models
# make lint   ruff and mypy
# make docs   docs/ as a site -> site/index.html; a link that leads nowhere fails
# make bench  the shipped teacher and the student of the last demo, side by side
# make mutants  changes what decides, a line at a time, to see whether a test notices; see docs/testing.md
#             (ONLY="benchmarks/gates/verdicts.py split", SAMPLE=0 for every change, FRESH=1)
# make readme the tables of README.md and docs/, from the committed figures
# make peers  the environments of the other tools that benchmarks.claims.quantization compares with
# make litert an environment for LiteRT's converter, which cannot share one with edgepress
# Each target builds .venv itself. A CPU machine without NVIDIA drivers needs no CUDA wheels; see README.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test mutants lint format docs bench peers litert readme clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[elpv,imagenet,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m compress

test: $(READY)
	$(BIN)/python -m pytest -m "not timing" --numprocesses logical --dist worksteal
	$(BIN)/python -m pytest -m timing $$(grep -rl mark.timing tests --include="test_*.py")

mutants: $(READY)
	PYTHONPATH=tests/support $(BIN)/python -m mutants \
		$(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(FRESH),--fresh)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)
	$(BIN)/zensical build --strict --clean

bench: $(READY)
	$(BIN)/python -m benchmarks.compare runs/elpv/teacher-fp32 runs/elpv/student-int8 --out runs/bench

peers: $(READY)
	$(BIN)/python -m benchmarks.claims.quantization.peers

litert:
	$(PYTHON) -m venv .venv-litert
	.venv-litert/bin/pip install --quiet --disable-pip-version-check -r export/converting/formats/_litert_requirements.txt

readme: $(READY)
	PYTHONPATH=tests/support $(BIN)/python -m tables
	$(BIN)/python -m benchmarks.claims.readme

clean:
	rm -rf .venv .venv-peers .venv-litert .mutants .cache runs site

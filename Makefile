# Everything runs in .venv, which the first target that needs it makes.
#   LESSON=02          one lesson only (test, run, refresh)
#   PYTHON=python3.12  another Python, 3.11 or newer
#   TORCH_INDEX=...    where to take torch from, if not from pip's own index (see README)
PYTHON ?= python3
PIP := .venv/bin/python -m pip install --disable-pip-version-check
READY := .venv/installed
COURSE := .venv/bin/python -m course_tools

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s%s\n", $$1, $$2}' Makefile

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This course needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(if $(TORCH_INDEX),$(PIP) --no-deps -c constraints.txt torch --index-url $(TORCH_INDEX))
	$(PIP) -c constraints.txt torch==$$(sed -n 's/^torch==//p' constraints.txt)
	$(PIP) -c constraints.txt -e '.[test]'
	touch $(READY)

lab: $(READY) ## open the course in JupyterLab, on working copies of the lessons in work/
	$(COURSE) lab

test: $(READY) ## unit tests, and every lesson against its stored outputs
	.venv/bin/python -m pytest $(if $(LESSON),notebooks/$(LESSON)*.ipynb)

test-solutions: $(READY) ## the lessons with every exercise solved; each verdict has to be right
	$(COURSE) solutions
	.venv/bin/python -m pytest build/solutions/$(LESSON)*.ipynb \
	  --junitxml=build/solutions/junit.xml

run: $(READY) ## execute every lesson without a browser; table, HTML pages in build/html
	$(COURSE) run $(LESSON)

refresh: $(READY) ## execute the lessons in place and store their outputs
	$(COURSE) refresh $(LESSON)

bench: $(READY) ## measure speed, side by side with what a reader would otherwise use
	.venv/bin/python benchmarks/training.py
	.venv/bin/python benchmarks/sliders.py
	.venv/bin/python benchmarks/removal.py
	.venv/bin/python benchmarks/onnx_runtime.py

lint: $(READY) ## ruff, on the library, the tests and the lessons
	.venv/bin/python -m ruff check

.PHONY: help lab test test-solutions run refresh bench lint

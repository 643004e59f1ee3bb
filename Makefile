# Everything runs in .venv, which the first target that needs it makes.
#   LESSON=02          one lesson only (test, test-solutions, run, refresh)
#   PROCESSOR=sse      computes as a processor without AVX does, avx2 as one without AVX-512
#                      (test, test-solutions); see CONTRIBUTING
#   MKL_CBWR=AUTO      with PROCESSOR=sse: matrix products as here, since the others are slow
#   PYTHON=python3.12  another Python, 3.11 or newer
#   CONSTRAINTS=...    other versions than those of constraints.txt
#   LEARNERS=30        how many simulated learners; LOAD='--cold --faults' and other options (load)
#   TORCH_INDEX=...    where to look first for torch on Linux; empty: nowhere but in pip's own index
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PIP := .venv/bin/python -m pip install --disable-pip-version-check
READY := .venv/installed
COURSE := .venv/bin/python -m course_tools
SITE := build/site-venv/bin/python
SITE_READY := build/site-venv/installed

MKL_CBWR ?= COMPATIBLE
sse := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2 \
  MKL_CBWR=$(MKL_CBWR) OMP_NUM_THREADS=1
avx2 := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 \
  OMP_NUM_THREADS=1
$(if $(filter-out sse avx2,$(PROCESSOR)),$(error PROCESSOR is $(PROCESSOR); allowed is sse or avx2))
PYTEST := env $($(PROCESSOR)) .venv/bin/python -m pytest \
  $(if $(PROCESSOR),--nbval-cell-timeout=300)
TOGETHER := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s%s\n", $$1, $$2}' Makefile

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This course needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	.venv/bin/python -m course_tools.small_torch $(CONSTRAINTS) $(TORCH_INDEX)
	$(PIP) -c $(CONSTRAINTS) -e '.[test]'
	touch $(READY)

lab: $(READY) ## open the course in JupyterLab, on working copies of the lessons in work/
	$(COURSE) lab

test: $(READY) ## unit tests, and every lesson against its stored outputs
ifdef LESSON
	$(PYTEST) notebooks/$(LESSON)*.ipynb
else
	$(PYTEST) $(TOGETHER) --ignore=tests/lessons/test_browser.py
	$(PYTEST) tests/lessons/test_browser.py --junitxml=build/junit-browser.xml
endif

test-solutions: $(READY) ## the lessons with every exercise solved; each verdict has to be right
	$(COURSE) solutions
	$(PYTEST) $(TOGETHER) build/solutions/$(LESSON)*.ipynb --junitxml=build/solutions/junit.xml

test-grading: $(READY) ## hostile notebooks against the grader, and solved lessons: minutes; needs bubblewrap
	$(COURSE) solutions
	GRADING=1 $(PYTEST) tests/grading --junitxml=build/junit-grading.xml

run: $(READY) ## execute every lesson without a browser; table, HTML pages in build/html
	$(COURSE) run $(LESSON)

refresh: $(READY) ## execute the lessons in place and store their outputs
	$(COURSE) refresh $(LESSON)

$(SITE_READY): pyproject.toml $(CONSTRAINTS)
	@$(SITE) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear build/site-venv
	$(SITE) -m pip install --disable-pip-version-check -c $(CONSTRAINTS) $$($(PYTHON) -c 'import \
	  tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["site"])')
	touch $(SITE_READY)

AXE := build/axe/installed
$(AXE): tests/site/package.json tests/site/package-lock.json
	mkdir -p build/axe && cp $^ build/axe
	npm ci --prefix build/axe --no-audit --no-fund && touch $(AXE)

site: $(SITE_READY) live ## build the web site from the stored lessons, in build/site
	$(SITE) site/build.py

test-site: $(READY) $(AXE) site ## the site in a real browser, which takes Chromium and npm
	$(PYTEST) --numprocesses logical --maxprocesses 4 --dist worksteal tests/site --junitxml=build/junit-site.xml

bench: $(READY) ## measure speed, side by side with what a reader would otherwise use
	.venv/bin/python benchmarks/training.py
	.venv/bin/python benchmarks/sliders.py
	.venv/bin/python benchmarks/removal.py
	.venv/bin/python benchmarks/onnx_runtime.py
	.venv/bin/python benchmarks/capstone.py
	@[ ! -d build/site ] || .venv/bin/python benchmarks/site.py
	.venv/bin/python benchmarks/live.py
	.venv/bin/python benchmarks/surgery.py

live: $(READY) ## build the live networks of the web site, in site/live/dist, which takes npm
	npm ci --prefix site/live --no-audit --no-fund
	npm run --prefix site/live build
	.venv/bin/python site/live/weights.py

CLASS_READY := .venv/classroom
$(CLASS_READY): $(READY) classroom/package-lock.json
	$(PIP) -c $(CONSTRAINTS) -e '.[class]'
	npm ci --prefix classroom --no-audit --no-fund
	touch $(CLASS_READY)

LEARNERS ?= 30
load: $(CLASS_READY) ## simulated learners in a class on this machine, measured; LEARNERS=30
	.venv/bin/python -m course_tools.classroom.load --learners $(LEARNERS) $(LOAD)

test-classroom: $(CLASS_READY) $(AXE) ## two learners at the hub, kernels that are copies, limits
	$(PYTEST) tests/classroom --junitxml=build/junit-classroom.xml

lint: $(READY) ## ruff, on the library, the tests and the lessons
	.venv/bin/python -m ruff check

.PHONY: help lab test test-solutions test-grading run refresh site test-site bench live load test-classroom lint

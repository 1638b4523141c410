VENV ?= .venv
PYTHON ?= python3
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
NBS := $(shell find nbs -name '*.ipynb' -not -path '*/_*' -not -path '*/.*' | sort)

.PHONY: help demo test test-all lab run-all refresh readme prepare site test-latest mutants records gpu reliability licences pins verified
help:         ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1	/' | expand -t 22

$(VENV)/ok: settings.ini setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 5))' || { echo 'the versions in constraints.txt need Python 3.11.5 or newer; say which: make PYTHON=python3.12 … (the library alone runs from 3.10 on: pip install .)'; exit 1; }
	@echo 'installing into $(VENV) (some minutes and 8 GB, once)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

demo: $(VENV)/ok  ## the whole series in miniature: runs/demo/index.html
	$(BIN)/colorgan demo --out runs/demo
test: $(VENV)/ok  ## notebooks clean and in step, every notebook run, the command line tested
	$(BIN)/python tools/check.py
test-all: $(VENV)/ok  ## the same, and the long tests: kills, bad files, several processes; the site built
	$(BIN)/python tools/check.py --all
lab: $(VENV)/ok  ## JupyterLab on the series
	$(BIN)/jupyter lab nbs
run-all: $(VENV)/ok  ## Run All of every notebook in a Jupyter kernel
	$(BIN)/python tools/run_nbs.py $(NBS)
refresh: $(VENV)/ok  ## the same, and keep the outputs; then the README
	$(BIN)/python tools/run_nbs.py --save $(NBS)
	$(BIN)/python tools/readme.py
readme: $(VENV)/ok  ## README.md from nbs/index.ipynb
	$(BIN)/python tools/readme.py
prepare: $(VENV)/ok  ## export, clean, README, test: before a commit
	nbdev_export && nbdev_clean && python tools/readme.py && python tools/check.py
site: $(VENV)/ok  ## the series as a site, offline: _site/index.html
	$(BIN)/python -W ignore tools/build_site.py
test-latest: $(VENV)/ok  ## the wheel beside the newest fastai and torch, and every notebook as on Colab, in a folder of its own
	$(BIN)/python tools/test_latest.py --notebooks
mutants: $(VENV)/ok  ## break the library in known ways; each break must be caught
	$(BIN)/python tools/mutants.py
SCENES ?= scenes
CIFAR10 ?= cifar10
OBJECTS ?= objects
records: $(VENV)/ok  ## every experiment, recorded in results/ (half a day): SCENES=… CIFAR10=… OBJECTS=…
	$(BIN)/python tools/records.py --scenes $(SCENES) --cifar10 $(CIFAR10) --objects $(OBJECTS)
reliability: $(VENV)/ok  ## kills, full disks, bad files, soak: the long forms, recorded in results/reliability/ (an hour and a half)
	rm -rf runs/reliability && mkdir -p runs/reliability results/reliability
	export PYTHONPATH="$(CURDIR)"; COLORGAN_LONG=runs/reliability python -m unittest -v tests.test_survive tests.test_properties tests.test_archive; tests=$$?; \
	$(BIN)/python tools/soak.py --seconds 3600 --photos 5000 --out runs/reliability/soak.json; soak=$$?; cp runs/reliability/*.json results/reliability/; exit $$((tests + soak > 0))
pins:         ## requirements-tested.txt: the tested set with the sha256 of each file (needs uv)
	python3 tools/pins.py
verified:     ## install the tested set, and nothing whose sha256 is not on the list
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tested.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(VENV)/ok
licences: $(VENV)/ok  ## LICENCES.md: the licence of every package that comes along
	$(BIN)/python tools/licences.py
gpu: $(VENV)/ok  ## the cells that need a GPU or patience
	COLORGAN_SLOW=1 nbdev_test --n_workers 0 --flags "slow cuda"

# Everything is installed into .venv; a stamp in .venv/made says which step is done with which inputs.
# Needs: Python 3.11 (with its headers and venv), gcc, make. cmake and ninja come with the build requirements.

PYTHON ?= python3
TORCH ?= torch==2.13.0
PYTEST_ARGS ?= -n 2 --dist loadfile
MADE := .venv/made
BIN := .venv/bin
INTERFACES := ros2_ws/src/despite_msgs ros2_ws/wheels/tf2_msgs
INTERFACE_FILES := $(foreach folder,$(INTERFACES),$(shell find $(folder) -type f))

.PHONY: demo test check setup clean
.DELETE_ON_ERROR:

demo: setup  ## a simulated room through the real nodes, with a report in out/demo
	$(BIN)/despite demo --out out/demo

test: $(MADE)/test  ## the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(MADE)/test  ## the static gate
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

setup: $(MADE)/project  ## the despite command with real ROS 2, without torch

$(MADE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	  || { echo "despite needs Python 3.11 or 3.12 for the ROS 2 wheels; choose one: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	mkdir -p $(MADE) && touch $@

# The message packages become wheels of their own; they are rebuilt only when their files change.
$(MADE)/interfaces: $(MADE)/venv $(INTERFACE_FILES)
	rm -rf .venv/wheels
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir .venv/wheels $(addprefix ./,$(INTERFACES))
	touch $@

$(MADE)/project: $(MADE)/interfaces pyproject.toml setup.py
	$(BIN)/pip install --quiet --editable '.[ros]'
	$(BIN)/pip install --quiet --no-deps --force-reinstall .venv/wheels/*.whl
	touch $@

$(MADE)/test: $(MADE)/project
	$(BIN)/pip install --quiet --editable '.[ros,test,training]' '$(TORCH)'
	touch $@

clean:  ## forget what was installed and made
	rm -rf .venv out build

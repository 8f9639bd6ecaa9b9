# SPDX-License-Identifier: Apache-2.0
# Everything on a desk without ROS: a real ROS 2 from Python wheels, in .venv.
#
#   make demo [SOURCE=/dev/video0|FILE|FOLDER|URL]   the whole pipeline on real input
#             [POLICY=FILE] [RECORD=1]               rules of the home; a video also of a camera
#             [WEB=1 [ADDRESS=IP] [PORT=N]]          a page in the browser, for this machine only
#   make test                                        all tests
#   make bench [SECTIONS='stages pipeline']          how fast it is here, compared with its peers
#   make profile                                     where the time of a frame goes, by thread and line
#   make load-picture                                latency, and what is given up for it, as a picture
#   make test-install [ROWS='wheels arm64 robot pythons']   README's lines for robots, on stand-ins
#   make evaluate DATA=DIR [MODEL=fernet_float16] [JSON=FILE]   a shipped model on FER2013
#   make train RECIPE=fernet DATA=DIR                train (resumes); make train-smoke: a minute
#   make habits-evaluate DATA=DIR [JSON=FILE]        how well a resident's next activity is predicted
#   make gaze-evaluate DATA=DIR [JSON=FILE]          head pose, gaze, blinks, attention
#   make habits-compare [DATA=DIR]; make habits-tune other models; the search for their settings
#   make habits-trial [SEEDS=200-209]                simulated residents at home; the cost of a year
#   make test-home-assistant                         what people ask for, before a real one (FER_HASS)
#   make examples                                    pictures of the policies in examples/home
#   make search [MINUTES=30]                         random examples for the tests of properties
#   make mutants [MINUTES=30] [ONLY=engine]          do the tests notice wrong lines? (resumes)
#   make audit                                       pinned packages against known vulnerabilities
#   make sros2                                       permissions of config/sros2, from the nodes
#   make faults [SECONDS=10] [ONLY=words] [FIGURES=1]   inject faults, and report what is lost
#   make lock                                        hashes of requirements/*.txt, after a new pin
# On a machine with ROS 2: colcon build, ros2 launch fer_ros fer.launch.py

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV := $(CURDIR)/.venv
SITE := lib/python3.11/site-packages
SOURCE ?=
POLICY ?=
RECORD ?=
WEB ?=
ADDRESS ?=
PORT ?=
SECTIONS ?=
RECIPE ?= fernet
TEACHERS ?=
DATA ?=
MODEL ?=
JSON ?= build/evaluation.json
HABITS_JSON := $(if $(filter file,$(origin JSON)),build/habits.json,$(JSON))
GAZE_JSON := $(if $(filter file,$(origin JSON)),build/gaze.json,$(JSON))
REPORT ?= build/evaluation.html
GAZE_REPORT := $(if $(filter file,$(origin REPORT)),build/gaze.html,$(REPORT))
MINUTES ?= 30
SECONDS ?= 10
SEEDS ?= 200-209
ONLY ?=
FIGURES ?=
# The messages come from install/, all other Python from the source tree, which is never stale.
# A node that finds no bytecode starts in twice the time, and tests start hundreds of them.
ROS_ENV := env -u PYTHONHOME -u PYTHONDONTWRITEBYTECODE VIRTUAL_ENV=$(VENV) PATH=$(VENV)/bin:$$PATH \
  CMAKE_PREFIX_PATH=$(VENV) AMENT_PREFIX_PATH=$(CURDIR)/install/fer_ros:$(VENV) \
  PYTHONPATH=$(CURDIR):$(CURDIR)/install/fer_ros/$(SITE) \
  LD_LIBRARY_PATH=$(CURDIR)/install/fer_ros/lib
# All is pinned, with hashes: nothing is left to resolve.
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
  --no-deps

.PHONY: test-install notebook habits-evaluate habits-compare habits-tune habits-trial gaze-evaluate screenshots dashboard-load help demo test build lint bench evaluate train train-smoke data-given mutants clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile | tail -n +2

$(VENV)/.created:
	@[ "$$(uname -sm)" = "Linux x86_64" ] && $(PYTHON) -c \
	  'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  sh $(HERE)tools/python_hint.sh '$(PYTHON)'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV): is the venv module there" \
	  "(Debian, Ubuntu: sudo apt install python3.11-venv)?"; exit 1; }
	@touch $@

$(VENV)/.demo: requirements/demo.txt $(VENV)/.created
	@echo "Installing the run time and ROS 2 into .venv (once) ..."
	@$(PIP) -r requirements/demo.txt || { echo "The packages of requirements/demo.txt could not" \
	  "be installed; pip said why. Is the network up? Run the same command again when it is."; exit 1; }
	@touch $@

$(VENV)/.test: requirements/test.txt requirements/detectors.txt $(VENV)/.demo
	@echo "Installing the test tools and TensorFlow into .venv (once) ..."
	@$(PIP) -r requirements/test.txt && $(PIP) -r requirements/detectors.txt || { \
	  echo "The packages of requirements/test.txt and requirements/detectors.txt could not be" \
	  "installed: is the network up? Run the same command again when it is."; exit 1; }
	@touch $@

install/.built: $(VENV)/.demo $(wildcard msg/*.msg srv/*.srv) CMakeLists.txt package.xml
	@$(MAKE) --no-print-directory build

build: $(VENV)/.demo
	@command -v g++ >/dev/null || { echo "g++ was not found: the messages need a C++ compiler" \
	  "(Debian, Ubuntu: apt install g++)."; exit 1; }
	@echo "Building the messages ..."
	@mkdir -p build
	@$(ROS_ENV) colcon --log-base log build --symlink-install --packages-select fer_ros \
	  --event-handlers console_direct- \
	  --cmake-args -G Ninja -DPython3_EXECUTABLE=$(VENV)/bin/python -DBUILD_TESTING=OFF \
	  > build/colcon.log 2>&1 || { cat build/colcon.log; exit 1; }
	@touch install/.built

demo: install/.built
	@$(ROS_ENV) python -m fer_ros.cli.demo $(if $(SOURCE),--source '$(SOURCE)') \
	  $(if $(POLICY),--policy '$(POLICY)') $(if $(RECORD),--record) $(if $(WEB),--web) \
	  $(if $(ADDRESS),--address '$(ADDRESS)') $(if $(PORT),--port '$(PORT)')

test: install/.built $(VENV)/.test
	@$(ROS_ENV) python -m pytest test --numprocesses=2 --dist=loadscope $(PYTEST_ARGS)

# Long, wants root and Debian for some rows; what cannot run here is shown as not run.
test-install:
	@$(PYTHON) test/install $(if $(ROWS),--rows $(ROWS))

# fer asks for PyTorch, for a detector that is not its default: it is not pinned, so not installed.
$(VENV)/.peers: requirements/peers.txt $(VENV)/.test
	@echo "Installing the peers to compare with into .venv (once) ..."
	@$(PIP) -r requirements/peers.txt || { echo "The packages of requirements/peers.txt" \
	  "could not be installed: is the network up? Run the same command again when it is."; exit 1; }
	@touch $@

bench: install/.built $(VENV)/.peers
	@$(ROS_ENV) python -m fer_ros.bench $(SECTIONS)

DATA_fer2013 := a folder with fer2013.csv, or with train/<emotion>/ and test/<emotion>/
DATA_gaze-evaluate := a folder with camera.json, poses.csv, gaze.csv, images and videos
DATA_habits-evaluate := a folder with the activities of a resident in one *_ADLs.txt

data-given:
	@[ -n "$(DATA)" ] || { echo "Say where the data is: make $(MAKECMDGOALS) DATA=DIR" \
	  "($(DATA_$(or $(filter habits-evaluate gaze-evaluate,$(MAKECMDGOALS)),fer2013)))."; exit 2; }

evaluate: data-given $(VENV)/.test
	@$(VENV)/bin/python -m training evaluate '$(DATA)' --model '$(MODEL)' --json '$(JSON)' --report '$(REPORT)'

train: data-given $(VENV)/.test
	@$(VENV)/bin/python -m training train '$(RECIPE)' --data '$(DATA)' \
	  $(if $(TEACHERS),--teachers $(TEACHERS)) $(if $(WORKERS),--workers $(WORKERS))

train-smoke: $(VENV)/.test
	@$(VENV)/bin/python -m training smoke $(if $(DATA),--data '$(DATA)')

notebook: $(VENV)/.test
	@$(VENV)/bin/python test/training/save_notebook.py

# Models compared on made-up residents and on DATA, the trial of overrides, size and time of a year.
habits-compare: $(VENV)/.test
	@TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m training.habits compare $(if $(DATA),'$(DATA)')

habits-tune: $(VENV)/.test
	@TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m training.habits tune

habits-trial: $(VENV)/.test
	@$(VENV)/bin/python -m training.habits trial --seeds '$(SEEDS)' --picture docs/habits_trial.svg
	@$(VENV)/bin/python -m training.habits cost

habits-evaluate: data-given $(VENV)/.demo
	@$(VENV)/bin/python -m fer_ros.cli.habits evaluate '$(DATA)' --json '$(HABITS_JSON)'

gaze-evaluate: data-given $(VENV)/.test
	@$(VENV)/bin/python -m fer_ros.cli.evaluate gaze '$(DATA)' --json '$(GAZE_JSON)' \
	  --page '$(GAZE_REPORT)'

screenshots: install/.built $(VENV)/.test
	@$(ROS_ENV) python test/dashboard/screenshots.py

.PHONY: test-home-assistant examples
# Each test kills the bridge, Home Assistant or the broker; takes five to ten minutes.
test-home-assistant: install/.built $(VENV)/.test
	@[ -n "$$FER_HASS" ] || { echo "Say how Home Assistant is started: FER_HASS=\"/path/to/python -m" \
	  "homeassistant\" make $@"; exit 2; }
	@$(ROS_ENV) python -m pytest -s test/home/connected/test_acceptance.py \
	  test/home/connected/test_real_home_assistant.py $(PYTEST_ARGS)

examples: $(VENV)/.demo
	@for file in examples/home/*.jsonl; do name=$$(basename $$file .jsonl); \
	  $(VENV)/bin/python -m fer_ros.cli.policy simulate examples/home/$$name.yaml $$file --quiet \
	  --picture docs/examples/$$name.svg || exit 1; done

dashboard-load: install/.built $(VENV)/.test
	@$(ROS_ENV) python test/dashboard/load.py

.PHONY: lock
lock: $(VENV)/.created
	@$(VENV)/bin/python tools/lock.py

build/audit/.installed: requirements/audit.txt $(VENV)/.created
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
	  --no-deps -r requirements/audit.txt || { echo "The packages of requirements/audit.txt could" \
	  "not be installed: is the network up? Run the same command again when it is."; exit 1; }
	@touch $@

.PHONY: audit
audit: build/audit/.installed
	@build/audit/bin/python tools/audit.py

.PHONY: sros2
sros2: install/.built $(VENV)/.test
	@$(ROS_ENV) python test/nodes/sros2_policies.py

# The container: built and run without a daemon, as root (buildah, debootstrap, mosquitto).
.PHONY: test-container
test-container: $(VENV)/.demo
	@$(VENV)/bin/python test/container/run.py

build/mutants/.installed: requirements/mutants.txt $(VENV)/.test
	@echo "Installing cosmic-ray under build/mutants (once) ..."
	@$(PIP) --target build/mutants -r requirements/mutants.txt || { echo "The packages of" \
	  "requirements/mutants.txt could not be installed: is the network up? Run the same command" \
	  "again when it is."; exit 1; }
	@touch $@

# Until it finds one that fails, which is then printed, or the time is over.
.PHONY: search
search: install/.built $(VENV)/.test
	@end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
	  FER_SEARCH=1 $(ROS_ENV) python -m pytest test -q -m hypothesis $(PYTEST_ARGS) || exit 1; done

mutants: build/mutants/.installed
	@PYTHONPATH=$(CURDIR):$(CURDIR)/build/mutants $(VENV)/bin/python test/mutants \
	  --minutes $(MINUTES) $(if $(ONLY),--only $(ONLY))

build/profile/.installed: requirements/profile.txt $(VENV)/.demo
	@$(PIP) --target build/profile -r requirements/profile.txt || { echo "The packages of" \
	  "requirements/profile.txt could not be installed: is the network up? Run the same command" \
	  "again when it is."; exit 1; }
	@touch $@

.PHONY: profile
profile: install/.built build/profile/.installed
	@$(ROS_ENV) python test/load/profile_nodes.py

.PHONY: load-picture
load-picture: install/.built $(VENV)/.test
	@$(ROS_ENV) python test/load/picture.py

.PHONY: faults
faults: install/.built $(VENV)/.test
	@$(ROS_ENV) python test/faults --seconds $(SECONDS) --only '$(ONLY)' \
	  $(if $(FIGURES),--figures)

lint: $(VENV)/.test
	@$(VENV)/bin/ruff check .

clean:
	rm -rf build install log

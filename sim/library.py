"""Simulations as shared libraries, for what a bench of cocotb would be too slow for."""

import ctypes
import hashlib
import inspect
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import amaranth
from filelock import FileLock

import hw
import params
from hw.verilog import to_verilog
from sim.build import build_root
from sim.engine import Engine, build_arguments, create_runner, environment
from sim.errors import SimulationError


def build_library(
    create: Callable[[], object],
    *,
    key: str,
    toplevel: str,
    verilog: tuple[Path, ...],
    wrapper: Path,
    made_from: tuple[Path, ...] = (),
) -> ctypes.CDLL:
    """Compile a component by Verilator, with a wrapper in C++, or find it compiled.

    Parameters
    ----------
    create, key, toplevel, made_from : see `sim.build.build`.
    verilog : further files that the component instantiates.
    wrapper : includes `V<toplevel>.h` and exports functions with C linkage.

    Raises
    ------
    MissingToolError, SimulationError : a tool is missing or the build failed.
    """
    digest = hashlib.sha256()
    packages = [Path(str(module.__file__)).parent for module in (hw, params)]
    files = [path for package in packages for path in sorted(package.rglob("*.py"))]
    files += [Path(inspect.getfile(create)), *made_from, *verilog, wrapper, Path(__file__)]
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for text in (amaranth.__version__, key, toplevel, *build_arguments(Engine.VERILATOR)):
        digest.update(repr(text).encode())
    folder = build_root() / f"{toplevel}-library-{digest.hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"lib{toplevel}.so"
    with FileLock(folder / "lock"):
        if not library.exists():
            create_runner(Engine.VERILATOR)  # Tells which tool is missing.
            (folder / f"{toplevel}.v").write_text(to_verilog(create(), name=toplevel))
            with environment(Engine.VERILATOR):
                _compile(folder, toplevel, verilog, wrapper, library)
    return ctypes.CDLL(str(library))


def _compile(
    folder: Path, toplevel: str, verilog: tuple[Path, ...], wrapper: Path, library: Path
) -> None:
    """Verilate, and link all into one library, which is there when it is whole."""
    objects = folder / "objects"
    include = Path(os.environ["VERILATOR_ROOT"]) / "include"
    made = library.with_suffix(".tmp")
    for command in (
        [
            *("verilator", "--cc", "--build", "--Mdir", str(objects), "--top-module", toplevel),
            *build_arguments(Engine.VERILATOR),
            *("-CFLAGS", "-fPIC", f"{toplevel}.v", *map(str, verilog)),
        ],
        [
            *("g++", "--std=c++20", "-O2", "-fPIC", "-shared", "-pthread", "-o", str(made)),
            *(f"-I{path}" for path in (objects, include, include / "vltstd")),
            *(str(wrapper), str(objects / f"V{toplevel}__ALL.a"), str(objects / "libverilated.a")),
        ],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            log = folder / "build.log"
            log.write_text(done.stdout + done.stderr)
            raise SimulationError(
                f"{command[0]} could not build {toplevel}: "
                f"{(done.stderr or done.stdout).strip().splitlines()[-1]} (the whole log is in "
                f"{log})"
            )
    made.replace(library)

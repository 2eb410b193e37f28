"""Compiled simulations, cached by what they are made from."""

import hashlib
import inspect
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import amaranth
import cocotb
from filelock import FileLock

import hw
import params
from hw.verilog import to_verilog
from sim.engine import Engine, build_arguments, check_waves, create_runner, environment
from sim.errors import SimulationError

TIMESCALE = ("1ns", "1ns")

_TRIGGER = re.compile(r"^  reg (\\\$auto\$verilog_backend\S+ ) = 0;$", re.MULTILINE)
"""A register that Yosys declares so that combinational blocks are evaluated at the start."""


def build_root() -> Path:
    """Where builds are kept: `build/sim` here, or the folder that ZEROSHIFT_BUILD names."""
    return Path(os.environ.get("ZEROSHIFT_BUILD", "build")).absolute() / "sim"


@dataclass(frozen=True)
class Build:
    """A compiled simulation: the engine that runs it and the folder it lies in."""

    engine: Engine
    folder: Path
    toplevel: str
    waves: bool


def build(
    create: Callable[[], object],
    *,
    key: str,
    engine: Engine,
    toplevel: str,
    sources: tuple[Path, ...] = (),
    made_from: tuple[Path, ...] = (),
    waves: bool = False,
    edit: Mapping[str, str] | None = None,
) -> Build:
    """Compile a component for `engine`, or find it compiled.

    Parameters
    ----------
    create : returns the component; called only when the Verilog is not in the cache.
    key : tells apart components that the same sources can make, such as a config's repr.
    engine, waves : the simulator, and whether it can record waves.
    toplevel : name of the top module.
    sources : further Verilog files that the component instantiates.
    made_from : Python files outside of `hw` and `params` that the component is made from, besides
        that of `create`: a change of them is a change of the component.
    edit : texts of the Verilog to replace, each found exactly once or more; for benches that
        check that they notice a fault.

    Raises
    ------
    MissingToolError, SimulationError : a tool is missing or the build failed.
    """
    digest = hashlib.sha256()
    packages = [Path(str(module.__file__)).parent for module in (hw, params)]
    files = [path for package in packages for path in sorted(package.rglob("*.py"))]
    files += [Path(inspect.getfile(create)), *made_from, *sources]
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    # The simulation is linked to the libraries of this cocotb, in this environment.
    tools = (amaranth.__version__, cocotb.__version__, sys.prefix)
    for text in (*tools, key, toplevel, engine, str(waves), str(edit)):
        digest.update(repr(text).encode())
    digest.update(repr(build_arguments(engine)).encode())
    folder = build_root() / f"{toplevel}-{engine}-{digest.hexdigest()[:16]}"
    result = Build(engine=engine, folder=folder, toplevel=toplevel, waves=waves)
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / "complete"
    with FileLock(folder / "lock"):
        if complete.exists():
            return result
        runner = create_runner(engine)
        if waves:
            check_waves(engine)
        verilog = to_verilog(create(), name=toplevel)
        if engine == Engine.ICARUS:
            # As an initial value it is no event there: without, flip-flops take x at first.
            verilog = _TRIGGER.sub(r"  reg \1;\n  initial #0 \1= 0;", verilog)
        for old, new in (edit or {}).items():
            if old not in verilog:
                raise SimulationError(f"the Verilog of {toplevel} has no text {old!r} to replace")
            verilog = verilog.replace(old, new)
        top = folder / f"{toplevel}.v"
        top.write_text(verilog)
        control = []
        if engine == Engine.VERILATOR:
            ports = folder / "ports.vlt"
            ports.write_text(
                "`verilator_config\n"
                f'public_flat_rw -module "{toplevel}" -var "clk"\n'
                + "".join(
                    f'public_flat_rw -module "{toplevel}" -var "{name}"\n'
                    for name in _ports(verilog, toplevel)
                )
            )
            control = [ports]
        log = folder / "build.log"
        try:
            with environment(engine):
                runner.build(
                    sources=[*control, *sources, top],
                    hdl_toplevel=toplevel,
                    build_dir=folder / "objects",
                    build_args=build_arguments(engine),
                    timescale=TIMESCALE,
                    waves=waves,
                    always=True,
                    log_file=log,
                )
        except (RuntimeError, SystemExit) as failure:
            tail = log.read_text().strip().splitlines()[-1:] if log.exists() else []
            raise SimulationError(
                f"{engine} could not build {toplevel}: {' '.join(tail) or failure} "
                f"(the whole log is in {log})"
            ) from failure
        complete.touch()
    return result


def remove_builds() -> None:
    """Delete every cached build."""
    shutil.rmtree(build_root(), ignore_errors=True)


def _ports(verilog: str, toplevel: str) -> list[str]:
    """Names of the ports of module `toplevel`."""
    header = verilog.split(f"module {toplevel}(", 1)[1].split(");", 1)[0]
    return [name.strip() for name in header.split(",")]

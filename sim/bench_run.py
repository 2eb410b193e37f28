"""Runs a cocotb bench as a program of its own."""

from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from sim.build import Build
from sim.engine import Engine, create_runner
from sim.errors import SimulationError


def run_bench(build: Build, module: str, folder: Path, waves: Path | None = None) -> None:
    """Run the one cocotb test of `module` in `folder`; what it says goes to bench.log there.

    Parameters
    ----------
    waves : FST file to write; the build is one with waves.

    Raises
    ------
    SimulationError : the test failed or the simulator broke off.
    """
    log = folder / "bench.log"
    wave_arguments: dict[str, Any] = {}
    if waves is not None:
        waves.absolute().parent.mkdir(parents=True, exist_ok=True)
        wave_arguments = (
            {"plusargs": [f"+dumpfile_path={waves.absolute()}"]}
            if build.engine == Engine.ICARUS
            else {"test_args": ["--trace-file", str(waves.absolute())]}
        )
    try:
        results = create_runner(build.engine).test(
            test_module=module,
            hdl_toplevel=build.toplevel,
            hdl_toplevel_lang="verilog",
            build_dir=build.folder / "objects",
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            waves=waves is not None,
            log_file=log,
            # The bench has no assert statements; rewriting them is half of a short run's time.
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": ""},
            **wave_arguments,
        )
        count, failed = get_results(results)
    except (RuntimeError, SystemExit) as failure:
        raise SimulationError(f"the simulation broke off: {_reason(log)}") from failure
    if count != 1 or failed:
        raise SimulationError(f"the simulation failed: {_reason(log)}")


def _reason(log: Path) -> str:
    """The line of a bench's log that tells why it failed."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if "Error" in line]
    reason = (telling or lines or ["it left no log"])[-1].strip()
    return f"{reason} (log: {log})"

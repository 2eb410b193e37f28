"""Runs a cocotb bench of the blocks under pytest."""

from pathlib import Path

from cocotb_tools.runner import get_results

from sim.build import Build
from sim.engine import create_runner


def run_bench(blocks: Build, module: str, folder: Path) -> None:
    """Run every cocotb test in `module` on `blocks`; `folder` takes logs and results.

    Stalls and values come from cocotb's seed, which it logs: to repeat a run, give it back in
    the environment variable COCOTB_RANDOM_SEED.
    """
    log = folder / "bench.log"
    try:
        results = create_runner(blocks.engine).test(
            test_module=module,
            hdl_toplevel=blocks.toplevel,
            hdl_toplevel_lang="verilog",
            build_dir=blocks.folder / "objects",
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            log_file=log,
            extra_env={"COCOTB_MAX_FAILURES": "1"},
        )
        count, failed = get_results(results)
    except (RuntimeError, SystemExit) as failure:
        raise AssertionError(log.read_text()[-8000:]) from failure
    assert count > 0, f"{module} holds no test"
    assert not failed, log.read_text()[-8000:]

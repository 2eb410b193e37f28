"""Runs hostile commands on a simulated system and tells how the runs ended."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from params.commands import Fault
from sim.bench_run import run_bench
from sim.build import Build, build, build_root
from sim.engine import Engine
from sim.fuzz_case import MEMORY_BYTES
from sim.fuzz_maker import CONFIGS
from sim.harness import VERILOG
from sim.system_harness import MADE_FROM, SystemHarness

GOOD_EVERY = 25
"""One case in so many must do its work."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a case ended.

    Parameters
    ----------
    number : of the case.
    kind : how it was made.
    fault, place : what the system told.
    cycles : of the run.
    problems : what the system did that it must not do, whatever the commands.
    """

    number: int
    kind: str
    fault: Fault
    place: int
    cycles: int
    problems: tuple[str, ...]


def build_fuzzed(name: str, *, fault: str = "") -> Build:
    """The system `CONFIGS[name]` and its memory, compiled.

    Parameters
    ----------
    fault : tells systems apart whose blocks the caller has changed.
    """
    config = CONFIGS[name]
    return build(
        lambda: SystemHarness(config, memory_bytes=MEMORY_BYTES),
        key=f"{config!r} {MEMORY_BYTES} {fault}",
        engine=Engine.VERILATOR,
        toplevel="system_harness",
        sources=(VERILOG / "axi_memory.v", VERILOG / "event_log.v"),
        made_from=MADE_FROM,
    )


def fuzz(
    harness: Build, name: str, *, seed: int, count: int, first: int = 0, problems: int = 20
) -> list[Outcome]:
    """Run cases `first` to `first + count - 1` of a seed.

    Parameters
    ----------
    harness : from `build_fuzzed(name)`.
    problems : cases with a problem after which it ends early.

    Raises
    ------
    SimulationError : the simulation broke off.
    """
    runs = build_root() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=runs))
    settings = {
        "config": name,
        "seed": seed,
        "first": first,
        "count": count,
        "good_every": GOOD_EVERY,
        "problems": problems,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    run_bench(harness, "sim.fuzz_bench", folder)
    records = json.loads((folder / "results.json").read_text())
    shutil.rmtree(folder)
    return [
        Outcome(
            number=record["number"],
            kind=record["kind"],
            fault=Fault(record["fault"]),
            place=record["place"],
            cycles=record["cycles"],
            problems=tuple(record["problems"]),
        )
        for record in records
    ]

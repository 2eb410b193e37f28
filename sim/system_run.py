"""A compiled network on the simulated system, compared map by map with the golden model."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.system.image import SystemImage
from params.commands import Fault
from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.bench_run import run_bench
from sim.build import Build, build, build_root
from sim.checker import Mismatch, first_mismatch
from sim.engine import Engine
from sim.errors import SimulationError
from sim.harness import VERILOG
from sim.system_events import EventLog, read_events
from sim.system_harness import EVENT_LOG, FINAL, INITIAL, MADE_FROM, SystemHarness

STALL_SCALE = 1 << 16
"""Steps of a stall probability."""

SECONDS_PER_LOOK = 0.5
"""How often a running simulation is asked for its progress."""

SIZES = (1 << 16, 1 << 20, 1 << 26)
"""Bytes of memories that suffice for most networks, or parts of them."""

LONGEST_RUN = 1 << 40
"""Cycles after which a run is given up: never before the system gives up by itself."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How the memory of a simulated system behaves.

    Parameters
    ----------
    latency : cycles from the address of a read to its first beat, 1 or more.
    stalls : probability in [0, 1) that a channel pauses in a cycle.
    seed : of the pauses, 32 bits.
    """

    latency: int = 1
    stalls: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.stalls < 1:
            raise SimulationError(f"stalls is {self.stalls}, but must be a probability below 1")
        if not 1 <= self.latency < 1 << 16:
            raise SimulationError(f"latency is {self.latency}, but must be in 1..65535")


IDEAL = Memory()
"""A memory that answers in the next cycle and never pauses."""


@dataclass(frozen=True, kw_only=True)
class SystemResult:
    """What a run of a simulated system gave.

    Parameters
    ----------
    memory : its contents at the end.
    fault : why the run ended early; `Fault.NONE` for a whole run.
    place : byte or number of the command at fault.
    counters : cycles of each kind; see `params.registers.COUNTERS`.
    beats_read, beats_written : by the system.
    violations : of the rules of AXI4, by the system.
    log : what the units began and ended, and how far counters were then.
    seconds : of the simulator, its start included.
    """

    memory: bytearray
    fault: Fault
    place: int
    counters: Mapping[str, int]
    beats_read: int
    beats_written: int
    violations: int
    log: EventLog
    seconds: float


def memory_bytes(size: int) -> int:
    """A size of memory for `size` bytes: one of a few, for each is compiled anew."""
    return next((step for step in SIZES if size <= step), 1 << (size - 1).bit_length())


def build_system(
    config: SystemConfig,
    *,
    size: int,
    engine: Engine = Engine.VERILATOR,
    waves: bool = False,
    sdram: SdramConfig | None = None,
) -> Build:
    """The system and a memory of `size` bytes, compiled for `engine`; see `sim.build.build`.

    Parameters
    ----------
    sdram : the chip that the memory is, as wide as the system's bus; without, it is ideal.
    """
    octets = memory_bytes(size)
    if sdram is not None:
        octets = min(octets, sdram.size)
    return build(
        lambda: SystemHarness(config, memory_bytes=octets, sdram=sdram),
        key=f"{config!r} {octets} {sdram!r}",
        engine=engine,
        toplevel="system_harness",
        sources=(
            VERILOG / ("axi_memory.v" if sdram is None else "sdram_model.v"),
            VERILOG / "event_log.v",
        ),
        made_from=MADE_FROM,
        waves=waves,
    )


def run_commands(
    contents: bytes | bytearray,
    *,
    commands: int,
    harness: Build,
    memory: Memory = IDEAL,
    waves: Path | None = None,
    progress: Callable[[dict], None] | None = None,
) -> SystemResult:
    """Run the commands in a memory.

    Parameters
    ----------
    contents : of the memory; its length is the size of the window.
    commands : address of the first command.
    harness : from `build_system`, of this size, with `waves` where waves are wanted.
    progress : called now and then with what the bench last reported.

    Raises
    ------
    SimulationError : the simulation did not end as it should; a fault that the system tells is
        no error.
    """
    runs = build_root() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=runs))
    (folder / INITIAL).write_bytes(contents)
    settings = {
        "seed": memory.seed & 0xFFFFFFFF,
        "stalls": int(memory.stalls * STALL_SCALE),
        "latency": memory.latency,
        "order": 0,
        "window_base": 0,
        "window_size": len(contents),
        "commands": commands,
        "limit": LONGEST_RUN,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    started = time.perf_counter()
    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(run_bench, harness, "sim.system_bench", folder, waves)
        while True:
            try:
                running.result(timeout=SECONDS_PER_LOOK)
                break
            except FutureTimeoutError:
                if progress is not None:
                    progress(_status(folder))
    seconds = time.perf_counter() - started
    status = _status(folder)
    if not status.get("finished") or not (folder / FINAL).exists():
        raise SimulationError(f"the simulation left no result; the run is kept in {folder}")
    after = bytearray((folder / FINAL).read_bytes()[: len(contents)])
    log = read_events(folder / EVENT_LOG)
    shutil.rmtree(folder)
    return SystemResult(
        memory=after,
        fault=Fault(status["fault"]),
        place=status["place"],
        counters={name: status[name] for name in ("cycles", "compute", "wait_load",
                                                   "wait_store", "wait_weights")},
        beats_read=status["beats_read"],
        beats_written=status["beats_written"],
        violations=status["violations"],
        log=log,
        seconds=seconds,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WrongMap:
    """The first map that differs from the golden model's, and where."""

    name: str
    mismatch: Mismatch


def compare_maps(
    image: SystemImage, memory: bytearray, expected: Mapping[str, np.ndarray]
) -> WrongMap | None:
    """The first kept map, in the order of the network, that is not as expected.

    Parameters
    ----------
    expected : maps by name, integers (channels, height, width).
    """
    for name, found in image.maps.items():
        if not found.kept or name not in expected:
            continue
        mismatch = first_mismatch(image.read_map(memory, name), expected[name])
        if mismatch is not None:
            return WrongMap(name=name, mismatch=mismatch)
    return None


def _status(folder: Path) -> dict:
    """What the bench last reported."""
    path = folder / "status.json"
    return json.loads(path.read_text()) if path.exists() else {}

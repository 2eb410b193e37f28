"""A layer on the simulated array, compared with the golden model."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.program import Program
from params import ArrayConfig
from sim.bench_run import run_bench
from sim.build import Build, build, build_root
from sim.checker import Mismatch, first_mismatch
from sim.engine import Engine
from sim.errors import SimulationError
from sim.files import output_words, read_outputs, write_streams
from sim.harness import MADE_FROM, SOURCES, Harness

STALL_SCALE = 1 << 16
"""Steps of a stall probability."""

CYCLES_OF_GRACE = 100_000
"""Cycles of silence that no simulation is given up for."""

SECONDS_PER_LOOK = 0.2
"""How often a running simulation is asked for its progress."""


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """What a simulated layer gave.

    Parameters
    ----------
    outputs : int64 or float32 (cout, out_height, out_width), the array's.
    mismatch : the first output that differs from the golden model, or None.
    cycles : with a tile under way, from its command to its last output.
    load_cycles : between tiles, for the activation words.
    seconds : of the simulator, its start included.
    """

    outputs: np.ndarray
    mismatch: Mismatch | None
    cycles: int
    load_cycles: int
    seconds: float

    @property
    def bit_exact(self) -> bool:
        """Every output equals the golden model's."""
        return self.mismatch is None

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles of all kinds per second of the simulator."""
        return (self.cycles + self.load_cycles) / self.seconds


def build_harness(
    config: ArrayConfig,
    *,
    engine: Engine = Engine.VERILATOR,
    waves: bool = False,
    edit: dict[str, str] | None = None,
) -> Build:
    """The harness around the array of `config`, compiled for `engine`; see `sim.build.build`."""
    return build(
        lambda: Harness(config),
        key=repr(config),
        engine=engine,
        toplevel="harness",
        sources=SOURCES,
        made_from=MADE_FROM,
        waves=waves,
        edit=edit,
    )


def simulate(
    program: Program,
    image: np.ndarray,
    *,
    harness: Build,
    residual: np.ndarray | None = None,
    expected: np.ndarray | None = None,
    seed: int = 0,
    stalls: float = 0.0,
    waves: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> SimulationResult:
    """Run a compiled layer on the RTL and compare every output.

    Parameters
    ----------
    program : the layer, compiled for the array in `harness`.
    image : (cin, height, width), integers or float32.
    harness : from `build_harness`, with `waves` where waves are wanted.
    residual : (cout, out_height, out_width), what is added to the sums, if anything is.
    expected : (cout, out_height, out_width); the golden model's when None.
    seed : of the random stalls, 32 bits.
    stalls : probability in [0, 1) that a stream pauses in a cycle.
    waves : FST file to write.
    progress : called now and then with the share of the outputs that has come.

    Raises
    ------
    SimulationError : the simulation did not end as it should; a wrong output is no error but a
        `mismatch`.
    """
    if not 0 <= stalls < 1:
        raise SimulationError(f"stalls is {stalls}, but must be a probability below 1")
    if (residual is None) != (program.residual_format is None):
        raise SimulationError("a layer that adds a residual takes one, and no other does")
    if expected is None:
        expected = program.golden(image, residual)
    total = sum(
        output_words(program, tile, row)
        for tile in range(len(program.tiles))
        for row in range(program.config.rows)
    )
    runs = build_root() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=runs))
    write_streams(folder, program, image, residual)
    settings = {
        "seed": seed & 0xFFFFFFFF,
        "stalls": int(stalls * STALL_SCALE),
        "tiles": len(program.tiles),
        "words": total,
        # Many times what loading takes on average.
        "load_cycles": int(
            CYCLES_OF_GRACE + 20 * (len(program.layout.runs) + program.load_words) / (1 - stalls)
        ),
        # The longest silence: loading a tile, and a filter of the largest size, many times over.
        "patience": int(
            CYCLES_OF_GRACE + 20 * program.config.depth * program.config.max_runs / (1 - stalls)
        ),
    }
    (folder / "settings.json").write_text(json.dumps(settings))

    started = time.perf_counter()
    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(run_bench, harness, "sim.array_bench", folder, waves)
        while True:
            try:
                running.result(timeout=SECONDS_PER_LOOK)
                break
            except FutureTimeoutError:
                if progress is not None:
                    progress(min(1.0, _status(folder).get("words", 0) / max(1, total)))
    seconds = time.perf_counter() - started

    status = _status(folder)
    try:
        outputs = program.assemble(read_outputs(folder, program))
    except ValueError as failure:
        raise SimulationError(f"{failure}; the run is kept in {folder}") from failure
    shutil.rmtree(folder)
    if progress is not None:
        progress(1.0)
    return SimulationResult(
        outputs=outputs,
        mismatch=first_mismatch(outputs, expected),
        cycles=status["compute_cycles"],
        load_cycles=status["load_cycles"],
        seconds=seconds,
    )


def _status(folder: Path) -> dict:
    """What the bench last reported."""
    path = folder / "status.json"
    return json.loads(path.read_text()) if path.exists() else {}

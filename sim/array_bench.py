"""cocotb bench of the harness: starts it, watches over it, and reports."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, SimTimeoutError, Timer, with_timeout

from sim.errors import SimulationError

PERIOD_NS = 2
CYCLES_PER_LOOK = 20_000


@cocotb.test()
async def compute_tiles(dut):
    """Run all tiles; write status.json every `CYCLES_PER_LOOK` cycles at least and at the end.

    Fails when no output word comes for longer than `patience` cycles, when more than `words`
    come, or when the loads take more than `load_cycles`.
    """
    settings = json.loads(Path("settings.json").read_text())
    for name in ("seed", "stalls", "tiles"):
        getattr(dut, name).value = settings[name]
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start(start_high=False)
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0

    look = min(CYCLES_PER_LOOK, settings["patience"])
    quiet, words = 0, -1
    while True:
        finished = RisingEdge(dut.finished)
        try:
            await with_timeout(finished, look * PERIOD_NS, "ns")
            break
        except SimTimeoutError:
            pass
        now = int(dut.words.value) + int(dut.load_cycles.value)
        quiet = quiet + look if now == words else 0
        words = now
        _report(dut)
        if int(dut.words.value) > settings["words"]:
            raise SimulationError(
                f"{int(dut.words.value)} output words came where {settings['words']} were "
                f"expected: a row goes on in tile {int(dut.tiles_done.value)} and finds no end"
            )
        if int(dut.load_cycles.value) > settings["load_cycles"]:
            raise SimulationError(
                f"the loads of tile {int(dut.tiles_done.value)} do not end: "
                f"{int(dut.load_cycles.value)} cycles so far"
            )
        if quiet > settings["patience"]:
            raise SimulationError(
                f"no output for {quiet} cycles: the array hangs in tile "
                f"{int(dut.tiles_done.value)} after {int(dut.words.value)} words"
            )
    # The sinks write out their buffers in the cycle after `finished`.
    await Timer(4 * PERIOD_NS, "ns")
    _report(dut)


def _report(dut) -> None:
    status = {
        name: int(getattr(dut, name).value)
        for name in ("finished", "tiles_done", "words", "compute_cycles", "load_cycles")
    }
    Path("status.json.new").write_text(json.dumps(status))
    os.replace("status.json.new", "status.json")

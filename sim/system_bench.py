"""cocotb bench of a system: starts it, watches over it, and reports."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, SimTimeoutError, Timer, with_timeout

from sim.errors import SimulationError
from sim.lite_master import LiteMaster

PERIOD_NS = 2
CYCLES_PER_LOOK = 50_000


@cocotb.test()
async def run_commands(dut):
    """Run the commands in memory; status.json is written now and then, and at the end.

    Fails when the run takes longer than `limit` cycles, or an interrupt does not come.
    """
    settings = json.loads(Path("settings.json").read_text())
    for name in ("seed", "stalls", "latency", "order"):
        getattr(dut, name).value = settings[name]
    for name in ("flush", "reload", "broken"):
        getattr(dut, name).value = 0
    dut.low.value = settings["window_base"]
    dut.high.value = settings["window_base"] + settings["window_size"]
    dut.rst.value = 1
    control = LiteMaster(dut, "control")
    Clock(dut.clk, PERIOD_NS, unit="ns").start(start_high=False)
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    for register in ("WINDOW_BASE", "WINDOW_SIZE", "COMMANDS"):
        await control.write(register, settings[register.lower()])
    await control.write("CONTROL", 0b11)

    looks = 0
    while True:
        interrupt = RisingEdge(dut.interrupt)
        try:
            await with_timeout(interrupt, CYCLES_PER_LOOK * PERIOD_NS, "ns")
            break
        except SimTimeoutError:
            pass
        looks += 1
        _report({"cycles": looks * CYCLES_PER_LOOK, "beats_written": int(dut.beats_written.value)})
        if looks * CYCLES_PER_LOOK > settings["limit"]:
            raise SimulationError(
                f"the system has not ended after {looks * CYCLES_PER_LOOK} cycles: "
                f"{int(dut.beats_read.value)} beats read, {int(dut.beats_written.value)} written"
            )
    while not await control.read("STATUS") & 0b10:
        pass
    report = {"status": await control.read("STATUS"), "fault": await control.read("FAULT")}
    report |= {"place": await control.read("PLACE"), "finished": True}
    report |= await control.counters()
    report |= {
        name: int(getattr(dut, name).value)
        for name in ("beats_read", "beats_written", "violations", "outside")
    }
    dut.flush.value = 1
    await Timer(4 * PERIOD_NS, "ns")
    _report(report)


def _report(status: dict) -> None:
    Path("status.json.new").write_text(json.dumps(status))
    os.replace("status.json.new", "status.json")

"""cocotb bench of a system that runs hostile commands, one case after the other."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, SimTimeoutError, with_timeout

from params.commands import Fault
from params.system import LARGEST_BURST_BYTES
from sim.fuzz_case import FuzzCase
from sim.fuzz_maker import CONFIGS, CaseMaker
from sim.lite_master import LiteMaster
from sim.system_harness import FINAL, INITIAL, MEMORY_INPUTS

PERIOD_NS = 2

LONGEST_RUN = 400_000
"""Cycles after which a run counts as one that does not end."""

LOOKS_AFTER_FAULT = 2000
"""How often STATUS is read until a run that has told a fault counts as one that does not end."""


@cocotb.test()
async def run_cases(dut):
    """Run cases and write results.json: a record each, see `sim.fuzz_run.Outcome`.

    It ends early after settings["problems"] cases that something is wrong with.
    """
    settings = json.loads(Path("settings.json").read_text())
    maker = CaseMaker(CONFIGS[settings["config"]])
    bench = FuzzBench(dut)
    await bench.reset()
    records = []
    problems = 0
    for number in range(settings["first"], settings["first"] + settings["count"]):
        seed = settings["seed"] << 32 | number
        due = number % settings["good_every"] == settings["good_every"] - 1
        case = maker.good(seed) if due else maker.make(seed)
        record = {"number": number, "kind": case.kind, **await bench.run(case)}
        records.append(record)
        problems += bool(record["problems"])
        if problems >= settings["problems"]:
            break
    Path("results.json").write_text(json.dumps(records))


class FuzzBench:
    """Runs cases on a simulated system."""

    def __init__(self, dut) -> None:
        self._dut = dut
        self._control = LiteMaster(dut, "control")
        for name in MEMORY_INPUTS:
            getattr(dut, name).value = 0
        dut.latency.value = 1
        Clock(dut.clk, PERIOD_NS, unit="ns").start(start_high=False)

    async def reset(self) -> None:
        """Reset everything."""
        self._dut.rst.value = 1
        await self._wait(3)
        self._dut.rst.value = 0
        await self._wait(1)

    async def run(self, case: FuzzCase) -> dict:
        """Run a case; what it gave, and what was wrong about it."""
        dut, control = self._dut, self._control
        Path(INITIAL).write_bytes(case.memory)
        for name in ("stalls", "latency", "order", "broken"):
            getattr(dut, name).value = getattr(case, name)
        dut.low.value = case.base
        dut.high.value = case.base + case.window_size
        dut.reload.value = 1
        await self._wait(2)
        dut.reload.value = 0
        before = self._counts()
        await control.write("WINDOW_BASE", case.base)
        await control.write("WINDOW_SIZE", case.window_size)
        await control.write("COMMANDS", case.commands)
        await control.write("CONTROL", 0b11)
        # The interrupt of the run before is gone by then.
        await self._wait(2)
        if not await self._ended():
            problems = ["it does not end", *self._wrong(before)]
            await self.reset()
            return {"problems": problems, "fault": 0, "place": 0, "cycles": LONGEST_RUN}
        at_end = self._counts()
        status = await control.read("STATUS")
        fault = await control.read("FAULT")
        place = await control.read("PLACE")
        cycles = await control.read("CYCLES")
        await self._wait(case.rest)
        problems = self._wrong(before)
        if self._counts() != at_end:
            problems.append("memory is used after the end")
        if status & 1 or not status & 2 or bool(status & 4) != bool(fault):
            problems.append(f"STATUS is {status:#b} with fault {fault}")
        if fault == Fault.BUS and not 0 < case.broken < case.base + place + LARGEST_BURST_BYTES:
            problems.append(f"an error of memory is told at {place}, where there is none")
        if case.good is not None:
            problems += await self._miscomputed(case, fault)
        return {"problems": problems, "fault": fault, "place": place, "cycles": cycles}

    async def _wait(self, cycles: int) -> None:
        for _ in range(cycles):
            await FallingEdge(self._dut.clk)

    async def _ended(self) -> bool:
        """Wait for the interrupt, which a fault raises before the run is over, and for the end."""
        if self._dut.interrupt.value != 1:
            try:
                await with_timeout(RisingEdge(self._dut.interrupt), LONGEST_RUN * PERIOD_NS, "ns")
            except SimTimeoutError:
                return False
        for _ in range(LOOKS_AFTER_FAULT):
            if await self._control.read("STATUS") & 0b10:
                return True
        return False

    def _counts(self) -> dict[str, int]:
        names = ("violations", "outside", "beats_read", "beats_written")
        return {name: int(getattr(self._dut, name).value) for name in names}

    def _wrong(self, before: dict[str, int]) -> list[str]:
        """What memory has noticed."""
        now = self._counts()
        told = {"violations": "rules of AXI4 broken", "outside": "bursts outside of the window"}
        return [
            f"{now[name] - before[name]} {text}"
            for name, text in told.items()
            if now[name] != before[name]
        ]

    async def _miscomputed(self, case: FuzzCase, fault: int) -> list[str]:
        """What is wrong with the results of a good case."""
        if fault:
            return [f"good commands end with fault {fault}"]
        self._dut.flush.value = 1
        await self._wait(2)
        self._dut.flush.value = 0
        await self._wait(1)
        window = bytearray(Path(FINAL).read_bytes()[case.base :][: case.window_size])
        assert case.good is not None
        return [
            f"the map {name} is wrong"
            for name, values in case.good.outputs.items()
            if (case.good.image.read_map(window, name) != values).any()
        ]

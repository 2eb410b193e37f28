"""Refreshes for longer than the chip keeps its contents."""

import json
import random
from pathlib import Path

import cocotb
from cocotb.triggers import Timer

from tests.hw.sdram.traffic_bench import PERIOD_NS, check_chip, start


@cocotb.test()
async def retention(dut):
    cycles = json.loads(Path("settings.json").read_text())["cycles"]
    master = await start(dut, random.Random(cocotb.RANDOM_SEED))
    for _ in range(200):
        master.read(0, 256)
    await master.finish()
    busy = dut.refreshes.value.to_unsigned()
    assert busy >= master.cycle // 79 - 8
    master.stop()
    await Timer(cycles * PERIOD_NS, "ns")
    assert dut.refreshes.value.to_unsigned() > 2 * 8192
    check_chip(dut)

"""A network on the system, with the memory and the master of a public AXI package around it."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import (
    AxiBus,
    AxiLiteBus,
    AxiLiteMaster,
    AxiRam,
    AxiReadBus,
    AxiWriteBus,
)

from params.registers import OFFSETS


@cocotb.test()
async def run_a_network(dut):
    settings = json.loads(Path("settings.json").read_text())
    contents = Path("memory.bin").read_bytes()
    bus = AxiBus(
        write=AxiWriteBus.from_prefix(dut, "write_"), read=AxiReadBus.from_prefix(dut, "read_")
    )
    ram = AxiRam(bus, dut.clk, dut.rst, size=settings["ram_bytes"])
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "control_"), dut.clk, dut.rst)
    base = settings["base"]
    ram.write(base, contents)
    dut.rst.value = 1
    Clock(dut.clk, 2, unit="ns").start()
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    assert await master.read_dword(OFFSETS["ID"]) >> 16 == 0x5A53
    await master.write_dword(OFFSETS["WINDOW_BASE"], base)
    await master.write_dword(OFFSETS["WINDOW_SIZE"], len(contents))
    await master.write_dword(OFFSETS["COMMANDS"], settings["commands"])
    await master.write_dword(OFFSETS["CONTROL"], 0b11)
    await with_timeout(RisingEdge(dut.interrupt), 2 * settings["limit"], "ns")
    assert await master.read_dword(OFFSETS["FAULT"]) == 0
    assert await master.read_dword(OFFSETS["CYCLES"]) > 1000
    # Writing done clears it, and with it the interrupt.
    await master.write_dword(OFFSETS["STATUS"], 0b010)
    for _ in range(4):
        await RisingEdge(dut.clk)
    assert dut.interrupt.value == 0
    Path("memory_after.bin").write_bytes(ram.read(base, len(contents)))

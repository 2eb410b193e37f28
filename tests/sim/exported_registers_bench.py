"""The registers of an exported system behave as its register map says."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

ONES = (1 << 32) - 1


def word(register, value):
    """A word of fields, each with a value of its own."""
    return sum(value(field) << field["lsb"] for field in register["children"])


def mask(field):
    return (1 << field["msb"] - field["lsb"] + 1) - 1


@cocotb.test()
async def follow_the_map(dut):
    registers = json.loads(Path("registers.json").read_text())["children"]
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "control_"), dut.clk, dut.rst)
    for name in ("read_arready", "read_rvalid", "write_awready", "write_wready", "write_bvalid"):
        getattr(dut, name.replace("_", "__", 1)).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 2, unit="ns").start()
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0

    async def read(register):
        answer = await master.read(register["address_offset"], 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    for register in registers:
        assert await read(register) == word(register, lambda field: field["reset"]), register
    for register in registers:
        # All ones, but what would begin a run.
        pulses = word(register, lambda f: mask(f) if f.get("singlepulse") else 0)
        data = (ONES & ~pulses).to_bytes(4, "little")
        answer = await master.write(register["address_offset"], data)
        refused = all(field["sw"] == "r" for field in register["children"])
        if register["name"] != "WINDOW_BASE_HIGH":
            assert answer.resp == (AxiResp.SLVERR if refused else AxiResp.OKAY), register
        wanted = word(
            register,
            lambda f: mask(f) if f["sw"] == "rw" and "onwrite" not in f else f["reset"],
        )
        assert await read(register) == wanted, register

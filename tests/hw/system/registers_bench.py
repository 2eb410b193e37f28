"""cocotb bench of the registers, from AXI4-Lite and from the system."""

import itertools
import random

import cocotb
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from params.commands import Fault
from params.registers import COUNTERS, OFFSETS, REGISTERS, Access
from sim.streams import start

REFUSED = AxiResp.SLVERR
OKAY = AxiResp.OKAY


class Bus:
    """Reads and writes registers by name or offset."""

    def __init__(self, dut, stalls):
        self.master = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "registers__axi_"), dut.clk, dut.rst
        )
        if stalls:
            pauses = random.Random(cocotb.RANDOM_SEED)
            write, read = self.master.write_if, self.master.read_if
            for channel in (
                write.aw_channel, write.w_channel, write.b_channel,
                read.ar_channel, read.r_channel,
            ):  # fmt: skip
                channel.set_pause_generator(pauses.random() < stalls for _ in itertools.count())

    async def read(self, place, *, response=OKAY):
        answer = await self.master.read(OFFSETS.get(place, place), 4)
        assert answer.resp == response, f"{place} answers {answer.resp!r}"
        return int.from_bytes(answer.data, "little")

    async def write(self, place, value, *, response=OKAY):
        answer = await self.master.write(OFFSETS.get(place, place), value.to_bytes(4, "little"))
        assert answer.resp == response, f"{place} answers {answer.resp!r}"


async def begin(dut, stalls=0.0):
    for name in ("busy", "finished", "fault", "fault_code", "fault_place"):
        getattr(dut, f"registers__{name}").value = 0
    for k, name in enumerate(COUNTERS):
        getattr(dut, f"registers__{name.lower()}").value = counter(k)
    bus = Bus(dut, stalls)
    await start(dut)
    return bus


async def pulse(dut, name):
    await FallingEdge(dut.clk)
    getattr(dut, f"registers__{name}").value = 1
    await FallingEdge(dut.clk)
    getattr(dut, f"registers__{name}").value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)


async def interrupt(dut):
    """The interrupt, which follows its causes a cycle later."""
    await FallingEdge(dut.clk)
    return dut.registers__interrupt.value


def counter(k):
    return 0x0123_4567_89AB_CDEF * (k + 1) % (1 << 64)


def count_starts(dut):
    """A list that grows with each cycle in which `start` is up; `busy` follows it."""
    starts = []

    async def run():
        while True:
            await FallingEdge(dut.clk)
            if dut.registers__start.value == 1:
                starts.append(1)
                await FallingEdge(dut.clk)
                if dut.registers__start.value == 1:
                    starts.append(1)
                dut.registers__busy.value = 1

    cocotb.start_soon(run())
    return starts


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.5])
async def reads_and_writes(dut, stalls):
    bus = await begin(dut, stalls)
    assert await bus.read("ID") == 0x5A53_0001
    for name in ("CONTROL", "STATUS", "FAULT", "PLACE", "WINDOW_BASE", "WINDOW_SIZE", "COMMANDS"):
        assert await bus.read(name) == 0
    for k, name in enumerate(COUNTERS):
        low, high = await bus.read(name), await bus.read(f"{name}_HIGH")
        assert low | high << 32 == counter(k)
    await bus.write("WINDOW_BASE", 0x8765_4321)
    await bus.write("WINDOW_BASE_HIGH", 0xFFFF_FFFB)
    await bus.write("WINDOW_SIZE", 0x0123_4567)
    await bus.write("COMMANDS", 0x89AB_CDE0)
    assert dut.registers__base.value == 0xB_8765_4000
    assert dut.registers__size.value == 0x0123_4567
    assert dut.registers__commands.value == 0x89AB_CDE0
    assert await bus.read("WINDOW_BASE") == 0x8765_4000
    assert await bus.read("WINDOW_BASE_HIGH") == 0xB
    assert await bus.read("WINDOW_SIZE") == 0x0123_4567
    assert await bus.read("COMMANDS") == 0x89AB_CDE0
    # A part of a word.
    answer = await bus.master.write(OFFSETS["WINDOW_SIZE"] + 1, b"\xaa\xbb")
    assert answer.resp == OKAY
    assert await bus.read("WINDOW_SIZE") == 0x01BB_AA67


@cocotb.test()
async def refuses_what_there_is_not(dut):
    bus = await begin(dut)
    offsets = set(OFFSETS.values())
    for offset in range(0, 4096, 4):
        if offset not in offsets and (offset < 0x100 or offset % 0x124 == 0):
            await bus.read(offset, response=REFUSED)
            await bus.write(offset, 0xFFFF_FFFF, response=REFUSED)
    for register in REGISTERS:
        if all(f.access in (Access.CONSTANT, Access.STATUS) for f in register.fields):
            await bus.write(register.name, 0xFFFF_FFFF, response=REFUSED)
    assert dut.registers__size.value == 0
    assert dut.registers__start.value == 0


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.5])
async def goes_through_runs(dut, stalls):
    bus = await begin(dut, stalls)
    starts = count_starts(dut)
    await bus.write("WINDOW_SIZE", 0x1000)
    # Only the byte that is written counts.
    await bus.master.write(OFFSETS["CONTROL"] + 1, b"\x01")
    assert not starts
    await bus.write("CONTROL", 0b11)
    assert len(starts) == 1
    assert await bus.read("CONTROL") == 0b10
    assert await bus.read("STATUS") == 0b001
    for name in ("WINDOW_BASE", "WINDOW_BASE_HIGH", "WINDOW_SIZE", "COMMANDS"):
        await bus.write(name, 0xFFFF_FFFF, response=REFUSED)
    await bus.write("CONTROL", 0b01, response=REFUSED)
    assert await bus.read("CONTROL") == 0b10
    assert dut.registers__size.value == 0x1000
    assert dut.registers__base.value == 0
    assert await interrupt(dut) == 0

    dut.registers__busy.value = 0
    await pulse(dut, "finished")
    assert await interrupt(dut) == 1
    assert await bus.read("STATUS") == 0b010
    await bus.write("STATUS", 0b101)
    assert await bus.read("STATUS") == 0b010
    await bus.write("STATUS", 0b010)
    assert await bus.read("STATUS") == 0
    assert await interrupt(dut) == 0

    # A run that fails: the first fault is kept, until the next start.
    await bus.write("CONTROL", 0b11)
    assert len(starts) == 2
    for code, place in ((Fault.BUS, 0x1234), (Fault.STALLED, 7)):
        dut.registers__fault_code.value = code.value
        dut.registers__fault_place.value = place
        await pulse(dut, "fault")
    dut.registers__busy.value = 0
    await pulse(dut, "finished")
    assert await bus.read("STATUS") == 0b110
    assert await bus.read("FAULT") == Fault.BUS.value
    assert await bus.read("PLACE") == 0x1234
    assert await interrupt(dut) == 1
    await bus.write("CONTROL", 0b00)
    assert await interrupt(dut) == 0
    await bus.write("CONTROL", 0b01)
    assert len(starts) == 3
    assert await bus.read("STATUS") == 0b001
    assert await bus.read("FAULT") == 0
    assert await bus.read("PLACE") == 0


@cocotb.test()
async def takes_many_at_once(dut):
    """Accesses queue up on both channels, and none is lost."""
    bus = await begin(dut, 0.3)
    writes = [cocotb.start_soon(bus.write("COMMANDS", 16 * k)) for k in range(20)]
    reads = [cocotb.start_soon(bus.read("ID")) for _ in range(20)]
    for task in writes + reads:
        await task
    assert await bus.read("COMMANDS") == 16 * 19

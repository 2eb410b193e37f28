"""Masters that nobody here wrote share a memory."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Combine, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiMaster, AxiReadBus, AxiWriteBus

from tests.hw.board.blocks import MEMORY_BYTES

PERIOD_NS = 2
ACCESSES = 80
LIMIT_NS = 60_000


@cocotb.test()
async def two_masters(dut):
    draw = random.Random(cocotb.RANDOM_SEED)
    dut.hold.value = 0
    dut.late.value = 0
    masters = [
        AxiMaster(
            AxiBus(
                write=AxiWriteBus.from_prefix(dut, f"write_{k}_"),
                read=AxiReadBus.from_prefix(dut, f"read_{k}_"),
            ),
            dut.clk,
            dut.rst,
            max_burst_len=16,
        )
        for k in (0, 1)
    ]
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    pauses = cocotb.start_soon(hold_up(dut, random.Random(draw.random())))
    for master in masters:
        for part in (master.write_if.aw_channel, master.write_if.w_channel,
                     master.write_if.b_channel, master.read_if.ar_channel,
                     master.read_if.r_channel):  # fmt: skip
            part.set_pause_generator(pausing(random.Random(draw.random())))
    works = [
        cocotb.start_soon(use(master, k, random.Random(draw.random())))
        for k, master in enumerate(masters)
    ]
    await with_timeout(Combine(*works), LIMIT_NS, "ns")
    pauses.cancel()


def pausing(draw):
    """Whether a channel pauses, by turns often and never."""
    while True:
        share = draw.choice((0.0, 0.0, 0.5, 0.9))
        for _ in range(draw.randrange(1, 200)):
            yield draw.random() < share


async def hold_up(dut, draw):
    share = 0.0
    while True:
        if draw.random() < 0.01:
            share = draw.choice((0.0, 0.3, 0.8))
            dut.late.value = draw.randrange(2)
        await FallingEdge(dut.clk)
        dut.hold.value = sum((draw.random() < share) << k for k in range(5))


BLOCK = 128


async def use(master, number, draw):
    """Several accesses at a time, compared with what was written; blocks are every other one."""
    blocks = list(range(number, MEMORY_BYTES // BLOCK, 2))
    contents = {}
    for block in blocks:
        contents[block] = bytearray(draw.randbytes(BLOCK))
        await master.write(block * BLOCK, bytes(contents[block]))
    for _ in range(ACCESSES // 4):
        chosen = draw.sample(blocks, 4)
        tasks = []
        for block in chosen:
            first = draw.randrange(BLOCK)
            count = draw.randrange(1, BLOCK - first + 1)
            # Also where the memory's contents repeat.
            place = block * BLOCK + first + draw.randrange(3) * MEMORY_BYTES
            if draw.random() < 0.5:
                data = draw.randbytes(count)
                contents[block][first : first + count] = data
                tasks.append((master.init_write(place, data), None))
            else:
                wanted = bytes(contents[block][first : first + count])
                tasks.append((master.init_read(place, count), wanted))
        for event, wanted in tasks:
            await event.wait()
            if wanted is not None:
                assert event.data.data == wanted

"""cocotb bench of cells against RTL: no word is read in the cycle in which it is written."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

CYCLES = 3000
ADDRESSES = 512
CORNERS = {"a": (-(1 << 17), (1 << 17) - 1, 0, -1), "b": (-(1 << 16), (1 << 16) - 1, 0, -1)}


@cocotb.test()
async def compare(dut):
    rng = random.Random(cocotb.RANDOM_SEED)
    width = len(dut.data)
    # The models refuse to go on with what is unknown.
    for name in ("write", "write_address", "data", "read", "read_address", "a", "b"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    await Timer(1, "ns")
    Clock(dut.clk, 2, unit="ns").start()
    for _ in range(4):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    words, sums = set(), set()
    # Few addresses, so that words are read back, and any of the RAM's.
    places = [rng.randrange(ADDRESSES) for _ in range(8)] + [0, ADDRESSES - 1]
    for _ in range(CYCLES):
        write = rng.choice(places) if rng.random() < 0.8 else rng.randrange(ADDRESSES)
        read = rng.choice([place for place in places if place != write])
        dut.write.value = rng.random() < 0.5
        dut.read.value = rng.random() < 0.7
        dut.write_address.value = write
        dut.read_address.value = read
        dut.data.value = rng.getrandbits(width)
        for name, corners in CORNERS.items():
            low, high = corners[0], corners[1]
            value = rng.choice([*corners, rng.randint(low, high), rng.randint(low, high)])
            getattr(dut, name).value = value
        await FallingEdge(dut.clk)
        # Of what is undefined there is no number.
        words.add(int(dut.word.value))
        sums.add(int(dut.kept.value))
    assert min(len(words), len(sums)) > CYCLES // 10
    assert dut.differs.value == 0

"""cocotb bench of the write master: data, strobes, faults and stops."""

import itertools
import random

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly
from cocotbext.axi import AxiRamWrite, AxiWriteBus

from params.commands import Fault
from sim.streams import start
from tests.hw.system.axi_blocks import CONFIG
from tests.hw.system.memories import BYTES, Faults, Writer, random_burst

BASE = 0x1234_3000
WINDOW = 0x800
LIMIT = WINDOW // BYTES
RAM_BYTES = 1 << 16


async def begin(dut, stalls=0.0):
    dut.writer__base.value = BASE
    dut.writer__size.value = WINDOW
    dut.writer__stop.value = 0
    await start(dut)
    return Writer(dut, "writer__port", stalls=stalls), Faults(dut, "writer")


def attach_ram(dut, stalls=0.0):
    ram = AxiRamWrite(
        AxiWriteBus.from_prefix(dut, "writer__axi_"), dut.clk, dut.rst, size=RAM_BYTES
    )
    ram.write(0, bytes(RAM_BYTES))
    if stalls:
        pauses = random.Random(cocotb.RANDOM_SEED + 1)
        for channel in (ram.aw_channel, ram.w_channel, ram.b_channel):
            channel.set_pause_generator(pauses.random() < stalls for _ in itertools.count())
    return ram


async def quiet(dut):
    """Wait until the master is idle."""
    for _ in range(200):
        await FallingEdge(dut.clk)
        if dut.writer__idle.value == 1:
            return
    raise AssertionError("the master is not idle")


def random_write(draw, beats):
    """Bytes of a burst and the masks of its beats."""
    strobe = [draw.choice((0, (1 << BYTES) - 1, draw.getrandbits(BYTES))) for _ in range(beats)]
    return draw.randbytes(BYTES * beats), strobe


def apply(memory: bytearray, beat, data, strobe):
    """What a burst does to a memory."""
    for k, byte in enumerate(data):
        if strobe[k // BYTES] >> k % BYTES & 1:
            memory[BYTES * beat + k] = byte


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.4], outside=[0.0, 0.3])
async def writes_a_ram(dut, stalls, outside):
    """Bursts outside of the window are dropped, all others arrive, whatever comes before them."""
    draw = random.Random(cocotb.RANDOM_SEED)
    writer, faults = await begin(dut, stalls)
    ram = attach_ram(dut, stalls)
    expected = bytearray(RAM_BYTES)
    places = []
    for _ in range(150):
        beat, beats = random_burst(draw, LIMIT)
        if draw.random() < outside:
            beat = draw.choice(
                (LIMIT, (1 << CONFIG.beat_bits) - 8, 8 * draw.randint(LIMIT, 1 << 20))
            )
            places.append((Fault.WINDOW.value, BYTES * beat))
        data, strobe = random_write(draw, beats)
        writer.write((beat, beats), data, strobe)
        if beat < LIMIT:
            apply(expected, (BASE % RAM_BYTES) // BYTES + beat, data, strobe)
    await writer.finish(150)
    assert ram.read(0, RAM_BYTES) == expected
    await quiet(dut)
    for _ in range(5):
        await FallingEdge(dut.clk)
    assert writer.written == 150
    assert faults.seen == places


@cocotb.test()
async def tells_errors(dut):
    """An answer with an error is told with its burst's place; `written` comes all the same."""
    draw = random.Random(cocotb.RANDOM_SEED)
    writer, faults = await begin(dut)
    bursts = [random_burst(draw, LIMIT) for _ in range(60)]
    for one in bursts:
        writer.write(one, *random_write(draw, one[1]))
    dut.writer__axi__awready.value = 1
    dut.writer__axi__wready.value = 1
    dut.writer__axi__bvalid.value = 0
    dut.writer__axi__bid.value = 0
    complete = answered = position = 0
    expected = []
    while answered < len(bursts):
        await FallingEdge(dut.clk)
        answer = complete > answered and draw.random() < 0.3
        response = draw.randrange(4)
        dut.writer__axi__bvalid.value = int(answer)
        dut.writer__axi__bresp.value = response
        if answer:
            if response >= 2:
                expected.append((Fault.BUS.value, BYTES * bursts[answered][0]))
            answered += 1
        await ReadOnly()
        assert dut.writer__axi__bready.value == 1
        if dut.writer__axi__wvalid.value == 1:
            position += 1
            last = position == bursts[complete][1]
            assert dut.writer__axi__wlast.value == last
            if last:
                complete, position = complete + 1, 0
    await FallingEdge(dut.clk)
    dut.writer__axi__bvalid.value = 0
    await writer.finish(60)
    await quiet(dut)
    assert faults.seen == expected
    assert expected


@cocotb.test()
async def stops(dut):
    """While `stop` is up no address is put on the bus, and yet everything is answered."""
    draw = random.Random(cocotb.RANDOM_SEED)
    writer, faults = await begin(dut)
    ram = attach_ram(dut, 0.3)
    for k in range(60):
        writer.write((8 * (k % 30), 8), draw.randbytes(8 * BYTES), [15] * 8)
    await writer.finish(10)
    dut.writer__stop.value = 1
    addresses = 0
    while writer.written < 60:
        await FallingEdge(dut.clk)
        await ReadOnly()
        addresses += dut.writer__axi__awvalid.value == 1 and dut.writer__axi__awready.value == 1
    assert addresses <= 1
    await quiet(dut)
    dut.writer__stop.value = 0
    writer.write((1, 2), bytes(range(8)), [15, 15])
    await writer.finish(61)
    assert ram.read((BASE + BYTES) % RAM_BYTES, 8) == bytes(range(8))
    assert not faults.seen

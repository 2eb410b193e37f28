"""cocotb bench of the read master: data, order, faults, stops and fairness."""

import itertools
import random

import cocotb
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiRamRead, AxiReadBus

from params.commands import Fault
from sim.streams import start
from tests.hw.system.axi_blocks import CONFIG, READERS
from tests.hw.system.memories import BYTES, Faults, MixingReadMemory, Reader, random_burst

BASE = 0x1234_3000
WINDOW = 0x800
LIMIT = WINDOW // BYTES


def content(address):
    """Any beat but zero."""
    return (address * 0x9E37_79B1 + 1) % (1 << 8 * BYTES) | 1


async def begin(dut, stalls=0.0):
    dut.reader__base.value = BASE
    dut.reader__size.value = WINDOW
    dut.reader__stop.value = 0
    dut.reader__closed.value = 0
    await start(dut)
    readers = [Reader(dut, f"reader__ports__{k}", stalls=stalls) for k in range(READERS)]
    return readers, Faults(dut, "reader")


async def quiet(dut):
    """Wait until the master is idle."""
    for _ in range(200):
        await FallingEdge(dut.clk)
        if dut.reader__idle.value == 1:
            return
    raise AssertionError("the master is not idle")


def beats_of(bursts):
    return [content(BASE + BYTES * (beat + k)) for beat, beats in bursts for k in range(beats)]


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.4])
async def reads_a_ram(dut, stalls):
    draw = random.Random(cocotb.RANDOM_SEED)
    readers, faults = await begin(dut, stalls)
    ram = AxiRamRead(AxiReadBus.from_prefix(dut, "reader__axi_"), dut.clk, dut.rst, size=1 << 16)
    for address in range(BASE, BASE + WINDOW, BYTES):
        ram.write(address % (1 << 16), content(address).to_bytes(BYTES, "little"))
    if stalls:
        pauses = random.Random(cocotb.RANDOM_SEED + 1)
        for channel in (ram.ar_channel, ram.r_channel):
            channel.set_pause_generator(pauses.random() < stalls for _ in itertools.count())
    wanted = [[random_burst(draw, LIMIT) for _ in range(60)] for _ in readers]
    for reader, bursts in zip(readers, wanted, strict=True):
        reader.ask(bursts)
    for reader, bursts in zip(readers, wanted, strict=True):
        assert await reader.collect(len(beats_of(bursts))) == beats_of(bursts)
    await quiet(dut)
    assert not faults.seen


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.5])
async def sorts_mixed_answers(dut, stalls):
    """Each reader gets its own beats in order, and errors are told with their place."""
    draw = random.Random(cocotb.RANDOM_SEED)
    readers, faults = await begin(dut, stalls)
    memory = MixingReadMemory(dut, "reader", content, stalls=stalls, errors=0.1)
    wanted = [[random_burst(draw, LIMIT) for _ in range(100)] for _ in readers]
    for reader, bursts in zip(readers, wanted, strict=True):
        reader.ask(bursts)
    for reader, bursts in zip(readers, wanted, strict=True):
        assert await reader.collect(len(beats_of(bursts))) == beats_of(bursts)
    await quiet(dut)
    assert memory.failed
    assert faults.seen == [(Fault.BUS.value, address - BASE) for address in memory.failed]


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.4])
async def keeps_to_the_window(dut, stalls):
    """Requests outside give zeros in their place among the others, and faults."""
    draw = random.Random(cocotb.RANDOM_SEED)
    readers, faults = await begin(dut, stalls)
    memory = MixingReadMemory(dut, "reader", content, stalls=stalls)
    # The window ends within a beat, so its last beat is outside.
    dut.reader__size.value = WINDOW - 1
    places = []
    for reader in readers:
        reader.wanted = []
        for _ in range(60):
            bad = draw.random() < 0.3
            beat, beats = random_burst(draw, LIMIT)
            if bad:
                far = (
                    LIMIT,
                    (1 << CONFIG.beat_bits) - CONFIG.burst_beats,
                    draw.randint(LIMIT, 9 * LIMIT),
                )
                beat = draw.choice(far) & -CONFIG.burst_beats
                beats = draw.randint(1, CONFIG.burst_beats)
            inside = beat + beats < LIMIT
            if not inside:
                places.append(BYTES * beat)
            reader.ask([(beat, beats)])
            reader.wanted += beats_of([(beat, beats)]) if inside else [0] * beats
    for reader in readers:
        assert await reader.collect(len(reader.wanted)) == reader.wanted
    await quiet(dut)
    assert sorted(faults.seen) == sorted((Fault.WINDOW.value, place) for place in places)
    for _, address, beats in memory.asked:
        assert BASE <= address < address + BYTES * beats <= BASE + WINDOW - BYTES


@cocotb.test()
async def stops(dut):
    """While `stop` is up nothing is put on the bus, and yet nobody waits."""
    readers, faults = await begin(dut)
    memory = MixingReadMemory(dut, "reader", content, stalls=0.3)
    bursts = [(8 * k, 8) for k in range(40)]
    for reader in readers:
        reader.ask(bursts)
    for _ in range(100):
        await FallingEdge(dut.clk)
    dut.reader__stop.value = 1
    await FallingEdge(dut.clk)
    # One may be on AR.
    on_offer = len(memory.asked) + int(dut.reader__axi__arvalid.value)
    for reader in readers:
        beats = await reader.collect(8 * len(bursts))
        assert all(beat in (0, right) for beat, right in zip(beats, beats_of(bursts), strict=True))
        assert 0 in beats
    await quiet(dut)
    assert len(memory.asked) <= on_offer + 1
    sent = len(memory.asked)
    dut.reader__stop.value = 0
    readers[1].ask([(3, 2)])
    assert (await readers[1].collect(8 * len(bursts) + 2))[-2:] == beats_of([(3, 2)])
    assert memory.asked[sent:] == [(1, BASE + 3 * BYTES, 2)]
    assert not faults.seen


@cocotb.test()
async def closes(dut):
    """What is asked for while it is `closed` waits; all else comes."""
    readers, faults = await begin(dut)
    memory = MixingReadMemory(dut, "reader", content)
    dut.reader__closed.value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    for reader in readers:
        reader.ask([(5, 2)])
    for _ in range(50):
        await FallingEdge(dut.clk)
    assert dut.reader__idle.value == 1
    assert not memory.asked
    dut.reader__closed.value = 0
    for reader in readers:
        assert await reader.collect(2) == beats_of([(5, 2)])
    assert not faults.seen


@cocotb.test()
async def serves_in_turn(dut):
    readers, _ = await begin(dut)
    memory = MixingReadMemory(dut, "reader", content)
    for reader in readers:
        reader.ask([(8 * k, 1) for k in range(30)])
    for reader in readers:
        await reader.collect(30)
    ids = [k for k, _, _ in memory.asked[:60]]
    assert all(sorted(ids[k : k + READERS]) == list(range(READERS)) for k in range(50))

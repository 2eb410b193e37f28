"""cocotb bench of the memory that systems are simulated with, alone and behind the masters."""

import random
from pathlib import Path

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge
from cocotbext.axi import AxiBus, AxiMaster, AxiReadBus, AxiWriteBus

from sim.streams import start
from tests.hw.system.axi_blocks import CONFIG, MEMORY_BYTES, READERS
from tests.hw.system.memories import BYTES, Reader, Writer, random_burst

BASE = MEMORY_BYTES // 2
LIMIT = (MEMORY_BYTES - BASE) // BYTES
LONGEST = CONFIG.burst_beats


def initial() -> bytes:
    """What the memories are loaded with when the simulation starts."""
    return Path("memory.bin").read_bytes()


def settings(dut, name, *, stalls=0.0, latency=1, order=0):
    for setting, value in {
        "seed": cocotb.RANDOM_SEED % (1 << 32), "stalls": round(stalls * 65536),
        "latency": latency, "order": order, "flush": 0, "reload": 0, "low": 0,
        "high": MEMORY_BYTES, "broken": 0,
    }.items():  # fmt: skip
        getattr(dut, f"{name}__{setting}").value = value


async def begin(dut, *, stalls=0.0, driver_stalls=0.0, **options):
    settings(dut, "pair", stalls=stalls, **options)
    dut.pair__base.value = BASE
    dut.pair__size.value = MEMORY_BYTES - BASE
    await start(dut)
    readers = [Reader(dut, f"pair__ports__{k}", stalls=driver_stalls) for k in range(READERS)]
    return readers, Writer(dut, "pair__port", stalls=driver_stalls)


def words_of(memory, bursts):
    return [
        int.from_bytes(memory[BASE + BYTES * (beat + k) :][:BYTES], "little")
        for beat, beats in bursts
        for k in range(beats)
    ]


async def note_faults(dut, cycles):
    """Append to `cycles` for each in which a master has a fault."""
    while True:
        await FallingEdge(dut.clk)
        if dut.pair__faults.value == 1:
            cycles.append(1)


async def flushed(dut, name, file):
    """What the memory holds now, through its file."""
    getattr(dut, f"{name}__flush").value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    getattr(dut, f"{name}__flush").value = 0
    await FallingEdge(dut.clk)
    return Path(file).read_bytes()


@cocotb.test()
async def is_loaded(dut):
    """Comes first: later ones find what earlier ones have written."""
    readers, _ = await begin(dut)
    bursts = [(k, LONGEST) for k in range(0, LIMIT, LONGEST)]
    readers[0].ask(bursts)
    await readers[0].collect(LIMIT)
    padded = initial().ljust(MEMORY_BYTES, b"\0")
    assert readers[0].beats == words_of(padded, bursts)
    assert await flushed(dut, "pair", "pair_after.bin") == padded
    assert dut.pair__violations.value == 0
    assert dut.pair__beats_read.value == LIMIT


@cocotb.test()
@cocotb.parametrize(
    (("stalls", "driver_stalls", "order"), [(0.0, 0.0, 0), (0.4, 0.0, 0), (0.4, 0.5, 1),
                                            (0.0, 0.0, 2), (0.4, 0.5, 2), (0.0, 0.5, 1)])
)  # fmt: skip
async def serves_the_masters(dut, stalls, driver_stalls, order):
    """Random writes, then random reads, of several readers at once."""
    draw = random.Random(cocotb.RANDOM_SEED)
    readers, writer = await begin(
        dut, stalls=stalls, driver_stalls=driver_stalls, order=order, latency=draw.randint(0, 30)
    )
    memory = bytearray(await flushed(dut, "pair", "pair_after.bin"))
    beats_written = 0
    for _ in range(80):
        beat, beats = random_burst(draw, LIMIT)
        data = draw.randbytes(BYTES * beats)
        strobe = [draw.choice(((1 << BYTES) - 1, draw.getrandbits(BYTES))) for _ in range(beats)]
        writer.write((beat, beats), data, strobe)
        beats_written += beats
        for k, byte in enumerate(data):
            if strobe[k // BYTES] >> k % BYTES & 1:
                memory[BASE + BYTES * beat + k] = byte
    await writer.finish(80)
    assert dut.pair__beats_written.value == beats_written
    assert await flushed(dut, "pair", "pair_after.bin") == memory
    for reader in readers:
        reader.wanted = [random_burst(draw, LIMIT) for _ in range(50)]
        reader.ask(reader.wanted)
    for reader in readers:
        wanted = words_of(memory, reader.wanted)
        assert await reader.collect(len(wanted)) == wanted
    assert dut.pair__violations.value == 0
    assert dut.pair__faults.value == 0
    for _ in range(5):
        await FallingEdge(dut.clk)
    assert dut.pair__idle.value == 1


@cocotb.test()
@cocotb.parametrize(latency=[1, 40])
async def gives_a_beat_per_cycle(dut, latency):
    """One reader and the writer at once, each with whole bursts back to back."""
    readers, writer = await begin(dut, latency=latency)
    bursts = [(LONGEST * k, LONGEST) for k in range(64)]
    readers[1].ask(bursts)
    for one in bursts:
        writer.write(one, bytes(BYTES * LONGEST), [0] * LONGEST)
    await readers[1].collect(64 * LONGEST)
    cycles = readers[1].cycles
    assert cycles[-1] - cycles[0] == 64 * LONGEST - 1
    # The request takes three cycles, the beat one; cycles count from the first request on.
    assert cycles[0] <= latency + 6
    before = dut.pair__beats_written.value.to_unsigned()
    assert before >= 64 * LONGEST - 10
    await writer.finish(64)
    assert dut.pair__violations.value == 0


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.3])
async def serves_another_master(dut, stalls):
    settings(dut, "memory", stalls=stalls, latency=3)
    bus = AxiBus(
        write=AxiWriteBus.from_prefix(dut, "memory__write_"),
        read=AxiReadBus.from_prefix(dut, "memory__read_"),
    )
    master = AxiMaster(bus, dut.clk, dut.rst)
    draw = random.Random(cocotb.RANDOM_SEED)
    await start(dut)
    memory = bytearray(await flushed(dut, "memory", "memory_after.bin"))
    for _ in range(8):
        address = BYTES * draw.randrange(MEMORY_BYTES // BYTES - 600)
        data = draw.randbytes(draw.randint(1, 1000))
        await master.write(address, data)
        memory[address : address + len(data)] = data
        address = draw.randrange(MEMORY_BYTES // BYTES - 600) * BYTES
        assert (await master.read(address, 1000)).data == memory[address : address + 1000]
    assert await flushed(dut, "memory", "memory_after.bin") == memory
    assert dut.memory__violations.value == 0


@cocotb.test()
async def counts_violations(dut):
    settings(dut, "memory")
    names = ("awvalid", "wvalid", "bready", "wlast")
    write = {name: getattr(dut, f"memory__write__{name}") for name in (*names, "awaddr", "awlen",
             "awsize", "awburst", "awid", "wdata", "wstrb", "awready", "wready")}  # fmt: skip
    for signal in list(write.values())[:-2]:
        signal.value = 0
    for name in ("arvalid", "araddr", "arlen", "arsize", "arburst", "arid", "rready"):
        getattr(dut, f"memory__read__{name}").value = 0
    write["bready"].value = 1
    await start(dut)
    await FallingEdge(dut.clk)
    good = {"awaddr": 64, "awlen": 1, "awsize": CONFIG.byte_bits, "awburst": 1}
    expected = 0

    async def one(lasts=(0, 1), **changes):
        for name, value in (good | changes).items():
            write[name].value = value
        write["awvalid"].value = 1
        await FallingEdge(dut.clk)
        write["awvalid"].value = 0
        for last in lasts:
            write["wvalid"].value = 1
            write["wlast"].value = last
            await FallingEdge(dut.clk)
        write["wvalid"].value = 0
        for _ in range(4):
            await FallingEdge(dut.clk)

    for violations, options in (
        (0, {}),
        (1, {"awaddr": 62}),
        (1, {"awaddr": 4096 - BYTES}),
        (0, {"awaddr": 4096 - 2 * BYTES}),
        (0, {"awaddr": MEMORY_BYTES - 2 * BYTES}),
        (1, {"awaddr": MEMORY_BYTES}),
        (1, {"awsize": 0}),
        (1, {"awburst": 0}),
        (2, {"lasts": (1, 0)}),
        (1, {"lasts": (0, 0)}),
    ):
        await one(**options)
        expected += violations
        assert dut.memory__violations.value == expected, options
    # An address that is withdrawn before it is taken.
    dut.memory__stalls.value = 65536
    for _ in range(2):
        await FallingEdge(dut.clk)
    write["awvalid"].value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    write["awvalid"].value = 0
    for _ in range(2):
        await FallingEdge(dut.clk)
    assert dut.memory__violations.value == expected + 1


@cocotb.test()
async def answers_with_errors(dut):
    """From a byte on; what lies there is not written."""
    readers, writer = await begin(dut)
    before = await flushed(dut, "pair", "pair_after.bin")
    dut.pair__broken.value = BASE + 4 * BYTES
    seen = []
    cocotb.start_soon(note_faults(dut, seen))
    for burst, faults in (((3, 1), 0), ((4, 1), 1), ((2, 3), 1), ((0, 4), 0), ((3, 3), 2)):
        got, told = len(readers[0].beats), len(seen)
        readers[0].ask([burst])
        await readers[0].collect(got + burst[1])
        await ClockCycles(dut.clk, 3)
        assert len(seen) == told + faults, burst
    for count, (burst, faults) in enumerate((((3, 2), 1), ((2, 2), 0), ((6, 1), 1)), 1):
        told = len(seen)
        writer.write(burst, b"\xa7" * BYTES * burst[1], [(1 << BYTES) - 1] * burst[1])
        await writer.finish(count)
        await ClockCycles(dut.clk, 3)
        assert len(seen) == told + faults, burst
    written = slice(BASE + 2 * BYTES, BASE + 4 * BYTES)
    after = bytearray(before)
    after[written] = b"\xa7" * 2 * BYTES
    assert await flushed(dut, "pair", "pair_after.bin") == after
    assert dut.pair__violations.value == 0


@cocotb.test()
async def is_loaded_again(dut):
    """The last: a file of another content is what memory holds then."""
    _, writer = await begin(dut)
    writer.write((0, 1), b"\xff" * BYTES, [(1 << BYTES) - 1])
    await writer.finish(1)
    other = random.Random(5).randbytes(100)
    Path("memory.bin").write_bytes(other)
    dut.pair__reload.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    assert await flushed(dut, "pair", "pair_after.bin") == other.ljust(MEMORY_BYTES, b"\0")


@cocotb.test()
async def tells_bursts_outside(dut):
    readers, writer = await begin(dut)
    dut.pair__low.value = BASE + 2 * BYTES
    dut.pair__high.value = BASE + 6 * BYTES
    for burst, outside in (((2, 4), 0), ((1, 2), 1), ((5, 2), 2), ((6, 1), 3), ((5, 1), 3)):
        before = len(readers[0].beats)
        readers[0].ask([burst])
        await readers[0].collect(before + burst[1])
        assert dut.pair__outside.value == outside
    for count, burst, outside in ((1, (2, 1), 3), (2, (1, 1), 4)):
        writer.write(burst, bytes(BYTES), [0])
        await writer.finish(count)
        assert dut.pair__outside.value == outside

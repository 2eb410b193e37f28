import dataclasses

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from compiler.system.weight_packets import pack_row
from hw.system.packet_reader import group_channels
from hw.system.weight_feeder import WEIGHTS, WeightFeeder
from hw.weight_decoder import WeightDecoder
from params import layouts, packing
from params.commands import NO_CHANNEL, Packet
from params.system import SystemConfig
from tests.compiler.system.weights import CONFIGS, make_places, make_rows, tight
from tests.hw.system.memory import Memory
from tests.hw.system.streams import Sink, Source

MOST_CYCLES = 50_000


def make_system(array, bus_bytes=16, **fields):
    fields = {"burst_beats": 4, "buffered_beats": 16} | fields
    return SystemConfig(array=array, bus_bytes=bus_bytes, **fields)


def integers(words):
    """Packed words as integers."""
    return [int.from_bytes(word.tobytes(), "little") for word in words]


def expected_words(stream, config):
    """What each stream gives for a row, by name."""
    ends = np.arange(len(stream.headers)) == len(stream.headers) - 1
    absent = make_places(stream) < 0
    fields = {
        "places": np.where(absent, NO_CHANNEL, make_places(stream)),
        "missing": (absent << np.arange(absent.shape[1])).sum(axis=1),
        "end": ends,
    }
    return {
        "headers": integers(stream.headers),
        "masks": integers(stream.masks),
        **{f"codes_{f}": integers(words) for f, words in enumerate(stream.codes)},
        "channels": integers(packing.pack(group_channels(config), fields, len(ends))),
    }


def lay_out(config, sequences):
    """The window with the units of each sequence somewhere, and the byte where each begins."""
    contents = bytearray()
    addresses = []
    for n, units in enumerate(sequences):
        gap = (3 * n + 1) * config.bus_bytes
        contents += bytes([0xEE]) * (gap - len(contents) % config.bus_bytes)
        addresses.append(len(contents))
        contents += units.astype("<u4").tobytes()
    contents += bytes([0xEE]) * (2 * config.bus_bytes - len(contents) % config.bus_bytes)
    return bytes(contents), addresses


def command(address, units, repeat=1):
    return WEIGHTS.const({"address": address, "units": units, "repeat": repeat}).as_value().value


class Bench:
    """A feeder between a memory and sinks."""

    def __init__(self, config, contents, commands, *, latency=0, stalls=0.0, seed=0, blocked=()):
        self.config = config
        self.feeder = feeder = WeightFeeder(config)
        self.memory = Memory(
            config, feeder.port, contents, latency=latency, stalls=stalls, seed=seed
        )
        outputs = {"headers": feeder.headers, "masks": feeder.masks, "channels": feeder.channels}
        outputs |= {f"codes_{f}": codes for f, codes in enumerate(feeder.codes)}
        self.sinks = {
            name: Sink(out, stalls=1.0 if name in blocked else stalls, seed=seed + 1 + n)
            for n, (name, out) in enumerate(outputs.items())
        }
        self.source = Source(feeder.commands, commands, stalls=stalls, seed=seed)
        self.malformed = 0
        self.sent = False

    def run(self, cycles=None):
        """Until the feeder has done all commands and is idle, or for so many cycles.

        Returns the cycles it took.
        """
        simulator = Simulator(self.feeder)
        simulator.add_clock(1e-6)
        took = 0

        async def send(ctx):
            await self.source.send(ctx)
            self.sent = True

        async def watch(ctx):
            nonlocal took
            done = False
            while not done if cycles is None else took < cycles:
                sent = self.sent
                _, _, idle, malformed = await ctx.tick().sample(
                    self.feeder.idle, self.feeder.malformed
                )
                self.malformed += malformed
                done = sent and idle
                took += 1
                assert took < MOST_CYCLES, "the feeder does not come to its end"
            _, _, malformed = await ctx.tick().sample(self.feeder.malformed)
            self.malformed += malformed

        simulator.add_testbench(self.memory.serve, background=True)
        for sink in self.sinks.values():
            simulator.add_testbench(sink.take, background=True)
        simulator.add_testbench(send, background=True)
        simulator.add_testbench(watch)
        simulator.run()
        return took

    def words(self):
        return {name: sink.words for name, sink in self.sinks.items()}


@pytest.mark.parametrize("stalls", [0.0, 0.4])
@pytest.mark.parametrize("bus_bytes", [2, 4, 16, 64])
@pytest.mark.parametrize("name", CONFIGS)
def test_rows_of_layers(name, bus_bytes, stalls):
    """All rows of a layer one after the other, one of them several times."""
    array = CONFIGS[name]
    config = make_system(array, bus_bytes)
    rows = make_rows(array, bus_bytes, cin=3 if name == "tiny-int8" else 5)
    units = [pack_row(row, array, make_places(row)) for row in rows]
    contents, addresses = lay_out(config, units)
    repeats = [1 + n % 2 for n in range(len(rows))]
    commands = [
        command(address, len(sequence), repeat)
        for address, sequence, repeat in zip(addresses, units, repeats, strict=True)
    ]
    # Nothing to do: no units, or never.
    commands[1:1] = [command(addresses[0], 0, 3), command(addresses[0], 7, 0)]
    expected = {}
    for row, repeat in zip(rows, repeats, strict=True):
        for key, words in expected_words(row, array).items():
            expected.setdefault(key, []).extend(repeat * words)
    bench = Bench(config, contents, commands, latency=20 * (stalls > 0), stalls=stalls, seed=7)
    bench.run()
    assert bench.words() == expected
    assert not bench.malformed
    beats = sum(
        -(-4 * len(sequence) // bus_bytes) * repeat
        for sequence, repeat in zip(units, repeats, strict=True)
    )
    assert bench.memory.beats == beats


@pytest.mark.parametrize("stalls", [0.0, 0.3])
@pytest.mark.parametrize("bus_bytes", [2, 4, 16, 64, 128])
def test_short_commands(bus_bytes, stalls):
    """Many commands of a few units, which seldom fill their last beat."""
    array = CONFIGS["paired"]
    config = make_system(array, bus_bytes)
    rng = np.random.default_rng(bus_bytes)
    sequences, repeats = [], []
    expected = {"headers": [], "channels": [], "masks": [], "codes_0": [], "codes_1": []}
    for _ in range(25):
        units = []
        words = {"masks": [], "codes_0": [], "codes_1": []}
        for _ in range(rng.integers(1, 3, endpoint=True)):
            kind, count = rng.integers(1, 3, endpoint=True), rng.integers(1, 4, endpoint=True)
            name = ("masks", "codes_0", "codes_1")[kind - 1]
            # A mask word has 2 * 32 bits, a code word 8 * 5.
            bits = 64 if kind == Packet.MASKS.value else 40
            values = rng.integers(0, 1 << bits - 1, count)
            units += [kind | count << 8, *values.astype("<u8").view("<u4")]
            words[name] += values.tolist()
        sequences.append(np.array(units, dtype=np.uint32))
        repeats.append(int(rng.integers(0, 3, endpoint=True)))
        for name, values in words.items():
            expected[name] += repeats[-1] * values
    contents, addresses = lay_out(config, sequences)
    commands = [
        command(address, len(units), repeat)
        for address, units, repeat in zip(addresses, sequences, repeats, strict=True)
    ]
    bench = Bench(config, contents, commands, latency=9, stalls=stalls, seed=bus_bytes)
    bench.run()
    assert bench.words() == expected
    assert not bench.malformed


@pytest.mark.parametrize("bus_bytes", [2, 4, 16, 64])
def test_throughput(bus_bytes):
    """A unit a cycle, or half a unit when beats have no more, across all boundaries."""
    array = CONFIGS["paired"]
    # Enough beats on their way to cover the latency.
    config = make_system(array, bus_bytes, buffered_beats=64, burst_beats=16)
    (row, other) = make_rows(array, 3, cout=4, cin=12, density=0.6)
    units = [pack_row(r, array, make_places(r)) for r in (row, other)]
    contents, addresses = lay_out(config, units)
    commands = [command(a, len(u), 3) for a, u in zip(addresses, units, strict=True)]
    bench = Bench(config, contents, commands)
    cycles = bench.run()
    total = 3 * sum(map(len, units))
    assert cycles <= total * max(1, 4 // bus_bytes) + 16


def test_asks_for_no_more_than_it_has_room_for():
    array = CONFIGS["tiny"]
    config = make_system(array, 4, burst_beats=4, buffered_beats=13)
    row = make_rows(array, 3)[0]
    units = pack_row(row, array, make_places(row))
    contents, (address,) = lay_out(config, [units])
    commands = [command(address, len(units))] * 2
    bench = Bench(config, contents, commands, blocked=("headers",))
    bench.run(cycles=300)
    # The header waits, and units in front of it have left the queue.
    header = -(-layouts.header(array).size // 32)
    assert sum(beats for _, beats in bench.memory.bursts) - (1 + header) in range(9, 13 + 4)
    assert len(bench.sinks["masks"].words) == 0


def test_bursts_are_aligned_and_whole():
    array = CONFIGS["tiny"]
    config = make_system(array, 4, burst_beats=8, buffered_beats=16)
    units = np.array([20 << 8 | Packet.MASKS.value, *range(20)], dtype=np.uint32)
    contents = bytes(4 * 5) + units.tobytes() + bytes(64)
    bench = Bench(config, contents, [command(20, 21, 2)])
    bench.run()
    assert bench.memory.bursts == [(5, 3), (8, 8), (16, 8), (24, 2)] * 2
    assert bench.words()["masks"] == 2 * list(range(20))


def test_a_command_is_fetched_while_the_one_before_waits():
    array = CONFIGS["tiny"]
    config = make_system(array, 4)
    units = np.array([1 << 8 | Packet.MASKS.value, 5], dtype=np.uint32)
    contents, addresses = lay_out(config, [units, units])
    commands = [command(address, 2) for address in addresses]
    bench = Bench(config, contents, commands, blocked=("masks",))
    bench.run(cycles=60)
    assert bench.memory.beats == 4
    assert bench.words()["masks"] == []


MASK, CODE = Packet.MASKS.value | 1 << 8, Packet.CODES.value | 1 << 8


@pytest.mark.parametrize("stalls", [0.0, 0.3])
@pytest.mark.parametrize(
    ("units", "masks", "codes"),
    [
        ([MASK, 3, 0xFF | 1 << 8, MASK, 4], [3], []),  # no such kind
        ([MASK, 3, CODE + 1, 8, MASK, 4], [3], []),  # no such filter
        ([MASK, 3, Packet.GROUP.value, MASK, 4], [3], []),  # a group of nothing
        ([MASK, 3, Packet.GROUP.value | 2 << 8, MASK, 4], [3], []),  # two groups
        ([MASK, 3, Packet.CODES.value, MASK, 4], [3], []),  # no words
        ([CODE, 6, MASK + (2 << 8), 3, 4], [3, 4], [6]),  # cut off within
        ([CODE, 6, MASK, 3, MASK], [3], [6]),  # cut off after its first unit
        ([0xFF], [], []),
    ],
)
@pytest.mark.parametrize("bus_bytes", [2, 16])
def test_malformed(bus_bytes, units, masks, codes, stalls):
    """One pulse, the rest of the command is thrown away, and the next command is none the worse."""
    array = CONFIGS["tiny"]
    config = make_system(array, bus_bytes)
    fine = [MASK, 77, CODE, 88]
    contents, addresses = lay_out(
        config, [np.array(part, dtype=np.uint32) for part in (units, fine)]
    )
    commands = [command(addresses[0], len(units), 3), command(addresses[1], len(fine), 2)]
    bench = Bench(config, contents, commands, latency=5, stalls=stalls, seed=3)
    bench.run()
    assert bench.malformed == 1
    assert bench.words()["masks"] == [*masks, 77, 77]
    assert bench.words()["codes_0"] == [*codes, 88, 88]
    assert bench.words()["headers"] == bench.words()["channels"] == []


@pytest.mark.parametrize("name", CONFIGS)
def test_smallest_buffers_do_not_stop_the_decoder(name):
    """Filters that are much larger than the buffers of the real decoder pass once."""
    array = tight(CONFIGS[name])
    row = large_row(name)
    units = pack_row(row, array, make_places(row))
    assert count_steps(array, units, MOST_CYCLES) == row_steps(row)


@pytest.mark.parametrize("name", CONFIGS)
def test_another_order_stops_the_decoder(name):
    """An order that is made for larger buffers: the filters of the test above would tell it."""
    row = large_row(name)
    units = pack_row(row, CONFIGS[name], make_places(row))
    assert count_steps(tight(CONFIGS[name]), units, 10 * row_steps(row)) < row_steps(row)


def large_row(name):
    """A row with filters of many times the words of the smallest buffers."""
    return make_rows(CONFIGS[name], 5, cout=4, cin=24, density=0.7)[0]


def row_steps(row):
    """Steps of a pass; a filter group without weights takes one."""
    return int(np.maximum(row.weights.steps, 1).sum())


def count_steps(array, units, cycles):
    """Steps that a decoder behind a feeder gives for a row's units, within so many cycles."""
    config = make_system(array)
    contents, (address,) = lay_out(config, [units])
    m = Module()
    m.submodules.feeder = feeder = WeightFeeder(config)
    m.submodules.decoder = decoder = WeightDecoder(array)
    connect(m, feeder.masks, decoder.masks)
    for inner, outer in zip(feeder.codes, decoder.codes, strict=True):
        connect(m, inner, outer)
    m.d.comb += [
        decoder.lengths.payload.eq(feeder.headers.payload.lengths),
        decoder.lengths.valid.eq(feeder.headers.valid),
        feeder.headers.ready.eq(decoder.lengths.ready),
        feeder.channels.ready.eq(1),
        decoder.passes.eq(1),
        decoder.runs.valid.eq(1),
        decoder.runs.payload.run.groups.eq(array.groups_per_run),
    ]
    memory = Memory(config, feeder.port, contents, latency=3, stalls=0.1)
    source = Source(feeder.commands, [command(address, len(units))])
    sink = Sink(decoder.o, stalls=0.2)

    async def watch(ctx):
        # Until nothing has come for long.
        quiet = 0
        for _ in range(cycles):
            before = len(sink.words)
            await ctx.tick()
            quiet = 0 if len(sink.words) != before else quiet + 1
            if quiet == 300:
                break

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(memory.serve, background=True)
    simulator.add_testbench(sink.take, background=True)
    simulator.add_testbench(source.send, background=True)
    simulator.add_testbench(watch)
    simulator.run()
    return len(sink.words)


def test_tight_buffers_are_the_smallest():
    """An array cannot have smaller ones than those that the tests above are about."""
    for name in CONFIGS:
        array = tight(CONFIGS[name])
        for field in ("mask_depth", "code_depth"):
            with pytest.raises(ValueError, match=field):
                dataclasses.replace(array, **{field: getattr(array, field) - 1})

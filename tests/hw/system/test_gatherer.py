"""The gatherer against a loop over the bytes of its pieces."""

import random

import pytest

from hw.system.gatherer import Gatherer
from tests.hw.system.agents import ReadMemory, Sink, Source, simulate
from tests.hw.system.random_pieces import Piece, random_word, system, unpack_word

CASES = [
    (lanes, bus_bytes, 4 + (lanes + bus_bytes + n) % 5, n)
    for lanes in (5, 8, 20)
    for bus_bytes in (2, 4, 16, 64)
    for n in range(2)
]


def gathered(word, content, config):
    values = [0] * config.array.lanes
    for piece in word:
        for lane, place in piece.places(config.array.lanes):
            values[lane] = content[place % len(content)] % (1 << config.array.activation_bits)
    return values


@pytest.mark.parametrize(("lanes", "bus_bytes", "activation_bits", "seed"), CASES)
def test_words_are_those_of_their_pieces(lanes, bus_bytes, activation_bits, seed):
    rng = random.Random(f"{lanes} {bus_bytes} {seed}")
    config = system(
        lanes, bus_bytes, activation_bits=activation_bits, burst_beats=rng.choice((2, 4, 8)),
        buffered_beats=rng.choice((16, 23)),
    )  # fmt: skip
    content = rng.randbytes(4096)
    words = [random_word(rng, lanes) for _ in range(40)]
    gatherer = Gatherer(config)
    stalls = rng.choice((0.0, 0.3, 0.7)) if seed else 0.0
    memory = ReadMemory(
        gatherer.port, config, content, rng=rng, latency=rng.choice((1, 7, 30)),
        gaps=rng.choice((0.0, 0.5)), stalls=rng.choice((0.0, 0.5)),
    )  # fmt: skip
    packed = [piece.packed(config) for word in words for piece in word]
    source = Source(gatherer.pieces, packed, rng=rng, stalls=stalls)
    sink = Sink(gatherer.words, taking=gatherer.taking, rng=rng, stalls=rng.choice((0.0, 0.3, 0.8)))
    simulate(gatherer, [source, memory, sink], lambda: len(sink.words) == len(words))
    for word, got in zip(words, sink.words, strict=True):
        assert unpack_word(got, config) == gathered(word, content, config)


def test_no_more_beats_are_asked_for_than_there_is_room_for():
    rng = random.Random(1)
    config = system(8, 4, buffered_beats=8)
    gatherer = Gatherer(config)
    words = [random_word(rng, 8) for _ in range(40)]
    content = rng.randbytes(1024)
    memory = ReadMemory(gatherer.port, config, content, rng=rng)
    packed = [piece.packed(config) for word in words for piece in word]
    source = Source(gatherer.pieces, packed, rng=rng)
    sink = Sink(gatherer.words, taking=gatherer.taking, rng=rng)
    # Nothing is taken until everything has come to rest.
    sink.held = True
    cycles = 0

    def rested():
        nonlocal cycles
        cycles += 1
        sink.held = cycles < 200
        return len(sink.words) == len(words)

    simulate(gatherer, [source, memory, sink], rested)
    for word, got in zip(words, sink.words, strict=True):
        assert unpack_word(got, config) == gathered(word, content, config)


@pytest.mark.parametrize(
    ("lanes", "bus_bytes", "counts", "double", "latency", "cycles_per_word"),
    [
        (108, 16, (54, 54), 0, 1, 9),
        (108, 16, (54, 54), 0, 50, 9),
        (108, 2, (54, 54), 0, 20, 56),
        (20, 16, (10, 10), 1, 30, 4.5),
        (8, 16, (8,), 0, 40, 1.6),
    ],
)
def test_a_beat_comes_per_cycle(lanes, bus_bytes, counts, double, latency, cycles_per_word):
    rng = random.Random(2)
    config = system(lanes, bus_bytes, burst_beats=16, buffered_beats=64)
    pieces = [
        Piece(
            lane=sum(counts[:n]), count=count, double=double, last=n + 1 == len(counts),
            offset=rng.randrange(1 << 20),
        )
        for _ in range(40)
        for n, count in enumerate(counts)
    ]  # fmt: skip
    gatherer = Gatherer(config)
    memory = ReadMemory(gatherer.port, config, rng.randbytes(1024), rng=rng, latency=latency)
    source = Source(gatherer.pieces, [piece.packed(config) for piece in pieces], rng=rng)
    sink = Sink(gatherer.words, taking=gatherer.taking, rng=rng)
    simulate(gatherer, [source, memory, sink], lambda: len(sink.words) == 40)
    beats = sum(beats for _, beats in memory.requests.bursts)
    assert sink.cycles[-1] <= beats + latency + 20
    assert memory.requests.cycles[0] - source.cycles[0] == 5
    assert (sink.cycles[-1] - sink.cycles[9]) / 30 <= cycles_per_word


def test_words_without_pixels_touch_no_memory():
    rng = random.Random(3)
    config = system(8, 4)
    gatherer = Gatherer(config)
    empty = Piece(lane=3, count=0, double=0, last=1, offset=77)
    memory = ReadMemory(gatherer.port, config, bytes(64), rng=rng)
    source = Source(gatherer.pieces, [empty.packed(config)] * 20, rng=rng)
    sink = Sink(gatherer.words, taking=gatherer.taking, rng=rng)
    simulate(gatherer, [source, memory, sink], lambda: len(sink.words) == 20)
    assert sink.words == [0] * 20
    assert not memory.requests.bursts
    assert sink.cycles == list(range(sink.cycles[0], sink.cycles[0] + 20))


@pytest.mark.parametrize("bus_bytes", [2, 4, 16, 64])
def test_latency_is_as_documented(bus_bytes):
    rng = random.Random(4)
    config = system(8, bus_bytes)
    gatherer = Gatherer(config)
    piece = Piece(lane=0, count=1, double=0, last=1, offset=5)
    memory = ReadMemory(gatherer.port, config, bytes(64), rng=rng, latency=5)
    source = Source(gatherer.pieces, [piece.packed(config)], rng=rng)
    sink = Sink(gatherer.words, taking=gatherer.taking, rng=rng)
    simulate(gatherer, [source, memory, sink], lambda: len(sink.words) == 1)
    stages = (2 + config.byte_bits) // 2
    assert sink.cycles[0] - (memory.requests.cycles[0] + 5) == 4 + stages

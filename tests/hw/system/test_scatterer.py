"""The scatterer against a loop over the bytes of its pieces."""

import itertools
import random

import pytest

from hw.system.scatterer import Scatterer
from tests.hw.system.agents import Source, WriteMemory, simulate
from tests.hw.system.random_pieces import Piece, pack_word, random_word, system

CASES = [
    (lanes, bus_bytes, 4 + (lanes + bus_bytes + n) % 5, n)
    for lanes in (5, 8, 20)
    for bus_bytes in (2, 4, 16, 64)
    for n in range(2)
]


def random_values(rng, config):
    return [rng.randrange(1 << config.array.activation_bits) for _ in range(config.array.lanes)]


def scattered(words, values, lanes):
    written = {}
    for word, value in zip(words, values, strict=True):
        for piece in word:
            for lane, place in piece.places(lanes):
                written[place] = value[lane]
    return written


class Bench:
    """A scatterer with words, pieces and memory around it."""

    def __init__(
        self, config, words, *, rng, stalls=0.0, word_stalls=0.0, beat_stalls=0.0, **memory
    ):
        self.config = config
        self.values = [random_values(rng, config) for _ in words]
        self.scatterer = Scatterer(config)
        self.memory = WriteMemory(
            self.scatterer.port, config, rng=rng, stalls=beat_stalls, **memory
        )
        self.pieces = Source(
            self.scatterer.pieces,
            [piece.packed(config) for word in words for piece in word],
            rng=rng,
            stalls=stalls,
        )
        self.words = Source(
            self.scatterer.words,
            [pack_word(value, config) for value in self.values],
            rng=rng,
            stalls=word_stalls,
        )
        self.count = len(words)
        self.busy = True

    def watch(self, context):
        self.busy = context.get(self.scatterer.busy)
        if self.memory.pending:
            assert self.busy

    def run(self):
        return simulate(
            self.scatterer,
            [self.words, self.pieces, self.memory],
            lambda: self.words.sent == self.count and not self.busy,
            watch=self.watch,
        )


@pytest.mark.parametrize(("lanes", "bus_bytes", "activation_bits", "seed"), CASES)
def test_bytes_are_those_of_their_lanes(lanes, bus_bytes, activation_bits, seed):
    rng = random.Random(f"{lanes} {bus_bytes} {seed}")
    config = system(
        lanes, bus_bytes, activation_bits=activation_bits, burst_beats=rng.choice((2, 4, 8))
    )
    # The window is small, so that words come across each other's bytes.
    words = [random_word(rng, lanes, window=rng.choice((300, 1 << 32))) for _ in range(40)]
    bench = Bench(
        config, words, rng=rng, stalls=rng.choice((0.0, 0.5)), word_stalls=rng.choice((0.0, 0.9)),
        latency=rng.choice((1, 20)), beat_stalls=rng.choice((0.0, 0.5)),
        request_stalls=rng.choice((0.0, 0.5, 0.9)), orderly=bool(seed),
    )  # fmt: skip
    bench.run()
    assert not bench.memory.pending
    assert bench.memory.written == scattered(words, bench.values, lanes)


@pytest.mark.parametrize(
    ("lanes", "bus_bytes", "counts", "double"),
    [(108, 16, (54, 54), 0), (108, 2, (54, 54), 0), (20, 16, (10, 10), 1), (8, 16, (8,), 0)],
)
def test_a_beat_goes_per_cycle(lanes, bus_bytes, counts, double):
    rng = random.Random(2)
    config = system(lanes, bus_bytes, burst_beats=16, buffered_beats=64)
    words = [
        [
            Piece(
                lane=sum(counts[:n]), count=count, double=double, last=n + 1 == len(counts),
                offset=rng.randrange(1 << 20),
            )
            for n, count in enumerate(counts)
        ]
        for _ in range(20)
    ]  # fmt: skip
    bench = Bench(config, words, rng=rng)
    bench.run()
    cycles = bench.memory.beats.cycles
    # Between two words is a cycle.
    steps = [after - before for before, after in itertools.pairwise(cycles)]
    assert set(steps) == {1, 2}
    assert steps.count(2) == len(words) - 1
    assert bench.memory.requests.cycles[0] - bench.pieces.cycles[0] == 5
    stages = (config.byte_bits + 1) // 2
    assert cycles[0] - bench.pieces.cycles[0] == 8 + stages
    assert bench.memory.written == scattered(words, bench.values, lanes)


def test_nothing_is_asked_for_before_the_word_is_there():
    rng = random.Random(3)
    config = system(8, 4)
    words = [[Piece(lane=0, count=8, double=0, last=1, offset=8)]]
    bench = Bench(config, words, rng=rng)
    pieces = Source(bench.scatterer.pieces, [piece.packed(config) for piece in words[0]], rng=rng)
    cycles = iter(range(50))
    simulate(bench.scatterer, [pieces, bench.memory], lambda: next(cycles) == 30)
    assert pieces.sent == 1
    assert not bench.memory.requests.words
    assert not bench.memory.beats.words


def test_words_without_pixels_write_nothing():
    rng = random.Random(4)
    empty = Piece(lane=3, count=0, double=1, last=1, offset=77)
    bench = Bench(system(8, 4), [[empty]] * 20, rng=rng)
    bench.run()
    assert not bench.memory.requests.words
    first = bench.words.cycles[1]
    assert bench.words.cycles[1:] == list(range(first, first + 2 * 19, 2))


def test_it_is_busy_until_the_last_request_is_confirmed():
    rng = random.Random(5)
    words = [[Piece(lane=0, count=8, double=0, last=1, offset=8)]]
    bench = Bench(system(8, 4), words, rng=rng, latency=9)
    agents = [bench.words, bench.pieces, bench.memory]
    bench.memory.requests.held = True
    shown = []

    def watch(context):
        shown.append(context.get(bench.scatterer.busy))
        bench.memory.requests.held = len(shown) < 40

    simulate(bench.scatterer, agents, lambda: len(shown) == 80, watch=watch)
    assert bench.memory.beats.cycles[-1] < 30
    assert all(shown[1 : bench.memory.requests.cycles[-1] + 10])
    assert not shown[-1]
    assert not bench.memory.pending

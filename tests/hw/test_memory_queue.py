"""Words leave a queue as they came."""

import random

import pytest

from hw.memory_queue import MemoryQueue
from tests.hw.system.agents import Sink, Source, simulate


@pytest.mark.parametrize("depth", [4, 7])
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.5, 0.5), (0.0, 0.7), (0.7, 0.0)])
def test_words_keep_their_order(depth, stalls):
    rng = random.Random(f"{depth} {stalls}")
    queue = MemoryQueue(9, depth=depth)
    words = [rng.randrange(512) for _ in range(200)]
    source = Source(queue.i, words, rng=rng, stalls=stalls[0])
    sink = Sink(queue.o, rng=rng, stalls=stalls[1])
    cycles = simulate(queue, [source, sink], lambda: len(sink.words) == len(words))
    assert sink.words == words
    if not any(stalls):
        assert cycles == len(words) + 2


@pytest.mark.parametrize("depth", [4, 7])
def test_it_holds_as_many_words_as_the_memory_and_one(depth):
    rng = random.Random(5)
    queue = MemoryQueue(9, depth=depth)
    source = Source(queue.i, range(20), rng=rng)
    sink = Sink(queue.o, rng=rng)
    sink.held = True
    cycles = iter(range(100))
    simulate(queue, [source, sink], lambda: next(cycles) == 50)
    assert source.sent == depth + 1

"""cocotb bench of the burst splitter against a walk over beats."""

import random

import cocotb

from sim.streams import StreamDriver, StreamMonitor, start
from tests.hw.system.axi_blocks import CONFIG
from tests.hw.system.memories import request

BEATS = 1 << CONFIG.beat_bits
LONGEST = CONFIG.burst_beats


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.5])
async def cuts_at_multiples(dut, stalls):
    draw = random.Random(cocotb.RANDOM_SEED)
    await start(dut)
    spans = StreamDriver(dut, "splitter__i", stalls=stalls)
    bursts = StreamMonitor(dut, "splitter__o", stalls=stalls)
    expected = []
    for _ in range(200):
        beat = draw.choice((draw.randrange(BEATS), draw.randrange(64), BEATS - 3))
        beats = draw.choice((1, 2, LONGEST, draw.randint(1, 60)))
        spans.send([beat | beats << CONFIG.beat_bits])
        expected += [request(*one) for one in walked(beat, beats)]
    await bursts.collect(len(expected))
    assert bursts.words == expected
    if not stalls:
        assert bursts.cycles[-1] - bursts.cycles[0] == len(expected) - 1


@cocotb.test()
async def cuts_a_long_span(dut):
    await start(dut)
    spans = StreamDriver(dut, "splitter__i")
    bursts = StreamMonitor(dut, "splitter__o")
    spans.send([5 | (BEATS - 1) << CONFIG.beat_bits])
    await bursts.collect(300)
    assert bursts.words[0] == request(5, 3)
    assert bursts.words[1:300] == [request(8 * (k + 1), 8) for k in range(299)]


def walked(beat, beats):
    """The bursts of a span, found beat by beat."""
    bursts = []
    for k in range(beats):
        place = (beat + k) % BEATS
        if k == 0 or place % LONGEST == 0:
            bursts.append((place, 0))
        first, count = bursts[-1]
        bursts[-1] = (first, count + 1)
    return bursts

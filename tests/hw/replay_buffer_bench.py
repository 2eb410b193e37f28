"""cocotb bench of the replay buffer against lists."""

import random

import cocotb
from cocotb.triggers import FallingEdge

from sim.streams import StreamDriver, StreamMonitor, start
from tests.hw.blocks import REPLAY, REPLAY_WIDTH


@cocotb.test()
@cocotb.parametrize(stalls=[0.0, 0.3, 0.7])
async def replays_every_block(dut, stalls):
    """Blocks of random lengths, empty ones among them, for every number of passes."""
    draw = random.Random(cocotb.RANDOM_SEED)
    await start(dut)
    words, lengths, output = _connect(dut, stalls)
    expected = []
    for passes in (1, 2, REPLAY["max_passes"], 1, 3):
        dut.replay__passes.value = passes
        longest = REPLAY["max_length"] if passes == 1 else REPLAY["depth"]
        for _ in range(40):
            length = draw.choice((0, 1, 2, draw.randint(0, longest), longest))
            block = [draw.getrandbits(REPLAY_WIDTH) for _ in range(length)]
            lengths.send([length])
            words.send(block)
            expected += _replayed(block, passes)
        await output.collect(len(expected))
        # The number of passes may change once the lengths have been taken.
        while lengths.sent % 40:
            await FallingEdge(dut.clk)
        assert output.words == expected


@cocotb.test()
@cocotb.parametrize(passes=[1, 2, 5])
async def gives_a_word_per_cycle(dut, passes):
    """Without stalls there is no bubble, neither between passes nor between blocks."""
    await start(dut)
    words, lengths, output = _connect(dut, 0.0)
    dut.replay__passes.value = passes
    expected = []
    for length in (3, 1, 4, 2, 1, 1, 4, 3) * 4:
        block = [(17 * length + n) % (1 << REPLAY_WIDTH) for n in range(length)]
        lengths.send([length])
        words.send(block)
        expected += _replayed(block, passes)
    await output.collect(len(expected))
    assert output.words == expected
    assert output.cycles[-1] - output.cycles[0] == len(expected) - 1


def _connect(dut, stalls):
    return (
        StreamDriver(dut, "replay__i", stalls=stalls),
        StreamDriver(dut, "replay__lengths", stalls=stalls),
        StreamMonitor(dut, "replay__o", stalls=stalls),
    )


def _replayed(block, passes):
    """What comes out for `block`: its words `passes` times, with their `last` and `final`."""
    return [
        word | (n == len(block) - 1) << REPLAY_WIDTH | (number == passes - 1) << REPLAY_WIDTH + 1
        for number in range(passes)
        for n, word in enumerate(block)
    ]

"""The frame queue against a list of frames."""

import random

import pytest
from amaranth.sim import Simulator

from hw.link.frame_queue import FrameQueue
from tests.hw.link.agents import CLOCK
from tests.hw.system.streams import Sink

FRAMES = 4


@pytest.mark.parametrize("stalls", [0.0, 0.7, 0.97])
def test_accepted_frames_come_out_whole(stalls):
    depth = 64
    rng = random.Random(f"{stalls}")
    queue = FrameQueue(depth=depth, frames=FRAMES)
    sizes, octets = Sink(queue.sizes, stalls=stalls), Sink(queue.o, stalls=stalls, seed=1)
    sent: list[bytes] = []

    async def send(ctx):
        for _ in range(100):
            frame = rng.randbytes(rng.choice((4, 5, rng.randint(4, 30), rng.randint(40, 90))))
            for byte in frame:
                ctx.set(queue.i, byte)
                ctx.set(queue.valid, 1)
                await ctx.tick()
                ctx.set(queue.valid, 0)
                await ctx.tick().repeat(rng.choice((1, 1, 2)))
            accepted = rng.random() < 0.7
            ctx.set(queue.accept, accepted)
            ctx.set(queue.reject, not accepted)
            await ctx.tick()
            ctx.set(queue.accept, 0)
            ctx.set(queue.reject, 0)
            await ctx.tick()
            if accepted:
                sent.append(frame)
        await ctx.tick().repeat(int(2 * depth / (1 - stalls)))

    simulator = Simulator(queue)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(send)
    simulator.add_testbench(sizes.take, background=True)
    simulator.add_testbench(octets.take, background=True)
    simulator.run()

    got, rest = [], bytes(octets.words)
    for size in sizes.words:
        got.append(rest[:size])
        rest = rest[size:]
    assert not rest
    # Those that came out are some of those that went in, in their order.
    bodies = iter(frame[:-4] for frame in sent)
    assert all(any(frame == body for body in bodies) for frame in got)
    if not stalls:
        assert got == [frame[:-4] for frame in sent if len(frame) < depth]
    assert 15 < len(got) <= len(sent)
    if stalls > 0.9:
        assert len(got) < len(sent) - 20

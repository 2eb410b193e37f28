"""The frame encoder against the host's frames."""

import random

import pytest
from amaranth.sim import Simulator

from host.frames import pack_frame
from hw.link.frame_encoder import FrameEncoder
from tests.hw.link.agents import CLOCK
from tests.hw.system.streams import Sink, Source


@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.6, 0.3), (0.0, 0.8)])
def test_frames_are_those_of_the_host(stalls):
    rng = random.Random(f"{stalls}")
    frames = [rng.randbytes(rng.choice((1, 2, rng.randint(1, 30)))) for _ in range(60)]
    frames += [bytes([0x7E, 0x7D] * 10), b"\x7d", b"\x7e"]
    words = [byte | (k + 1 == len(frame)) << 8 for frame in frames for k, byte in enumerate(frame)]
    encoder = FrameEncoder()
    source, sink = Source(encoder.i, words, stalls=stalls[0]), Sink(encoder.o, stalls=stalls[1])

    async def send(ctx):
        await source.send(ctx)
        await ctx.tick().repeat(100)

    simulator = Simulator(encoder)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(send)
    simulator.add_testbench(sink.take, background=True)
    simulator.run()
    assert bytes(sink.words) == b"".join(pack_frame(frame) for frame in frames)

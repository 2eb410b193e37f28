"""The frame decoder against zlib and a loop over the bytes between flags."""

import random

from amaranth.sim import Simulator

from host.frames import pack_frame, unpack_frame
from hw.link.frame_decoder import LEAST, FrameDecoder
from sim.link_mutations import mutate
from tests.hw.link.agents import CLOCK, Bytes

IDLE_CYCLES = 60


def decode(items, *, gap=2, quiet_after=0):
    """The frames that are accepted, with their CRC, and how many were rejected."""
    decoder = FrameDecoder(idle_cycles=IDLE_CYCLES)
    source = Bytes(decoder, items, gap=gap)
    frames, rejected, kept = [], 0, bytearray()

    async def send(ctx):
        await source.send(ctx)
        for _ in range(quiet_after):
            await ctx.tick()

    async def watch(ctx):
        nonlocal rejected
        async for _, _, valid, byte, accept, reject in ctx.tick().sample(
            decoder.o_valid, decoder.o, decoder.accept, decoder.reject
        ):
            assert not (accept and reject)
            assert not (valid and accept)
            if valid:
                kept.append(byte)
            if accept:
                frames.append(bytes(kept))
            if accept or reject:
                rejected += reject
                kept.clear()

    simulator = Simulator(decoder)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(send)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return frames, rejected, bytes(kept)


def expected(items):
    """The same in a loop; None breaks a frame off until the next flag."""
    frames = []
    stretch = None
    for item in items:
        if item is None:
            stretch = None
        elif item != 0x7E:
            stretch = None if stretch is None else [*stretch, item]
        else:
            body = unpack_frame(bytes(stretch)) if stretch else None
            if body is not None and len(body) >= LEAST - 4 and not body[0] & 0x80:
                frames.append(body)
            stretch = []
    return frames


def request(rng, *, kind=None):
    size = rng.choice((6, 7, 8, rng.randint(7, 40)))
    body = bytearray(rng.randbytes(size))
    for place in range(1, size):
        if rng.random() < 0.2:
            body[place] = rng.choice((0x7E, 0x7D))
    body[0] = rng.randrange(256) if rng.random() < 0.2 else rng.randrange(128)
    return pack_frame(bytes(body))


def test_frames_and_mutants():
    rng = random.Random(1)
    items = list(rng.randbytes(5))
    for _ in range(120):
        frame = request(rng)
        kind = rng.random()
        if kind < 0.4:
            items += frame
        elif kind < 0.6:
            items += frame[:-1]  # The next frame's flag ends it, too.
        elif kind < 0.9:
            items += mutate(frame, rng)[1]
        else:
            items += frame
            items[-rng.randrange(1, len(frame))] = None
    wanted = expected(items)
    assert len(wanted) > 40
    frames, rejected, _ = decode(items)
    assert [frame[:-4] for frame in frames] == wanted
    assert rejected > 30


def test_nothing_comes_of_an_empty_frame():
    assert decode([0x7E] * 5 + [0x7D, 0x7E, 0x7E]) == ([], 0, b"")


def test_an_escaped_flag_ends_the_frame():
    frame = pack_frame(bytes(range(1, 20)))
    assert decode([*frame[:10], 0x7D, *frame]) == ([frame[1:-1]], 1, b"")


def test_half_a_frame_is_given_up():
    frame = pack_frame(bytes(range(1, 20)))
    half = frame[:-4]
    # Not yet, and then: what follows is nothing without a flag.
    kept = decode(half, quiet_after=IDLE_CYCLES // 2)
    assert kept == ([], 0, half[1:])
    assert decode(half, quiet_after=IDLE_CYCLES + 5) == ([], 1, b"")
    assert decode([*half, *frame[-4:]], gap=IDLE_CYCLES + 8)[0] == []
    assert decode([*half, *frame], gap=IDLE_CYCLES - 10)[0] == [frame[1:-1]]

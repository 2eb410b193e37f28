"""The UART against lines made of bits, whose clocks differ from its own."""

import random

import pytest
from amaranth.sim import Simulator

from hw.link.bit_clock import bit_step
from hw.link.uart_receiver import UartReceiver
from hw.link.uart_transmitter import UartTransmitter
from params.config import ConfigError
from tests.hw.link.agents import CLOCK, Line, Listener
from tests.hw.system.streams import Source


def receive(line_of, *, clock_hz=50e6, baud=3e6):
    """What a receiver makes of a line: bytes, and None for what is none."""
    receiver = UartReceiver(clock_hz=clock_hz, baud=baud)
    line = line_of(receiver.rx)
    got: list[int | None] = []

    async def watch(ctx):
        async for _, _, valid, broken, byte in ctx.tick().sample(
            receiver.valid, receiver.broken, receiver.byte
        ):
            assert not (valid and broken)
            if valid or broken:
                got.append(byte if valid else None)

    async def send(ctx):
        await line.send(ctx)
        for _ in range(10):
            await ctx.tick()

    simulator = Simulator(receiver)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(send)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return got


@pytest.mark.parametrize(
    ("clock_hz", "baud", "off"),
    [(clock_hz, 3e6, off) for clock_hz, off in ((24e6, 0.025), (50e6, 0.04), (100e6, 0.045))],
)
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_receives_from_a_clock_that_is_off(clock_hz, baud, off, sign):
    rng = random.Random(f"{clock_hz} {sign}")
    octets = [0x00, 0xFF, 0x55, 0x80, 0x01, *rng.randbytes(3)]

    def line_of(rx):
        line = Line(rx, clock_hz / baud * (1 + sign * off))
        line.rest(3)
        for octet in octets:
            line.byte(octet)
            line.rest(rng.choice((0, 0, 1, 3)))
        line.rest(2)
        return line

    assert receive(line_of, clock_hz=clock_hz, baud=baud) == octets


def test_a_clock_that_is_far_off_is_noticed():
    """The sweep above can fail: at 8 % no byte of zeros has its stop bit in its place."""

    def line_of(rx):
        line = Line(rx, 50 / 3 * 1.08)
        line.rest(3)
        line.byte(0)
        line.rest(12)
        return line

    assert receive(line_of) == [None]


def test_pulses_of_a_cycle_are_not_seen():
    rng = random.Random(3)
    octets = list(rng.randbytes(8))
    cycles = int(8 * 10 * 50 / 3)
    # Three cycles or more from one to the next, so that no two are among three samples.
    noise = [(first + rng.randrange(4), 1) for first in range(20, cycles, 8)]

    def line_of(rx):
        line = Line(rx, 50 / 3, noise=noise)
        line.rest(2)
        for octet in octets:
            line.byte(octet)
        line.rest(2)
        return line

    assert receive(line_of) == octets


def test_short_start_bits_are_none():
    def line_of(rx):
        line = Line(rx, 50 / 3, noise=[(30, 6), (200, 5)])
        line.rest(30)
        line.byte(0x42)
        return line

    assert receive(line_of) == [0x42]


def test_a_break_is_one_broken_byte():
    def line_of(rx):
        line = Line(rx, 50 / 3)
        line.rest(2)
        line.byte(0x11)
        line.rest(95, 0)
        line.rest(1)
        line.byte(0x22)
        line.byte(0x33, stop=0)
        line.rest(1)
        line.byte(0x44)
        line.rest(1)
        return line

    assert receive(line_of) == [0x11, None, 0x22, None, 0x44]


@pytest.mark.parametrize("clock_hz", [24e6, 50e6])
@pytest.mark.parametrize("stalls", [0.0, 0.98])
def test_sends(clock_hz, stalls):
    cycles_per_bit = clock_hz / 3e6
    octets = [*random.Random(4).randbytes(5), 0, 0xFF]
    transmitter = UartTransmitter(clock_hz=clock_hz, baud=3e6)
    source = Source(transmitter.i, octets, stalls=stalls)
    listener = Listener(transmitter.tx)

    async def send(ctx):
        await source.send(ctx)
        for _ in range(int(11 * cycles_per_bit)):
            await ctx.tick()

    simulator = Simulator(transmitter)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(send)
    simulator.add_testbench(listener.listen, background=True)
    simulator.run()
    assert listener.decode(cycles_per_bit) == [octet | 0x100 for octet in octets]
    if not stalls:
        # Without a gap, every change lies on the grid of bits from the first start bit on.
        for change in listener.changes:
            bits = (change - listener.changes[0]) / cycles_per_bit
            assert abs(bits - round(bits)) * cycles_per_bit <= 0.51
        assert listener.changes[-1] - listener.changes[0] < 10 * len(octets) * cycles_per_bit


@pytest.mark.parametrize(("clock_hz", "baud"), [(20e6, 3e6), (100e6, 0), (100e6, 1200)])
def test_bauds_that_a_clock_cannot_make_are_refused(clock_hz, baud):
    with pytest.raises(ConfigError, match="baud is"):
        bit_step(clock_hz, baud)

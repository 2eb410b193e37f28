"""Bytes to a UART line."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.link.bit_clock import PHASE_BITS, bit_step


class UartTransmitter(wiring.Component):
    """Sends 8 data bits, least first, no parity and one stop bit.

    Bits change at the cycle of the clock that is nearest. Bytes that come in time follow one
    another without a gap.

    Members
    -------
    i : In(stream of 8 bits)
    tx : Out, the line, from a register.
    """

    def __init__(self, *, clock_hz: float, baud: float):
        self._step = bit_step(clock_hz, baud)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        phase = Signal(PHASE_BITS)
        tick = Signal()
        # What is to follow on the line, and a one that ends it.
        bits = Signal(10)
        idle = Signal()
        m.d.comb += [
            idle.eq(bits == 0),
            self.i.ready.eq(idle | (tick & (bits == 1))),
        ]
        m.d.sync += Cat(phase, tick).eq(phase + self._step)
        with m.If(idle):
            # `tick` and `tx` are registers: a change comes a cycle behind, rounded to the nearest.
            m.d.sync += Cat(phase, tick).eq(3 * self._step // 2)
        with m.If(self.i.ready):
            m.d.sync += [self.tx.eq(~self.i.valid), bits.eq(0)]
            with m.If(self.i.valid):
                m.d.sync += bits.eq(Cat(self.i.payload, Const(0b11, 2)))
        with m.Elif(tick):
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(bits[1:])]
        return m

"""Bytes from a UART line."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hw.link.bit_clock import PHASE_BITS, bit_step


class UartReceiver(wiring.Component):
    """Receives 8 data bits, least first, no parity and one stop bit.

    The line goes through two flip-flops and a majority of three successive samples, so that a
    pulse of one cycle is not seen. A bit is sampled in its middle, counted from the falling edge of
    the start bit, with a phase that may be any fraction of the clock. A start bit that is over
    before its middle is none. A stop bit that is 0 is told as `broken`, and the next start bit
    counts only after the line was 1.

    The sender's bit may differ from `clock_hz` / `baud` cycles by 4 % (by 2.5 % where that is
    fewer than 16).

    Members
    -------
    rx : In, the line.
    byte : Out(8); valid : Out, high for a cycle: `byte` has come.
    broken : Out, high for a cycle: something has come that is no byte.
    """

    def __init__(self, *, clock_hz: float, baud: float):
        self._step = bit_step(clock_hz, baud)
        super().__init__({"rx": In(1, init=1), "byte": Out(8), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform):
        m = Module()
        arriving = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, arriving, init=1)
        recent = Signal(2, init=0b11)
        line = Signal(init=1)
        m.d.sync += [
            recent.eq(Cat(arriving, recent)),
            line.eq((arriving & recent[0]) | (arriving & recent[1]) | (recent[0] & recent[1])),
        ]

        phase = Signal(PHASE_BITS)
        sample = Signal()
        bits = Signal(9)  # The start bit moves to the lowest place, where it ends the byte.
        busy = Signal()
        rested = Signal()
        m.d.sync += [Cat(phase, sample).eq(phase + self._step), self.valid.eq(0), self.broken.eq(0)]
        with m.If(~busy):
            # The edge was half a cycle ago, on average, and `sample` is a register.
            m.d.sync += [
                Cat(phase, sample).eq((1 << (PHASE_BITS - 1)) + 3 * self._step // 2),
                rested.eq(line),
                busy.eq(rested & ~line),
                bits.eq(Const(0x1FF)),
            ]
        with m.Elif(sample):
            m.d.sync += bits.eq(Cat(bits[1:], line))
            with m.If(~bits[0]):
                m.d.sync += [
                    busy.eq(0),
                    rested.eq(line),
                    self.byte.eq(bits[1:]),
                    self.valid.eq(line),
                    self.broken.eq(~line),
                ]
            with m.Elif(bits.all() & line):
                m.d.sync += [busy.eq(0), rested.eq(1)]
        return m

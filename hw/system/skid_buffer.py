"""A stream's way back, cut."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """Stage of a stream that cuts the path from `o.ready` to `i.ready` and takes no cycle.

    valid and payload pass within the cycle; a transfer that the output does not take is kept.
    `i.ready` is registered. Throughput one transfer per cycle.

    Parameters
    ----------
    shape : payload shape of both streams.

    Members
    -------
    i : In(stream), o : Out(stream)
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        kept = Signal(self._shape, reset_less=True)
        full = Signal()
        m.d.comb += [
            self.i.ready.eq(~full),
            self.o.valid.eq(full | self.i.valid),
            self.o.payload.eq(Mux(full, kept, self.i.payload)),
        ]
        m.d.sync += full.eq(self.o.valid & ~self.o.ready)
        with m.If(~full):
            m.d.sync += kept.eq(self.i.payload)
        return m

"""Registers for streams: the stages from which every stalled pipeline here is built.

Payloads are not reset, only what says whether they count: a reset that goes to every register takes
more of an FPGA's wires than anything else.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class StreamRegister(wiring.Component):
    """One register stage of a stream.

    Latency one cycle, throughput one transfer per cycle. `i.ready` follows `o.ready` within the
    cycle; valid and payload are registered and hold until the transfer.

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
        payload = Signal(self._shape, reset_less=True)
        m.d.comb += [
            self.i.ready.eq(self.o.ready | ~self.o.valid),
            self.o.payload.eq(payload),
        ]
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), payload.eq(self.i.payload)]
        return m


class StreamBuffer(wiring.Component):
    """Two-entry stage of a stream that cuts every combinational path.

    Latency one cycle, throughput one transfer per cycle. valid, payload and `i.ready` are all
    registered: a transfer that meets a stalled output is kept in a spare register.

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
        payload = Signal(self._shape, reset_less=True)
        spare = Signal(self._shape, reset_less=True)
        spare_full = Signal()
        m.d.comb += [self.i.ready.eq(~spare_full), self.o.payload.eq(payload)]
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += spare_full.eq(0)
            with m.If(spare_full):
                m.d.sync += [self.o.valid.eq(1), payload.eq(spare)]
            with m.Else():
                m.d.sync += [self.o.valid.eq(self.i.valid), payload.eq(self.i.payload)]
        with m.Elif(self.i.valid):
            m.d.sync += spare_full.eq(1)
        # While it is free it may take anything: its enable then waits for nothing.
        with m.If(~spare_full):
            m.d.sync += spare.eq(self.i.payload)
        return m

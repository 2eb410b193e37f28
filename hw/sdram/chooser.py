"""Chooses between reads and writes."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.sdram.ports import LENGTH_BITS, stretch
from params.sdram import SdramConfig


class Chooser(wiring.Component):
    """Merges the stretches of reads and of writes, many of a kind at a time.

    A change of direction leaves the data bus idle for a while. So one kind goes on while it has
    something on offer, until the other has waited for `turn_beats` beats; then it is the other's
    turn. No latency; a change takes a cycle.

    Parameters
    ----------
    turn_beats : beats of a turn when both kinds wait, 1 to 4095.

    Members
    -------
    reads, writes : In(stream of ports.stretch), o : Out(stream of ports.stretch)
    """

    def __init__(self, config: SdramConfig, *, id_bits: int, turn_beats: int = 256):
        self._shape = stretch(config, id_bits)
        self._turn_beats = turn_beats
        super().__init__(
            {
                "reads": In(stream.Signature(self._shape)),
                "writes": In(stream.Signature(self._shape)),
                "o": Out(stream.Signature(self._shape)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        writing = Signal()
        used = Signal(range(self._turn_beats + (1 << LENGTH_BITS)))
        other = Signal()
        given = Signal()
        over = Signal()
        m.d.comb += [
            self.o.valid.eq(Mux(writing, self.writes.valid, self.reads.valid)),
            self.o.payload.eq(Mux(writing, self.writes.payload, self.reads.payload)),
            self.writes.ready.eq(self.o.ready & writing),
            self.reads.ready.eq(self.o.ready & ~writing),
            other.eq(Mux(writing, self.reads.valid, self.writes.valid)),
            given.eq(self.o.valid & self.o.ready),
            over.eq(other & Mux(self.o.valid, given & (used >= self._turn_beats), 1)),
        ]
        with m.If(over):
            m.d.sync += [writing.eq(~writing), used.eq(0)]
        with m.Elif(~other):
            m.d.sync += used.eq(0)
        with m.Elif(given & (used < self._turn_beats)):
            m.d.sync += used.eq(used + self.o.payload.length + Const(1))
        return m

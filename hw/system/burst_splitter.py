"""Cuts spans of memory into bursts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system import ports
from params.system import SystemConfig


class BurstSplitter(wiring.Component):
    """Makes bursts of spans: as long as they can be without crossing a multiple of `burst_beats`.

    Latency one cycle, throughput one burst a cycle, also from one span to the next.

    Members
    -------
    i : In(stream of ports.span)
    o : Out(stream of ports.burst)
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(ports.span(config))),
                "o": Out(stream.Signature(ports.burst(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        beat = Signal(config.beat_bits)
        left = Signal(config.beat_bits)
        within = (config.burst_beats - 1).bit_length()
        room = Signal(range(config.burst_beats + 1))
        final = Signal()
        m.d.comb += [
            room.eq(config.burst_beats - beat[:within]),
            final.eq(left <= room),
            self.o.payload.beat.eq(beat),
            self.o.payload.beats.eq(Mux(final, left, room)),
            self.i.ready.eq(~self.o.valid | (self.o.ready & final)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [
                self.o.valid.eq(self.i.valid),
                beat.eq(self.i.payload.beat),
                left.eq(self.i.payload.beats),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += [beat.eq(beat + room), left.eq(left - room)]
        return m

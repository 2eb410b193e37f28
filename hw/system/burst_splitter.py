"""Splits spans of memory into bursts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system import ports
from params.system import SystemConfig


class BurstSplitter(wiring.Component):
    """Turns every span into bursts that do not cross a multiple of `burst_beats`.

    Latency one cycle, throughput one burst per cycle, without a bubble between spans.

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
        longest = self._config.burst_beats
        left = Signal(ports.span(self._config))
        busy = Signal()
        room = Signal(range(longest + 1))
        ends = Signal()
        m.d.comb += [
            room.eq(longest - left.beat % longest),
            ends.eq(left.beats <= room),
            self.o.valid.eq(busy),
            self.o.payload.beat.eq(left.beat),
            self.o.payload.beats.eq(Mux(ends, left.beats, room)),
            self.i.ready.eq(~busy | (self.o.ready & ends)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [busy.eq(self.i.valid), left.eq(self.i.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += [left.beat.eq(left.beat + room), left.beats.eq(left.beats - room)]
        return m

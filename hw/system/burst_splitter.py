"""Cuts spans of memory into bursts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.ports import burst, span
from params.system import SystemConfig


class BurstSplitter(wiring.Component):
    """Emits the beats of each span as bursts that cross no multiple of `burst_beats`.

    The first burst of a span ends at such a multiple or with the span, as do all that follow: a
    span of n beats from beat b on gives ceil((b % burst_beats + n) / burst_beats) bursts. Beats
    are counted modulo 2^beat_bits.

    Latency one cycle, throughput one burst per cycle, without a bubble between spans. `i.ready`
    follows `o.ready` within the cycle.

    Members
    -------
    i : In(stream of ports.span), o : Out(stream of ports.burst)
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(span(config))),
                "o": Out(stream.Signature(burst(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        place_bits = config.burst_beats.bit_length() - 1
        beat = Signal(config.beat_bits)
        left = Signal(config.beat_bits)
        busy = Signal()

        # Beats up to the next multiple: at least one.
        room = Signal(range(config.burst_beats + 1))
        last = Signal()
        m.d.comb += [
            room.eq(config.burst_beats - beat[:place_bits]),
            last.eq(left <= room),
            self.o.valid.eq(busy),
            self.o.payload.beat.eq(beat),
            self.o.payload.beats.eq(Mux(last, left, room)),
            self.i.ready.eq(~busy | (self.o.ready & last)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [
                beat[:place_bits].eq(0),
                beat[place_bits:].eq(beat[place_bits:] + 1),
                left.eq(left - room),
            ]
        with m.If(self.i.ready):
            m.d.sync += [
                busy.eq(self.i.valid),
                beat.eq(self.i.payload.beat),
                left.eq(self.i.payload.beats),
            ]
        return m

"""Cuts spans of memory into bursts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.ports import burst, span
from hw.system.skid_buffer import SkidBuffer
from params.system import SystemConfig


class BurstSplitter(wiring.Component):
    """Emits the beats of each span as bursts that cross no multiple of `burst_beats`.

    The first burst of a span ends at such a multiple or with the span, as do all that follow: a
    span of n beats from beat b on gives ceil((b % burst_beats + n) / burst_beats) bursts. Beats
    are counted modulo 2^beat_bits.

    Latency one cycle, throughput one burst per cycle, without a bubble between spans. valid,
    payload and `i.ready` are registered: a span is taken while the one before is under way.

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
        longest = config.burst_beats
        place_bits = longest.bit_length() - 1
        burst = self.o.payload
        m.submodules.spans = spans = SkidBuffer(span(config))
        connect(m, flipped(self.i), spans.i)
        new = spans.o.payload
        left = Signal(config.beat_bits, reset_less=True)  # Beats of the span behind this burst.
        last = Signal()

        # Beats up to the next multiple: at least one.
        room = Signal(range(longest + 1))
        m.d.comb += [
            room.eq(longest - new.beat[:place_bits]),
            spans.o.ready.eq(~self.o.valid | (self.o.ready & last)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [
                burst.beat[:place_bits].eq(0),
                burst.beat[place_bits:].eq(burst.beat[place_bits:] + 1),
                burst.beats.eq(Mux(left <= longest, left, longest)),
                left.eq(left - longest),
                last.eq(left <= longest),
            ]
        with m.If(spans.o.ready):
            ends = new.beats <= room
            m.d.sync += [
                self.o.valid.eq(spans.o.valid),
                burst.beat.eq(new.beat),
                burst.beats.eq(Mux(ends, new.beats, room)),
                left.eq(new.beats - room),
                last.eq(ends),
            ]
        return m

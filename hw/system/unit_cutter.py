"""Makes units of beats."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from params.system import UNIT_BITS, UNIT_BYTES, SystemConfig

SEQUENCE = data.StructLayout({"units": unsigned(32), "repeat": unsigned(16)})
"""`units` units, `repeat` times over, both above zero; each time they begin with a beat."""

UNIT = data.StructLayout({"unit": unsigned(UNIT_BITS), "last": 1, "final": 1})
"""A unit; `last` of the sequence's units, and `final` when they do not come again."""


class UnitCutter(wiring.Component):
    """Cuts wide beats into units and joins narrow ones; what a last beat has too many is dropped.

    Latency one cycle, throughput one unit a cycle, or half as many with beats of half a unit, also
    from one beat or sequence to the next.

    Members
    -------
    sequences : In(stream of SEQUENCE), each before its first beat.
    i : In(stream of beats)
    o : Out(stream of UNIT)
    busy : Out, a sequence has been taken whose last unit has not been given.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "sequences": In(stream.Signature(SEQUENCE)),
                "i": In(stream.Signature(8 * config.bus_bytes)),
                "o": Out(stream.Signature(UNIT)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = Signal(32)
        left = Signal(32)
        repeats = Signal(16)
        last = Signal()
        full = Signal()
        given = Signal()
        m.d.comb += [
            self.o.valid.eq(self.busy & full),
            self.o.payload.last.eq(last),
            self.o.payload.final.eq(last & (repeats == 1)),
            given.eq(self.o.valid & self.o.ready),
            self.sequences.ready.eq(~self.busy | (given & self.o.payload.final)),
        ]
        with m.If(given):
            m.d.sync += [left.eq(left - 1), last.eq(left == 2)]
            with m.If(last):
                m.d.sync += [left.eq(units), last.eq(units == 1), repeats.eq(repeats - 1)]
        with m.If(self.sequences.ready):
            sequence = self.sequences.payload
            m.d.sync += [
                self.busy.eq(self.sequences.valid),
                units.eq(sequence.units),
                left.eq(sequence.units),
                last.eq(sequence.units == 1),
                repeats.eq(sequence.repeat),
            ]
        if self._config.bus_bytes < UNIT_BYTES:
            self._join(m, full, given)
        else:
            self._cut(m, full, given, last)
        return m

    def _cut(self, m, full, given, last):
        parts = self._config.bus_bytes // UNIT_BYTES
        beat = Signal(8 * self._config.bus_bytes)
        # Units of the beat that come after the one in front.
        rest = Signal(range(parts))
        m.d.comb += [
            self.o.payload.unit.eq(beat[:UNIT_BITS]),
            self.i.ready.eq(~full | (given & ((rest == 0) | last))),
        ]
        with m.If(given):
            m.d.sync += [beat.eq(beat >> UNIT_BITS), rest.eq(rest - 1)]
        with m.If(self.i.ready):
            m.d.sync += [full.eq(self.i.valid), beat.eq(self.i.payload), rest.eq(parts - 1)]

    def _join(self, m, full, given):
        parts = UNIT_BYTES // self._config.bus_bytes
        unit = Signal(UNIT_BITS)
        held = Signal(range(parts + 1))
        rest = Signal.like(held)
        m.d.comb += [
            full.eq(held == parts),
            self.o.payload.unit.eq(unit),
            self.i.ready.eq(~full | given),
            rest.eq(Mux(given, 0, held)),
        ]
        with m.If(self.i.ready):
            m.d.sync += held.eq(rest + self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += unit.eq(Cat(unit[8 * self._config.bus_bytes :], self.i.payload))
        return m

"""Specification of a register stage of a stream."""

from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from tests.hw.formal.reference import Queue, assert_held, transfer
from tests.hw.formal.specification import Specification

SHAPE = 8


class StageSpec(Specification):
    """What goes in comes out, in order, once, one cycle later at the earliest.

    `o.valid` is up whenever anything is held, and `i.ready` whenever there is room for more, so
    that neither side waits without need. Nothing is assumed of either side.

    Parameters
    ----------
    dut : the stage, of payload `SHAPE`.
    capacity : payloads it can hold.
    passes_ready : a full stage takes one more in the cycle in which it gives one.
    invariants : state of the two-entry stage that makes the properties inductive.
    """

    def __init__(self, dut, *, capacity: int, passes_ready: bool, invariants: bool = False):
        self._capacity = capacity
        self._passes_ready = passes_ready
        self._invariants = invariants
        super().__init__(
            dut,
            {"i": In(stream.Signature(SHAPE)), "o": Out(stream.Signature(SHAPE))},
            probes={"spare": In(SHAPE), "spare_full": In(1)} if invariants else None,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        connect(m, flipped(self.i), self.dut.i)
        connect(m, self.dut.o, flipped(self.o))

        taken, given = transfer(self.i), transfer(self.o)
        held = Queue(m, "held", SHAPE, self._capacity, push=taken, value=self.i.payload, pop=given)
        full = held.count == self._capacity
        m.d.comb += [
            Assert(self.o.valid == (held.count != 0)),
            Assert(self.i.ready == (~full | (self.o.ready & self._passes_ready))),
        ]
        with m.If(self.o.valid):
            m.d.comb += Assert(self.o.payload == held.entries[0])
        assert_held(m, self.o)
        m.d.comb += [Cover(taken & given), Cover(full & ~self.o.ready & self.i.valid)]
        if self._invariants:
            m.d.comb += Assert(self.probe("spare_full") == full)
            with m.If(full):
                m.d.comb += Assert(self.probe("spare") == held.entries[1])
        return m


class SkidSpec(Specification):
    """What goes in comes out, in order, once, in the same cycle if it is taken and nothing waits.

    `o.valid` is up whenever anything is held or offered, `i.ready` whenever nothing is held, and
    what is offered stays the same until it is taken. Nothing is assumed of either side.

    Parameters
    ----------
    dut : the stage, of payload `SHAPE`.
    """

    def __init__(self, dut):
        super().__init__(dut, {"i": In(stream.Signature(SHAPE)), "o": Out(stream.Signature(SHAPE))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        connect(m, flipped(self.i), self.dut.i)
        connect(m, self.dut.o, flipped(self.o))

        taken, given = transfer(self.i), transfer(self.o)
        waits = Signal()
        held = Queue(
            m, "held", SHAPE, 1, push=taken & ~given, value=self.i.payload, pop=given & waits
        )
        m.d.comb += [
            waits.eq(held.count != 0),
            Assert(self.o.valid == (waits | self.i.valid)),
            Assert(self.i.ready == ~waits),
        ]
        with m.If(self.o.valid):
            m.d.comb += Assert(self.o.payload == Mux(waits, held.entries[0], self.i.payload))
        assert_held(m, self.o)
        m.d.comb += [Cover(taken & given), Cover(waits & ~self.o.ready & self.i.valid)]
        return m

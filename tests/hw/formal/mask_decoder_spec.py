"""Specification of the mask decoder."""

from functools import reduce
from operator import or_

from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import group, position
from params import ArrayConfig
from tests.hw.formal.reference import Queue, assert_held, previous, transfer


class MaskDecoderSpec(wiring.Component):
    """Every set bit of every mask word gives one position, lowest first, and nothing else does.

    A mask word without a set bit gives one position with no filter enabled. A position is on
    offer two cycles after its mask word and then in every cycle until the last. Nothing is
    assumed of either side: inputs may come and go, and outputs stall, at any time.

    Parameters
    ----------
    dut : the decoder of `config`.
    invariants : state of the decoder that makes the properties inductive.
    """

    def __init__(self, dut, config: ArrayConfig, *, invariants: bool = False):
        self._dut = dut
        self._config = config
        self._invariants = invariants
        probes = {
            "probe_held": In(group(config)),
            "probe_busy": In(1),
            "probe_remaining": In(config.mask_bits),
        }
        super().__init__(
            {
                "i": In(stream.Signature(group(config))),
                "o": Out(stream.Signature(position(config))),
                **(probes if invariants else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self._dut
        connect(m, flipped(self.i), self._dut.i)
        connect(m, self._dut.o, flipped(self.o))
        filters = range(self._config.filters_per_row)
        bits = range(self._config.mask_bits)

        def union(word):
            return reduce(or_, (word.masks[f] for f in filters))

        # The bits of the oldest word that have not been given, and the lowest of them.
        left = Signal(len(bits))
        lowest = Signal(len(bits))
        index = Signal(range(len(bits)))
        more = Signal()
        ends = Signal()
        words = Queue(
            m, "words", group(self._config), 2,
            push=transfer(self.i), value=self.i.payload, pop=ends,
        )  # fmt: skip
        word, following = words.entries
        for bit in reversed(bits):
            with m.If(left[bit]):
                m.d.comb += [lowest.eq(1 << bit), index.eq(bit)]
        m.d.comb += [more.eq(left != lowest), ends.eq(transfer(self.o) & ~more)]
        with m.If(ends | (words.count == 0)):
            m.d.sync += left.eq(Mux(words.count == 2, union(following), union(self.i.payload)))
        with m.Elif(transfer(self.o)):
            m.d.sync += left.eq(left & ~lowest)

        position = self.o.payload
        with m.If(self.o.valid):
            m.d.comb += [
                Assert(words.count != 0),
                Assert(position.base == word.base),
                Assert(position.shift == word.shift),
                Assert(position.last == (word.last & ~more)),
                Assert((left == 0) | (position.index == index)),
            ]
            for f in filters:
                m.d.comb += Assert(position.enable[f] == (word.masks[f] & lowest).any())
        assert_held(m, self.o)

        offered = previous(m, previous(m, self.i.valid, "offered_1"), "offered_2")
        m.d.comb += [
            Assert(self.o.valid | (words.count == words.fresh)),
            Assert(self.o.valid | ~offered),
        ]

        m.d.comb += [
            Cover(transfer(self.o) & (left == 0)),
            Cover(transfer(self.o) & position.last & transfer(self.i) & (words.count == 2)),
            Cover(transfer(self.o) & ~more & ~position.last & left[-1]),
            Cover(transfer(self.o) & more & position.enable.all()),
        ]

        if self._invariants:
            with m.If(self.o.valid & self.probe_busy & more):
                m.d.comb += [
                    Assert(words.count == 1),
                    Assert(self.probe_held == word),
                    Assert(self.probe_remaining == left & ~lowest),
                ]
            with m.Elif(self.o.valid & self.probe_busy):
                m.d.comb += [
                    Assert(words.count == 2),
                    Assert(self.probe_held == following),
                    Assert(self.probe_remaining == union(following)),
                ]
            with m.Elif(self.o.valid):
                m.d.comb += [Assert(words.count == 1), Assert(~more)]
            with m.Elif(self.probe_busy):
                m.d.comb += [
                    Assert(words.count == 1),
                    Assert(self.probe_held == word),
                    Assert(self.probe_remaining == left),
                    Assert(left == union(word)),
                ]
            with m.Else():
                m.d.comb += Assert(words.count == 0)
        return m

"""Specification of the mask decoder."""

from functools import reduce
from operator import or_

from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import group, position
from params import ArrayConfig, layouts
from tests.hw.formal.reference import Queue, assert_held, history, nth, transfer
from tests.hw.formal.specification import Specification

LATENCY = 3
"""Cycles from a mask word to its first position, and most mask words under way."""


class MaskDecoderSpec(Specification):
    """Every set bit of every mask word gives one position, lowest first, and nothing else does.

    A mask word without a set bit gives one position with no filter enabled. A position is on
    offer `LATENCY` cycles after its mask word and then in every cycle until the last. Nothing is
    assumed of either side: inputs may come and go, and outputs stall, at any time.

    Parameters
    ----------
    dut : the decoder of `config`.
    invariants : state of the decoder that makes the properties inductive.
    """

    def __init__(self, dut, config: ArrayConfig, *, invariants: bool = False):
        self._config = config
        self._invariants = invariants
        picked = data.StructLayout(
            {
                "base": range(config.depth),
                "shift": config.shift_bits,
                "masks": layouts.masks(config),
                "bit": config.mask_bits,
                "last": 1,
            }
        )
        probes = {
            "held": In(group(config)),
            "busy": In(1),
            "only": In(1),
            "remaining": In(config.mask_bits),
            "picked.o__valid": In(1),
            "picked.o__payload": In(picked),
        }
        super().__init__(
            dut,
            {
                "i": In(stream.Signature(group(config))),
                "o": Out(stream.Signature(position(config))),
            },
            probes=probes if invariants else None,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        connect(m, flipped(self.i), self.dut.i)
        connect(m, self.dut.o, flipped(self.o))
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
            m, "words", group(self._config), LATENCY,
            push=transfer(self.i), value=self.i.payload, pop=ends, latency=LATENCY,
        )  # fmt: skip
        word, following, _ = words.entries
        for bit in reversed(bits):
            with m.If(left[bit]):
                m.d.comb += [lowest.eq(1 << bit), index.eq(bit)]
        m.d.comb += [more.eq(left != lowest), ends.eq(transfer(self.o) & ~more)]
        with m.If(ends | (words.count == 0)):
            m.d.sync += left.eq(Mux(words.count > 1, union(following), union(self.i.payload)))
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

        offered = history(m, self.i.valid, LATENCY)
        m.d.comb += [
            Assert(self.o.valid | (words.settled <= 0)),
            Assert(self.o.valid | ~offered[-1]),
        ]

        m.d.comb += [
            Cover(transfer(self.o) & (left == 0)),
            Cover(transfer(self.o) & position.last & transfer(self.i) & (words.count == LATENCY)),
            Cover(transfer(self.o) & ~more & ~position.last & left[-1]),
            Cover(transfer(self.o) & more & position.enable.all()),
        ]

        if self._invariants:
            self._tie(m, words, left, union, offered)
        return m

    def _tie(self, m, words, left, union, offered):
        """Ties the decoder's registers to the reference, position by position."""
        unions = [union(word) for word in words.entries]

        def following(taken, number, left, name):
            """Number of the word and its bits left, once the position there is `taken`."""
            rest = left & (left - 1)[: len(left)]
            next_number = Signal.like(number, name=f"number_{name}")
            next_left = Signal.like(left, name=f"left_{name}")
            m.d.comb += [next_number.eq(number), next_left.eq(left)]
            with m.If(taken & (rest != 0)):
                m.d.comb += next_left.eq(rest)
            with m.Elif(taken):
                m.d.comb += [next_number.eq(number + 1), next_left.eq(nth(unions, number + 1))]
            return next_number, next_left

        def entry(number, name):
            word = Signal(group(self._config), name=name)
            m.d.comb += word.eq(nth(words.entries, number))
            return word

        # The position on offer, then the one that waits for its number, then the word to pick from.
        first = Signal(range(LATENCY + 1))
        number, left = following(self.o.valid, first, left, "picked")
        valid, picked = self.probe("picked.o__valid"), self.probe("picked.o__payload")
        word = entry(number, "word_picked")
        with m.If(valid):
            m.d.comb += [
                Assert(words.count > number),
                Assert(picked.base == word.base),
                Assert(picked.shift == word.shift),
                Assert(picked.masks == word.masks),
                Assert(picked.bit == left & ~(left - 1)[: len(left)]),
                Assert(picked.last == (word.last & ((left & (left - 1)[: len(left)]) == 0))),
            ]
        number, left = following(valid, number, left, "held")
        m.d.comb += [
            Assert(words.count == number + self.probe("busy")),
            Assert(self.probe("busy") | ~offered[0]),
            Assert(valid | ~offered[1]),
            Assert(valid | ~self.probe("busy") | words.arrivals[0]),
        ]
        with m.If(self.probe("busy")):
            m.d.comb += [
                Assert(self.probe("held") == entry(number, "word_held")),
                Assert(self.probe("remaining") == left),
                Assert(self.probe("only") == ((left & (left - 1)[: len(left)]) == 0)),
            ]

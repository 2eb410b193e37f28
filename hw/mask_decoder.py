"""Turns mask words into positions, one per set bit."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.payloads import group, position
from params import ArrayConfig


class MaskDecoder(wiring.Component):
    """Emits the position of every set bit of a mask word, lowest first.

    With several filters a row, the positions are those of the union of their masks. A mask word
    without a set bit gives one position with no filter enabled. `last` marks the last position
    of a mask word that has `last` set.

    Latency two cycles, throughput one position per cycle, without a bubble between mask words.

    Members
    -------
    i : In(stream of payloads.group)
    o : Out(stream of payloads.position)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(group(config))),
                "o": Out(stream.Signature(position(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = self._config.mask_bits
        filters = self._config.filters_per_row
        held = Signal(group(self._config))
        busy = Signal()
        # The union of the masks, without the bits that have been emitted.
        remaining = Signal(width)
        lowest = Signal(width)
        rest = Signal(width)
        only = Signal()
        advance = Signal()
        m.d.comb += [
            rest.eq(remaining & (remaining - 1)),
            lowest.eq(remaining & ~(remaining - 1)),
            only.eq(rest == 0),
            advance.eq(self.o.ready | ~self.o.valid),
            self.i.ready.eq(~busy | (advance & only)),
        ]
        with m.If(advance):
            m.d.sync += [
                self.o.valid.eq(busy),
                self.o.payload.base.eq(held.base),
                self.o.payload.index.eq(
                    Cat(
                        Cat(lowest[i] for i in range(width) if i >> bit & 1).any()
                        for bit in range((width - 1).bit_length())
                    )
                ),
                self.o.payload.enable.eq(Cat((held.masks[f] & lowest).any() for f in range(filters))),
                self.o.payload.shift.eq(held.shift),
                self.o.payload.last.eq(held.last & only),
                remaining.eq(rest),
            ]
        with m.If(self.i.ready):
            m.d.sync += [
                busy.eq(self.i.valid),
                held.eq(self.i.payload),
                remaining.eq(reduce(or_, (self.i.payload.masks[f] for f in range(filters)))),
            ]
        return m

"""Turns mask words into positions, one per set bit."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.payloads import group, position
from hw.stream_register import StreamRegister
from params import ArrayConfig, layouts

GROUP = 4
"""Bits that one LUT4 tells empty or not."""


class MaskDecoder(wiring.Component):
    """Emits the position of every set bit of a mask word, lowest first.

    With several filters a row, the positions are those of the union of their masks. A mask word
    without a set bit gives one position with no filter enabled. `last` marks the last position
    of a mask word that has `last` set.

    Latency three cycles, throughput one position per cycle, without a bubble between mask words.

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
        masks = self._config.masks_per_word
        # A position on its way, its bit not numbered yet.
        pick = data.StructLayout(
            {
                "base": range(self._config.depth),
                "shift": self._config.shift_bits,
                "masks": layouts.masks(self._config),
                "bit": width,
                "last": 1,
            }
        )
        m.submodules.picked = picked = StreamRegister(pick)

        # Pick the lowest of the union of the masks' bits that have not been emitted.
        held = Signal(group(self._config), reset_less=True)
        busy = Signal()
        remaining = Signal(width)
        before = Signal(width)
        # Told a cycle ahead, so that taking the next mask word need not wait for the whole tree.
        only = Signal()
        union = Signal(width)
        m.d.comb += [
            before.eq(_any_before(remaining)),
            union.eq(reduce(or_, (self.i.payload.masks[n] for n in range(masks)))),
            picked.i.valid.eq(busy),
            picked.i.payload.base.eq(held.base),
            picked.i.payload.shift.eq(held.shift),
            picked.i.payload.masks.eq(held.masks),
            picked.i.payload.bit.eq(remaining & ~before),
            picked.i.payload.last.eq(held.last & only),
            self.i.ready.eq(~busy | (picked.i.ready & only)),
        ]
        with m.If(picked.i.ready):
            m.d.sync += [remaining.eq(remaining & before), only.eq(_count(m, remaining) <= 2)]
        with m.If(self.i.ready):
            m.d.sync += [
                busy.eq(self.i.valid),
                held.eq(self.i.payload),
                remaining.eq(union),
                only.eq(_count(m, union) <= 1),
            ]

        # Number it, and see which filters have it.
        bit = picked.o.payload.bit
        m.d.comb += picked.o.ready.eq(self.o.ready | ~self.o.valid)
        with m.If(picked.o.ready):
            m.d.sync += [
                self.o.valid.eq(picked.o.valid),
                self.o.payload.base.eq(picked.o.payload.base),
                self.o.payload.shift.eq(picked.o.payload.shift),
                self.o.payload.last.eq(picked.o.payload.last),
                self.o.payload.index.eq(
                    Cat(
                        Cat(bit[i] for i in range(width) if i >> n & 1).any()
                        for n in range((width - 1).bit_length())
                    )
                ),
                self.o.payload.enable.eq(
                    Cat((picked.o.payload.masks[n] & bit).any() for n in range(masks))
                ),
            ]
        return m


def _any_before(bits):
    """For each bit, whether a lower one is set: a tree over groups, faster than a carry chain."""
    width = len(bits)
    groups = [bits[start : start + GROUP] for start in range(0, width, GROUP)]
    occupied = Cat(group.any() for group in groups)
    return Cat(
        occupied[: i // GROUP].any() | bits[i - i % GROUP : i].any()
        if i % GROUP
        else occupied[: i // GROUP].any()
        for i in range(width)
    )


def _count(m, bits):
    """How many bits are set, 3 for more than two: a tree whose nodes are two LUT4 each."""
    if len(bits) == 1:
        return Cat(bits[0], 0)
    half = 1 << (len(bits) - 1).bit_length() - 1
    a, b = _count(m, bits[:half]), _count(m, bits[half:])
    node = Signal(2, name="count")
    m.d.comb += node.eq(
        Cat((a[0] ^ b[0]) | a.all() | b.all() | (a[1] & b[1]), a[1] | b[1] | (a[0] & b[0]))
    )
    return node

"""Specification of the replay buffer."""

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import replayed
from tests.hw.formal.reference import Queue, assert_held, nth, previous, transfer

SHAPE = 4


class ReplayBufferSpec(wiring.Component):
    """Every block comes out `passes` times in order, however inputs and output pause.

    The reference keeps the words from their arrival to their transfer in the last pass, so that
    a word released or overwritten too early shows. The next word is on offer two cycles after
    it and its block have come, and there is room for a word whenever fewer than `depth` wait.
    Assumed is what the contract asks for: at least one pass, and blocks that are read more than
    once fit the memory.

    Parameters
    ----------
    dut : a buffer of words of `SHAPE`.
    depth, max_length, max_passes : as for the buffer.
    invariants : state of the buffer that makes the properties inductive.
    """

    def __init__(self, dut, *, depth, max_length, max_passes, invariants: bool = False):
        self._dut = dut
        self._depth = depth
        self._max_length = max_length
        self._max_passes = max_passes
        self._invariants = invariants
        pointer, amount = range(depth), range(depth + 1)
        probes = {
            "probe_busy": In(1),
            "probe_ahead": In(amount),
            "probe_held": In(amount),
            "probe_start": In(pointer),
            "probe_read__addr": In(pointer),
            "probe_write__addr": In(pointer),
            "probe_length": In(range(max_length + 1)),
            "probe_remaining": In(range(max_length + 1)),
            "probe_passes_left": In(range(max_passes + 1)),
            "probe_memory": In(SHAPE).array(depth),
        }
        super().__init__(
            {
                "i": In(stream.Signature(SHAPE)),
                "lengths": In(stream.Signature(range(max_length + 1))),
                "passes": In(range(max_passes + 1)),
                "o": Out(stream.Signature(replayed(SHAPE))),
                **(probes if invariants else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self._dut
        connect(m, flipped(self.i), self._dut.i)
        connect(m, flipped(self.lengths), self._dut.lengths)
        connect(m, self._dut.o, flipped(self.o))
        m.d.comb += self._dut.passes.eq(self.passes)
        length = self.lengths.payload
        m.d.comb += Assume(
            ~self.lengths.valid
            | (
                (length <= self._max_length)
                & (self.passes != 0)
                & (self.passes <= self._max_passes)
                & ((self.passes == 1) | (length <= self._depth))
            )
        )

        # Words given in this pass, and passes done, of the oldest block.
        done = Signal(range(self._max_length + 1))
        passes_done = Signal(range(self._max_passes + 1))
        last = Signal()
        final = Signal()
        ends = Signal()
        given = transfer(self.o)
        # The output register holds one word beside the memory's.
        words = Queue(
            m, "words", SHAPE, self._depth + 1,
            push=transfer(self.i), value=self.i.payload, pop=given & final,
        )  # fmt: skip
        block = data.StructLayout({"length": length.shape(), "passes": self.passes.shape()})
        accepted = Signal(block)
        m.d.comb += [accepted.length.eq(length), accepted.passes.eq(self.passes)]
        blocks = Queue(
            m, "blocks", block, 2,
            push=transfer(self.lengths) & (length != 0), value=accepted, pop=ends,
        )  # fmt: skip
        current = blocks.entries[0]
        # Words of the last pass leave the queue one by one, the others stay.
        cursor = Mux(final, 0, done)
        m.d.comb += [
            last.eq(done == current.length - 1),
            final.eq(passes_done == current.passes - 1),
            ends.eq(given & last & final),
        ]
        with m.If(given):
            m.d.sync += done.eq(done + 1)
            with m.If(last):
                m.d.sync += [done.eq(0), passes_done.eq(Mux(final, 0, passes_done + 1))]

        with m.If(self.o.valid):
            m.d.comb += [
                Assert(blocks.count != 0),
                Assert(words.count > cursor),
                Assert(self.o.payload.word == nth(words.entries, cursor)),
                Assert(self.o.payload.last == last),
                Assert(self.o.payload.final == final),
            ]
        assert_held(m, self.o)

        settled = (words.count - words.fresh) > cursor
        offered = self.lengths.valid & (length != 0)
        offered = previous(m, previous(m, offered, "offered_1"), "offered_2")
        unreleased = words.count - (self.o.valid & final)
        m.d.comb += [
            Assert(self.o.valid | ~settled | (blocks.count == blocks.fresh)),
            Assert(self.o.valid | ~settled | ~offered),
            Assert(~offered | (blocks.count != 0)),
            Assert(self.i.ready == (unreleased != self._depth)),
        ]

        m.d.comb += [
            Cover(given & last & ~final & (passes_done == 1) & (done == self._depth - 1)),
            Cover(given & (done == self._max_length - 1)),
            Cover(ends & (blocks.count == 2) & (words.count == self._depth + 1)),
            Cover(ends & (current.passes == self._max_passes) & (blocks.count == 2)),
        ]

        if self._invariants:
            self._tie(m, words, blocks, done, passes_done)
        return m

    def _tie(self, m, words, blocks, done, passes_done):
        """Ties the buffer's registers and memory to the reference."""
        depth = self._depth
        current, following = blocks.entries
        on_offer = self.o.payload
        leaving = self.o.valid & on_offer.final
        held, ahead = self.probe_held, self.probe_ahead
        read, write = self.probe_read__addr, self.probe_write__addr

        def after(pointer, count):
            total = pointer + count
            return Mux(total >= depth, total - depth, total)

        origin = after(write, depth - held)
        m.d.comb += [
            Assert(held == words.count - leaving),
            Assert(ahead <= held),
            Assert(held <= depth),
            Assert((read < depth) & (write < depth)),
            Assert(after(read, ahead) == write),
        ]
        for n in range(depth):
            stored = nth(list(self.probe_memory), after(origin, n))
            entry = Mux(leaving, words.entries[n + 1], words.entries[n])
            m.d.comb += Assert((held <= n) | (stored == entry))

        for n, entry in enumerate(blocks.entries):
            with m.If(blocks.count > n):
                m.d.comb += [
                    Assert(entry.length != 0),
                    Assert(entry.length <= self._max_length),
                    Assert(entry.passes != 0),
                    Assert(entry.passes <= self._max_passes),
                    Assert((entry.passes == 1) | (entry.length <= depth)),
                ]
        m.d.comb += [
            Assert((blocks.count != 0) | ((done == 0) & (passes_done == 0))),
            Assert((blocks.count == 0) | (done < current.length)),
            Assert((blocks.count == 0) | (passes_done < current.passes)),
        ]

        # The buffer is one word ahead of the reference when a word is on offer.
        fetching = Signal(current.shape())
        fetched = Signal.like(done)
        passes_fetched = Signal.like(passes_done)
        m.d.comb += [
            fetching.eq(current),
            fetched.eq(done + self.o.valid),
            passes_fetched.eq(passes_done),
        ]
        with m.If(self.o.valid & on_offer.last):
            m.d.comb += [fetched.eq(0), passes_fetched.eq(passes_done + 1)]
            with m.If(on_offer.final):
                m.d.comb += [fetching.eq(following), passes_fetched.eq(0)]
        m.d.comb += Assert(blocks.count == self.probe_busy + (leaving & on_offer.last))
        with m.If(self.probe_busy):
            m.d.comb += [
                Assert(self.probe_length == fetching.length),
                Assert(self.probe_remaining == fetching.length - fetched),
                Assert(self.probe_passes_left == fetching.passes - passes_fetched),
            ]
        with m.If(self.probe_busy & (self.probe_passes_left != 1)):
            m.d.comb += [Assert(held == ahead + fetched), Assert(self.probe_start == origin)]
        with m.Else():
            m.d.comb += Assert(held == ahead)

"""Specification of the replay buffer."""

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import replayed
from tests.hw.formal.reference import Queue, assert_held, history, nth, transfer
from tests.hw.formal.specification import Specification

SHAPE = 4
LATENCY = 3
"""Cycles from a word's arrival until it is on offer."""
REGISTERS = 2
"""Words on their way out of the memory."""


class ReplayBufferSpec(Specification):
    """Every block comes out `passes` times in order, however inputs and output pause.

    The reference keeps the words from their arrival to their transfer in the last pass, so that
    a word released or overwritten too early shows. The next word is on offer `LATENCY` cycles
    after it and its block have come, and there is room for a word whenever fewer than `depth`
    wait.
    Assumed is what the contract asks for: at least one pass, and blocks that are read more than
    once fit the memory.

    Parameters
    ----------
    dut : a buffer of words of `SHAPE`.
    depth, max_length, max_passes : as for the buffer.
    invariants : state of the buffer that makes the properties inductive.
    """

    def __init__(self, dut, *, depth, max_length, max_passes, invariants: bool = False):
        self._depth = depth
        self._max_length = max_length
        self._max_passes = max_passes
        self._invariants = invariants
        pointer, amount = range(depth), range(depth + 1)
        probes = {
            "busy": In(1),
            "ahead": In(amount),
            "some": In(1),
            "held": In(amount),
            "free": In(1),
            "start": In(pointer),
            "read__addr": In(pointer),
            "write__addr": In(pointer),
            "length": In(range(max_length + 1)),
            "remaining": In(range(max_length + 1)),
            "passes_left": In(range(max_passes + 1)),
            "last": In(1),
            "final": In(1),
            "memory": In(SHAPE).array(depth),
            "output.i__valid": In(1),
            "output.i__payload": In(replayed(SHAPE)),
        }
        super().__init__(
            dut,
            {
                "i": In(stream.Signature(SHAPE)),
                "lengths": In(stream.Signature(range(max_length + 1))),
                "passes": In(range(max_passes + 1)),
                "o": Out(stream.Signature(replayed(SHAPE))),
            },
            probes=probes if invariants else None,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        connect(m, flipped(self.i), self.dut.i)
        connect(m, flipped(self.lengths), self.dut.lengths)
        connect(m, self.dut.o, flipped(self.o))
        m.d.comb += self.dut.passes.eq(self.passes)
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
        words = Queue(
            m, "words", SHAPE, self._depth + REGISTERS,
            push=transfer(self.i), value=self.i.payload, pop=given & final, latency=LATENCY,
        )  # fmt: skip
        block = data.StructLayout({"length": length.shape(), "passes": self.passes.shape()})
        accepted = Signal(block)
        m.d.comb += [accepted.length.eq(length), accepted.passes.eq(self.passes)]
        blocks = Queue(
            m, "blocks", block, 1 + REGISTERS,
            push=transfer(self.lengths) & (length != 0), value=accepted, pop=ends,
            latency=LATENCY,
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

        wanting = words.settled <= cursor
        offered = history(m, self.lengths.valid & (length != 0), LATENCY)[-1]
        m.d.comb += [
            Assert(self.o.valid | wanting | (blocks.settled <= 0)),
            Assert(self.o.valid | wanting | ~offered),
            Assert(~offered | (blocks.count != 0)),
            Assert(self.i.ready | (words.count >= self._depth)),
        ]

        m.d.comb += [
            Cover(given & last & ~final & (passes_done == 1) & (done == self._depth - 1)),
            Cover(given & (done == self._max_length - 1)),
            Cover(ends & (blocks.count == 3) & (words.count == self._depth + REGISTERS)),
            Cover(ends & (current.passes == self._max_passes) & (blocks.count == 3)),
        ]

        if self._invariants:
            self._tie(m, words, blocks, done, passes_done)
        return m

    def _tie(self, m, words, blocks, done, passes_done):
        """Ties the buffer's registers and memory to the reference, word by word."""
        depth = self._depth
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
            Assert((blocks.count == 0) | (done < blocks.entries[0].length)),
            Assert((blocks.count == 0) | (passes_done < blocks.entries[0].passes)),
        ]

        # The word on offer, then the one the memory has read, then the one to fetch.
        offered = _Place(m, "offered", blocks, released=0, number=0, done=done, passes=passes_done)
        read = offered.following(m, "read", self.o.valid)
        valid, payload = self.probe("output.i__valid"), self.probe("output.i__payload")
        with m.If(valid):
            m.d.comb += [
                Assert(blocks.count > read.number),
                Assert(words.count > read.cursor),
                Assert(payload.word == nth(words.entries, read.cursor)),
                Assert(payload.last == read.last),
                Assert(payload.final == read.final),
            ]
        fetch = read.following(m, "fetch", valid)
        m.d.comb += Assert(blocks.count == fetch.number + self.probe("busy"))
        with m.If(self.probe("busy")):
            m.d.comb += [
                Assert(self.probe("remaining") == fetch.block.length - fetch.done),
                Assert(self.probe("last") == fetch.last),
                Assert(self.probe("final") == fetch.final),
            ]
            # Behind the last word these are of the next block.
            with m.If(~(fetch.last & fetch.final)):
                m.d.comb += [
                    Assert(self.probe("length") == fetch.block.length),
                    Assert(self.probe("passes_left") == fetch.block.passes - fetch.passes),
                ]

        held, ahead = self.probe("held"), self.probe("ahead")
        read_at, write_at = self.probe("read__addr"), self.probe("write__addr")

        def after(pointer, count):
            total = pointer + count
            return Mux(total >= depth, total - depth, total)

        origin = after(write_at, depth - held)
        m.d.comb += [
            Assert(words.count == held + fetch.released),
            Assert(ahead <= held),
            Assert(self.probe("some") == (ahead != 0)),
            Assert(held <= depth),
            Assert(self.probe("free") == (held != depth)),
            Assert((read_at < depth) & (write_at < depth)),
            Assert(after(read_at, ahead) == write_at),
        ]
        for n in range(depth):
            stored = nth(list(self.probe("memory")), after(origin, n))
            m.d.comb += Assert((held <= n) | (stored == nth(words.entries, fetch.released + n)))
        with m.If(self.probe("busy") & ~fetch.final):
            m.d.comb += [Assert(held == ahead + fetch.done), Assert(self.probe("start") == origin)]
        with m.Else():
            m.d.comb += Assert(held == ahead)


class _Place:
    """A place in the sequence of all words of all passes, as the reference has it.

    Members
    -------
    released : words that leave the reference before it.
    number, block : the block, counted from the oldest, and its entry.
    done, passes : words of the pass, and passes, before it.
    last, final : it ends the pass; the pass is the last.
    cursor : its word's number in the reference.
    """

    def __init__(self, m, name, blocks, *, released, number, done, passes):
        def named(value, what, shape=None):
            signal = Signal(shape or value.shape(), name=f"{name}_{what}")
            m.d.comb += signal.eq(value)
            return signal

        self._blocks = blocks
        entry = blocks.entries[0]
        self.block = Signal(entry.shape(), name=f"{name}_block")
        self.released = named(released, "released", range(REGISTERS + 1))
        self.number = named(number, "number", range(REGISTERS + 2))
        self.done = named(done, "done", entry.length.shape())
        self.passes = named(passes, "passes", entry.passes.shape())
        self.last = named(self.done == self.block.length - 1, "last")
        self.final = named(self.passes == self.block.passes - 1, "final")
        self.cursor = self.released + Mux(self.final, 0, self.done)
        m.d.comb += self.block.eq(nth(blocks.entries, self.number))

    def following(self, m, name, taken) -> "_Place":
        """The next place if `taken`, else this one."""
        ends_pass = taken & self.last
        ends = ends_pass & self.final
        return _Place(
            m,
            name,
            self._blocks,
            released=self.released + (taken & self.final),
            number=self.number + ends,
            done=Mux(ends_pass, 0, self.done + taken),
            passes=Mux(ends, 0, self.passes + ends_pass),
        )

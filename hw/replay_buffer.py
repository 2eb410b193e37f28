"""A ring of words that can be read several times before they are released."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import replayed
from hw.stream_register import StreamRegister


class ReplayBuffer(wiring.Component):
    """Weight buffer: emits each block of words `passes` times in a row.

    A block is the next `lengths` words of the input. It is read `passes` times, its words are
    released during the last pass, and the input may run ahead as far as the memory allows. A
    block that is read more than once must fit the memory; one that is read once may be longer.

    Latency three cycles from a word's arrival, throughput one word per cycle, without a bubble
    between passes or between blocks whose length is known in time. An empty block is skipped.
    Behind the memory stands a register: a block RAM takes most of a cycle to give its word.

    Parameters
    ----------
    shape : of a word.
    depth : words of memory.
    max_length : largest block.
    max_passes : largest number of passes.

    Members
    -------
    i : In(stream of shape), the words of all blocks.
    lengths : In(stream), words of the next block.
    passes : In, constant while a block is under way.
    o : Out(stream of payloads.replayed(shape))
    """

    def __init__(self, shape, *, depth: int, max_length: int, max_passes: int):
        self._shape = shape
        self._depth = depth
        self._max_length = max_length
        self._max_passes = max_passes
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "lengths": In(stream.Signature(range(max_length + 1))),
                "passes": In(range(max_passes + 1)),
                "o": Out(stream.Signature(replayed(shape))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.memory = mem = memory.Memory(
            shape=self._shape,
            depth=depth,
            init=[],
            # A word is never read in the cycle in which it is written.
            attrs={"no_rw_check": 1},
        )
        write = mem.write_port()
        read = mem.read_port()

        def following(pointer):
            return Mux(pointer == depth - 1, 0, pointer + 1)

        # `ahead` counts the words at and after the read pointer, of which there may be `some`, and
        # `held` all that are not released; `free` says that these are not `depth`.
        ahead = Signal(range(depth + 1))
        some = Signal()
        held = Signal(range(depth + 1))
        free = Signal(init=1)
        released = Signal()
        start = Signal(range(depth))

        m.submodules.output = output = StreamRegister(replayed(self._shape))
        connect(m, output.o, flipped(self.o))

        written = Signal()
        m.d.comb += [
            self.i.ready.eq(free),
            written.eq(self.i.valid & self.i.ready),
            write.en.eq(written),
            write.data.eq(self.i.payload),
        ]
        with m.If(written):
            m.d.sync += write.addr.eq(following(write.addr))

        length = Signal(range(self._max_length + 1))
        remaining = Signal.like(length)
        passes_left = Signal(range(self._max_passes + 1))
        busy = Signal()
        # Registered beside the counters: the word at the read pointer ends its pass, and the pass
        # is the last one.
        last = Signal()
        final = Signal()
        fetch = Signal()
        rewinds = Signal()
        ends = Signal()
        m.d.comb += [
            fetch.eq(busy & some & (output.i.ready | ~output.i.valid)),
            rewinds.eq(last & ~final),
            ends.eq(last & final),
            read.en.eq(fetch),
            output.i.payload.word.eq(read.data),
            self.lengths.ready.eq(~busy | (fetch & ends)),
        ]
        with m.If(output.i.ready | ~output.i.valid):
            m.d.sync += [
                output.i.valid.eq(fetch),
                output.i.payload.last.eq(last),
                output.i.payload.final.eq(final),
            ]

        # Whether a word is fetched is known late in a cycle: no sum waits for it.
        with m.If(fetch):
            m.d.sync += [
                read.addr.eq(following(read.addr)),
                remaining.eq(remaining - 1),
                last.eq(remaining == 2),
            ]
            with m.If(rewinds):
                m.d.sync += [
                    read.addr.eq(start),
                    remaining.eq(length),
                    last.eq(length == 1),
                    passes_left.eq(passes_left - 1),
                    final.eq(passes_left == 2),
                ]
        with m.If(self.lengths.ready):
            m.d.sync += [
                busy.eq(self.lengths.valid & (self.lengths.payload != 0)),
                remaining.eq(self.lengths.payload),
                last.eq(self.lengths.payload == 1),
                final.eq(self.passes == 1),
            ]
        # What the next block takes along is no longer needed when the last word of one is waited
        # for.
        with m.If(~busy | ends):
            m.d.sync += [
                length.eq(self.lengths.payload),
                passes_left.eq(self.passes),
                start.eq(Mux(busy, following(read.addr), read.addr)),
            ]
        back = Signal.like(length)
        m.d.comb += [released.eq(fetch & final), back.eq(Mux(rewinds, length, 0))]
        m.d.sync += [
            ahead.eq(Mux(fetch, ahead + back + written - 1, ahead + written)),
            some.eq(written | Mux(fetch, rewinds | (ahead > 1), some)),
            held.eq(held + written - released),
            free.eq(released | ~Mux(written, held == depth - 1, held == depth)),
        ]
        return m

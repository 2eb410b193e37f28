"""Words that a stream is to give, from a memory that holds nothing else."""

from collections.abc import Sequence

from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out


class WordPlayer(wiring.Component):
    """Gives a sequence of words, each in three cycles, and again after `rewind`.

    Parameters
    ----------
    shape : of a word. words : their bits.

    Members
    -------
    rewind : In, the first word is next; what is on offer is taken back.
    o : Out(stream of shape)
    done : Out, all words have been taken.
    """

    def __init__(self, shape, words: Sequence[int]):
        self._shape = shape
        self._words = words
        super().__init__(
            {"rewind": In(1), "o": Out(stream.Signature(shape)), "done": Out(1, init=not words)}
        )

    def elaborate(self, platform):
        m = Module()
        count = len(self._words)
        if not count:
            return m
        m.submodules.words = words = memory.Memory(
            shape=Shape.cast(self._shape).width, depth=max(2, count), init=self._words
        )
        read = words.read_port()
        number = Signal(range(count + 1))
        fetched = Signal()
        m.d.comb += [
            read.addr.eq(number),
            Value.cast(self.o.payload).eq(read.data),
            self.done.eq(number == count),
        ]
        with m.If(self.rewind):
            m.d.sync += [number.eq(0), fetched.eq(0), self.o.valid.eq(0)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [number.eq(number + 1), fetched.eq(0), self.o.valid.eq(0)]
        with m.Elif(~self.done):
            m.d.sync += [fetched.eq(1), self.o.valid.eq(fetched)]
        return m

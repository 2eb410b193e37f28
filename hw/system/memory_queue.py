"""A queue in a block RAM."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out


class MemoryQueue(wiring.Component):
    """Words in the order of their arrival, `depth` in memory and one at the output.

    Latency two cycles, throughput one word per cycle. valid and ready are registered. A memory's
    word is never read in the cycle in which it is written, so that no logic stands beside the RAM.

    Parameters
    ----------
    shape : of a word.
    depth : words of memory; a power of two saves logic.

    Members
    -------
    i : In(stream of shape), o : Out(stream of shape)
    """

    def __init__(self, shape, *, depth: int):
        self._shape = shape
        self._depth = depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.memory = mem = memory.Memory(
            shape=self._shape, depth=depth, init=[], attrs={"no_rw_check": 1}
        )
        write = mem.write_port()
        read = mem.read_port()

        def following(pointer):
            return Mux(pointer == depth - 1, 0, pointer + 1)

        level = Signal(range(depth + 1))
        any_left = Signal()
        not_full = Signal(init=1)
        with_new = Signal(range(depth + 2))
        without = Signal(range(depth + 1))
        m.d.comb += [
            self.i.ready.eq(not_full),
            write.en.eq(self.i.valid & not_full),
            write.data.eq(self.i.payload),
            read.en.eq(any_left & (self.o.ready | ~self.o.valid)),
            self.o.payload.eq(read.data),
            with_new.eq(level + write.en),
            without.eq(level + write.en - 1),
        ]
        # Whether a word is read comes late in a cycle: all is there for both cases.
        m.d.sync += [
            level.eq(Mux(read.en, without, with_new)),
            any_left.eq(Mux(read.en, without != 0, with_new != 0)),
            not_full.eq(read.en | (with_new != depth)),
        ]
        with m.If(write.en):
            m.d.sync += write.addr.eq(following(write.addr))
        with m.If(read.en):
            m.d.sync += read.addr.eq(following(read.addr))
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += self.o.valid.eq(any_left)
        return m

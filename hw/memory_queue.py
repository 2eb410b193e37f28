"""A queue in a block RAM."""

from amaranth.hdl import Module, Mux, Signal, signed
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
    block : a block RAM it is, however few the words; else synthesis decides.

    Members
    -------
    i : In(stream of shape), o : Out(stream of shape)
    """

    def __init__(self, shape, *, depth: int, block: bool = False):
        self._shape = shape
        self._attributes = {"no_rw_check": 1, **({"ram_style": "block"} if block else {})}
        self._depth = depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.memory = mem = memory.Memory(
            shape=self._shape, depth=depth, init=[], attrs=self._attributes
        )
        write = mem.write_port()
        read = mem.read_port()

        def following(pointer):
            return Mux(pointer == depth - 1, 0, pointer + 1)

        level = Signal(range(depth + 1))
        any_left = Signal()
        two_left = Signal()
        not_full = Signal(init=1)
        step = Signal(signed(2))
        m.d.comb += [
            self.i.ready.eq(not_full),
            write.en.eq(self.i.valid & not_full),
            write.data.eq(self.i.payload),
            read.en.eq(any_left & (self.o.ready | ~self.o.valid)),
            self.o.payload.eq(read.data),
            step.eq(Mux(read.en, -1, 1)),
        ]
        # Whether a word comes, and one is read, is known late in a cycle: no sum waits for it.
        with m.If(write.en ^ read.en):
            m.d.sync += level.eq(level + step)
        m.d.sync += [
            any_left.eq(Mux(read.en, Mux(write.en, any_left, two_left), write.en | any_left)),
            two_left.eq(
                Mux(
                    read.en,
                    Mux(write.en, two_left, level > 2),
                    Mux(write.en, any_left, two_left),
                )
            ),
            not_full.eq(read.en | ~Mux(write.en, level == depth - 1, level == depth)),
        ]
        with m.If(write.en):
            m.d.sync += write.addr.eq(following(write.addr))
        with m.If(read.en):
            m.d.sync += read.addr.eq(following(read.addr))
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += self.o.valid.eq(any_left)
        return m

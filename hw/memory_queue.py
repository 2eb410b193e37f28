"""A queue in a block RAM."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out


class MemoryQueue(wiring.Component):
    """Words in the order of their arrival, `depth` in memory and one at the output.

    Latency two cycles, throughput one word per cycle. valid and ready are registered. A word that
    counts is never read in the cycle in which it is written, so that no logic stands beside the
    RAM.

    Parameters
    ----------
    shape : of a word.
    depth : words of memory; a power of two saves logic.
    block : a block RAM it is, however few the words; else synthesis decides.

    Members
    -------
    i : In(stream of shape), o : Out(stream of shape)
    empty : Out, it holds nothing.
    """

    def __init__(self, shape, *, depth: int, block: bool = False):
        self._shape = shape
        self._attributes = {"no_rw_check": 1, **({"ram_style": "block"} if block else {})}
        self._depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "empty": Out(1),
            }
        )

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
        puts = Signal()
        gets = Signal()
        free = Signal()
        m.d.comb += [
            self.i.ready.eq(not_full),
            puts.eq(self.i.valid & not_full),
            write.en.eq(puts),
            write.data.eq(self.i.payload),
            free.eq(self.o.ready | ~self.o.valid),
            gets.eq(any_left & free),
            # Where none is left what is read does not count: the enable then waits for less.
            read.en.eq(free),
            self.o.payload.eq(read.data),
            step.eq(Mux(gets, -1, 1)),
            self.empty.eq(~any_left & ~self.o.valid),
        ]
        # Whether a word comes, and one is read, is known late in a cycle: no sum waits for it.
        with m.If(puts ^ gets):
            m.d.sync += level.eq(level + step)
        m.d.sync += [
            any_left.eq(Mux(gets, Mux(puts, any_left, two_left), puts | any_left)),
            two_left.eq(
                Mux(
                    gets,
                    Mux(puts, two_left, level > 2),
                    Mux(puts, any_left, two_left),
                )
            ),
            not_full.eq(gets | ~Mux(puts, level == depth - 1, level == depth)),
        ]
        with m.If(puts):
            m.d.sync += write.addr.eq(following(write.addr))
        with m.If(gets):
            m.d.sync += read.addr.eq(following(read.addr))
        with m.If(free):
            m.d.sync += self.o.valid.eq(any_left)
        return m

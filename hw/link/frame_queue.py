"""Keeps frames until they are known to be right, and then until they are done."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.memory_queue import MemoryQueue
from hw.stream_register import StreamRegister
from params.link import CHECK


class FrameQueue(wiring.Component):
    """A ring of bytes in a block RAM: those of a frame are given out once it is accepted.

    A frame for which there is no room, or that comes while `frames` + 1 wait, is dropped as if it
    had been rejected.

    Latency three cycles from `accept` to the first byte. Throughput a byte every other cycle in,
    and one per cycle out.

    Parameters
    ----------
    depth : bytes, a power of two. frames : that may wait, a power of two.

    Members
    -------
    i : In(8), valid : In, a byte of a frame. accept, reject : In, see `FrameDecoder`.
    sizes : Out(stream), for each accepted frame its bytes without those of the CRC.
    o : Out(stream of 8 bits), the bytes of accepted frames without those of the CRC.
    """

    def __init__(self, *, depth: int, frames: int):
        self._depth = depth
        self._frames = frames
        super().__init__(
            {
                "i": In(8),
                "valid": In(1),
                "accept": In(1),
                "reject": In(1),
                "sizes": Out(stream.Signature(range(depth))),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.memory = mem = memory.Memory(
            shape=8, depth=depth, init=[], attrs={"no_rw_check": 1}
        )
        m.submodules.sizes = sizes = MemoryQueue(range(depth), depth=self._frames)
        # A block RAM gives its word late in the cycle.
        m.submodules.o = o = StreamRegister(8)
        write = mem.write_port()
        read = mem.read_port()

        # The ring holds, from `read.addr` to `begin`, what was accepted, and from there to
        # `write.addr` a frame that comes. One place stays free.
        begin = Signal(range(depth))
        end = Signal(range(depth))  # Where the frame that comes would end, without its CRC.
        full = Signal()
        overflowed = Signal()
        m.d.comb += [
            write.data.eq(self.i),
            write.en.eq(self.valid & ~full),
            sizes.i.valid.eq(self.accept & ~overflowed),
            sizes.i.payload.eq(end - begin),
            read.en.eq((read.addr != begin) & (o.i.ready | ~o.i.valid)),
            o.i.payload.eq(read.data),
        ]
        connect(m, sizes.o, flipped(self.sizes))
        connect(m, o.o, flipped(self.o))
        # Of a cycle before, in which nothing has come.
        m.d.sync += [
            end.eq(write.addr - CHECK.size),
            full.eq((write.addr + 1)[: len(write.addr)] == read.addr),
        ]
        with m.If(self.accept | self.reject):
            m.d.sync += overflowed.eq(0)
            with m.If(sizes.i.valid & sizes.i.ready):
                m.d.sync += [begin.eq(end), write.addr.eq(end)]
            with m.Else():
                m.d.sync += write.addr.eq(begin)
        with m.Elif(self.valid):
            m.d.sync += [write.addr.eq(write.addr + ~full), overflowed.eq(overflowed | full)]
        with m.If(read.en):
            m.d.sync += read.addr.eq(read.addr + 1)
        with m.If(o.i.ready | ~o.i.valid):
            m.d.sync += o.i.valid.eq(read.en)
        return m

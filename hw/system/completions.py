"""Signals of commands, given when what they began is done."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.memory_queue import MemoryQueue
from hw.system.semaphores import SEMAPHORE

DEPTH = 16
"""Commands that it holds, one of them at the output: distributed RAM is 16 deep."""


class Completions(wiring.Component):
    """Commands that a unit has begun and not finished, in order.

    Parameters
    ----------
    shape : what is kept of a command besides its signal.

    Members
    -------
    i : In(stream of a struct with `signal` and `command`), o : Out(the same), the oldest.
    empty : Out, none is under way.
    """

    def __init__(self, shape):
        entry = data.StructLayout({"signal": SEMAPHORE, "command": shape})
        self._entry = entry
        super().__init__(
            {
                "i": In(stream.Signature(entry)),
                "o": Out(stream.Signature(entry)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = MemoryQueue(self._entry, depth=DEPTH - 1)
        connect(m, flipped(self.i), queue.i)
        connect(m, queue.o, flipped(self.o))
        m.d.comb += self.empty.eq(queue.empty)
        return m

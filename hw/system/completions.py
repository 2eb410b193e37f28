"""Signals of commands, given when what they began is done."""

from amaranth.hdl import Module
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.semaphores import SEMAPHORE

DEPTH = 16


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
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._entry.size, depth=DEPTH)
        m.d.comb += [
            queue.w_data.eq(self.i.payload),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
            self.empty.eq(queue.level == 0),
        ]
        return m

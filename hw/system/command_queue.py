"""Where the commands of a unit wait."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.semaphores import SEMAPHORE
from params.commands import RAW

DEPTH = 16
"""Commands that wait: those of distributed RAM 16 deep."""


class CommandQueue(wiring.Component):
    """Holds a unit's commands and hands out each when the semaphore is there that it waits for.

    Members
    -------
    i : In(stream of RAW), o : Out(stream of RAW)
    wait : Out, wanting : Out, granted : In, to `Semaphores`.
    empty : Out, no command waits.
    """

    def __init__(self):
        super().__init__(
            {
                "i": In(stream.Signature(RAW)),
                "o": Out(stream.Signature(RAW)),
                "wait": Out(SEMAPHORE),
                "wanting": Out(1),
                "granted": In(1),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Whether a command waits is kept beside it: what it decides comes late in a cycle.
        kept = data.StructLayout({"command": RAW, "waits": 1})
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=kept.size, depth=DEPTH)
        head = data.View(kept, queue.r_data)
        got = Signal()
        m.d.comb += [
            queue.w_data.eq(Cat(self.i.payload, self.i.payload["wait"] != 0)),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            self.wait.eq(head.command["wait"]),
            self.wanting.eq(queue.r_rdy & head.waits & ~got),
            self.o.payload.eq(head.command),
            self.o.valid.eq(queue.r_rdy & (got | ~head.waits)),
            queue.r_en.eq(self.o.valid & self.o.ready),
            self.empty.eq(~queue.r_rdy & (queue.w_level == 0)),
        ]
        m.d.sync += got.eq((got | self.granted) & ~(self.o.valid & self.o.ready))
        return m

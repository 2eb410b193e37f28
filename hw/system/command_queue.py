"""Where the commands of a unit wait."""

from amaranth.hdl import Module, Signal
from amaranth.lib import fifo, stream, wiring
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
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=RAW.size, depth=DEPTH)
        head = Signal(RAW)
        got = Signal()
        waits = Signal()
        m.d.comb += [
            queue.w_data.eq(self.i.payload),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            head.eq(queue.r_data),
            waits.eq(head["wait"] != 0),
            self.wait.eq(head["wait"]),
            self.wanting.eq(queue.r_rdy & waits & ~got),
            self.o.payload.eq(head),
            self.o.valid.eq(queue.r_rdy & (got | ~waits)),
            queue.r_en.eq(self.o.valid & self.o.ready),
            self.empty.eq(~queue.r_rdy & (queue.w_level == 0)),
        ]
        m.d.sync += got.eq((got | self.granted) & ~(self.o.valid & self.o.ready))
        return m

"""Where the commands of a unit wait."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.memory_queue import MemoryQueue
from hw.system.semaphores import SEMAPHORE
from params.commands import BODIES, RAW, Opcode, Unit

DEPTH = 16
"""Commands that it holds, one of them at the output: distributed RAM is 16 deep."""


def queued(unit: Unit) -> data.StructLayout:
    """A command of a unit, and beside it what it is: that decides much, early in a cycle.

    `kinds` has a bit for each of the unit's opcodes; `moves` says that it has words, and lines, to
    move, where its body tells how many.
    """
    kinds = data.StructLayout({opcode.name: 1 for opcode in _opcodes(unit)})
    return data.StructLayout({"command": RAW, "kinds": kinds, "moves": 1})


class CommandQueue(wiring.Component):
    """Holds a unit's commands and hands out each when the semaphore is there that it waits for.

    Latency two cycles, throughput a command per cycle.

    Members
    -------
    i : In(stream of RAW), o : Out(stream of queued(unit))
    wait : Out, wanting : Out, granted : In, to `Semaphores`.
    empty : Out, no command waits.
    """

    def __init__(self, unit: Unit):
        self._unit = unit
        super().__init__(
            {
                "i": In(stream.Signature(RAW)),
                "o": Out(stream.Signature(queued(unit))),
                "wait": Out(SEMAPHORE),
                "wanting": Out(1),
                "granted": In(1),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kept = data.StructLayout({"queued": queued(self._unit), "waits": 1})
        m.submodules.queue = queue = MemoryQueue(kept, depth=DEPTH - 1)
        new = queue.i.payload
        head = queue.o.payload
        got = Signal()
        m.d.comb += [
            new.queued.command.eq(self.i.payload),
            *(
                new.queued.kinds[opcode.name].eq(self.i.payload.opcode == opcode.value)
                for opcode in _opcodes(self._unit)
            ),
            new.queued.moves.eq(self._moves()),
            new.waits.eq(self.i.payload["wait"] != 0),
            queue.i.valid.eq(self.i.valid),
            self.i.ready.eq(queue.i.ready),
            self.wait.eq(head.queued.command["wait"]),
            self.wanting.eq(queue.o.valid & head.waits & ~got),
            self.o.payload.eq(head.queued),
            self.o.valid.eq(queue.o.valid & (got | ~head.waits)),
            queue.o.ready.eq(self.o.valid & self.o.ready),
            self.empty.eq(queue.empty),
        ]
        m.d.sync += got.eq((got | self.granted) & ~(self.o.valid & self.o.ready))
        return m

    def _moves(self):
        """Whether the command that comes moves words, as far as its body tells."""
        raw = self.i.payload
        found = []
        for opcode in _opcodes(self._unit):
            layout = BODIES[opcode]
            body = data.View(layout, raw.body[: layout.size])
            counts = [body[key] for key in ("words", "lines") if key in layout.members]
            if counts:
                is_this = raw.opcode == opcode.value
                found.append(is_this & Cat(count != 0 for count in counts).all())
        return Cat(found).any()


def _opcodes(unit: Unit) -> list[Opcode]:
    """The commands that go to a unit."""
    return [opcode for opcode in Opcode if opcode.value >> Unit.as_shape().width == unit.value]

"""Two masters' buses on a memory of block RAMs, with pauses in between."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.board.axi_join import AxiJoin
from hw.board.block_memory import BlockMemory
from hw.system.axi import axi_read, axi_write

BUS_BYTES = 4
ID_BITS = 2
MEMORY_BYTES = 1 << 11


class JoinedMemory(wiring.Component):
    """A memory of block RAMs behind a join; `options` are the memory's.

    Members
    -------
    read_0, write_0, read_1, write_1 : the masters' buses.
    hold : In(5), holds up AR, R, AW, W, B between join and memory; a transfer on offer stays.
    late : In, memory takes no address of a write before a beat is there, as AXI4 allows.
    """

    def __init__(self, *, join: type = AxiJoin, memory: type = BlockMemory, **options):
        self._join = join
        self._memory = memory
        self._options = options
        bus = {"id_bits": ID_BITS}
        super().__init__(
            {
                name: member
                for k in (0, 1)
                for name, member in (
                    (f"read_{k}", In(axi_read(BUS_BYTES, **bus))),
                    (f"write_{k}", In(axi_write(BUS_BYTES, **bus))),
                )
            }
            | {"hold": In(5), "late": In(1)}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.join = join = self._join(BUS_BYTES, id_bits=ID_BITS)
        m.submodules.memory = memory = self._memory(
            BUS_BYTES, size=MEMORY_BYTES, id_bits=ID_BITS + 1, **self._options
        )
        for k in (0, 1):
            connect(m, flipped(getattr(self, f"read_{k}")), join.reads[k])
            connect(m, flipped(getattr(self, f"write_{k}")), join.writes[k])
        for bus, source, target in (
            ("read", join.read, memory.read),
            ("write", join.write, memory.write),
        ):
            for name, member in source.signature.members.items():
                if not name.endswith(("valid", "ready")):
                    a, b = getattr(source, name), getattr(target, name)
                    m.d.comb += b.eq(a) if member.flow == Out else a.eq(b)
            for channel in ("ar", "r") if bus == "read" else ("aw", "w", "b"):
                forth = channel not in ("r", "b")
                giver, taker = (source, target) if forth else (target, source)
                self._channel(m, channel, giver, taker)
        return m

    def _channel(self, m, channel, giver, taker):
        valid, ready = getattr(giver, f"{channel}valid"), getattr(taker, f"{channel}ready")
        offered = Signal(name=f"{channel}_offered")
        open_ = Signal(name=f"{channel}_open")
        hold = self.hold[("ar", "r", "aw", "w", "b").index(channel)]
        if channel == "aw":
            hold = hold | (self.late & ~giver.wvalid)
        m.d.comb += [
            open_.eq(~hold | offered),
            getattr(taker, f"{channel}valid").eq(valid & open_),
            getattr(giver, f"{channel}ready").eq(ready & open_),
        ]
        m.d.sync += offered.eq(valid & open_ & ~ready)

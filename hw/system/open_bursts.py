"""The bursts that memory has not answered yet."""

from amaranth.hdl import Array, Cat, Const, Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from params.config import ConfigError
from params.system import OFFSET_BITS, SystemConfig


class OpenBursts(wiring.Component):
    """Counts the bursts under way of each id, and knows the place of the oldest.

    Parameters
    ----------
    ids : number of ids; memory answers the bursts of an id in order.
    depth : largest number of bursts under way of an id, a power of two.

    Members
    -------
    opened : In, a burst of id `opened_id` goes out that begins at beat `opened_beat`. The id must
        have less than `depth` under way.
    closed : In, memory has answered the oldest burst of id `answered_id`.
    counts : Out.array(ids), bursts under way; follows `opened` and `closed` a cycle later.
    place : Out(32), offset in bytes of the oldest burst of the `answered_id` of a cycle before.
    """

    def __init__(self, config: SystemConfig, *, ids: int, depth: int):
        if depth < 4 or depth & (depth - 1):
            raise ConfigError(f"depth is {depth}, but must be a power of two from 4 on")
        self._config = config
        self._ids = ids
        self._depth = depth
        id_bits = max(1, (ids - 1).bit_length())
        super().__init__(
            {
                "opened": In(1),
                "opened_id": In(id_bits),
                "opened_beat": In(config.beat_bits),
                "closed": In(1),
                "answered_id": In(id_bits),
                "counts": Out(range(depth + 1)).array(ids),
                "place": Out(OFFSET_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = mem = memory.Memory(
            shape=unsigned(self._config.beat_bits),
            depth=self._ids * self._depth,
            init=[],
            # A place is never read in the cycle in which it is written.
            attrs={"no_rw_check": 1},
        )
        write = mem.write_port()
        read = mem.read_port()
        first = Array(Signal(range(self._depth), name=f"first_{k}") for k in range(self._ids))
        following = Array(
            Signal(range(self._depth), name=f"following_{k}") for k in range(self._ids)
        )
        m.d.comb += [
            write.en.eq(self.opened),
            write.addr.eq(Cat(following[self.opened_id], self.opened_id)),
            write.data.eq(self.opened_beat),
            read.addr.eq(Cat(first[self.answered_id], self.answered_id)),
            self.place.eq(Cat(Const(0, self._config.byte_bits), read.data)),
        ]
        for k in range(self._ids):
            opened = self.opened & (self.opened_id == k)
            closed = self.closed & (self.answered_id == k)
            m.d.sync += [
                first[k].eq(first[k] + closed),
                following[k].eq(following[k] + opened),
                self.counts[k].eq(self.counts[k] + opened - closed),
            ]
        return m

"""Whose word comes next."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class TurnQueue(wiring.Component):
    """Keeps the order in which some have had their turn, each of them as a bit.

    Latency one cycle. Who is next comes from registers, so that it may decide much.

    Parameters
    ----------
    count : of those that have turns; depth : turns that are kept.

    Members
    -------
    put : In(count), whose turn it was, 0 for nobody's; only with `room`.
    room : Out, there is a place.
    first : Out(count), whose came first, 0 if there is none; taken : In, it is let go.
    """

    def __init__(self, count: int, *, depth: int):
        self._count = count
        self._depth = depth
        super().__init__(
            {"put": In(count), "room": Out(1), "first": Out(count), "taken": In(1)},
        )

    def elaborate(self, platform):
        m = Module()
        places = [Signal(self._count, name=f"place_{n}") for n in range(self._depth)]
        m.d.comb += [self.first.eq(places[0]), self.room.eq(~places[-1].any())]
        below_held = 1
        for place, above in zip(places, [*places[1:], 0], strict=True):
            moved = Signal(self._count)
            m.d.comb += moved.eq(Mux(self.taken, above, place))
            held = moved.any()
            m.d.sync += place.eq(Mux(below_held & ~held, self.put, moved))
            below_held = held
        return m

"""Whose word comes next."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class TurnQueue(wiring.Component):
    """Keeps the order in which some have had their turn, each of them as a bit.

    Latency two cycles. Who is next comes from registers, so that it may decide much, and so does
    what they take up.

    Parameters
    ----------
    count : of those that have turns; depth : turns that are kept, and one more comes in.

    Members
    -------
    put : In(count), whose turn it was, 0 for nobody's; only with `room`.
    room : Out, there is a place.
    first : Out(count), whose came first, 0 if there is none; taken : In, it is let go.
    empty : Out, no turn is kept.
    """

    def __init__(self, count: int, *, depth: int):
        self._count = count
        self._depth = depth
        super().__init__(
            {
                "put": In(count),
                "room": Out(1),
                "first": Out(count),
                "taken": In(1),
                "empty": Out(1),
            },
        )

    def elaborate(self, platform):
        m = Module()
        places = [Signal(self._count, name=f"place_{n}") for n in range(self._depth)]
        entering = Signal(self._count)
        m.d.comb += [
            self.first.eq(places[0]),
            self.room.eq(~places[-1].any()),
            self.empty.eq(~(places[0] | entering).any()),
        ]
        below_held = 1
        for place, above in zip(places, [*places[1:], 0], strict=True):
            moved = Signal(self._count)
            m.d.comb += moved.eq(Mux(self.taken, above, place))
            held = moved.any()
            m.d.sync += place.eq(Mux(below_held & ~held, entering, moved))
            below_held = held
        with m.If(self.room | self.taken):
            m.d.sync += entering.eq(self.put)
        return m

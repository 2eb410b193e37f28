"""Who is next."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Turns(wiring.Component):
    """Gives one of several that ask their turn, and each its share.

    The turn goes on to the next in every cycle in which its holder does not ask or is served.

    Members
    -------
    asking : In(a bit each), served : In, the holder of the turn has been.
    turn : Out, number of its holder; asks : Out, it asks.
    """

    def __init__(self, count: int):
        self._count = count
        super().__init__(
            {
                "asking": In(count),
                "served": In(1),
                "turn": Out(range(max(2, count))),
                "asks": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        count = self._count
        following = Mux(self.turn == count - 1, 0, self.turn + 1)
        m.d.comb += self.asks.eq(self.asking.bit_select(self.turn, 1))
        m.d.sync += self.turn.eq(Mux(self.asks & ~self.served, self.turn, following))
        return m

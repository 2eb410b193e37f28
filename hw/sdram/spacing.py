"""Keeps cycles between events."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Spacing(wiring.Component):
    """Says when it is too early for something that must come so many cycles after some events.

    Parameters
    ----------
    cycles : for each event the least difference between the numbers of its cycle and of the
        first in which `waits` is down.

    Members
    -------
    events : In(1).array, one for each of `cycles`.
    waits : Out, registered.
    """

    def __init__(self, *cycles: int):
        self._cycles = cycles
        super().__init__({"events": In(1).array(len(cycles)), "waits": Out(1)})

    def elaborate(self, platform):
        m = Module()
        longest = max(self._cycles) - 1
        if longest < 1:
            return m
        # A register of ones that move out at the lower end.
        ones = Signal(longest)
        following = ones >> 1
        for event, cycles in zip(self.events, self._cycles, strict=True):
            following = following | Mux(event, (1 << (cycles - 1)) - 1, 0)
        m.d.sync += ones.eq(following)
        m.d.comb += self.waits.eq(ones[0])
        return m

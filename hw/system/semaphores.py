"""What orders the commands of different units."""

from amaranth.hdl import Array, Cat, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from params.commands import SEMAPHORE_BITS, SEMAPHORES

SEMAPHORE = unsigned((SEMAPHORES - 1).bit_length())


class Semaphores(wiring.Component):
    """Counters that units wait for and signal.

    One unit takes a semaphore in a cycle, the first of those that can, and none takes the same one
    in the two cycles after that. Any number signal; it can be taken two cycles later.

    Parameters
    ----------
    units : that take and signal.

    Members
    -------
    wait : In(array of numbers), wanting : In(a bit per unit), a unit's next command waits.
    granted : Out(a bit per unit), it has what it waited for, in this cycle only.
    signal : In(array of numbers), signalling : In(a bit per unit), for one cycle; 0 is nothing.
    overflow : Out, three cycles behind: a semaphore was signalled too often.
    """

    def __init__(self, units: int):
        self._units = units
        super().__init__(
            {
                "wait": In(SEMAPHORE).array(units),
                "wanting": In(units),
                "granted": Out(units),
                "signal": In(SEMAPHORE).array(units),
                "signalling": In(units),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        counts = [Signal(SEMAPHORE_BITS, name=f"count_{n}") for n in range(SEMAPHORES)]
        nonzero = Signal(SEMAPHORES, init=1)
        able = Signal(self._units)
        m.d.comb += [
            able.eq(
                Cat(self.wanting[u] & Array(nonzero)[self.wait[u]] for u in range(self._units))
            ),
            self.granted.eq(Cat(able[u] & ~able[:u].any() for u in range(self._units))),
        ]
        over = Signal(SEMAPHORES)
        for n, count in enumerate(counts[1:], 1):
            up = Signal(self._units, name=f"up_{n}")
            down = Signal(name=f"down_{n}")
            counted_up = Signal.like(up)
            counted_down = Signal.like(down)
            following = Signal(SEMAPHORE_BITS + 1, name=f"following_{n}")
            m.d.comb += [
                up.eq(Cat(self.signalling[u] & (self.signal[u] == n) for u in range(self._units))),
                down.eq(
                    Cat(self.granted[u] & (self.wait[u] == n) for u in range(self._units)).any()
                ),
                following.eq(count + sum(counted_up) - counted_down),
            ]
            # Who takes is known late in a cycle, and what is left is counted in the next.
            m.d.sync += [
                counted_up.eq(up),
                counted_down.eq(down),
                count.eq(following),
                over[n].eq(following[SEMAPHORE_BITS]),
                nonzero[n].eq(~down & ~counted_down & (counted_up.any() | (count != 0))),
            ]
        m.d.sync += self.overflow.eq(over.any())
        return m

"""What orders the commands of different units."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from params.commands import SEMAPHORE_BITS, SEMAPHORES

SEMAPHORE = unsigned((SEMAPHORES - 1).bit_length())


class Semaphores(wiring.Component):
    """Counters that units wait for and signal.

    One unit takes a semaphore in a cycle, the first of those that can. Any number signal.

    Parameters
    ----------
    units : that take and signal.

    Members
    -------
    wait : In(array of numbers), wanting : In(a bit per unit), a unit's next command waits.
    granted : Out(a bit per unit), it has what it waited for, in this cycle only.
    signal : In(array of numbers), signalling : In(a bit per unit), for one cycle; 0 is nothing.
    overflow : Out, a cycle behind: a semaphore was signalled too often.
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
            self.granted.eq(able & ~(able - 1)),
        ]
        over = Signal(SEMAPHORES)
        for n, count in enumerate(counts[1:], 1):
            up = [self.signalling[u] & (self.signal[u] == n) for u in range(self._units)]
            down = Cat(self.granted[u] & (self.wait[u] == n) for u in range(self._units)).any()
            raised = Signal(SEMAPHORE_BITS + 1, name=f"raised_{n}")
            m.d.comb += raised.eq(count + sum(up))
            # Who takes is known late in a cycle; nobody takes one that is 0.
            m.d.sync += [
                count.eq(Mux(down, raised - 1, raised)),
                nonzero[n].eq(Cat(up).any() | Mux(down, count > 1, nonzero[n])),
                over[n].eq(Mux(down, (raised - 1)[SEMAPHORE_BITS], raised[SEMAPHORE_BITS])),
            ]
        m.d.comb += self.overflow.eq(over.any())
        return m

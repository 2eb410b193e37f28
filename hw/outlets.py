"""The way of a lane group's sums to the drain."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Mux, Signal, signed

from params import ArrayConfig

STAGE = 3
"""Sums that join the way at one register: with what comes from farther off, two LUT4 a bit."""


def collect(m, config: ArrayConfig, begin, sums: dict, outlets) -> Signal:
    """Lead the sums of a lane group to its outlets, one sum a cycle each, from `begin` on.

    A sum passes registers on its way, one for every `STAGE` sums nearer to the outlet, so that
    wires are short; it sets off as many cycles earlier. The sums stand still meanwhile. Which of
    them set off is told by a bit for each cycle.

    Latency: the sums are there from the cycle after `begin`, the first of them on the outlets in
    the cycle after that.

    Parameters
    ----------
    sums : by (element of a lane, lane of the group).
    outlets : array of accumulators; each begins at its lowest lane with element 0 and goes on, lane
        by lane, element by element, and where filters take turns, turn by turn.

    Returns
    -------
    The turn whose sums `sums` must show.
    """
    elements, length = config.elements_per_lane, config.lanes_per_outlet
    places = elements * length
    # With one turn it empties itself, and needs no reset that leads to all groups.
    cycle = Signal(places, reset_less=config.turns == 1)
    turn = Signal(range(max(2, config.turns)))
    again = Signal()
    if config.turns > 1:
        m.d.comb += again.eq(cycle[-1] & (turn != config.turns - 1))
    m.d.sync += [
        cycle.eq(Cat(begin | again, Mux(begin, 0, cycle[:-1]))),
        turn.eq(Mux(begin, 0, turn + again)),
    ]
    for outlet in range(config.outlets_per_group):
        lanes = range(outlet * length, (outlet + 1) * length)
        order = [sums[element, lane] for element in range(elements) for lane in lanes]
        way = None
        for stage in reversed(range(0, places, STAGE)):
            hops = stage // STAGE
            joining = [
                value.as_unsigned() & cycle[place - hops].replicate(len(value))
                for place, value in enumerate(order[stage : stage + STAGE], stage)
            ]
            farther = [] if way is None else [way]
            way = Signal(
                signed(config.accumulator_bits), name=f"way_{outlet}_{hops}", reset_less=True
            )
            m.d.sync += way.eq(reduce(or_, [*joining, *farther]))
        m.d.comb += outlets[outlet].eq(way)
    return turn

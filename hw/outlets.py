"""The way of a lane group's sums to the drain."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Mux, Signal

from params import ArrayConfig


def collect(m, config: ArrayConfig, begin, sums: dict, outlets) -> Signal:
    """Lead the sums of a lane group to its outlets, one sum a cycle each, from `begin` on.

    The sums stand still meanwhile. Which of them an outlet gives is told by a bit for each, so a
    lookup table takes two sums.

    Parameters
    ----------
    begin : the sums are there from the next cycle on.
    sums : by (element of a lane, lane of the group).
    outlets : array of accumulators; each begins at its lowest lane with element 0 and goes on, lane
        by lane, element by element, and where filters take turns, turn by turn.

    Returns
    -------
    The turn whose sums `sums` must show.
    """
    elements, length = config.elements_per_lane, config.lanes_per_outlet
    places = elements * length
    chosen = Signal(places)
    turn = Signal(range(max(2, config.turns)))
    again = Signal()
    if config.turns > 1:
        m.d.comb += again.eq(chosen[-1] & (turn != config.turns - 1))
    m.d.sync += [
        chosen.eq(Cat(begin | again, Mux(begin, 0, chosen[:-1]))),
        turn.eq(Mux(begin, 0, turn + again)),
    ]
    for outlet in range(config.outlets_per_group):
        lanes = range(outlet * length, (outlet + 1) * length)
        parts = [
            sums[element, lane].as_unsigned() & bit.replicate(len(sums[element, lane]))
            for (element, lane), bit in zip(
                [(element, lane) for element in range(elements) for lane in lanes],
                chosen,
                strict=True,
            )
        ]
        m.d.comb += outlets[outlet].eq(reduce(or_, parts))
    return turn

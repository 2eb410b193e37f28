"""The cycle model: how many cycles a program takes, to the cycle."""

from dataclasses import dataclass

from compiler.program import Program
from compiler.row_cycles import RowClock
from compiler.schedule import Schedule

TO_NEXT_LOAD = 2
"""Cycles from a tile's last to the first in which the next tile's words are loaded."""


@dataclass(frozen=True, kw_only=True)
class CycleCount:
    """Cycles of a program whose streams never pause.

    Parameters
    ----------
    tiles : for each tile the cycles from its command to its last output.
    load_cycles : between the tiles, for the run table and the activation words.
    """

    tiles: tuple[int, ...]
    load_cycles: int

    @property
    def cycles(self) -> int:
        """With a tile under way: what a simulation reports as its cycles."""
        return sum(self.tiles)


def count_cycles(program: Program) -> CycleCount:
    """Count the cycles of `program` on the array.

    Equal to the RTL in `sim` without stalls, cycle for cycle.
    """
    return time_schedule(program.schedule)


def time_schedule(schedule: Schedule) -> CycleCount:
    """Count the cycles of any program with this schedule.

    The rows take their weights ahead and independently, so each has a clock of its own; they meet
    at the end of a tile. A tile that finds the weight buffers full takes as long as every such
    tile with as many passes that starts at the same turn, and is gone through once.
    """
    layout = schedule.plan.layout
    clocks = [RowClock(row, schedule.config) for row in schedule.weights if len(row.groups)]
    turns = schedule.config.turns
    known: dict[tuple[int, int], tuple[int, int]] = {}
    settled = max((clock.settled for clock in clocks), default=0)
    tiles = []
    load_cycles = idle_from = 0
    now = 1 + len(layout.runs)
    for tile in schedule.plan.tiles:
        start = now + layout.words(tile.passes)
        load_cycles += start + 1 - idle_from
        same = settled <= start
        kind = tile.passes, start % turns
        if same and kind in known:
            cycles, slack = known[kind]
        else:
            # The rows are done no earlier than the cycle behind the one that starts them.
            end = max([start + 2, *(clock.run(start, tile.passes) for clock in clocks)])
            cycles = end - start
            slack = max((clock.settled for clock in clocks), default=0) - end
            if same:
                known[kind] = cycles, slack
        tiles.append(cycles)
        settled = start + cycles + slack
        idle_from = start + cycles + 1
        now = start + cycles + TO_NEXT_LOAD
    return CycleCount(tiles=tuple(tiles), load_cycles=load_cycles + 1)

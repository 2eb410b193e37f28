"""What each layer of a network took on a simulated system."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compiler.system.image import SystemImage
from compiler.system.spans import LayerCycles, Timeline, layer_cycles
from golden.network import IntegerNetwork
from sim.system_events import Totals

BUSY = 0.9
"""Share of the cycles from which on something counts as the bound of a layer."""


@dataclass(frozen=True, kw_only=True)
class MeasuredCycles(LayerCycles):
    """What a node took on a simulated system.

    Parameters
    ----------
    wait_load, wait_store, wait_weights : in which the array waits; see `params.registers.COUNTERS`.
    beats_read, beats_written : over the memory bus meanwhile.
    """

    wait_load: int
    wait_store: int
    wait_weights: int
    beats_read: int
    beats_written: int

    def bound_by(self, *, duplex: bool) -> str:
        """What takes most of the cycles beyond the array's own, if they are more than a tenth.

        "memory" where it has nine tenths of what it can do to do; "compute" where the array hardly
        waits; otherwise what it waits for: "load", "store" or "weights". A max-pool, which the
        array has no part in, waits for its loads.

        Parameters
        ----------
        duplex : memory reads a beat and writes one in a cycle, not one or the other.
        """
        both = (self.beats_read, self.beats_written)
        if (max(both) if duplex else sum(both)) >= BUSY * self.cycles:
            return "memory"
        if not self.tiles:
            return "load"
        waits = {"load": self.wait_load, "store": self.wait_store, "weights": self.wait_weights}
        if sum(waits.values()) <= (1 - BUSY) * self.cycles:
            return "compute"
        return max(waits, key=lambda name: waits[name])


def measured_cycles(
    network: IntegerNetwork, image: SystemImage, timeline: Timeline, totals: Sequence[Totals]
) -> tuple[MeasuredCycles, ...]:
    """Cycles of each node that was done, in order."""
    at = {total.cycle: total for total in totals}
    found = []
    before = Totals(cycle=0, beats_read=0, beats_written=0, counts={})
    for layer in layer_cycles(network.nodes, image, timeline):
        end = at[before.cycle + layer.cycles]
        waits: dict[str, Any] = {
            name: end.counts[name] - before.counts.get(name, 0)
            for name in ("wait_load", "wait_store", "wait_weights")
        }
        found.append(
            MeasuredCycles(
                **dataclasses.asdict(layer),
                **waits,
                beats_read=end.beats_read - before.beats_read,
                beats_written=end.beats_written - before.beats_written,
            )
        )
        before = end
    return tuple(found)

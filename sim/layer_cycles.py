"""What each layer of a network took on a system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.system.command import decode
from compiler.system.image import SystemImage
from golden.layer import IntegerConv
from golden.network import IntegerNetwork
from params.commands import Opcode, Unit
from sim.system_events import Event, Span, Totals, spans

MOVING = {
    Opcode.LOAD_LINES: Unit.LOAD,
    Opcode.LOAD_POOL: Unit.LOAD,
    Opcode.COMPUTE_TILE: Unit.COMPUTE,
    Opcode.STORE_ROWS: Unit.STORE,
    Opcode.STORE_POOL: Unit.STORE,
    Opcode.RESIDUAL_ROWS: Unit.RESIDUAL,
}
"""Commands that the units report, and whose they are."""

Timeline = Mapping[Unit, Sequence[tuple[str, Span]]]
"""For each unit its commands and the names of their nodes, in order."""


BUSY = 0.9
"""Share of the cycles from which on something counts as the bound of a layer."""


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """What a node took on a system.

    Parameters
    ----------
    name : of the node.
    tiles : commands of the compute unit; 0 for a max-pool.
    cycles : from the end of the node before to its own end, when memory has its map.
    compute : with one of its tiles under way.
    bound : nonzeros times output pixels over processing elements, rounded up.
    loading, storing, adding : with a command of the load, store or residual unit under way.
    wait_load, wait_store, wait_weights : in which the array waits; see `params.registers.COUNTERS`.
    beats_read, beats_written : over the memory bus meanwhile.
    """

    name: str
    tiles: int
    cycles: int
    compute: int
    bound: int
    loading: int
    storing: int
    adding: int
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


def timeline(image: SystemImage, events: tuple[Event, ...]) -> Timeline:
    """The commands of each unit with the node each belongs to."""
    owners: dict[Unit, list[str]] = {}
    commands = decode(image.encoded_commands)
    for layer in image.layers:
        for command in commands[layer.first : layer.first + layer.count]:
            if command.opcode in MOVING:
                owners.setdefault(MOVING[command.opcode], []).append(layer.name)
    return {
        unit: list(zip(owners.get(unit, []), own, strict=False))
        for unit, own in spans(events).items()
    }


def layer_cycles(
    network: IntegerNetwork, image: SystemImage, timeline: Timeline, totals: Sequence[Totals]
) -> tuple[LayerCycles, ...]:
    """Cycles of each node that was done, in order."""
    nodes = {node.name: node for node in network.nodes}
    at = {total.cycle: total for total in totals}
    found = []
    before = Totals(cycle=0, beats_read=0, beats_written=0, counts={})
    for layer in image.layers:
        own = {
            unit: [span for name, span in entries if name == layer.name]
            for unit, entries in timeline.items()
        }
        stores = own.get(Unit.STORE, [])
        if not stores:
            continue
        end = at[max(span.end for span in stores)]
        waits = {
            name: end.counts[name] - before.counts.get(name, 0)
            for name in ("wait_load", "wait_store", "wait_weights")
        }
        conv = nodes[layer.name].layer
        bound = 0
        if isinstance(conv, IntegerConv):
            work = conv.nonzeros * conv.shape.out_pixels
            bound = -(-work // image.config.array.processing_elements)
        busy = {unit: _covered(entries) for unit, entries in own.items()}
        found.append(
            LayerCycles(
                name=layer.name,
                tiles=len(own.get(Unit.COMPUTE, [])),
                cycles=end.cycle - before.cycle,
                compute=busy.get(Unit.COMPUTE, 0),
                bound=bound,
                loading=busy.get(Unit.LOAD, 0),
                storing=busy.get(Unit.STORE, 0),
                adding=busy.get(Unit.RESIDUAL, 0),
                **waits,
                beats_read=end.beats_read - before.beats_read,
                beats_written=end.beats_written - before.beats_written,
            )
        )
        before = end
    return tuple(found)


def _covered(entries: list[Span]) -> int:
    """Cycles in which at least one of some spans, in the order of their ends, is under way."""
    covered, last = 0, -1
    for span in sorted(entries, key=lambda span: span.begin):
        begin = max(span.begin, last)
        covered += max(0, span.end - begin)
        last = max(last, span.end)
    return covered

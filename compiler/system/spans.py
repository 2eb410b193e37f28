"""When the units of a system carried out their commands, and what each layer took of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.system.command import decode
from compiler.system.image import SystemImage
from golden.layer import IntegerConv
from golden.network import IntegerNode
from params.commands import Opcode, Unit

MOVING = {
    Opcode.LOAD_LINES: Unit.LOAD,
    Opcode.LOAD_POOL: Unit.LOAD,
    Opcode.COMPUTE_TILE: Unit.COMPUTE,
    Opcode.STORE_ROWS: Unit.STORE,
    Opcode.STORE_POOL: Unit.STORE,
    Opcode.RESIDUAL_ROWS: Unit.RESIDUAL,
}
"""Commands that the units report, and whose they are."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A command under way: the `number`-th of its unit's that move or compute words, from 0 on."""

    unit: Unit
    number: int
    begin: int
    end: int


Timeline = Mapping[Unit, Sequence[tuple[str, Span]]]
"""For each unit its commands and the names of their nodes, in order."""


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
    """

    name: str
    tiles: int
    cycles: int
    compute: int
    bound: int
    loading: int
    storing: int
    adding: int


def timeline(
    image: SystemImage, spans: Mapping[Unit, Sequence[Span]]
) -> dict[Unit, list[tuple[str, Span]]]:
    """The spans of each unit with the node that each belongs to."""
    owners: dict[Unit, list[str]] = {}
    commands = decode(image.encoded_commands)
    for layer in image.layers:
        for command in commands[layer.first : layer.first + layer.count]:
            if command.opcode in MOVING:
                owners.setdefault(MOVING[command.opcode], []).append(layer.name)
    return {unit: list(zip(owners.get(unit, []), own, strict=False)) for unit, own in spans.items()}


def layer_cycles(
    nodes: Sequence[IntegerNode], image: SystemImage, timeline: Timeline
) -> tuple[LayerCycles, ...]:
    """The cycles of each node of `image` that was done."""
    by_name = {node.name: node for node in nodes}
    owned: dict[str, dict[Unit, list[Span]]] = {layer.name: {} for layer in image.layers}
    for unit, entries in timeline.items():
        for name, span in entries:
            owned[name].setdefault(unit, []).append(span)
    found, before = [], 0
    for layer in image.layers:
        own = owned[layer.name]
        stores = own.get(Unit.STORE, [])
        if not stores:
            continue
        end = max(span.end for span in stores)
        conv = by_name[layer.name].layer
        bound = 0
        if isinstance(conv, IntegerConv):
            work = conv.nonzeros * conv.shape.out_pixels
            bound = -(-work // image.config.array.processing_elements)
        busy = {unit: _covered(entries) for unit, entries in own.items()}
        found.append(
            LayerCycles(
                name=layer.name,
                tiles=len(own.get(Unit.COMPUTE, [])),
                cycles=end - before,
                compute=busy.get(Unit.COMPUTE, 0),
                bound=bound,
                loading=busy.get(Unit.LOAD, 0),
                storing=busy.get(Unit.STORE, 0),
                adding=busy.get(Unit.RESIDUAL, 0),
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

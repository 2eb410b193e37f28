"""Which unit waits for which: the semaphores of a network's maps."""

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.system.part import NetworkPart

LOADED = 1
"""The load unit has loaded a tile; the compute unit waits for it."""

FREE = 2
"""The compute unit has computed a tile; the load unit waits for it."""

STORED_TO_LOAD = 3
"""Memory has all of a map; the load unit waits for it."""

STORED_TO_RESIDUAL = 4
"""Memory has all of a map; the residual unit waits for it."""

MOST_AHEAD = 128
"""Nodes that the reader of a map may lie behind its maker without counting up a semaphore further.

Smaller than what a semaphore holds.
"""


@dataclass(kw_only=True)
class NodeOrder:
    """What the units do about other nodes for a node.

    Parameters
    ----------
    load_waits, residual_waits : before it reads, the unit waits for `STORED_TO_LOAD` or
        `STORED_TO_RESIDUAL`.
    tells_load, tells_residual : the store unit signals them once memory has the map.
    """

    load_waits: bool = False
    residual_waits: bool = False
    tells_load: bool = False
    tells_residual: bool = False


def order_nodes(part: NetworkPart) -> tuple[NodeOrder, ...]:
    """The order of every node.

    Maps are stored in the order of the nodes, so a unit that has waited for one need not wait for
    those before it. Every signal belongs to one wait.
    """
    numbers = {node.name: number for number, node in enumerate(part.nodes)}
    orders = tuple(NodeOrder() for _ in part.nodes)
    sources = [numbers.get(node.source, -1) for node in part.nodes]
    for maker, reader in _pairs(sources):
        orders[maker].tells_load = orders[reader].load_waits = True
    residuals = [
        -1 if node.residual is None else numbers.get(node.residual, -1) for node in part.nodes
    ]
    for maker, reader in _pairs(residuals):
        orders[maker].tells_residual = orders[reader].residual_waits = True
    return orders


def _pairs(makers: Sequence[int]) -> list[tuple[int, int]]:
    """Maker and reader for each wait; node n reads what node `makers[n]` made, -1 for none."""
    pairs, known = [], -1
    for reader, maker in enumerate(makers):
        if maker < 0:
            continue
        needed = max(maker, reader - MOST_AHEAD)
        if needed > known:
            pairs.append((needed, reader))
            known = needed
    return pairs

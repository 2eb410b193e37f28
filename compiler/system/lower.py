"""From an integer network to the image of a system's memory."""

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from compiler.errors import FitError
from compiler.system.command import Command, encode
from compiler.system.image import LayerCommands, PlacedMap, SystemImage
from compiler.system.map_place import MapPlace, aligned
from compiler.system.memory_map import Shelf, map_bytes, place_maps
from compiler.system.order import order_nodes
from compiler.system.part import NetworkPart, part_of
from compiler.system.plan import SystemPlan, plan_layer
from compiler.system.pool import PoolChunk, pool_chunks
from compiler.system.sequence import CommandSequence, RowWeightsPlace
from compiler.system.weight_packets import channel_places, pack_row
from golden.layer import IntegerConv
from golden.network import IntegerNetwork, IntegerNode
from params.commands import COMMAND_BYTES
from params.packing import PackingError
from params.system import UNIT_BYTES, SystemConfig


def lower_network(
    network: IntegerNetwork,
    config: SystemConfig,
    keep: Collection[str] = (),
    nodes: range | None = None,
    *,
    telling: Callable[[IntegerNode], None] | None = None,
) -> SystemImage:
    """The image of memory with which a system computes a network, or a part of it.

    Maps come first in memory, then weights, then commands.

    Parameters
    ----------
    keep : names of maps that stay in memory besides the outputs.
    nodes : numbers of the nodes to compute; all when None.
    telling : called with every node once it is lowered.

    Raises
    ------
    FitError : a node does not fit the system; the message names it.
    GraphError : no map of a name in `keep`, or no such nodes.
    """
    part = part_of(network, nodes)
    places = place_maps(part, config.bus_bytes, keep)
    shelf = Shelf(map_bytes(places), config.bus_bytes)
    address = shelf.end
    contents: list[tuple[int, np.ndarray]] = []
    sequence = CommandSequence(config)
    layers, encoded = [], []
    for node, order in zip(part.nodes, order_nodes(part), strict=True):
        first = len(sequence.commands)
        plan = _plan(part, node, config, places)
        source, output = places[node.source], places[node.name]
        if isinstance(plan, SystemPlan):
            weights = _place_weights(plan, output, shelf, contents)
            residual = None if node.residual is None else places[node.residual]
            sequence.convolution(plan, weights, order, source, output, residual)
        else:
            signed = part.maps[node.source].format.signed
            sequence.max_pool(plan, order, source, output, signed=signed)
        own = sequence.commands[first:]
        encoded.append(_encode(own, node.name))
        layers.append(LayerCommands(name=node.name, first=first, count=len(own)))
        if telling is not None:
            telling(node)
    first = len(sequence.commands)
    sequence.end()
    encoded.append(encode(sequence.commands[first:]))
    octets = np.concatenate(encoded)
    # The system reads commands by whole bursts.
    burst = config.bus_bytes * config.burst_beats
    commands = shelf.take(len(octets) * COMMAND_BYTES)
    contents.append((commands, octets.reshape(-1)))
    end = aligned(shelf.end, burst)
    kept = {*part.outputs, *keep}
    return SystemImage(
        config=config,
        net=part.net,
        origin=network.origin,
        size=end,
        contents=_joined(contents, address, end),
        address=address,
        commands=commands,
        command_count=len(octets),
        layers=tuple(layers),
        maps={
            name: PlacedMap(map=part.maps[name], place=place, kept=name in kept)
            for name, place in places.items()
        },
        inputs=part.inputs,
        outputs=part.outputs,
    )


def _plan(
    part: NetworkPart, node: IntegerNode, config: SystemConfig, places: Mapping[str, MapPlace]
) -> SystemPlan | tuple[PoolChunk, ...]:
    """What a node's commands are made from.

    Raises
    ------
    FitError : the node does not fit; the message names it.
    """
    source, output = places[node.source], places[node.name]
    bits = config.array.activation_bits
    try:
        for name in (*node.sources, node.name):
            if part.maps[name].format.bits > bits:
                raise FitError(
                    f"the map {name} is {part.maps[name].format}, but the array's activations "
                    f"have {bits} bits; raise activation_bits"
                )
        if isinstance(node.layer, IntegerConv):
            return plan_layer(node.layer, config, source, output)
        return pool_chunks(node.layer, source, output, config)
    except FitError as fault:
        raise FitError(f"{node.name}: {fault}") from fault


def _place_weights(
    plan: SystemPlan, output: MapPlace, shelf: Shelf, contents: list[tuple[int, np.ndarray]]
) -> list[RowWeightsPlace]:
    """Find places for the weights of the active rows, and add them to `contents`."""
    program = plan.program
    placed = []
    for row in program.active_rows:
        stream = program.rows[row]
        channels = channel_places(stream.channels, output.pitch)
        units = pack_row(stream, program.config, channels)
        address = shelf.take(len(units) * UNIT_BYTES)
        contents.append((address, units.astype("<u4").view(np.uint8)))
        placed.append(RowWeightsPlace(row=row, address=address, units=len(units)))
    return placed


def _encode(commands: list[Command], name: str) -> np.ndarray:
    """The commands of a node.

    Raises
    ------
    FitError : a number is larger than its field.
    """
    try:
        return encode(commands)
    except PackingError as fault:
        raise FitError(f"{name}: the layer is too large for the commands: {fault}") from fault


def _joined(parts: Iterable[tuple[int, np.ndarray]], start: int, end: int) -> np.ndarray:
    """Bytes at their addresses from `start` to `end`, zeros between them."""
    joined = np.zeros(end - start, dtype=np.uint8)
    for address, octets in parts:
        joined[address - start : address - start + len(octets)] = octets
    return joined

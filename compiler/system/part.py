"""A part of a network: nodes that follow each other, and the maps they read and make."""

from collections.abc import Mapping
from dataclasses import dataclass

from golden.feature_map import FeatureMap
from golden.network import INPUT, GraphError, IntegerNetwork, IntegerNode


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkPart:
    """Nodes of a network, or all of them.

    Parameters
    ----------
    net : name of the network.
    nodes : in the order of execution.
    inputs : names of the maps that they read and do not make, the image's among them.
    outputs : names of the maps that they make and others read, or that the network is for.
    maps : all of these maps, and those in between, by name.
    """

    net: str
    nodes: tuple[IntegerNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    maps: Mapping[str, FeatureMap]


def part_of(network: IntegerNetwork, nodes: range | None = None) -> NetworkPart:
    """The nodes of a network whose numbers are in `nodes`, a range of step 1; all when None.

    Raises
    ------
    GraphError : there are no such nodes.
    """
    if nodes is None:
        nodes = range(len(network.nodes))
    if not nodes or nodes.start < 0 or nodes.stop > len(network.nodes):
        raise GraphError(
            f"{network.net} has nodes 0 to {len(network.nodes) - 1}, so no part of it goes from "
            f"{nodes.start} to {nodes.stop - 1}"
        )
    own = network.nodes[nodes.start : nodes.stop]
    made = {node.name for node in own}
    read = dict.fromkeys(source for node in own for source in node.sources)
    later = {source for node in network.nodes[nodes.stop :] for source in node.sources}
    inputs = tuple(name for name in read if name not in made)
    wanted = later.union(network.outputs)
    outputs = tuple(node.name for node in own if node.name in wanted)
    if nodes.start == 0 and INPUT not in inputs:
        inputs = (INPUT, *inputs)
    names = (*inputs, *(node.name for node in own))
    return NetworkPart(
        net=network.net,
        nodes=own,
        inputs=inputs,
        outputs=outputs,
        maps={name: network.maps[name] for name in names},
    )

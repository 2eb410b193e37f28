"""What the nodes of a network take in a system's memory."""

from dataclasses import dataclass

from compiler.system.command import decode
from compiler.system.image import SystemImage
from params.commands import Opcode
from params.system import UNIT_BYTES


@dataclass(frozen=True, kw_only=True)
class NodeSize:
    """What a node takes.

    Parameters
    ----------
    name : of the node and its map.
    tiles : of a convolution; 0 for a max-pool.
    commands : its share of the image's commands.
    weight_bytes : of all rows, each counted once however often it is sent.
    """

    name: str
    tiles: int
    commands: int
    weight_bytes: int


def node_sizes(image: SystemImage) -> tuple[NodeSize, ...]:
    """What each node of an image takes, in order.

    Raises
    ------
    SystemFaultError : the image holds something that is no command.
    """
    commands = decode(image.encoded_commands)
    sizes = []
    for layer in image.layers:
        own = commands[layer.first : layer.first + layer.count]
        units = {
            command.fields["address"]: command.fields["units"]
            for command in own
            if command.opcode == Opcode.WEIGHTS_ROW
        }
        sizes.append(
            NodeSize(
                name=layer.name,
                tiles=sum(command.opcode == Opcode.COMPUTE_TILE for command in own),
                commands=layer.count,
                weight_bytes=UNIT_BYTES * sum(units.values()),
            )
        )
    return tuple(sizes)

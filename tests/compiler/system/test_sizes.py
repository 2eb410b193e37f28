import dataclasses

import pytest

from compiler.system.command import Command, decode, encode
from compiler.system.fault import SystemFaultError
from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from compiler.system.sizes import node_sizes
from golden.layer import IntegerConv
from params import preset
from params.commands import Opcode
from params.system import SystemConfig
from tests.golden.networks import small_network


@pytest.fixture(scope="module")
def image() -> SystemImage:
    return lower_network(small_network(), SystemConfig(array=preset("tiny")))


def test_every_command_and_weight_belongs_to_a_node(image):
    commands = decode(image.encoded_commands)
    sizes = node_sizes(image)
    network = small_network()
    assert [size.name for size in sizes] == [node.name for node in network.nodes]
    for size, node in zip(sizes, network.nodes, strict=True):
        own = [n for n in range(len(commands)) if image.layer_of(n) == node.name]
        tiles, weights = 0, {}
        for number in own:
            command = commands[number]
            tiles += command.opcode == Opcode.COMPUTE_TILE
            if command.opcode == Opcode.WEIGHTS_ROW:
                weights[command.fields["row"]] = 4 * command.fields["units"]
        assert (size.commands, size.tiles) == (len(own), tiles)
        assert size.weight_bytes == sum(weights.values())
        assert (size.tiles > 0) == (size.weight_bytes > 0) == isinstance(node.layer, IntegerConv)


def test_weights_that_are_sent_again_count_once(image):
    commands = decode(image.encoded_commands)
    first = next(n for n, command in enumerate(commands) if command.opcode == Opcode.WEIGHTS_ROW)
    later = next(n for n, command in enumerate(commands) if command.opcode == Opcode.LOAD_PIECE)
    assert later < image.layers[0].count
    commands[later] = commands[first]
    assert node_sizes(_with(image, commands))[0].weight_bytes == node_sizes(image)[0].weight_bytes


def test_something_that_is_no_command(image):
    contents = image.contents.copy()
    contents[image.commands - image.address] = 0xEE
    with pytest.raises(SystemFaultError):
        node_sizes(dataclasses.replace(image, contents=contents))


def _with(image: SystemImage, commands: list[Command]) -> SystemImage:
    contents = image.contents.copy()
    start = image.commands - image.address
    octets = encode(commands).reshape(-1)
    contents[start : start + len(octets)] = octets
    return dataclasses.replace(image, contents=contents)

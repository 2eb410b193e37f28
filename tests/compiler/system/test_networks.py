import dataclasses
from pathlib import Path

import numpy as np
import pytest

import rfcn.pretrained
from compiler.system.command import decode, encode
from compiler.system.fault import SystemFaultError
from compiler.system.interpreter import run_concurrently, run_in_order
from compiler.system.lower import lower_network
from compiler.system.order import FREE, LOADED, STORED_TO_LOAD, STORED_TO_RESIDUAL
from golden.network import INPUT, GraphError
from golden.network_files import read_network
from params import ArrayConfig, preset
from params.commands import Fault
from params.system import SystemConfig
from tests.compiler.system.networks import check, random_pixels
from tests.golden.networks import small_network

CONFIG = SystemConfig(array=dataclasses.replace(preset("tiny"), depth=128))


def with_commands(image, commands):
    """The image with other commands, as many as before."""
    contents = image.contents.copy()
    octets = encode(commands).reshape(-1)
    start = image.commands - image.address
    contents[start : start + len(octets)] = octets
    return dataclasses.replace(image, contents=contents)


def results_out_of_step(image, pixels):
    for seed in range(30):
        memory = image.memory({INPUT: pixels})
        run_concurrently(image, memory, seed=seed, queue=100)
        yield image.read_map(memory, *image.outputs)


@pytest.mark.parametrize("keep_all", [False, True])
def test_a_small_network(keep_all):
    network = small_network(3)
    image = lower_network(network, CONFIG, keep=network.maps if keep_all else ())
    assert {name for name, found in image.maps.items() if found.kept} == (
        set(network.maps) if keep_all else set(network.outputs)
    )
    check(network, image, np.random.default_rng(0), seeds=range(3))


def test_two_terms_per_weight():
    network = small_network(4, terms=2)
    check(network, lower_network(network, CONFIG), np.random.default_rng(0))


@pytest.mark.parametrize("semaphore", [LOADED, FREE, STORED_TO_LOAD, STORED_TO_RESIDUAL])
def test_no_semaphore_is_there_for_nothing(semaphore):
    network = small_network(3)
    image = lower_network(network, CONFIG)
    commands = [
        dataclasses.replace(
            command,
            wait=command.wait * (command.wait != semaphore),
            signal=command.signal * (command.signal != semaphore),
        )
        for command in decode(image.encoded_commands)
    ]
    image = with_commands(image, commands)
    pixels = random_pixels(np.random.default_rng(1), network)
    (expected,) = network.run(pixels).values()
    assert any(
        not np.array_equal(result, expected) for result in results_out_of_step(image, pixels)
    )
    memory = image.memory({INPUT: pixels})
    run_in_order(image, memory)
    np.testing.assert_array_equal(image.read_map(memory, *network.outputs), expected)


def test_the_shipped_network():
    path = Path(rfcn.pretrained.__file__).parent / "rfcn-tiny-4.json"
    network = read_network(path).resized(24, 24)
    array = ArrayConfig(lanes=40, rows=2, depth=2048, drain_width=4, residuals=True)
    image = lower_network(network, SystemConfig(array=array, bus_bytes=8))
    pixels = random_pixels(np.random.default_rng(2), network)
    expected = network.run(pixels)
    memory = image.memory({INPUT: pixels})
    run_concurrently(image, memory, seed=1)
    for name, values in expected.items():
        np.testing.assert_array_equal(image.read_map(memory, name), values, name)


def test_a_wait_for_a_command_behind_is_a_stall():
    network = small_network(3)
    image = lower_network(network, CONFIG)
    commands = decode(image.encoded_commands)
    commands[0] = dataclasses.replace(commands[0], wait=FREE)
    broken = with_commands(image, commands)
    with pytest.raises(SystemFaultError, match=r"command 0, WEIGHTS_ROW of conv1") as caught:
        run_in_order(broken, broken.memory())
    assert caught.value.fault == Fault.STALLED
    for buffered in (False, True):
        with pytest.raises(SystemFaultError, match="no unit can go on") as caught:
            run_concurrently(broken, broken.memory(), seed=0, buffered=buffered)
        assert caught.value.fault == Fault.STALLED


def test_an_unknown_map_cannot_be_kept():
    with pytest.raises(GraphError, match="small has no map 'pool9' to keep"):
        lower_network(small_network(), CONFIG, keep=["pool9"])

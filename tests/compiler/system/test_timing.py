"""What the cycles of a system without RTL must fulfil by themselves."""

import numpy as np
import pytest

from compiler.system.command import decode
from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from compiler.system.spans import MOVING, layer_cycles, timeline
from compiler.system.timing import MemoryTiming, Reason, TimingError, time_image
from params import preset
from params.commands import Unit
from params.system import SystemConfig
from tests.golden.networks import small_network

NETWORK = small_network(3)


@pytest.fixture(scope="module")
def image() -> SystemImage:
    return lower_network(NETWORK, SystemConfig(array=preset("tiny")))


def test_every_command_that_moves_words_has_a_span(image):
    timing = time_image(image)
    for unit, spans in timing.spans.items():
        commands = [c for c in decode(image.encoded_commands) if MOVING.get(c.opcode) == unit]
        assert [span.number for span in spans] == list(range(len(commands)))
        assert all(0 <= span.begin < span.end < timing.cycles for span in spans)
        ends = [span.end for span in spans]
        assert ends == sorted(ends)


def test_layers_add_up(image):
    timing = time_image(image)
    layers = layer_cycles(NETWORK.nodes, image, timeline(image, timing.spans))
    assert [layer.name for layer in layers] == [node.name for node in NETWORK.nodes]
    last = max(span.end for span in timing.spans[Unit.STORE])
    assert sum(layer.cycles for layer in layers) == last < timing.cycles
    assert sum(sum(layer.cycles.values()) for layer in timing.layers) == last + 1
    assert all(set(layer.cycles) == set(Reason) for layer in timing.layers)


def test_a_second_look_finds_the_same(image):
    assert time_image(image) == time_image(image)


@pytest.mark.parametrize(
    "slower",
    [{"latency": 10}, {"latency": 100}, {"beats_per_cycle": 0.5}, {"beats_per_cycle": 0.1}],
)
def test_a_slower_memory_takes_longer(image, slower):
    ideal, found = time_image(image), time_image(image, MemoryTiming(**slower))
    assert found.cycles > ideal.cycles
    assert (found.beats_read, found.beats_written) == (ideal.beats_read, ideal.beats_written)
    rate = slower.get("beats_per_cycle", 1)
    assert found.cycles >= np.floor(ideal.beats_read / rate)


def test_what_bounds_a_layer_with_a_slow_memory(image):
    timing = time_image(image, MemoryTiming(latency=200))
    reasons = {layer.name: layer.bound_by for layer in timing.layers}
    assert reasons["conv1"] in (Reason.LOAD, Reason.COMMANDS)
    assert reasons["pool1"] == Reason.LOAD


@pytest.mark.parametrize(
    "memory", [{"latency": 0}, {"beats_per_cycle": 0.0}, {"beats_per_cycle": 1.5}]
)
def test_memories_that_do_not_exist(memory):
    with pytest.raises(TimingError, match="must be"):
        MemoryTiming(**memory)

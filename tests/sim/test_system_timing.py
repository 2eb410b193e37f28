"""The cycles of a system without RTL equal the RTL's."""

import dataclasses

import pytest

import hw.system.channel_fork
import hw.system.collector
import hw.system.command_queue
import hw.system.completions
import hw.system.load_unit
import hw.system.residual_unit
import hw.system.scatterer
import hw.system.weight_feeder
import hw.system.write_master
from compiler.system.clocks import feed, load, residual, scatter, store, supply, writes
from compiler.system.spans import LayerCycles, layer_cycles, timeline
from compiler.system.timing import MemoryTiming, time_image
from sim.engine import Engine
from sim.system_network import SystemMemory, compile_part, simulate_system
from sim.system_run import Memory
from tests.golden.networks import small_network
from tests.sim.layers import QUICK
from tests.sim.test_system import all_maps
from tests.sim.timed_systems import (
    DENSE,
    NARROW_BUS,
    ODD,
    SCARCE,
    SINGLE,
    TINY,
    varied_network,
)


def simulated(network, config, *, memory, nodes=None, keep_all=True, engine=Engine.VERILATOR):
    """The image of a network and what its run on the RTL took."""
    run = simulate_system(
        network, all_maps(network, 1), config, memory=SystemMemory(answers=memory), nodes=nodes,
        keep_all=keep_all, engine=engine,
    )  # fmt: skip
    assert run.failure is None
    return compile_part(network, config, nodes=nodes, keep_all=keep_all), run


def check(network, config, *, latency=1, **options) -> None:
    """Compare cycles, counters, beats and every span."""
    image, run = simulated(network, config, memory=Memory(latency=latency), **options)
    timing = time_image(image, MemoryTiming(latency=latency))
    found = timeline(image, timing.spans)
    for unit, expected in run.timeline.items():
        assert found[unit] == expected, unit
    assert timing.counters == run.counters
    assert timing.beats_read == run.beats_read
    assert timing.beats_written == run.beats_written
    fields = [field.name for field in dataclasses.fields(LayerCycles)]
    layers = layer_cycles(network.nodes, image, found)
    for own, layer, reasons in zip(layers, run.layers, timing.layers, strict=True):
        assert all(getattr(own, name) == getattr(layer, name) for name in fields), layer.name
        assert reasons.name == layer.name
        # The first layer begins with cycle 0.
        first = layer is run.layers[0]
        assert sum(reasons.cycles.values()) == layer.cycles + first


@pytest.mark.parametrize("latency", [1, pytest.param(10, marks=pytest.mark.slow), 40])
def test_a_small_network(latency):
    check(small_network(3), TINY, latency=latency, engine=QUICK)


@pytest.mark.slow
def test_maps_that_share_memory():
    check(small_network(3), TINY, engine=QUICK, keep_all=False)


@pytest.mark.slow
def test_a_part():
    check(small_network(3), TINY, engine=QUICK, nodes=range(2, 4))


@pytest.mark.slow
@pytest.mark.parametrize("latency", [1, 40])
@pytest.mark.parametrize(
    ("config", "seed"),
    [(TINY, 4), (SCARCE, 1), (NARROW_BUS, 6), (ODD, 5), (SINGLE, 2), (DENSE, 3)],
    ids=lambda value: value if isinstance(value, int) else value.array.name,
)
def test_varied_networks(config, seed, latency):
    check(varied_network(seed), config, latency=latency)


@pytest.mark.slow
@pytest.mark.parametrize("stalls", [0.1, 0.5])
def test_the_estimate_for_a_memory_that_pauses(stalls):
    network = small_network(3)
    memory = Memory(stalls=stalls, seed=3)
    image, run = simulated(network, TINY, memory=memory, engine=QUICK)
    timing = time_image(image, MemoryTiming(beats_per_cycle=1 - stalls))
    assert timing.cycles == pytest.approx(run.counters["cycles"], rel=0.02)


def test_depths_are_those_of_the_hardware():
    assert feed.COMMANDS_AHEAD == hw.system.weight_feeder.COMMANDS_AHEAD
    assert feed.CHANNELS_AHEAD == hw.system.channel_fork.CHANNELS_AHEAD
    assert feed.FORKED_AHEAD == hw.system.channel_fork.COMMANDS_AHEAD
    assert load.WORDS_ON_THEIR_WAY == hw.system.load_unit.WORDS_ON_THEIR_WAY
    assert load.COMMANDS_UNDER_WAY == hw.system.completions.DEPTH
    assert residual.WORDS_AHEAD == hw.system.residual_unit.AHEAD
    assert scatter.OUTSTANDING == hw.system.scatterer.OUTSTANDING
    assert store.LEAD == hw.system.collector.LEAD
    assert supply.COMMANDS_IN_QUEUE == hw.system.command_queue.DEPTH
    assert writes.AHEAD == hw.system.write_master.AHEAD

"""Whole networks on the RTL of the system, against the golden model."""

import dataclasses

import numpy as np
import pytest

from golden.network import INPUT, IntegerNetwork
from golden.network_files import read_network
from params import ArrayConfig, preset, sdram
from params.commands import Fault, Unit
from params.system import SystemConfig
from rfcn.pretrained import INTEGER
from sim.engine import Engine
from sim.system_network import SystemMemory, simulate_system
from sim.system_record import to_json
from sim.system_run import Memory, build_system, run_commands
from tests.golden.networks import small_network
from tests.sim.layers import ENGINES, QUICK, needs_icarus

CONFIG = SystemConfig(array=dataclasses.replace(preset("tiny"), name="tiny system"))

CHECKED = Memory(latency=7, stalls=0.3, seed=5)


def all_maps(network: IntegerNetwork, seed: int) -> dict[str, np.ndarray]:
    form, shape = network.input.format, network.input.shape
    pixels = np.random.default_rng(seed).integers(form.low, form.high, shape, endpoint=True)
    return network.run(pixels, [INPUT, *(node.name for node in network.nodes)])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("memory", [Memory(), CHECKED])
def test_a_small_network(engine, memory):
    network = small_network(3)
    run = simulate_system(
        network, all_maps(network, 1), CONFIG, engine=engine, memory=SystemMemory(answers=memory)
    )
    assert run.failure is None
    assert [layer.name for layer in run.layers] == [node.name for node in network.nodes]
    counters = run.counters
    assert 0 < sum(layer.cycles for layer in run.layers) <= counters["cycles"]
    tiles = sum(layer.tiles for layer in run.layers)
    assert tiles == len(run.timeline[Unit.COMPUTE]) > 4
    # The counter follows the array's own flag, up to a cycle later than its command.
    assert abs(sum(layer.compute for layer in run.layers) - counters["compute"]) <= 2 * tiles
    assert all(layer.bound <= layer.cycles for layer in run.layers)


@pytest.mark.parametrize(
    ("array", "bus_bytes", "levels"),
    [
        (preset("tiny", levels=16), 2, 16),
        (
            ArrayConfig(
                name="odd system", lanes=15, rows=3, filters_per_row=2, levels=8, depth=200,
                lane_groups=3, drain_width=3, mask_bits=8, codes_per_word=3, mask_depth=32,
                code_depth=64, residuals=True,
            ),
            64,
            8,
        ),
    ],
    ids=["narrow bus", "odd array"],
)  # fmt: skip
def test_other_arrays_and_buses(array, bus_bytes, levels):
    network = small_network(6)
    config = SystemConfig(array=array, bus_bytes=bus_bytes)
    run = simulate_system(
        network, all_maps(network, 2), config, engine=QUICK, memory=SystemMemory(answers=CHECKED)
    )
    assert run.failure is None, levels


def test_maps_that_share_memory():
    network = small_network(3)
    run = simulate_system(network, all_maps(network, 4), CONFIG, keep_all=False, engine=QUICK)
    assert run.failure is None
    assert set(run.digests) == {*network.outputs}


def test_a_kept_run_is_not_run_again(tmp_path, monkeypatch):
    network = small_network(3)
    maps = all_maps(network, 4)
    first = simulate_system(network, maps, CONFIG, engine=QUICK, kept=tmp_path)
    monkeypatch.setattr("sim.system_network.run_commands", None)
    again = simulate_system(network, maps, CONFIG, engine=QUICK, kept=tmp_path)
    assert to_json(again) == to_json(first)
    monkeypatch.undo()
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text()[:-10])
    repaired = simulate_system(network, maps, CONFIG, engine=QUICK, kept=tmp_path)
    assert (repaired.layers, repaired.digests) == (first.layers, first.digests)


@pytest.mark.parametrize(
    "engine",
    [
        Engine.VERILATOR,
        pytest.param(Engine.ICARUS, marks=[needs_icarus, pytest.mark.slow]),
    ],
)
def test_an_sdram_is_the_memory(engine):
    network = small_network(3)
    chip = sdram.ulx3s(100.0, power_up=1_000)
    config = dataclasses.replace(CONFIG, bus_bytes=chip.data_bytes)
    run = simulate_system(
        network, all_maps(network, 4), config, engine=engine, memory=SystemMemory(sdram=chip)
    )
    assert run.failure is None


def test_a_part_begins_with_golden_maps():
    network = small_network(3)
    maps = all_maps(network, 5)
    run = simulate_system(network, maps, CONFIG, nodes=range(2, 4), engine=QUICK)
    assert run.failure is None
    assert [layer.name for layer in run.layers] == [node.name for node in network.nodes[2:4]]


def test_a_wrong_map_is_told_with_layer_command_and_element():
    network = small_network(3)
    maps = all_maps(network, 1)
    name = network.nodes[-1].name
    maps[name] = maps[name].copy()
    maps[name][2, 1, 0] ^= 1
    run = simulate_system(network, maps, CONFIG, engine=QUICK)
    assert run.failure is not None
    for part in (f"in {name}, commands ", "(channel 2, y 1, x 0)", "1 outputs differ"):
        assert part in run.failure


def test_a_bad_command_ends_the_run():
    harness = build_system(CONFIG, size=1 << 16, engine=QUICK)
    contents = bytearray(1 << 12)
    contents[256] = 0xEE
    result = run_commands(contents, commands=256, harness=harness)
    assert (result.fault, result.place, result.violations) == (Fault.OPCODE, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", list(Engine))
def test_the_shipped_network(engine):
    network = read_network(INTEGER[4]).resized(24, 32)
    array = dataclasses.replace(preset("tiny"), name="tiny system of 1024 words", depth=1024)
    run = simulate_system(
        network, all_maps(network, 7), SystemConfig(array=array), engine=engine,
        memory=SystemMemory(answers=Memory(latency=5, stalls=0.1, seed=1)),
    )  # fmt: skip
    assert run.failure is None
    assert len(run.layers) == len(network.nodes)

"""The system as `zeroshift verilog --system` writes it, on the simulator."""

import json

import pytest

from compiler.system.lower import lower_network
from hw.system.register_map import register_map
from sim.system_run import compare_maps
from tests.golden.networks import small_network
from tests.hw.benches import run_bench
from tests.sim.exported import build_exported
from tests.sim.test_system import CONFIG, all_maps

ADDRESS_BITS = 40


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return build_exported(CONFIG, tmp_path_factory.mktemp("rtl"), address_bits=ADDRESS_BITS)


def test_registers_are_as_the_map_says(exported, tmp_path):
    registers = register_map(CONFIG, address_bits=ADDRESS_BITS)
    (tmp_path / "registers.json").write_text(json.dumps(registers))
    run_bench(exported, "tests.sim.exported_registers_bench", tmp_path)


def test_a_network_runs(exported, tmp_path):
    network = small_network(3)
    maps = all_maps(network, 8)
    image = lower_network(network, CONFIG, keep=[node.name for node in network.nodes])
    (tmp_path / "memory.bin").write_bytes(image.memory(maps))
    settings = {
        "commands": image.commands, "base": 3 << 12, "ram_bytes": 1 << 20, "limit": 400_000,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    run_bench(exported, "tests.sim.system_axi_bench", tmp_path)
    after = bytearray((tmp_path / "memory_after.bin").read_bytes())
    assert compare_maps(image, after, maps) is None

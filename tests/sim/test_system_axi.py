"""A client that nobody here wrote drives the system."""

import json

from compiler.system.lower import lower_network
from hw.system.system import System
from sim.build import build
from sim.system_run import compare_maps
from tests.golden.networks import small_network
from tests.hw.benches import run_bench
from tests.sim.layers import QUICK
from tests.sim.test_system import CONFIG, all_maps


def test_a_public_axi_memory_and_master(tmp_path):
    network = small_network(3)
    maps = all_maps(network, 8)
    image = lower_network(network, CONFIG, keep=[node.name for node in network.nodes])
    system = build(lambda: System(CONFIG), key=repr(CONFIG), engine=QUICK, toplevel="system")
    (tmp_path / "memory.bin").write_bytes(image.memory(maps))
    settings = {
        "commands": image.commands, "base": 3 << 12, "ram_bytes": 1 << 20, "limit": 400_000,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    run_bench(system, "tests.sim.system_axi_bench", tmp_path)
    after = bytearray((tmp_path / "memory_after.bin").read_bytes())
    assert compare_maps(image, after, maps) is None

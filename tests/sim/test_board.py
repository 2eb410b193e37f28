"""Whole boards in simulation, behind a socket, run by the driver."""

import numpy as np
import pytest

from compiler.system.lower import lower_network
from golden.network import INPUT
from host.driver import Driver
from host.link import Link
from params import preset
from params.sdram import SdramConfig, ulx3s
from params.system import SystemConfig
from sim.board_server import BoardServer
from tests.compiler.system.networks import random_pixels
from tests.golden.networks import small_network

CLOCK_MHZ = 80

# Far less than a simulated line carries, so that nothing is given up on a busy machine.
SLOW = {"baud": 2_000, "timeout": 60.0}


@pytest.mark.slow
@pytest.mark.parametrize(
    "memory", [ulx3s(CLOCK_MHZ), pytest.param(1 << 16, id="block RAM")], ids=["SDRAM", None]
)
def test_a_network_end_to_end(memory: SdramConfig | int):
    network = small_network()
    config = SystemConfig(array=preset("tiny"), bus_bytes=2)
    image = lower_network(network, config)
    server = BoardServer(config, memory=memory, clock_hz=CLOCK_MHZ * 1_000_000)
    with Link.open(server.url, **SLOW) as link:
        assert link.identity.bus == config.bus_bytes
        driver = Driver(link, image)
        assert driver.load()
        driver.verify()
        for seed in range(2):
            pixels = random_pixels(np.random.default_rng(seed), network)
            golden = network.run(pixels)
            for name, values in driver.run({INPUT: pixels}).outputs.items():
                np.testing.assert_array_equal(values, golden[name])
    # The board keeps what it has when another program comes.
    with Link.open(server.url, **SLOW) as link:
        assert not Driver(link, image).load()
    assert server.close() == 0

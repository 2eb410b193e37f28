"""An isolated array has the array's ports, and flip-flops at its handshakes."""

import pytest
from amaranth.sim import Simulator

from boards.isolated import Isolated
from hw.array import Array
from params import preset


@pytest.mark.parametrize("name", ["tiny", "tiny-int8", "tiny-float32"])
def test_ports_are_those_of_the_array(name):
    isolated = Isolated(Array(preset(name)))
    Simulator(isolated)
    assert isolated.signature == isolated.array.signature


def test_handshakes_come_a_cycle_later():
    isolated = Isolated(Array(preset("tiny")))
    array = isolated.array

    async def bench(context):
        context.set(isolated.tiles.valid, 1)
        assert not context.get(array.tiles.valid)
        await context.tick()
        assert context.get(array.tiles.valid)
        assert context.get(array.tiles.ready)
        assert context.get(isolated.tiles.ready)
        await context.tick()
        assert not context.get(array.tiles.ready)
        assert context.get(isolated.tiles.ready)
        await context.tick()
        assert not context.get(isolated.tiles.ready)

    simulator = Simulator(isolated)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()

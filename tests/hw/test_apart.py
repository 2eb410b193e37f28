"""Registers of the same value that stay apart."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from boards.ecp5 import count_cells, map_to_cells
from hw.apart import register_apart


class Twice(wiring.Component):
    """`i` a cycle later, by a register of its own for each of two purposes."""

    def __init__(self):
        super().__init__({"i": In(1), "plain": Out(1), "apart": Out(1)})

    def elaborate(self, platform):
        m = Module()
        plain = Signal()
        m.d.sync += plain.eq(self.i)
        m.d.comb += [self.plain.eq(plain), self.apart.eq(register_apart(m, self.i, "apart"))]
        return m


def test_it_is_the_value_a_cycle_later():
    dut = Twice()
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    seen = []

    async def bench(ctx):
        for value in (1, 1, 0, 1, 0, 0):
            ctx.set(dut.i, value)
            seen.append((ctx.get(dut.plain), ctx.get(dut.apart)))
            await ctx.tick()

    simulator.add_testbench(bench)
    simulator.run()
    assert seen == [(0, 0), (1, 1), (1, 1), (0, 0), (1, 1), (0, 0)]


def test_synthesis_keeps_both(tmp_path):
    netlist = map_to_cells(Twice(), tmp_path, name="twice")
    assert count_cells(netlist["modules"]["twice"]).ff == 2

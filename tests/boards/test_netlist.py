"""Arrays as synthesized on the benches of the RTL, and the models of cells that takes."""

import json
import random

import numpy as np
import pytest
from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from boards.ecp5 import synthesize
from boards.netlist import (
    Target,
    build_netlist_harness,
    build_netlist_system,
    cell_models,
    write_netlist,
)
from compiler import compile_layer
from compiler.system.lower import lower_network
from golden.shape import ConvShape
from params import preset
from params.commands import Fault
from sim.build import build
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.system_run import Memory, build_system, compare_maps, run_commands
from tests.compiler.layers import random_terms
from tests.golden.networks import small_network
from tests.hw.benches import run_bench
from tests.sim.layers import FORMATS, check_cycles, make_case, needs_icarus
from tests.sim.test_system import CONFIG, all_maps

TINY = preset("tiny")


class Cells(wiring.Component):
    """A block RAM that begins with contents, a multiplier, and a sum that is kept beside adding on.

    RAM and multiplier have registers or none.

    Parameters
    ----------
    width : of a word.
    registers : whether there are registers that go into the cells.
    """

    def __init__(self, *, width: int, registers: bool):
        self._width, self._registers = width, registers
        rng = random.Random(width)
        self._contents = [rng.getrandbits(width) for _ in range(512)]
        super().__init__(
            {
                "write": In(1),
                "write_address": In(9),
                "data": In(width),
                "read": In(1),
                "read_address": In(9),
                "a": In(signed(18)),
                "b": In(signed(17)),
                "word": Out(width),
                "product": Out(signed(35)),
                "kept": Out(self._width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        total, following = Signal(self._width), Signal(self._width)
        m.d.comb += following.eq(total + self.data)
        m.d.sync += total.eq(following)
        with m.If(self.read):
            m.d.sync += self.kept.eq(following)
        m.submodules.ram = ram = memory.Memory(
            shape=self._width, depth=512, init=self._contents, attrs={"no_rw_check": 1}
        )
        write, read = ram.write_port(), ram.read_port()
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(self.data),
            write.en.eq(self.write),
            read.addr.eq(self.read_address),
            read.en.eq(self.read),
        ]
        if self._registers:
            a, b = Signal.like(self.a), Signal.like(self.b)
            m.d.sync += [a.eq(self.a), b.eq(self.b), self.product.eq(a * b)]
            # Without a reset it goes into the RAM.
            kept = Signal(self._width, reset_less=True)
            m.d.sync += kept.eq(read.data)
            m.d.comb += self.word.eq(kept)
        else:
            m.d.comb += [self.word.eq(read.data), self.product.eq(self.a * self.b)]
        return m


class Pair(wiring.Component):
    """The same stimulus for `Cells` and for its netlist; `differs` counts cycles that do."""

    def __init__(self, **options):
        self._cells = Cells(**options)
        inputs = {
            name: member
            for name, member in self._cells.signature.members.items()
            if member.flow == In
        }
        super().__init__({**inputs, "word": Out(64), "kept": Out(64), "differs": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.cells = cells = self._cells
        ports, outputs = {}, {}
        for name, member in cells.signature.members.items():
            if member.flow == In:
                m.d.comb += getattr(cells, name).eq(getattr(self, name))
                ports[f"i_{name}"] = getattr(self, name)
            else:
                ports[f"o_{name}"] = outputs[name] = Signal.like(getattr(cells, name))
        m.submodules.netlist = Instance("cells", i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)
        m.d.comb += [self.word.eq(outputs["word"]), self.kept.eq(outputs["kept"])]
        with m.If(Cat(outputs[name] != getattr(cells, name) for name in outputs).any()):
            m.d.sync += self.differs.eq(self.differs + 1)
        return m


@needs_icarus
@pytest.mark.parametrize(
    ("width", "registers"),
    [
        (16, True),
        pytest.param(30, False, marks=pytest.mark.slow),
        pytest.param(16, False, marks=pytest.mark.slow),
        pytest.param(30, True, marks=pytest.mark.slow),
    ],
)
def test_models_of_cells_do_what_the_rtl_does(width, registers, tmp_path):
    options = {"width": width, "registers": registers}
    resources = synthesize(Cells(**options), tmp_path, name="cells")
    assert (resources.ebr, resources.dsp) == (1, 1)
    cells = json.loads((tmp_path / "cells.json").read_text())["modules"]["cells"]["cells"]
    (ram,) = (cell for cell in cells.values() if cell["type"] == "DP16KD")
    assert ("OUTREG" in ram["parameters"].values()) == registers
    from_fabric = [cell for cell in cells.values() if cell["parameters"].get("SD") == "0"]
    assert len(from_fabric) == width
    models = tmp_path / "models.v"
    models.write_text(cell_models())
    pair = build(
        lambda: Pair(**options),
        key=str(options),
        engine=Engine.ICARUS,
        toplevel="pair",
        sources=(models, write_netlist(tmp_path, name="cells")),
    )
    run_bench(pair, "tests.boards.cells_bench", tmp_path)


def random_layer():
    """A layer with strides and a residual, whose channels fill both rows twice."""
    rng = np.random.default_rng(5)
    shape = ConvShape(cin=5, cout=5, kernel=3, stride=(1, 2), padding=1, height=5, width=17)
    terms = random_terms(rng, shape, levels=TINY.levels, terms=1, density=0.5)
    return make_case(shape, terms, rng=rng, added=FORMATS[1])


def run(case, harness, *, stalls=0.0):
    return simulate(
        compile_layer(case.layer, TINY), case.image, harness=harness, residual=case.residual,
        expected=case.expected, seed=9, stalls=stalls,
    )  # fmt: skip


@pytest.mark.slow
@needs_icarus
@pytest.mark.parametrize("target", Target)
def test_the_netlist_of_an_array_equals_its_rtl(target):
    case = random_layer()
    netlist = build_netlist_harness(TINY, target=target)
    result = run(case, netlist)
    assert result.bit_exact, result.mismatch
    check_cycles(compile_layer(case.layer, TINY), result)
    rtl = build_harness(TINY, engine=Engine.ICARUS)
    stalled, wanted = (run(case, harness, stalls=0.3) for harness in (netlist, rtl))
    assert stalled.bit_exact, stalled.mismatch
    assert (stalled.cycles, stalled.load_cycles) == (wanted.cycles, wanted.load_cycles)


@pytest.mark.slow
@needs_icarus
def test_a_fault_of_the_netlist_is_noticed():
    edit = {'.REG_OUTPUT_CLK("CLK0")': '.REG_OUTPUT_CLK("NONE")'}
    assert not run(random_layer(), build_netlist_harness(TINY, edit=edit)).bit_exact


@pytest.mark.slow
@needs_icarus
def test_the_netlist_of_a_system_equals_its_rtl():
    network = small_network(3)
    image = lower_network(network, CONFIG, keep=[node.name for node in network.nodes])
    maps = all_maps(network, 1)
    netlist, rtl = (
        run_commands(
            image.memory(maps),
            commands=image.commands,
            harness=harness,
            memory=Memory(latency=7, stalls=0.3, seed=5),
        )
        for harness in (
            build_netlist_system(CONFIG, size=image.size),
            build_system(CONFIG, size=image.size, engine=Engine.ICARUS),
        )
    )
    assert (netlist.fault, netlist.violations) == (Fault.NONE, 0)
    assert compare_maps(image, netlist.memory, maps) is None
    # Cycle for cycle: every event of every unit, and every counter.
    assert netlist.log == rtl.log
    assert netlist.counters == rtl.counters

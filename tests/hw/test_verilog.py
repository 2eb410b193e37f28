"""Verilog from components, without the contents of memories that need none."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.verilog import UNDEFINED, VerilogError, to_verilog, without_contents


class Memories(wiring.Component):
    """Two memories, side by side, the first with `attrs`."""

    def __init__(self, attrs):
        self._attrs = attrs
        super().__init__({"address": In(2), "first": Out(8), "second": Out(8)})

    def elaborate(self, platform):
        m = Module()
        for name, attrs in (("first", self._attrs), ("second", {})):
            m.submodules[name] = mem = memory.Memory(shape=8, depth=4, init=[5, 6], attrs=attrs)
            port = mem.read_port()
            write = mem.write_port()
            m.d.comb += [
                port.addr.eq(self.address),
                write.addr.eq(self.address),
                getattr(self, name).eq(port.data),
            ]
        return m


@pytest.mark.parametrize(
    ("attrs", "left"),
    [({"other": 1}, 2), ({"before": 1, UNDEFINED: 1, "zero": 1}, 1)],
)
def test_only_contents_that_do_not_matter_are_left_out(attrs, left):
    verilog = to_verilog(Memories(attrs), name="top")
    assert verilog.count("  initial begin\n") == 2
    without = without_contents(verilog)
    assert without.count("  initial begin\n") == left
    assert without.count("[0] = 8'h05") == left
    for name in ("module top(", "endmodule", "always @(posedge clk)", "reg [7:0] memory [3:0];"):
        assert without.count(name) == verilog.count(name)
    if left == 2:
        assert without == verilog


def test_a_yosys_that_does_not_run_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setenv("YOSYS", "/bin/false")
    with pytest.raises(VerilogError, match=r"^/bin/false made no Verilog"):
        to_verilog(Memories({}), name="top")

"""Registers on AXI4-Lite, one access at a time."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.system.axi import DATA, axi_lite


class RegisterPort(wiring.Component):
    """Reads or writes a register.

    Members
    -------
    axi : Out(axi_lite)
    read, write : In, high for a cycle: do so; not before `done` of the access before.
    offset : In(12), value : In(32): where, and what is written; they hold until `done`.
    done : Out, high for a cycle, with
    failed : Out, the access was answered with an error, and
    got : Out(32), what was read.
    """

    def __init__(self):
        signature = axi_lite()
        super().__init__(
            {
                "axi": Out(signature),
                "read": In(1),
                "write": In(1),
                "offset": In(signature.members["araddr"].shape),
                "value": In(32),
                "done": Out(1),
                "failed": Out(1),
                "got": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi = self.axi
        m.d.comb += [
            axi.araddr.eq(self.offset),
            axi.awaddr.eq(self.offset),
            axi.arprot.eq(DATA),
            axi.awprot.eq(DATA),
            axi.wdata.eq(self.value),
            axi.wstrb.eq(0b1111),
            axi.rready.eq(1),
            axi.bready.eq(1),
        ]
        m.d.sync += [
            self.done.eq(axi.rvalid | axi.bvalid),
            self.failed.eq((axi.rvalid & axi.rresp[1]) | (axi.bvalid & axi.bresp[1])),
            self.got.eq(axi.rdata),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(self.read):
            m.d.sync += axi.arvalid.eq(1)
        with m.If(self.write):
            m.d.sync += [axi.awvalid.eq(1), axi.wvalid.eq(1)]
        return m

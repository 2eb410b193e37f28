"""Where there are no registers."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.system.axi import Response, axi_lite


class NoRegisters(wiring.Component):
    """An AXI4-Lite slave that answers every access with DECERR, a cycle later.

    Members
    -------
    axi : In(axi_lite)
    """

    def __init__(self):
        super().__init__({"axi": In(axi_lite())})

    def elaborate(self, platform):
        m = Module()
        axi = self.axi
        m.d.comb += [
            axi.awready.eq(axi.wvalid & ~axi.bvalid),
            axi.wready.eq(axi.awvalid & ~axi.bvalid),
            axi.bresp.eq(Response.DECERR),
            axi.arready.eq(~axi.rvalid),
            axi.rresp.eq(Response.DECERR),
        ]
        m.d.sync += [
            axi.bvalid.eq((axi.awvalid & axi.wvalid & ~axi.bvalid) | (axi.bvalid & ~axi.bready)),
            axi.rvalid.eq((axi.arvalid & ~axi.rvalid) | (axi.rvalid & ~axi.rready)),
        ]
        return m

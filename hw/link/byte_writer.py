"""Bytes into memory."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.axi import DATA, INCR, NORMAL, axi_write
from params.link import ADDRESS_BITS

PLACED_BYTE = data.StructLayout({"byte": 8, "address": ADDRESS_BITS, "last": 1})
"""A byte and its address; `last` with the last of those that follow one another."""


class ByteWriter(wiring.Component):
    """Gathers bytes into beats and writes each as a burst of its own.

    A beat is written when its last byte, or one with `last`, has come, and the next byte is taken
    when memory has answered; a link gives a byte in hundreds of cycles.

    Members
    -------
    axi : Out(axi_write)
    i : In(stream of PLACED_BYTE)
    idle : Out, memory has all bytes that have come.
    failed : Out, high for a cycle: a beat was answered with an error; up before `idle` is.
    """

    def __init__(self, *, bus_bytes: int, address_bits: int, id_bits: int):
        self._lane_bits = bus_bytes.bit_length() - 1
        super().__init__(
            {
                "axi": Out(axi_write(bus_bytes, address_bits=address_bits, id_bits=id_bits)),
                "i": In(stream.Signature(PLACED_BYTE)),
                "idle": Out(1),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi, lane_bits = self.axi, self._lane_bits
        beat = Signal(ADDRESS_BITS - lane_bits)
        waiting = Signal()  # For the answer.
        byte = self.i.payload
        lane = byte.address[:lane_bits]
        m.d.comb += [
            axi.awaddr.eq(Cat(Const(0, lane_bits), beat)),
            axi.awlen.eq(0),
            axi.awsize.eq(lane_bits),
            axi.awburst.eq(INCR),
            axi.awcache.eq(NORMAL),
            axi.awprot.eq(DATA),
            axi.wlast.eq(1),
            axi.bready.eq(1),
            self.i.ready.eq(~waiting),
            self.idle.eq(~waiting),
            self.failed.eq(axi.bvalid & axi.bresp[1]),
        ]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(axi.bvalid):
            m.d.sync += [waiting.eq(0), axi.wstrb.eq(0)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                beat.eq(byte.address[lane_bits:]),
                axi.wdata.word_select(lane, 8).eq(byte.byte),
                axi.wstrb.bit_select(lane, 1).eq(1),
            ]
            with m.If(lane.all() | byte.last):
                m.d.sync += [axi.awvalid.eq(1), axi.wvalid.eq(1), waiting.eq(1)]
        return m

"""Bytes out of memory."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from hw.system.axi import DATA, INCR, NORMAL, axi_read
from params.link import ADDRESS_BITS


class Step(Enum, shape=2):
    """What `ByteReader` does."""

    IDLE = 0
    ASK = 1
    WAIT = 2
    GIVE = 3


class ByteReader(wiring.Component):
    """Gives the byte at `address`, out of a beat that is read when it is wanted.

    The beat is kept until its last byte, or that with `last`, has been taken. A burst has one beat:
    a link takes hundreds of cycles for a byte, so longer ones would only fill a buffer.

    Members
    -------
    axi : Out(axi_read)
    wanted : In, bytes from `address` on are wanted, until all are taken.
    address : In(32), of the next byte. last : In, it is the last one.
    o : Out(stream of 8 bits)
    failed : Out, high for a cycle: a beat came with an error.
    """

    def __init__(self, *, bus_bytes: int, address_bits: int, id_bits: int):
        self._lane_bits = bus_bytes.bit_length() - 1
        super().__init__(
            {
                "axi": Out(axi_read(bus_bytes, address_bits=address_bits, id_bits=id_bits)),
                "wanted": In(1),
                "address": In(ADDRESS_BITS),
                "last": In(1),
                "o": Out(stream.Signature(8)),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi, lane_bits = self.axi, self._lane_bits
        step = Signal(Step)
        beat = Signal.like(axi.rdata)
        lane = self.address[:lane_bits]
        m.d.comb += [
            axi.araddr.eq(Cat(Const(0, lane_bits), self.address[lane_bits:])),
            axi.arlen.eq(0),
            axi.arsize.eq(lane_bits),
            axi.arburst.eq(INCR),
            axi.arcache.eq(NORMAL),
            axi.arprot.eq(DATA),
            axi.arvalid.eq(step == Step.ASK),
            axi.rready.eq(step == Step.WAIT),
            self.o.valid.eq(step == Step.GIVE),
            self.o.payload.eq(beat.word_select(lane, 8)),
        ]
        m.d.sync += self.failed.eq(axi.rvalid & axi.rready & axi.rresp[1])
        with m.If(axi.rvalid & axi.rready):
            m.d.sync += beat.eq(axi.rdata)
        with m.Switch(step):
            with m.Case(Step.IDLE):
                with m.If(self.wanted):
                    m.d.sync += step.eq(Step.ASK)
            with m.Case(Step.ASK):
                with m.If(axi.arready):
                    m.d.sync += step.eq(Step.WAIT)
            with m.Case(Step.WAIT):
                with m.If(axi.rvalid):
                    m.d.sync += step.eq(Step.GIVE)
            with m.Case(Step.GIVE):
                with m.If(self.o.ready & (lane.all() | self.last)):
                    m.d.sync += step.eq(Step.IDLE)
        return m

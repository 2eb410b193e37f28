"""Bytes from frames."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from params.link import CHECK, ESCAPE, ESCAPED, FLAG

FRAME_BYTE = data.StructLayout({"byte": 8, "last": 1})
"""A byte of a frame; `last` with the last before the CRC."""


class Part(Enum, shape=2):
    """Of a frame, what is sent."""

    BEGIN = 0
    BODY = 1
    CHECK = 2
    END = 3


class FrameEncoder(wiring.Component):
    """Puts the CRC behind a frame, escapes in it, and flags around it.

    A flag goes out as soon as the first byte of a frame is on offer. Throughput a byte per cycle;
    `i.ready` follows `o.ready` within the cycle.

    Members
    -------
    i : In(stream of FRAME_BYTE), o : Out(stream of 8 bits)
    """

    def __init__(self):
        super().__init__({"i": In(stream.Signature(FRAME_BYTE)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        part = Signal(Part)
        place = Signal(range(CHECK.size))
        escaped = Signal()
        byte = Signal(8)
        special = Signal()
        inside = Signal()  # Of the frame, where bytes may be escaped.
        sent = Signal()
        m.d.comb += [
            inside.eq((part == Part.BODY) | (part == Part.CHECK)),
            byte.eq(
                Mux(
                    part == Part.CHECK,
                    Array(crc.crc.word_select(k, 8) for k in range(CHECK.size))[place],
                    self.i.payload.byte,
                )
            ),
            special.eq((byte == FLAG) | (byte == ESCAPE)),
            self.o.valid.eq(self.i.valid | (part == Part.CHECK) | (part == Part.END)),
            sent.eq(self.o.valid & self.o.ready & (~special | escaped)),
            self.i.ready.eq((part == Part.BODY) & self.o.ready & (~special | escaped)),
            crc.start.eq(part == Part.BEGIN),
            crc.data.eq(byte),
            crc.valid.eq(self.i.valid & self.i.ready),
        ]
        with m.If(~inside):
            m.d.comb += self.o.payload.eq(FLAG)
        with m.Elif(escaped):
            m.d.comb += self.o.payload.eq(byte ^ ESCAPED)
        with m.Elif(special):
            m.d.comb += self.o.payload.eq(ESCAPE)
        with m.Else():
            m.d.comb += self.o.payload.eq(byte)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += escaped.eq(inside & special & ~escaped)
            with m.Switch(part):
                with m.Case(Part.BEGIN):
                    m.d.sync += part.eq(Part.BODY)
                with m.Case(Part.BODY):
                    with m.If(sent & self.i.payload.last):
                        m.d.sync += part.eq(Part.CHECK)
                with m.Case(Part.CHECK):
                    with m.If(sent):
                        m.d.sync += place.eq(place + 1)
                        with m.If(place == CHECK.size - 1):
                            m.d.sync += part.eq(Part.END)
                with m.Case(Part.END):
                    m.d.sync += part.eq(Part.BEGIN)
        return m

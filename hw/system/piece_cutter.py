"""Cuts pieces into what single beats have of them."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.stream_register import StreamBuffer, StreamRegister
from hw.system import ports
from params.system import SystemConfig


def cut(config: SystemConfig) -> data.StructLayout:
    """What one beat has of a piece.

    Lane `lane` + i belongs to byte `byte` + i * (2 if `double` else 1) of the beat, for i <
    `count`, which is 0 only for a piece without pixels: it has no beat. For every such lane and
    its byte, byte = lane * (2 if `double` else 1) + `rotation`, modulo the bytes of a beat. `last`
    marks the last cut of a word. `first` marks a piece's first cut that has a beat: with it comes
    the `span` of the piece.
    """
    return data.StructLayout(
        {
            "lane": range(config.array.lanes),
            "count": range(config.bus_bytes + 1),
            "byte": unsigned(config.byte_bits),
            "rotation": unsigned(config.byte_bits),
            "double": unsigned(1),
            "last": unsigned(1),
            "first": unsigned(1),
            "span": ports.span(config),
        }
    )


class PieceCutter(wiring.Component):
    """Emits one cut for every beat that a piece lies in, and one for a piece without pixels.

    What a piece has for lanes beyond the last one is left out, its beats as well.

    Latency three cycles, throughput one cut per cycle, without a bubble between pieces. `i.ready`
    is registered.

    Members
    -------
    i : In(stream of ports.placed_piece)
    o : Out(stream of cut)
    busy : Out, a piece is taken and its last cut is not.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(ports.placed_piece(config))),
                "o": Out(stream.Signature(cut(config))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        bus_bytes, byte_bits = config.bus_bytes, config.byte_bits
        lanes = config.array.lanes
        m.submodules.clipped = clipped = StreamBuffer(ports.placed_piece(config))
        m.submodules.output = output = StreamRegister(cut(config))
        connect(m, output.o, flipped(self.o))

        beyond = Signal()
        below_end = Signal(range(lanes + 1))
        m.d.comb += [
            below_end.eq(lanes - self.i.payload.lane),
            beyond.eq(self.i.payload.count > below_end),
            clipped.i.valid.eq(self.i.valid),
            clipped.i.payload.eq(self.i.payload),
            clipped.i.payload.count.eq(Mux(beyond, below_end, self.i.payload.count)),
            self.i.ready.eq(clipped.i.ready),
        ]

        # What is left of the present piece: `left` lanes, of which the present beat has `room`.
        held = Signal(
            data.StructLayout(
                {
                    "cut": cut(config),
                    "left": range(lanes + 1),
                    "room": range(bus_bytes + 1),
                }
            ),
            reset_less=True,
        )
        busy = Signal()
        ends = Signal()
        m.d.comb += [
            ends.eq(held.left <= held.room),
            output.i.valid.eq(busy),
            output.i.payload.eq(held.cut),
            output.i.payload.count.eq(Mux(ends, held.left, held.room)),
            output.i.payload.last.eq(held.cut.last & ends),
            clipped.o.ready.eq(~busy | (output.i.ready & ends)),
            self.busy.eq(clipped.o.valid | busy | output.o.valid),
        ]
        piece = clipped.o.payload
        byte = piece.offset[:byte_bits]
        past = Signal(range(3 * bus_bytes + 2 * lanes))
        # The place of the last byte, from the start of the first beat on, and a beat more.
        m.d.comb += past.eq(byte + (piece.count << piece.double) + (bus_bytes - 1 - piece.double))
        with m.If(clipped.o.ready):
            m.d.sync += [
                busy.eq(clipped.o.valid),
                held.cut.lane.eq(piece.lane),
                held.cut.byte.eq(byte),
                held.cut.rotation.eq(byte - (piece.lane << piece.double)),
                held.cut.double.eq(piece.double),
                held.cut.last.eq(piece.last),
                held.cut.first.eq(piece.count != 0),
                held.cut.span.beat.eq(piece.offset[byte_bits:]),
                held.cut.span.beats.eq(past >> byte_bits),
                held.left.eq(piece.count),
                held.room.eq(Mux(piece.double, bus_bytes // 2 - (byte >> 1), bus_bytes - byte)),
            ]
        with m.Elif(output.i.ready):
            m.d.sync += [
                held.cut.lane.eq(held.cut.lane + held.room),
                held.cut.byte.eq(held.cut.byte[0] & held.cut.double),
                held.cut.first.eq(0),
                held.left.eq(held.left - held.room),
                held.room.eq(Mux(held.cut.double, bus_bytes // 2, bus_bytes)),
            ]
        return m

"""Cuts bursts at the ends of rows."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.sdram.ports import LENGTH_BITS, burst, stretch
from hw.stream_register import StreamBuffer
from params.sdram import SdramConfig


class StretchCutter(wiring.Component):
    """Makes one or two stretches from a burst.

    Word w of the chip is column w mod C of bank (w / C) mod B, in row w / (C B), for C columns and
    B banks. Neighbouring rows' worths of words so lie in different banks: the next one can be
    opened while the one before is moved, and a burst, which stays within 4096 bytes, goes on in
    another bank where it leaves a row.

    Latency one cycle, throughput one stretch per cycle; both streams are registered.

    Parameters
    ----------
    write : what the stretches have as `write`.

    Members
    -------
    i : In(stream of ports.burst), o : Out(stream of ports.stretch)
    """

    def __init__(self, config: SdramConfig, *, id_bits: int, write: bool):
        self._config = config
        self._id_bits = id_bits
        self._write = write
        super().__init__(
            {
                "i": In(stream.Signature(burst(config, id_bits))),
                "o": Out(stream.Signature(stretch(config, id_bits))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        shape = stretch(config, self._id_bits)
        m.submodules.buffer = buffer = StreamBuffer(shape)
        connect(m, buffer.o, flipped(self.o))

        given = self.i.payload
        column = given.word[: config.column_bits]
        block = given.word[config.column_bits :]
        end = Signal(config.column_bits + 1)
        crosses = Signal()
        second = Signal()
        place = Signal(config.row_bits + config.bank_bits)
        out = Signal(shape)
        m.d.comb += [
            end.eq(column + given.length),
            crosses.eq(end[-1]),
            place.eq(block + second),
            out.column.eq(Mux(second, 0, column)),
            Cat(out.bank, out.row).eq(place),
            out.length.eq(
                Mux(second, end[:LENGTH_BITS], Mux(crosses, ~column[:LENGTH_BITS], given.length))
            ),
            out.id.eq(given.id),
            out.last.eq(second | ~crosses),
            out.write.eq(Const(self._write, 1)),
            buffer.i.payload.eq(out),
            buffer.i.valid.eq(self.i.valid),
            self.i.ready.eq(buffer.i.ready & out.last),
        ]
        with m.If(buffer.i.valid & buffer.i.ready):
            m.d.sync += second.eq(~out.last)
        return m

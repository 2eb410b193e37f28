"""Takes weight codes out of code words."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from params import ArrayConfig, layouts


class CodeUnpacker(wiring.Component):
    """Emits the codes of a code word one by one, first code first.

    `flush` says that the pass ends with this cycle: the codes left in a word that has been begun
    are padding and are dropped.

    Latency one cycle, throughput one code per cycle, without a bubble between words.

    Members
    -------
    i : In(stream of layouts.codes)
    flush : In, in the cycle of a pass's last position, whether it takes a code or not.
    o : Out(stream of layouts.code)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(layouts.codes(config))),
                "flush": In(1),
                "o": Out(stream.Signature(layouts.code(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        count = self._config.codes_per_word
        word = Signal(layouts.codes(self._config), reset_less=True)
        taken = Signal(range(count))
        take = Signal()
        drop = Signal()
        m.d.comb += [
            self.o.payload.eq(word[0]),
            take.eq(self.o.valid & self.o.ready),
            drop.eq((take & (taken == count - 1)) | (self.flush & (take | (taken != 0)))),
            self.i.ready.eq(~self.o.valid | drop),
        ]
        m.d.sync += taken.eq((taken + take) & ~drop.replicate(len(taken)))
        with m.If(take):
            m.d.sync += word.as_value().eq(word.as_value() >> self._config.code_bits)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), word.eq(self.i.payload)]
        return m

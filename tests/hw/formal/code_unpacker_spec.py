"""Specification of the code unpacker."""

from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from params import ArrayConfig, layouts
from tests.hw.formal.reference import nth, transfer
from tests.hw.formal.specification import Specification


class CodeUnpackerSpec(Specification):
    """The codes of a pass are those of its words in order; each pass begins with a new word.

    The n-th code that a pass takes is code n mod `codes_per_word` of its word
    n // `codes_per_word`. What is left of its last word at `flush` never appears, and a word of
    which the pass has taken nothing stays for the next. A code is on offer whenever a word is
    held, and the next word comes in as the last code of one goes out. Nothing is assumed.

    Parameters
    ----------
    dut : the unpacker of `config`.
    invariants : state of the unpacker that makes the properties inductive.
    """

    def __init__(self, dut, config: ArrayConfig, *, invariants: bool = False):
        self._config = config
        self._invariants = invariants
        probes = {
            "word": In(layouts.codes(config)),
            "taken": In(range(config.codes_per_word)),
        }
        super().__init__(
            dut,
            {
                "i": In(stream.Signature(layouts.codes(config))),
                "flush": In(1),
                "o": Out(stream.Signature(layouts.code(config))),
            },
            probes=probes if invariants else None,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        connect(m, flipped(self.i), self.dut.i)
        connect(m, self.dut.o, flipped(self.o))
        m.d.comb += self.dut.flush.eq(self.flush)
        count = self._config.codes_per_word

        held = Signal()
        word = Signal(layouts.codes(self._config))
        codes = [word[n] for n in range(count)]
        # Codes that the present pass has taken of the word, this cycle's included.
        before = Signal(range(count + 1))
        taken = Signal(range(count + 1))
        done = Signal()
        m.d.comb += [
            taken.eq(before + transfer(self.o)),
            done.eq((taken == count) | (self.flush & (taken != 0))),
            Assert(self.o.valid == held),
            Assert(self.i.ready == (~held | done)),
        ]
        m.d.sync += before.eq(Mux(done, 0, taken))
        with m.If(transfer(self.i)):
            m.d.sync += [held.eq(1), word.eq(self.i.payload)]
        with m.Elif(done):
            m.d.sync += held.eq(0)
        with m.If(held):
            m.d.comb += Assert(self.o.payload.as_value() == nth(codes, before))

        m.d.comb += [
            Cover(done & ~self.flush & transfer(self.i)),
            Cover(done & self.flush & ~transfer(self.o) & (before == count - 1)),
            Cover(self.flush & held & ~done & transfer(self.i) == 0),
        ]
        if self._invariants:
            m.d.comb += Assert(before == self.probe("taken"))
            for n in range(count):
                with m.If(held & (before + n < count)):
                    code = self.probe("word")[n].as_value()
                    m.d.comb += Assert(code == nth(codes, before + n))
            m.d.comb += Assert(held | (before == 0))
        return m

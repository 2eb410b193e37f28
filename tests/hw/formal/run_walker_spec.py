"""Specification of the run walker."""

from amaranth.hdl import Assert, Assume, Cover, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.payloads import group, replayed
from params import ArrayConfig, layouts
from tests.hw.formal.reference import Queue, assert_held, nth, transfer
from tests.hw.formal.specification import Specification


class RunWalkerSpec(Specification):
    """The g-th mask word of run r in pass t comes out at r.base + t * pitch + g * mask_bits.

    All-zero mask words are dropped, but for the last of a pass; nothing else is, and nothing is
    added. The walker is a register stage: it offers a word one cycle after it came, and takes
    one per cycle. Assumed is what the contract asks for: the table is written between passes,
    `pitch` is constant during a tile, and a pass has no more words than the table has room for.

    Parameters
    ----------
    dut : the walker of `config`.
    invariants : state of the walker that makes the properties inductive.
    """

    def __init__(self, dut, config: ArrayConfig, *, invariants: bool = False):
        self._config = config
        self._invariants = invariants
        probes = {
            "index": In(range(config.max_runs)),
            "within": In(range(config.groups_per_run)),
            "offset": In(range(config.depth)),
            "table": In(layouts.run(config)).array(config.max_runs),
        }
        super().__init__(
            dut,
            {
                "runs": In(stream.Signature(layouts.run_write(config))),
                "pitch": In(range(config.depth + 1)),
                "i": In(stream.Signature(replayed(layouts.masks(config)))),
                "o": Out(stream.Signature(group(config))),
            },
            probes=probes if invariants else None,
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.dut = self.dut
        connect(m, flipped(self.runs), self.dut.runs)
        connect(m, flipped(self.i), self.dut.i)
        connect(m, self.dut.o, flipped(self.o))
        m.d.comb += self.dut.pitch.eq(self.pitch)

        # The table, which like the walker's outlives a reset.
        table = [
            Signal(layouts.run(config), name=f"run_{r}", reset_less=True)
            for r in range(config.max_runs)
        ]
        write = self.runs.payload
        for r, entry in enumerate(table):
            with m.If(self.runs.valid & (write.index == r)):
                m.d.sync += entry.eq(write.run)

        # Place of the next mask word: run, word of the run, pass.
        run = Signal(range(config.max_runs + 1))
        number = Signal(range(config.groups_per_run + 1))
        passes = Signal(range(config.max_passes + 1))
        pitch = Signal.like(self.pitch)
        present = Signal(layouts.run(config))
        m.d.comb += present.eq(nth(table, run))
        in_pass = (run != 0) | (number != 0)
        in_tile = in_pass | (passes != 0)
        ends_run = number == present.groups - 1
        m.d.comb += [
            Assert(self.runs.ready),
            Assume(~self.runs.valid | (~self.i.valid & ~in_pass)),
            Assume(~self.runs.valid | (write.index < config.max_runs)),
            Assume(~in_tile | (self.pitch == pitch)),
        ]
        with m.If(self.i.valid):
            m.d.comb += [
                Assume((present.groups != 0) & (present.groups <= config.groups_per_run)),
                Assume(~ends_run | (run != config.max_runs - 1) | self.i.payload.last),
                Assume((passes != config.max_passes - 1) | self.i.payload.final),
            ]
        with m.If(transfer(self.i)):
            m.d.sync += [number.eq(number + 1), pitch.eq(self.pitch)]
            with m.If(ends_run):
                m.d.sync += [number.eq(0), run.eq(run + 1)]
            with m.If(self.i.payload.last):
                m.d.sync += [number.eq(0), run.eq(0), passes.eq(passes + 1)]
                with m.If(self.i.payload.final):
                    m.d.sync += passes.eq(0)

        zero = ~self.i.payload.word.as_value().any()
        expected = Signal(group(config))
        m.d.comb += [
            expected.masks.eq(self.i.payload.word),
            expected.base.eq(present.base + passes * self.pitch + number * config.mask_bits),
            expected.shift.eq(present.shift),
            expected.last.eq(self.i.payload.last),
        ]
        words = Queue(
            m, "words", group(config), 1,
            push=transfer(self.i) & ~(zero & ~self.i.payload.last), value=expected,
            pop=transfer(self.o),
        )  # fmt: skip
        m.d.comb += [
            Assert(self.o.valid == (words.count != 0)),
            Assert(self.i.ready == (self.o.ready | ~self.o.valid)),
        ]
        with m.If(self.o.valid):
            m.d.comb += Assert(self.o.payload == words.entries[0])
        assert_held(m, self.o)

        m.d.comb += [
            Cover(transfer(self.i) & zero & self.i.payload.last),
            Cover(transfer(self.i) & zero & in_pass & ~self.i.payload.last & transfer(self.o)),
            Cover(transfer(self.o) & (passes == 2) & (run == config.max_runs - 1) & (number != 0)),
        ]

        if self._invariants:
            m.d.comb += [
                Assert(self.probe("index") == run),
                Assert(self.probe("within") == number),
                Assert(self.probe("offset") == (passes * pitch)[: len(self.probe("offset"))]),
                Assert(run < config.max_runs),
                Assert((number == 0) | (number < present.groups)),
                Assert(number < config.groups_per_run),
                Assert(passes < config.max_passes),
            ]
            for r, entry in enumerate(table):
                m.d.comb += Assert(self.probe("table")[r] == entry)
        return m

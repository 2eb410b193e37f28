"""Gives each mask word its place in the activation memory."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.payloads import group, replayed
from params import ArrayConfig, layouts


class RunWalker(wiring.Component):
    """Walks the run table along with the mask words of a pass.

    The g-th mask word of run r in pass t has base r.base + t * pitch + g * mask_bits. All-zero
    mask words are dropped, except a pass's last, so that they cost one cycle at most and none
    while the decoder is busy with an earlier one.

    Latency one cycle, throughput one mask word per cycle.

    Members
    -------
    runs : In(stream of layouts.run_write), always ready; written while no pass is under way.
    pitch : In, words between passes, constant during a tile.
    i : In(stream of replayed mask words)
    o : Out(stream of payloads.group)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "runs": In(stream.Signature(layouts.run_write(config))),
                "pitch": In(range(config.depth + 1)),
                "i": In(stream.Signature(replayed(layouts.masks(config)))),
                "o": Out(stream.Signature(group(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.table = table = memory.Memory(
            shape=layouts.run(config), depth=config.max_runs, init=[]
        )
        write = table.write_port()
        read = table.read_port(domain="comb")
        m.d.comb += [
            self.runs.ready.eq(1),
            write.en.eq(self.runs.valid),
            write.addr.eq(self.runs.payload.index),
            write.data.eq(self.runs.payload.run),
        ]

        index = Signal(range(config.max_runs))
        within = Signal(range(config.groups_per_run))
        offset = Signal(range(config.depth))
        word = self.i.payload.word
        m.d.comb += [
            read.addr.eq(index),
            self.i.ready.eq(self.o.ready | ~self.o.valid),
        ]
        with m.If(self.i.ready):
            keep = word.as_value().any() | self.i.payload.last
            m.d.sync += [
                self.o.valid.eq(self.i.valid & keep),
                self.o.payload.masks.eq(word),
                self.o.payload.base.eq(read.data.base + offset + within * config.mask_bits),
                self.o.payload.shift.eq(read.data.shift),
                self.o.payload.last.eq(self.i.payload.last),
            ]
        with m.If(self.i.valid & self.i.ready):
            with m.If(self.i.payload.last):
                m.d.sync += [index.eq(0), within.eq(0), offset.eq(offset + self.pitch)]
                with m.If(self.i.payload.final):
                    m.d.sync += offset.eq(0)
            with m.Elif(within == read.data.groups - 1):
                m.d.sync += [index.eq(index + 1), within.eq(0)]
            with m.Else():
                m.d.sync += within.eq(within + 1)
        return m

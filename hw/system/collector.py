"""Makes words of all lanes out of a row's output words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.packet_reader import group_channels
from hw.system.place_walker import PlaceWalker, placed
from hw.system.ports import word
from params import layouts
from params.system import SystemConfig

LEAD = 5
"""Words of a row before the end of a word of all lanes at which `soon` is decided."""


class Collector(wiring.Component):
    """Collects `lanes_per_outlet` output words of a row into one of all lanes, with its place.

    Words of missing filters are dropped. Output words may come before their place is known.

    Throughput an output word per cycle as long as each word of all lanes is taken at once, which
    is once in three cycles at most; where one output word is a word of all lanes, that is all.

    Members
    -------
    start, last_pass, channels : see `PlaceWalker`; busy : Out, outputs of the tile are left.
    outputs : In(stream of layouts.outputs), of the row.
    o : Out(stream of {word, placed})
    comes : Out, `o` has a word in the next cycle, if none is taken in this.
    soon : Out, the word is whole or will be in at most `LEAD` words of the row that nothing but the
        row itself holds up; `o.payload.placed` is there already, and stays until `o` is taken.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "last_pass": In(range(config.array.max_passes + 1)),
                "channels": In(stream.Signature(group_channels(config.array))),
                "busy": Out(1),
                "comes": Out(1),
                "soon": Out(1),
                "outputs": In(stream.Signature(layouts.outputs(config.array))),
                "o": Out(
                    stream.Signature(
                        data.StructLayout({"word": word(config), "placed": placed(config)})
                    )
                ),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config.array
        length = config.lanes_per_outlet
        m.submodules.walker = walker = PlaceWalker(self._config)
        connect(m, flipped(self.channels), walker.channels)
        # Which output word of the word of all lanes comes next, each of them as a bit; and the same
        # while there is a place for it.
        coming = Signal(length, init=1)
        following = Signal(length)
        takes = Signal(length, init=1)
        full = Signal()
        taken = Signal()
        free = Signal()
        begun = Signal()
        last = Signal()
        # Whether the place is known, and is that of a missing filter. The next is walked to a cycle
        # after the word has gone, and nothing is known until then.
        known = Signal()
        missing = Signal()
        walks = Signal()
        m.d.sync += [
            walks.eq(free),
            known.eq(walker.o.valid & ~free & ~walks),
            missing.eq(walker.o.payload.missing),
            # A word that has begun has all that it needs.
            self.soon.eq(known & ~missing & ~free & (full | (begun & coming[-LEAD:].any()))),
        ]
        m.d.comb += [
            walker.start.eq(self.start),
            walker.last_pass.eq(self.last_pass),
            walker.o.ready.eq(walks),
            self.o.valid.eq(full & known & ~missing),
            self.comes.eq((full | (taken & last)) & known & ~missing),
            self.o.payload.placed.eq(walker.o.payload),
            free.eq(full & known & (missing | self.o.ready)),
            self.outputs.ready.eq(~full | ((length > 1) & ~begun)),
            taken.eq(self.outputs.valid & self.outputs.ready),
            last.eq(coming[-1]),
            self.busy.eq(walker.busy),
        ]
        fills = Signal()
        m.d.comb += [
            following.eq(Mux(taken, coming.rotate_left(1), coming)),
            fills.eq((taken & last) | (full & ~free)),
        ]
        with m.If(taken):
            m.d.sync += begun.eq(~last)
        m.d.sync += [
            coming.eq(following),
            full.eq(fills),
            takes.eq(Mux(fills, 0, following)),
        ]
        collected = Signal(word(self._config), reset_less=True)
        m.d.comb += self.o.payload.word.eq(collected)
        # The first output word may come while the word of all lanes before it is still there.
        first = Signal.like(self.outputs.payload, reset_less=True)
        if length > 1:
            with m.If(~begun):
                m.d.sync += first.eq(self.outputs.payload)
        for place in range(length):
            # What has not come yet may be anything: the enable then waits for little.
            source, at = (first, 1) if place == 0 and length > 1 else (self.outputs.payload, place)
            with m.If(takes[at]):
                m.d.sync += [
                    collected[outlet * length + place].eq(source[outlet])
                    for outlet in range(config.drain_width)
                ]
        return m

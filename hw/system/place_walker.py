"""Where the outputs of a row belong, one word after the other."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.packet_reader import group_channels
from hw.system.skid_buffer import SkidBuffer
from params.system import OFFSET_BITS, SystemConfig


def placed(config: SystemConfig) -> data.StructLayout:
    """The channel of a word of P lanes: its place, or that it is `missing`.

    `stay` says that another word of the same pass follows.
    """
    return data.StructLayout({"place": unsigned(OFFSET_BITS), "missing": 1, "stay": 1})


class PlaceWalker(wiring.Component):
    """Walks through the groups, passes and filters of a tile in the order of a row's outputs.

    Throughput a word per cycle. `channels.ready` is registered: the next group may be taken early.

    Members
    -------
    start : In, begins a tile; last_pass : In, number of its last pass, constant until it ends.
    channels : In(stream of group_channels), a group each.
    o : Out(stream of placed)
    busy : Out, words of the tile are left.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "last_pass": In(range(config.array.max_passes + 1)),
                "channels": In(stream.Signature(group_channels(config.array))),
                "o": Out(stream.Signature(placed(config))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        filters = self._config.array.filters_per_row
        m.submodules.groups = groups = SkidBuffer(group_channels(self._config.array))
        connect(m, flipped(self.channels), groups.i)
        group = groups.o.payload
        number = Signal(range(max(2, filters)))
        passed = Signal(range(self._config.array.max_passes + 1))
        present = ~group.missing
        later = Cat(present[f + 1 :].any() if f + 1 < filters else 0 for f in range(filters))
        moved = Signal()
        last_filter = Signal()
        ends = Signal()
        m.d.comb += [
            self.o.valid.eq(self.busy & groups.o.valid),
            self.o.payload.place.eq(Array(group.places[f] for f in range(filters))[number]),
            self.o.payload.missing.eq(group.missing.bit_select(number, 1)),
            self.o.payload.stay.eq(later.bit_select(number, 1)),
            moved.eq(self.o.valid & self.o.ready),
            last_filter.eq(number == filters - 1),
            ends.eq(last_filter & (passed == self.last_pass)),
            groups.o.ready.eq(moved & ends),
        ]
        with m.If(moved):
            m.d.sync += number.eq(Mux(last_filter, 0, number + 1))
            with m.If(last_filter):
                m.d.sync += passed.eq(Mux(ends, 0, passed + 1))
        with m.If(self.start):
            m.d.sync += [self.busy.eq(1), number.eq(0), passed.eq(0)]
        with m.Elif(groups.o.ready & group.end):
            m.d.sync += self.busy.eq(0)
        return m

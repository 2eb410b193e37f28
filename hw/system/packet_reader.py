"""Takes a row's packets apart into the streams that the row reads."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.unit_cutter import UNIT
from params import ArrayConfig, layouts
from params.commands import NO_CHANNEL, WEIGHT_PACKET, Packet
from params.system import OFFSET_BITS, UNIT_BITS


def group_channels(config: ArrayConfig) -> data.StructLayout:
    """Where the channels of a filter group are in the map, and its header's `end`.

    A filter without a channel is `missing`.
    """
    places = data.ArrayLayout(unsigned(OFFSET_BITS), config.filters_per_row)
    return data.StructLayout(
        {"places": places, "missing": unsigned(config.filters_per_row), "end": 1}
    )


class PacketReader(wiring.Component):
    """Puts words together out of units and gives each to its stream.

    One word is held at a time; a stream that does not take it holds up all that follows. Latency
    one cycle from a word's last unit, throughput one unit a cycle.

    A packet is malformed if it is of no known kind, has no words, is a group of more than one, or
    goes on behind the `last` unit. What follows up to the `final` unit is then thrown away; a word
    that is whole is still given.

    Members
    -------
    i : In(stream of UNIT)
    headers, masks, codes : Out(streams of layouts.header, layouts.masks and, F times,
        layouts.codes)
    channels : Out(stream of group_channels), after the header.
    malformed : Out, for one cycle.
    busy : Out, a word waits for its stream.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(UNIT)),
                "headers": Out(stream.Signature(layouts.header(config))),
                "channels": Out(stream.Signature(group_channels(config))),
                "masks": Out(stream.Signature(layouts.masks(config))),
                "codes": Out(stream.Signature(layouts.codes(config))).array(
                    config.elements_per_lane
                ),
                "malformed": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        streams = [self.headers, self.channels, self.masks, *self.codes]
        header_size = layouts.header(config).size
        sizes = [
            header_size,
            OFFSET_BITS * config.filters_per_row,
            layouts.masks(config).size,
            *(layouts.codes(config).size for _ in self.codes),
        ]
        lengths = [-(-size // UNIT_BITS) for size in sizes]
        first_kind = Packet.MASKS.value - streams.index(self.masks)

        # Units come in at the top, so that every whole word ends there.
        word = Signal(UNIT_BITS * max(lengths), reset_less=True)
        waiting = Signal(len(streams))
        end = Signal()
        free = Signal()
        for n, (out, size, length) in enumerate(zip(streams, sizes, lengths, strict=True)):
            value = word[len(word) - UNIT_BITS * length :][:size]
            if out is self.channels:
                places = [value.word_select(f, OFFSET_BITS) for f in range(config.filters_per_row)]
                value = Cat(value, (place == NO_CHANNEL for place in places), end)
            m.d.comb += [out.valid.eq(waiting[n]), out.payload.as_value().eq(value)]
        m.d.comb += [
            self.busy.eq(waiting.any()),
            free.eq(~(waiting & ~Cat(out.ready for out in streams)).any()),
        ]
        with m.If(self.headers.valid & self.headers.ready):
            m.d.sync += end.eq(self.headers.payload.end)

        # Within a packet: where its words go, and the units and words that are still to come.
        inside = Signal()
        discarding = Signal()
        target = Signal(len(streams))
        length = Signal(range(max(lengths) + 1))
        units = Signal.like(length)
        words = Signal(WEIGHT_PACKET["words"].width)
        taken = Signal()
        whole = Signal()
        ends = Signal()
        first = Signal(WEIGHT_PACKET)
        kinds = Signal(len(streams))
        of_kind = Signal.like(length)
        good = Signal()
        m.d.comb += [
            self.i.ready.eq(~inside | free),
            taken.eq(self.i.valid & self.i.ready),
            whole.eq(units == 1),
            # The header of a group is followed by its channels.
            ends.eq(inside & whole & (words == 1) & ~target[0]),
            first.as_value().eq(self.i.payload.unit),
            kinds.eq(
                Cat(
                    first.kind == Packet.GROUP.value,
                    0,
                    *(first.kind == first_kind + n for n in range(2, len(streams))),
                )
            ),
            of_kind.eq(sum(Mux(kinds[n], count, 0) for n, count in enumerate(lengths))),
            good.eq(kinds.any() & Mux(kinds[0], first.words == 1, first.words != 0)),
        ]
        broken = Signal()
        m.d.comb += broken.eq(
            taken
            & ~discarding
            & Mux(inside, self.i.payload.last & ~ends, ~good | self.i.payload.last)
        )
        m.d.sync += self.malformed.eq(broken)
        m.d.sync += waiting.eq(waiting & ~Cat(out.ready for out in streams))
        with m.If(taken):
            with m.If(inside):
                m.d.sync += [
                    word.eq(Cat(word[UNIT_BITS:], self.i.payload.unit)),
                    units.eq(units - 1),
                ]
                with m.If(whole):
                    m.d.sync += [waiting.eq(target), units.eq(length)]
                    with m.If(target[0]):
                        m.d.sync += [target.eq(1 << 1), units.eq(lengths[1])]
                    with m.Else():
                        m.d.sync += [words.eq(words - 1), inside.eq(words != 1)]
            with m.Elif(~discarding):
                m.d.sync += [
                    inside.eq(1),
                    target.eq(kinds),
                    length.eq(of_kind),
                    units.eq(of_kind),
                    words.eq(first.words),
                ]
            with m.If(broken):
                m.d.sync += [inside.eq(0), discarding.eq(1)]
            with m.If(self.i.payload.final):
                m.d.sync += discarding.eq(0)
        return m

"""Tells the store and the residual unit where a row's channels are."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.packet_reader import group_channels
from hw.system.weight_unit import FEED
from params.system import SystemConfig

CHANNELS_AHEAD = 16
"""Filter groups of a row whose places wait: more than the array takes ahead."""

COMMANDS_AHEAD = 8
"""Weight commands whose groups have not all come: more than a feeder takes ahead."""


class ChannelFork(wiring.Component):
    """Hands on the places of a row's channels, to the residual unit only those it adds to.

    Throughput one group in two cycles; `channels.ready` is registered.

    Members
    -------
    commands : In(stream of FEED), what the row's feeder is to send; feeder : Out, the same.
    channels : In(stream of group_channels), from the feeder.
    stored, added : Out(streams of group_channels), to the two units.
    """

    def __init__(self, config: SystemConfig):
        self._layout = group_channels(config.array)
        super().__init__(
            {
                "commands": In(stream.Signature(FEED)),
                "feeder": Out(stream.Signature(FEED)),
                "channels": In(stream.Signature(self._layout)),
                "stored": Out(stream.Signature(self._layout)),
                "added": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kept = data.StructLayout({"last": unsigned(16), "residual": unsigned(1)})
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=kept.size, depth=COMMANDS_AHEAD)
        command = self.commands.payload
        m.d.comb += [
            self.feeder.payload.eq(command),
            self.feeder.valid.eq(self.commands.valid & queue.w_rdy),
            self.commands.ready.eq(self.feeder.ready & queue.w_rdy),
            queue.w_data.eq(Cat((command.repeat - 1)[:16], command.residual)),
            queue.w_en.eq(
                self.commands.valid
                & self.commands.ready
                & (command.units != 0)
                & (command.repeat != 0)
            ),
        ]
        head = data.View(kept, queue.r_data)
        passed = Signal(16)
        ended = Signal()
        m.d.comb += [
            ended.eq(self.channels.valid & self.channels.ready & self.channels.payload.end),
            queue.r_en.eq(ended & (passed == head.last)),
        ]
        with m.If(ended):
            m.d.sync += passed.eq(Mux(queue.r_en, 0, passed + 1))

        room = []
        for name, wanted in (("stored", 1), ("added", head.residual)):
            m.submodules[name] = places = fifo.SyncFIFOBuffered(
                width=self._layout.size, depth=CHANNELS_AHEAD
            )
            target = getattr(self, name)
            m.d.comb += [
                places.w_data.eq(self.channels.payload),
                places.w_en.eq(self.channels.valid & self.channels.ready & wanted),
                target.payload.eq(places.r_data),
                target.valid.eq(places.r_rdy),
                places.r_en.eq(target.ready),
            ]
            room.append(places.w_rdy)
        taken = self.channels.valid & self.channels.ready
        m.d.sync += self.channels.ready.eq(Cat(room).all() & queue.r_rdy & ~taken)
        return m

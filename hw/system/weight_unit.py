"""Sends the rows' feeders their commands."""

from amaranth.hdl import Array, Module, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.command_queue import queued
from hw.system.semaphores import SEMAPHORE
from params.commands import BODIES, Opcode, Unit
from params.system import OFFSET_BITS, SystemConfig

BODY = BODIES[Opcode.WEIGHTS_ROW]

FEED = data.StructLayout(
    {
        "address": unsigned(OFFSET_BITS),
        "units": unsigned(32),
        "repeat": unsigned(16),
        "residual": unsigned(1),
    }
)
"""What a feeder is to send: `repeat` times `units` units from `address`."""


class WeightUnit(wiring.Component):
    """Carries out the weight commands: each is done when its row's feeder has taken it.

    Members
    -------
    commands : In(stream of queued(Unit.WEIGHTS)); signal : Out, signalling : Out, to `Semaphores`.
    feeders : Out(stream of FEED per row)
    idle : Out, always.
    """

    def __init__(self, config: SystemConfig):
        self._rows = config.array.rows
        super().__init__(
            {
                "commands": In(stream.Signature(queued(Unit.WEIGHTS))),
                "signal": Out(SEMAPHORE),
                "signalling": Out(1),
                "feeders": Out(stream.Signature(FEED)).array(self._rows),
                "idle": Out(1, init=1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        raw = self.commands.payload.command
        is_row = self.commands.payload.kinds.WEIGHTS_ROW
        body = data.View(BODY, raw.body[: BODY.size])
        ready = Array(feeder.ready for feeder in self.feeders)[body.row]
        m.d.comb += self.commands.ready.eq(ready | ~is_row)
        for k, feeder in enumerate(self.feeders):
            m.d.comb += [
                feeder.valid.eq(self.commands.valid & is_row & (body.row == k)),
                *(feeder.payload[key].eq(body[key]) for key in FEED.members),
            ]
        m.d.sync += [
            self.signal.eq(raw["signal"]),
            self.signalling.eq(self.commands.valid & self.commands.ready),
        ]
        return m

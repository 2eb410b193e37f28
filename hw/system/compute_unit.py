"""Gives the array its commands."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.command_queue import queued
from hw.system.semaphores import SEMAPHORE
from params import layouts
from params.commands import BODIES, Opcode, Unit
from params.system import SystemConfig

RUN = BODIES[Opcode.COMPUTE_RUN]
TILE = BODIES[Opcode.COMPUTE_TILE]


class ComputeUnit(wiring.Component):
    """Carries out the compute commands: run table entries and tiles, one at a time.

    Members
    -------
    commands : In(stream of queued(Unit.COMPUTE)); signal : Out, signalling : Out, to `Semaphores`.
    runs, tiles : Out(streams of layouts.run_write and layouts.tile), to the array.
    done : In, the array has computed a tile.
    begins, ends : Out, for a cycle: a tile begins, ends.
    idle : Out, no tile is under way.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(queued(Unit.COMPUTE))),
                "signal": Out(SEMAPHORE),
                "signalling": Out(1),
                "runs": Out(stream.Signature(layouts.run_write(config.array))),
                "tiles": Out(stream.Signature(layouts.tile(config.array))),
                "done": In(1),
                "begins": Out(1),
                "ends": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        raw = self.commands.payload.command
        is_run = self.commands.payload.kinds.COMPUTE_RUN
        is_tile = self.commands.payload.kinds.COMPUTE_TILE
        run = data.View(RUN, raw.body[: RUN.size])
        tile = data.View(TILE, raw.body[: TILE.size])
        under_way = Signal()
        signal = Signal(SEMAPHORE)
        begin = Signal()
        m.d.comb += [
            begin.eq(self.commands.valid & ~under_way),
            self.runs.valid.eq(begin & is_run),
            self.runs.payload.index.eq(run.index),
            *(self.runs.payload.run[key].eq(run[key]) for key in ("shift", "base", "groups")),
            self.tiles.valid.eq(begin & is_tile),
            *(
                self.tiles.payload[key].eq(tile[key])
                for key in ("passes", "pitch", "rows", "signed")
            ),
            self.tiles.payload.clamp.low.eq(tile.low),
            self.tiles.payload.clamp.high.eq(tile.high),
        ]
        if self._config.array.residuals:
            m.d.comb += [
                self.tiles.payload.residual.eq(tile.residual),
                self.tiles.payload.residual_signed.eq(tile.residual_signed),
            ]
        taken = Signal()
        m.d.comb += [
            self.commands.ready.eq(
                ~under_way & (~is_run | self.runs.ready) & (~is_tile | self.tiles.ready)
            ),
            taken.eq(self.commands.valid & self.commands.ready),
            self.begins.eq(taken & is_tile),
            self.ends.eq(under_way & self.done),
            self.idle.eq(~under_way),
        ]
        m.d.sync += self.signalling.eq((taken & ~is_tile) | (under_way & self.done))
        with m.If(taken):
            m.d.sync += [under_way.eq(is_tile), signal.eq(raw["signal"])]
        with m.Elif(self.done):
            m.d.sync += under_way.eq(0)
        m.d.comb += self.signal.eq(signal)
        return m

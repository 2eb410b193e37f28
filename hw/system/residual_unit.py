"""Brings what is added to the array's outputs."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.apart import register_apart
from hw.system.choice import chosen
from hw.system.command_queue import queued
from hw.system.gatherer import Gatherer
from hw.system.packet_reader import group_channels
from hw.system.piece_table import PieceTable, send, write_command
from hw.system.place_walker import PlaceWalker
from hw.system.ports import read_port, word
from hw.system.semaphores import SEMAPHORE
from hw.system.turns import Turns
from params import layouts
from params.commands import BODIES, PIECE, Opcode, Unit
from params.system import OFFSET_BITS, SystemConfig

ROWS = BODIES[Opcode.RESIDUAL_ROWS]

AHEAD = 4
"""Words of a row that are on their way."""


class ResidualUnit(wiring.Component):
    """Carries out the residual commands, one at a time: gathers words in the order of the outputs.

    A command is done when the array has taken all its words. Throughput a word of all lanes in two
    cycles.

    Members
    -------
    commands : In(stream of queued(Unit.RESIDUAL)); signal : Out, signalling : Out, to `Semaphores`.
    channels : In(stream of group_channels per row); port : Out(read_port)
    residuals : Out(stream of layouts.residuals per row), to the array.
    begins, ends : Out, for a cycle: a command that moves words begins, ends.
    idle : Out, no command is under way.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        rows = config.array.rows
        super().__init__(
            {
                "commands": In(stream.Signature(queued(Unit.RESIDUAL))),
                "signal": Out(SEMAPHORE),
                "signalling": Out(1),
                "channels": In(stream.Signature(group_channels(config.array))).array(rows),
                "port": Out(read_port(config)),
                "residuals": Out(stream.Signature(layouts.residuals(config.array))).array(rows),
                "begins": Out(1),
                "ends": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        count = config.array.rows
        m.submodules.table = table = PieceTable(config, walkers=count)
        m.submodules.gatherer = gatherer = Gatherer(config)
        m.submodules.turns = turns = Turns(count)
        walkers = [PlaceWalker(config) for _ in range(count)]
        tag = data.StructLayout({"row": range(max(2, count)), "missing": 1})
        m.submodules.tags = tags = fifo.SyncFIFOBuffered(
            width=tag.size, depth=max(2, AHEAD * count)
        )
        connect(m, gatherer.port, flipped(self.port))
        m.d.comb += send(table.pieces, gatherer.pieces)

        raw = self.commands.payload.command
        kinds = self.commands.payload.kinds
        rows = data.View(ROWS, raw.body[: ROWS.size])
        is_rows = kinds.RESIDUAL_ROWS
        is_piece = kinds.RESIDUAL_PIECE
        active = Signal()
        begin = Signal()
        done = Signal()
        address = Signal(OFFSET_BITS)
        last_pass = Signal(range(config.array.max_passes + 1))
        signal = Signal(SEMAPHORE)
        holding = Signal(count)
        busy = Cat(walker.busy for walker in walkers).any()
        m.d.comb += [
            done.eq(active & ~busy & (tags.level == 0) & ~holding.any()),
            begin.eq(self.commands.valid & ~active & is_rows),
            *write_command(table, data.View(PIECE, raw.body[: PIECE.size])),
            table.write.valid.eq(self.commands.valid & ~active & is_piece),
            table.rewind_all.eq(begin),
            self.commands.ready.eq(~active),
            self.begins.eq(begin),
            self.ends.eq(done),
            self.idle.eq(~active),
            self.signal.eq(signal),
        ]
        m.d.sync += [
            active.eq((active & ~done) | begin),
            self.signalling.eq(Mux(active, done, self.commands.valid & ~begin)),
        ]
        with m.If(~active & self.commands.valid):
            m.d.sync += [
                signal.eq(raw["signal"]),
                address.eq(rows.address),
                last_pass.eq(rows.passes - 1),
            ]

        # Ask: the pieces of the row whose turn it is.
        room = [Signal(range(AHEAD + 1), init=AHEAD, name=f"room_{k}") for k in range(count)]
        place = Array(walker.o.payload for walker in walkers)[turns.turn]
        asked = Signal()
        m.d.comb += [
            turns.asking.eq(
                Cat(walker.o.valid & (room[k] != 0) for k, walker in enumerate(walkers))
            ),
            asked.eq(turns.asks & tags.w_rdy & (place.missing | table.bases.ready)),
            table.bases.valid.eq(turns.asks & tags.w_rdy & ~place.missing),
            table.bases.payload.base.eq(address + place.place),
            table.bases.payload.walker.eq(turns.turn),
            table.bases.payload.stay.eq(place.stay),
            tags.w_en.eq(asked),
            tags.w_data.eq(Cat(turns.turn, place.missing)),
            turns.served.eq(asked),
        ]
        for k, walker in enumerate(walkers):
            m.submodules[f"walker_{k}"] = walker
            connect(m, flipped(self.channels[k]), walker.channels)
            m.d.comb += [
                walker.start.eq(begin & rows.rows[k]),
                walker.last_pass.eq(last_pass),
                walker.o.ready.eq(asked & (turns.turn == k)),
            ]

        # Give: a word of all lanes as the row's output words. Each row holds one, so that rows take
        # theirs at the same time; the next comes with its last output word.
        length = config.array.lanes_per_outlet
        head = data.View(tag, tags.r_data)
        free = Signal(count)
        given = Signal()
        # A word is given, or told to be missing. It may be a cycle later than that is known, as the
        # gatherer's lanes lead across an FPGA.
        gives = Signal()
        may_give = Signal()
        is_missing = Signal()
        m.d.comb += [
            gives.eq(tags.r_rdy & free.bit_select(head.row, 1) & ~given),
            given.eq(is_missing | (may_give & gatherer.words.valid)),
            tags.r_en.eq(given),
            gatherer.words.ready.eq(may_give),
            gatherer.taking.eq(gives & ~head.missing),
        ]
        m.d.sync += [may_give.eq(gives & ~head.missing), is_missing.eq(gives & head.missing)]
        for k, residuals in enumerate(self.residuals):
            held = Signal(word(config), name=f"held_{k}", reset_less=True)
            absent = Signal(name=f"absent_{k}")  # All of it is zero.
            shown = Signal.like(residuals.payload, name=f"shown_{k}", reset_less=True)
            # Behind the output word that is shown comes that of this number.
            coming = Signal(range(max(2, length)), name=f"coming_{k}", init=1 % length)
            last = Signal(name=f"last_{k}")
            takes = Signal(name=f"takes_{k}")
            m.d.comb += [
                last.eq(residuals.valid & residuals.ready & (coming == 0)),
                free[k].eq(~holding[k] | last),
                takes.eq(given & (head.row == k)),
                residuals.valid.eq(holding[k]),
                residuals.payload.eq(shown),
            ]
            holds = Signal(name=f"holds_{k}")
            m.d.comb += holds.eq(takes | (holding[k] & ~last))
            m.d.sync += [
                holding[k].eq(holds),
                room[k].eq(room[k] + last - (asked & (turns.turn == k))),
            ]
            with m.If(residuals.valid & residuals.ready):
                m.d.sync += coming.eq(Mux(coming == length - 1, 0, coming + 1))
            # A row that holds no word takes anything: its enable is a register, and only that. What
            # it shows comes from a register as well.
            with m.If(~register_apart(m, holds, f"keeps_{k}")):
                m.d.sync += [held.eq(gatherer.words.payload), absent.eq(head.missing)]
                m.d.sync += [
                    shown[outlet].eq(Mux(head.missing, 0, gatherer.words.payload[outlet * length]))
                    for outlet in range(config.array.drain_width)
                ]
            with m.Elif(residuals.ready):
                m.d.sync += [
                    shown[outlet].eq(
                        Mux(
                            absent,
                            0,
                            chosen([held[outlet * length + n] for n in range(length)], coming),
                        )
                    )
                    for outlet in range(config.array.drain_width)
                ]
        return m

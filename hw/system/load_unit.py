"""Brings activations from memory into the array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.apart import register_apart
from hw.system.command_queue import queued
from hw.system.completions import Completions
from hw.system.gatherer import Gatherer
from hw.system.piece_table import PieceTable, write_command
from hw.system.ports import placed_piece, read_port, word
from hw.system.semaphores import SEMAPHORE
from params import layouts
from params.commands import BODIES, PIECE, Opcode, Unit
from params.system import OFFSET_BITS, SystemConfig

WORDS_ON_THEIR_WAY = 16
"""Words whose pieces have been sent and that have not come."""

LINES = BODIES[Opcode.LOAD_LINES]
POOL = BODIES[Opcode.LOAD_POOL]


class LoadUnit(wiring.Component):
    """Carries out the load commands: gathers words and writes them, or gives their maxima.

    A command begins while the words of the ones before are on their way; the table is written only
    when it is not read any more.

    Throughput a word per cycle, or as many cycles as its pieces have beats; a maximum waits
    until it is taken.

    Members
    -------
    commands : In(stream of queued(Unit.LOAD)); signal : Out, signalling : Out, to `Semaphores`.
    port : Out(read_port)
    load : Out(stream of layouts.load), to the array, which is always ready.
    pooled : Out(stream of words), to the store unit.
    begins, ends : Out, for a cycle: a command that moves words begins, ends.
    idle : Out, no command is under way.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(queued(Unit.LOAD))),
                "signal": Out(SEMAPHORE),
                "signalling": Out(1),
                "port": Out(read_port(config)),
                "load": Out(stream.Signature(layouts.load(config.array))),
                "pooled": Out(stream.Signature(word(config))),
                "begins": Out(1),
                "ends": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.table = table = PieceTable(config)
        m.submodules.gatherer = gatherer = Gatherer(config)
        entry = data.StructLayout(
            {
                "destination": unsigned(16),
                "last_word": unsigned(16),
                "last_line": unsigned(8),
                "empty": unsigned(1),
                "pool": unsigned(1),
                "signed": unsigned(1),
            }
        )
        m.submodules.completions = completions = Completions(entry)
        m.submodules.finals = finals = fifo.SyncFIFOBuffered(width=1, depth=WORDS_ON_THEIR_WAY)
        connect(m, gatherer.port, flipped(self.port))

        # Issue: a command becomes bases for the table.
        raw = self.commands.payload.command
        kinds = self.commands.payload.kinds
        is_lines, is_pool, is_piece = kinds.LOAD_LINES, kinds.LOAD_POOL, kinds.LOAD_PIECE
        lines = data.View(LINES, raw.body[: LINES.size])
        pool = data.View(POOL, raw.body[: POOL.size])
        words = Signal(16)
        count = Signal(8)
        pitch = Signal(16)
        m.d.comb += [
            words.eq(Mux(is_lines, lines.words, pool.words)),
            count.eq(Mux(is_lines, lines.lines, 1)),
            pitch.eq(Mux(is_lines, lines.word_pitch, pool.word_pitch)),
        ]
        active = Signal()
        line_base = Signal(OFFSET_BITS)
        base = Signal(OFFSET_BITS)
        # Words that are left of the line, and lines.
        words_left = Signal(16)
        lines_left = Signal(8)
        sent = Signal()
        last_word = Signal()
        m.d.comb += [
            table.bases.valid.eq(active),
            table.bases.payload.base.eq(base),
            table.bases.payload.whole.eq(is_pool),
            sent.eq(table.bases.valid & table.bases.ready),
            last_word.eq(words_left == 1),
        ]
        done = Signal()
        nothing = Signal()
        begin = Signal()
        m.d.comb += [
            nothing.eq(~self.commands.payload.moves),
            completions.i.payload.signal.eq(raw["signal"]),
            completions.i.payload.command.destination.eq(lines.destination),
            completions.i.payload.command.empty.eq(nothing),
            completions.i.payload.command.last_word.eq(words - 1),
            completions.i.payload.command.last_line.eq(count - 1),
            completions.i.payload.command.pool.eq(is_pool),
            completions.i.payload.command.signed.eq(pool.signed),
            completions.i.valid.eq(self.commands.valid & ~active & ~is_piece),
            begin.eq(completions.i.valid & completions.i.ready),
            *write_command(table, data.View(PIECE, raw.body[: PIECE.size])),
            table.write.valid.eq(self.commands.valid & ~active & is_piece & ~table.walking),
            done.eq(sent & last_word & (lines_left == 1)),
            self.commands.ready.eq(table.write.valid | (begin & nothing) | done),
        ]
        with m.If(begin & ~nothing):
            m.d.sync += [
                active.eq(1),
                base.eq(Mux(is_lines, lines.address, pool.address)),
                line_base.eq(lines.address + lines.line_pitch),
                words_left.eq(words),
                lines_left.eq(count),
            ]
        with m.If(sent):
            m.d.sync += [base.eq(base + pitch), words_left.eq(words_left - 1)]
            with m.If(last_word):
                m.d.sync += [
                    base.eq(line_base),
                    line_base.eq(line_base + lines.line_pitch),
                    words_left.eq(words),
                    lines_left.eq(lines_left - 1),
                ]
        with m.If(done):
            m.d.sync += active.eq(0)

        # Which word of a table is the last is told beside the pieces.
        pieces = table.pieces
        ends = pieces.payload.last & pieces.valid
        m.d.comb += [
            *(
                gatherer.pieces.payload[key].eq(pieces.payload[key])
                for key in placed_piece(config).members
            ),
            gatherer.pieces.valid.eq(pieces.valid & (~ends | finals.w_rdy)),
            pieces.ready.eq(gatherer.pieces.ready & (~ends | finals.w_rdy)),
            finals.w_data.eq(pieces.payload.final),
            finals.w_en.eq(ends & gatherer.pieces.ready),
        ]

        # Drain: words go where the oldest command wants them.
        head = completions.o.payload.command
        address = Signal(16)
        drained = Signal(16)
        drained_lines = Signal(8)
        fresh = Signal(init=1)
        got = gatherer.words
        final = Signal()
        # A word may be given to the array, or to the pool. Told a cycle ahead, as the gatherer's
        # lanes lead across an FPGA.
        may_load = Signal()
        may_pool = Signal()
        m.d.comb += [
            final.eq(finals.r_data & finals.r_rdy),
            self.load.valid.eq(got.valid & may_load),
            self.load.payload.address.eq(Mux(fresh, head.destination, address)),
            self.load.payload.word.eq(got.payload),
            got.ready.eq(may_pool | may_load),
            finals.r_en.eq(got.valid & got.ready),
        ]
        moved = Signal()
        counted = Signal()
        line_ends = Signal()
        ended = Signal()
        m.d.comb += [
            line_ends.eq(drained == head.last_word),
            moved.eq(got.valid & got.ready),
            counted.eq(moved & (~head.pool | final)),
            ended.eq(
                completions.o.valid
                & (head.empty | (counted & line_ends & (drained_lines == head.last_line)))
            ),
            completions.o.ready.eq(ended),
        ]
        gives = Signal()
        pools = Signal()
        m.d.comb += [
            gives.eq(completions.o.valid & ~head.empty & ~ended),
            pools.eq(gives & head.pool & ~(self.pooled.valid | (moved & final))),
        ]
        m.d.comb += gatherer.taking.eq(pools | (gives & ~head.pool))
        m.d.sync += [may_load.eq(gives & ~head.pool), may_pool.eq(pools)]
        with m.If(moved):
            m.d.sync += [fresh.eq(0), address.eq(self.load.payload.address + 1)]
        with m.If(counted):
            m.d.sync += drained.eq(drained + 1)
            with m.If(line_ends):
                m.d.sync += [drained.eq(0), drained_lines.eq(drained_lines + 1)]
        with m.If(ended):
            m.d.sync += [drained_lines.eq(0), fresh.eq(1)]
        m.d.sync += [
            self.signal.eq(completions.o.payload.signal),
            self.signalling.eq(ended),
        ]

        m.d.comb += [
            self.begins.eq(begin & ~nothing),
            self.ends.eq(ended & ~head.empty),
        ]
        # Told to all lanes: that the word is there is known a cycle before as well.
        keeps = register_apart(m, pools & gatherer.coming, "keeps")
        # That of the command which a word that may be given is of: told a cycle before as well.
        signed = Signal()
        m.d.sync += signed.eq(head.signed)
        self._pool(m, got.payload, keeps, moved & may_pool, final, signed)
        m.d.comb += self.idle.eq(completions.empty & ~active & ~self.pooled.valid)
        return m

    def _pool(self, m, values, keeps, moved, final, is_signed):
        """The lane-wise maximum of the words up to one with `final`; it waits until it is taken.

        A word has `moved`, and so it `keeps` its maximum: the same bit, for all lanes.
        """
        config = self._config.array
        first = Signal(init=1)
        sign = Cat(Const(0, config.activation_bits - 1), is_signed)
        kept = Signal(word(self._config), reset_less=True)
        m.d.comb += self.pooled.payload.eq(kept)
        for lane in range(config.lanes):
            # With its sign bit turned over, a signed number compares as an unsigned one.
            greater = (values[lane] ^ sign) > (kept[lane] ^ sign)
            with m.If(keeps):
                m.d.sync += kept[lane].eq(Mux(first | greater, values[lane], kept[lane]))
        with m.If(moved):
            m.d.sync += first.eq(final)
        with m.If(self.pooled.ready | ~self.pooled.valid):
            m.d.sync += self.pooled.valid.eq(moved & final)

"""Takes what the array computed to memory."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.collector import Collector
from hw.system.command_queue import queued
from hw.system.packet_reader import group_channels
from hw.system.piece_table import PieceTable, send, write_command
from hw.system.ports import word, write_port
from hw.system.scatterer import Scatterer
from hw.system.semaphores import SEMAPHORE
from hw.system.turn_queue import TurnQueue
from hw.system.turns import Turns
from params import layouts
from params.commands import BODIES, PIECE, Opcode, Unit
from params.system import OFFSET_BITS, SystemConfig

ROWS = BODIES[Opcode.STORE_ROWS]
POOL = BODIES[Opcode.STORE_POOL]


class StoreUnit(wiring.Component):
    """Carries out the store commands, one at a time; each is done when memory has all its words.

    Throughput a word in two cycles, or in one more than its pieces have beats. The pieces of the
    next word are on their way while a word is written.

    Members
    -------
    commands : In(stream of queued(Unit.STORE)); signal : Out, signalling : Out, to `Semaphores`.
    channels, outputs : In(streams of group_channels and of layouts.outputs, one per row)
    pooled : In(stream of words), from the load unit.
    port : Out(write_port)
    begins, ends : Out, for a cycle: a command that moves words begins, ends.
    idle : Out, no command is under way.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        rows = config.array.rows
        super().__init__(
            {
                "commands": In(stream.Signature(queued(Unit.STORE))),
                "signal": Out(SEMAPHORE),
                "signalling": Out(1),
                "channels": In(stream.Signature(group_channels(config.array))).array(rows),
                "outputs": In(stream.Signature(layouts.outputs(config.array))).array(rows),
                "pooled": In(stream.Signature(word(config))),
                "port": Out(write_port(config)),
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
        m.submodules.scatterer = scatterer = Scatterer(config)
        m.submodules.turns = turns = Turns(count)
        collectors = [Collector(config) for _ in range(count)]
        connect(m, scatterer.port, flipped(self.port))
        m.d.comb += send(table.pieces, scatterer.pieces)

        raw = self.commands.payload.command
        kinds = self.commands.payload.kinds
        rows = data.View(ROWS, raw.body[: ROWS.size])
        pool = data.View(POOL, raw.body[: POOL.size])
        is_rows = kinds.STORE_ROWS
        is_pool = kinds.STORE_POOL
        is_piece = kinds.STORE_PIECE
        active = Signal()
        pooling = Signal()
        begin = Signal()
        quiet = Signal()
        done = Signal()
        address = Signal(OFFSET_BITS)
        pitch = Signal(16)
        words_left = Signal(16)
        last_pass = Signal(range(config.array.max_passes + 1))
        signal = Signal(SEMAPHORE)
        busy = Cat(collector.busy for collector in collectors).any()
        # Behind the rows comes the max-pool.
        m.submodules.coming = coming = TurnQueue(count + 1, depth=count)
        m.d.comb += [
            quiet.eq(coming.empty & ~scatterer.busy & ~table.walking & ~busy & (words_left == 0)),
            done.eq(active & quiet),
            begin.eq(self.commands.valid & ~active & (is_rows | is_pool)),
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
                pooling.eq(is_pool),
                address.eq(Mux(is_pool, pool.address, rows.address)),
                words_left.eq(Mux(is_pool, pool.words, 0)),
                pitch.eq(pool.word_pitch),
                last_pass.eq(rows.passes - 1),
            ]

        # Whose word goes to the scatterer, each of them as a bit: decided a cycle before.
        goes = Signal(count + 1)
        moved = Signal()
        for k, collector in enumerate(collectors):
            m.submodules[f"collector_{k}"] = collector
            connect(m, flipped(self.channels[k]), collector.channels)
            connect(m, flipped(self.outputs[k]), collector.outputs)
            m.d.comb += [
                collector.start.eq(begin & is_rows & rows.rows[k]),
                collector.last_pass.eq(last_pass),
                collector.o.ready.eq(goes[k]),
            ]

        # Where a word's pieces start goes off shortly before the word is whole, once for each word;
        # the word follows, in the same order, when the one before is written.
        sent = Signal(count)
        places = Array(collector.o.payload.placed for collector in collectors)[turns.turn]
        soon = Cat(collector.soon for collector in collectors)
        whole = Cat(*(collector.comes for collector in collectors), 1)
        offered = Signal()
        started = Signal()
        m.d.comb += [
            turns.asking.eq(soon & ~sent),
            offered.eq(Mux(pooling, self.pooled.valid & (words_left != 0) & ~sent[0], turns.asks)),
            table.bases.valid.eq(offered & coming.room),
            table.bases.payload.base.eq(address + Mux(pooling, 0, places.place)),
            table.bases.payload.walker.eq(Mux(pooling, 0, turns.turn)),
            table.bases.payload.stay.eq(~pooling & places.stay),
            started.eq(table.bases.valid & table.bases.ready),
            turns.served.eq(started & ~pooling),
            coming.put.eq(
                Cat(started & ~pooling & (turns.turn == k) for k in range(count))
                | (started & pooling) << count
            ),
            moved.eq(goes.any()),
            coming.taken.eq(moved),
            self.pooled.ready.eq(goes[count]),
            scatterer.words.valid.eq(moved),
        ]
        m.d.sync += goes.eq(Mux(scatterer.empties & ~moved, coming.first & whole, 0))
        with m.If(started & pooling):
            m.d.sync += [address.eq(address + pitch), words_left.eq(words_left - 1)]
        for k in range(count):
            starts, ends = coming.put[k], coming.first[k]
            if k == 0:
                starts, ends = starts | coming.put[count], ends | coming.first[count]
            m.d.sync += sent[k].eq(starts | (sent[k] & ~(moved & ends)))
        # What is given is chosen by who was next a cycle before.
        shown = Signal(count + 1)
        m.d.sync += shown.eq(coming.first)
        given = collectors[0].o.payload.word
        for k, collector in enumerate(collectors[1:], 1):
            given = Mux(shown[k], collector.o.payload.word, given)
        m.d.comb += scatterer.words.payload.eq(Mux(shown[count], self.pooled.payload, given))
        return m

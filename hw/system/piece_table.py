"""A table of pieces, walked once per base."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system import ports
from hw.system.choice import chosen
from hw.system.skid_buffer import SkidBuffer
from params.system import OFFSET_BITS, SystemConfig


def table_write(config: SystemConfig) -> data.StructLayout:
    """An entry of a table and its place."""
    return data.StructLayout({"index": range(config.pieces), "piece": ports.table_piece(config)})


def table_base(walkers: int = 1) -> data.StructLayout:
    """What walks a table: `base` is added to the offsets of the entries that are emitted.

    These are the entries from the walker's place on, up to and including the next with `last`, or
    with `final` if `whole`. With `stay` the walker comes to the same entries again.
    """
    return data.StructLayout(
        {
            "base": unsigned(OFFSET_BITS),
            "stay": unsigned(1),
            "whole": unsigned(1),
            "walker": range(walkers),
        }
    )


class PieceTable(wiring.Component):
    """Emits the pieces of one word after the other, for every base those of the next word.

    Each walker has its own place in the table. It moves past every entry that is emitted, and back
    to the first after one with `final`. Offsets are modulo 2^OFFSET_BITS.

    Every walk ends: an entry that is written with `final` has `last` as well, and the table's
    highest entry has both, whatever is written there.

    Latency four cycles from a base to its first piece, throughput one piece per cycle, without a
    bubble between bases, of which one is taken while another is walked. `bases.ready` is
    registered. Two memories hold the table. The ends of words decide where a walk goes: those of
    the entries that it may go to next are kept in registers, but for the one that follows in the
    table, which is read within the cycle. The rest is read a cycle later, with a register behind
    it.

    Parameters
    ----------
    walkers : number of places.

    Members
    -------
    write : In(stream of table_write), always ready; not while a walk is under way, and not in the
        cycle in which a base comes.
    bases : In(stream of table_base(walkers))
    rewind_all : In, puts every place to the first entry; not while a walk is under way.
    pieces : Out(stream of ports.table_piece)
    walking : Out, a walk is under way: not all entries of a base that was taken are read.
    """

    def __init__(self, config: SystemConfig, *, walkers: int = 1):
        self._config = config
        self._walkers = walkers
        super().__init__(
            {
                "write": In(stream.Signature(table_write(config))),
                "bases": In(stream.Signature(table_base(walkers))),
                "rewind_all": In(1),
                "pieces": Out(stream.Signature(ports.table_piece(config))),
                "walking": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        piece = ports.table_piece(config)
        end = data.StructLayout({"last": 1, "final": 1})
        both = {"last": 1, "final": 1}
        others = [{}] * (config.pieces - 1)
        m.submodules.ends = ends = memory.Memory(
            shape=end, depth=config.pieces, init=[*others, both]
        )
        m.submodules.table = table = memory.Memory(
            shape=piece,
            depth=config.pieces,
            init=[*others, both],
            # An entry is never read in the cycle in which it is written.
            attrs={"no_rw_check": 1},
        )
        write = self.write.payload
        final = write.piece.final | (write.index == config.pieces - 1)
        write_end = ends.write_port()
        write_piece = table.write_port()
        m.d.comb += [
            self.write.ready.eq(1),
            write_end.addr.eq(write.index),
            write_end.data.last.eq(write.piece.last | final),
            write_end.data.final.eq(final),
            write_end.en.eq(self.write.valid),
            write_piece.addr.eq(write.index),
            write_piece.data.eq(write.piece),
            write_piece.data.last.eq(write_end.data.last),
            write_piece.data.final.eq(write_end.data.final),
            write_piece.en.eq(self.write.valid),
        ]

        m.submodules.skid = skid = SkidBuffer(table_base(self._walkers))
        connect(m, flipped(self.bases), skid.i)
        advance = Signal()
        walks = Signal()
        walk = Signal(table_base(self._walkers), reset_less=True)
        # Where the walk is, and where those of the other walkers go on.
        entry = data.StructLayout({"index": range(config.pieces), "end": end})
        place = Signal(entry, reset_less=True)
        places = [Signal(entry, name=f"place_{k}") for k in range(self._walkers)]
        # The ends of the first entry outlive a reset as the table does, and a reset leads there.
        first_end = Signal(end, reset_less=True)
        home = Signal(self._walkers, init=(1 << self._walkers) - 1)
        done = Signal()
        read_end = ends.read_port(domain="comb")
        read = table.read_port()
        begun = Signal(entry)
        moved = Signal(entry)
        first = Signal()
        came_from = Signal(entry, reset_less=True)
        origin = Signal(entry)
        returns = Signal()
        starts = [
            Mux(home[k], Cat(at.index, first_end), at.as_value()) for k, at in enumerate(places)
        ]
        m.d.comb += [
            begun.eq(chosen(starts, skid.o.payload.walker)),
            origin.eq(Mux(first, place, came_from)),
            returns.eq(done & walk.stay),
            read_end.addr.eq(place.index + 1),
            read.addr.eq(place.index),
            read.en.eq(advance),
            done.eq(Mux(walk.whole, place.end.final, place.end.last)),
            skid.o.ready.eq(~walks | (advance & done)),
            self.walking.eq(walks | ~skid.i.ready),
        ]
        with m.If(returns):
            m.d.comb += moved.eq(origin)
        with m.Elif(place.end.final):
            m.d.comb += [moved.index.eq(0), moved.end.eq(first_end)]
        with m.Else():
            m.d.comb += [moved.index.eq(read_end.addr), moved.end.eq(read_end.data)]
        with m.If(walks & advance):
            m.d.sync += [came_from.eq(origin), first.eq(0), place.eq(moved)]
            for k in range(self._walkers):
                with m.If(walk.walker == k):
                    m.d.sync += [places[k].eq(moved), home[k].eq(0)]
        with m.If(self.write.valid):
            with m.If(write.index == 0):
                m.d.sync += first_end.eq(write_end.data)
            for k in range(self._walkers):
                with m.If(write.index == places[k].index):
                    m.d.sync += places[k].end.eq(write_end.data)
        with m.If(skid.o.ready):
            m.d.sync += [
                walks.eq(skid.o.valid),
                walk.eq(skid.o.payload),
                first.eq(1),
            ]
            # The walker's last walk may end just now; nothing else moves it.
            with m.If(~walks | (skid.o.payload.walker != walk.walker)):
                m.d.sync += place.eq(begun)
        with m.If(self.rewind_all):
            m.d.sync += [
                *(places[k].index.eq(0) for k in range(self._walkers)),
                home.eq((1 << self._walkers) - 1),
            ]

        read_valid = Signal()
        read_base = Signal(OFFSET_BITS, reset_less=True)
        held_valid = Signal()
        held_base = Signal(OFFSET_BITS, reset_less=True)
        held = Signal(piece, reset_less=True)
        m.d.comb += advance.eq(self.pieces.ready | ~self.pieces.valid)
        with m.If(advance):
            m.d.sync += [
                read_valid.eq(walks),
                read_base.eq(walk.base),
                held_valid.eq(read_valid),
                held_base.eq(read_base),
                held.eq(read.data),
                self.pieces.valid.eq(held_valid),
                self.pieces.payload.eq(held),
                self.pieces.payload.offset.eq(held.offset + held_base),
            ]
        return m


def write_command(table: PieceTable, body) -> list:
    """What gives the body of a command that writes a piece to a table."""
    entry = table.write.payload
    return [
        entry.index.eq(body.index),
        *(entry.piece[key].eq(body[key]) for key in table.write.payload.piece.shape().members),
    ]


def send(pieces, target) -> list:
    """What connects a table's pieces to a stream of ports.placed_piece."""
    return [
        *(target.payload[key].eq(pieces.payload[key]) for key in target.payload.shape().members),
        target.valid.eq(pieces.valid),
        pieces.ready.eq(target.ready),
    ]

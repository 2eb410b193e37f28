"""Gathers words for all lanes from memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.apart import register_apart
from hw.memory_queue import MemoryQueue
from hw.stream_register import StreamBuffer, StreamRegister
from hw.system import ports
from hw.system.burst_splitter import BurstSplitter
from hw.system.byte_levels import compression, rotation_down, stages
from hw.system.piece_cutter import PieceCutter
from params.system import SystemConfig


class Gatherer(wiring.Component):
    """Reads the pieces of each word and puts every byte to its lane.

    A lane gets the low `activation_bits` of its byte, 0 without one. What a piece has for lanes
    beyond the last one is not read. No two pieces of a word have a lane in common.

    Throughput a beat per cycle, and a cycle for a piece without pixels, without a bubble between
    pieces or words as long as words are taken. At most `buffered_beats` beats are on their way or
    wait, in as many pieces. Latency five cycles from a piece to its first request and, with
    s = ceil((1 + log2 bus_bytes) / 2), 4 + s cycles from a word's last beat to the word.

    Members
    -------
    pieces : In(stream of ports.placed_piece)
    words : Out(stream of ports.word); coming : Out, taking : In, its `valid` and its `ready` of the
        next cycle.
    port : Out(ports.read_port)
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "pieces": In(stream.Signature(ports.placed_piece(config))),
                "words": Out(stream.Signature(ports.word(config))),
                "coming": Out(1),
                "taking": In(1),
                "port": Out(ports.read_port(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        bus_bytes, byte_bits = config.bus_bytes, config.byte_bits
        lanes, bits = config.array.lanes, config.array.activation_bits
        blocks = -(-lanes // bus_bytes)
        m.submodules.cutter = cutter = PieceCutter(config)
        m.submodules.splitter = splitter = BurstSplitter(config)
        connect(m, flipped(self.pieces), cutter.i)

        # A cut waits for its beat. The first of a piece asks for the piece's beats.
        waiting = data.StructLayout(
            {
                "lane": range(lanes),
                "count": range(bus_bytes + 1),
                "rotation": unsigned(byte_bits),
                "double": unsigned(1),
                "last": unsigned(1),
            }
        )
        beat = data.ArrayLayout(unsigned(bits), bus_bytes)
        m.submodules.cuts = cuts = MemoryQueue(waiting, depth=config.buffered_beats)
        m.submodules.beats = beats = MemoryQueue(beat, depth=config.buffered_beats)
        m.submodules.expected = expected = StreamRegister(waiting)
        connect(m, cuts.o, expected.i)
        new = cutter.o.payload
        may_ask = Signal()
        m.d.comb += [
            may_ask.eq(~new.first | splitter.i.ready),
            splitter.i.valid.eq(cutter.o.valid & new.first & cuts.i.ready),
            splitter.i.payload.eq(new.span),
            cuts.i.valid.eq(cutter.o.valid & may_ask),
            cutter.o.ready.eq(cuts.i.ready & may_ask),
            beats.i.valid.eq(self.port.arriving),
        ]
        m.d.comb += [cuts.i.payload[field].eq(new[field]) for field in waiting.members]
        m.d.comb += [
            beats.i.payload[n].eq(self.port.beat.word_select(n, 8)[:bits]) for n in range(bus_bytes)
        ]

        # Leads to all lanes, as `clears` does, and so it is a register of its own.
        moves = Signal()
        advance = register_apart(m, moves, "advance")
        take = Signal()
        has_beat = Signal()
        m.d.comb += [
            has_beat.eq(expected.o.payload.count != 0),
            take.eq(expected.o.valid & (beats.o.valid | ~has_beat) & advance),
            expected.o.ready.eq((beats.o.valid | ~has_beat) & advance),
            beats.o.ready.eq(expected.o.valid & has_beat & advance),
        ]

        room = Signal(range(config.buffered_beats + 1), init=config.buffered_beats)
        returned = Signal()
        requested = Signal()
        fits = Signal()
        # Room and its use are compared in front of a register, memory's arbiter comes behind it.
        m.submodules.requests = requests = StreamBuffer(ports.burst(config))
        connect(m, requests.o, flipped(self.port.requests))
        m.d.comb += [
            fits.eq(splitter.o.payload.beats <= room),
            requests.i.valid.eq(splitter.o.valid & fits),
            requests.i.payload.eq(splitter.o.payload),
            splitter.o.ready.eq(requests.i.ready & fits),
            requested.eq(requests.i.valid & requests.i.ready),
        ]
        m.d.sync += [
            returned.eq(take & has_beat),
            room.eq(room + returned - Mux(requested, splitter.o.payload.beats, 0)),
        ]

        # The rotated beat has the byte of lane l at l modulo `bus_bytes`.
        step = data.StructLayout(
            {
                "block": range(blocks),
                "start": unsigned(byte_bits),
                "stop": unsigned(byte_bits + 1),
                "rotation": unsigned(byte_bits),
                "double": unsigned(1),
                "first": unsigned(1),
                "last": unsigned(1),
                "valid": unsigned(1),
            }
        )
        cut = expected.o.payload
        start = cut.lane[:byte_bits]
        begins = Signal(init=1)
        with m.If(take):
            m.d.sync += begins.eq(cut.last)
        bytes_ = Signal(beat, name="beat_0", reset_less=True)
        now = Signal(step, name="step_0")
        with m.If(advance):
            m.d.sync += [
                bytes_.eq(beats.o.payload),
                now.valid.eq(take),
                now.block.eq(cut.lane[byte_bits:]),
                now.start.eq(start),
                now.stop.eq(start + cut.count),
                now.rotation.eq(cut.rotation),
                now.double.eq(cut.double),
                now.first.eq(begins),
                now.last.eq(cut.last),
            ]
        levels = [*(rotation_down(n) for n in range(byte_bits)), compression]
        grouped = stages(levels)
        for number, group in enumerate(grouped, 1):
            moved = [bytes_[n] for n in range(bus_bytes)]
            for level in group:
                moved = level(moved, now)
            registered = Signal(beat, name=f"beat_{number}", reset_less=True)
            with m.If(advance):
                m.d.sync += registered.eq(Cat(moved))
            bytes_ = registered
            if number < len(grouped):
                following = Signal(step, name=f"step_{number}")
                with m.If(advance):
                    m.d.sync += following.eq(now)
                now = following

        # A cut touches lanes of one block of `bus_bytes` lanes and of the block above it.
        hot = Signal(blocks)
        lower = Signal(bus_bytes)
        upper = Signal(bus_bytes)
        valid = Signal()
        first = Signal()
        begun = Signal()
        last = Signal()
        with m.If(advance):
            m.d.sync += [
                valid.eq(now.valid),
                last.eq(now.last),
                hot.eq(Cat(now.valid & (now.block == q) for q in range(blocks))),
                lower.eq(Cat((now.start <= p) & (p < now.stop) for p in range(bus_bytes))),
                upper.eq(Cat(now.stop > bus_bytes + p for p in range(bus_bytes))),
            ]

        # A word is whole from here on, until it is taken; the next begins in that cycle, and clears
        # the lanes that its first cut leaves alone.
        full = Signal()
        assembled = Signal(ports.word(config), reset_less=True)
        m.d.comb += [
            self.words.valid.eq(full),
            self.words.payload.eq(assembled),
            self.coming.eq((valid & last & advance) | (full & ~self.words.ready)),
            # While a word waits, the next stays in front of its lanes.
            moves.eq(self.taking | ~self.coming | ~Mux(advance, now.valid, valid)),
            begun.eq(Mux(advance, now.valid & now.first, first)),
        ]
        m.d.sync += [full.eq(self.coming), first.eq(begun)]
        clears = register_apart(m, moves & begun, "clears")
        # A byte goes straight to its lane: that it takes it is an enable, that it clears a reset.
        for lane in range(lanes):
            block, p = divmod(lane, bus_bytes)
            touched = Signal(name=f"touched_{lane}")
            m.d.comb += touched.eq(hot[block] & lower[p])
            if block:
                m.d.comb += touched.eq(hot[block] & lower[p] | hot[block - 1] & upper[p])
            with m.If(advance & touched):
                m.d.sync += assembled[lane].eq(bytes_[p])
            with m.If(clears & ~touched):
                m.d.sync += assembled[lane].eq(0)
        return m

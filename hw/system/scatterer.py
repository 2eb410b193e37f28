"""Scatters words of all lanes to memory."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.apart import register_apart
from hw.memory_queue import MemoryQueue
from hw.stream_register import StreamRegister
from hw.system import ports
from hw.system.burst_splitter import BurstSplitter
from hw.system.byte_levels import rotation_up, stages
from hw.system.choice import chosen
from hw.system.piece_cutter import PieceCutter, cut
from params.system import SystemConfig

OUTSTANDING = 255
"""Bursts that memory has been asked to write and has not confirmed."""

CHOICE_BITS = 4
"""Of a choice of a byte that one register is behind."""

SPANS_IN_SPLITTER = 4
"""More than a `BurstSplitter` holds."""

BEATS_UNDER_WAY = 16
"""Beats between a cut and memory: there may be one a cycle, for all that they take 13 cycles."""


class Scatterer(wiring.Component):
    """Writes the lanes of each word to the bytes of its pieces.

    A byte gets the `activation_bits` of its lane with zeros above them. Nothing is written for
    what a piece has for lanes beyond the last one, and no other byte of a beat is. The word is kept
    until its last piece has been sent; nothing is asked for before the word is there.

    Nothing stalls between a cut and its beat: a cut goes off only if there is room for the beat.

    Throughput a beat per cycle, and a cycle for a piece without pixels, without a bubble between
    pieces; between two words is a cycle. Latency from a piece: five cycles to the first request
    and, with s = ceil(log2 bus_bytes / 2), 8 + s cycles to the first beat, if the word came two
    cycles behind the piece or sooner.

    Members
    -------
    words : In(stream of ports.word); ready is registered.
    empties : Out, no word is kept in the next cycle, but for one that is transferred in this.
    pieces : In(stream of ports.placed_piece), may run ahead of the words.
    port : Out(ports.write_port)
    busy : Out, a word is kept, or a piece is taken that memory has not confirmed.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "words": In(stream.Signature(ports.word(config))),
                "empties": Out(1),
                "pieces": In(stream.Signature(ports.placed_piece(config))),
                "port": Out(ports.write_port(config)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        bus_bytes, byte_bits = config.bus_bytes, config.byte_bits
        lanes, bits = config.array.lanes, config.array.activation_bits
        blocks = -(-lanes // bus_bytes)
        half = bus_bytes // 2
        m.submodules.cutter = cutter = PieceCutter(config)
        m.submodules.splitter = splitter = BurstSplitter(config)
        connect(m, flipped(self.pieces), cutter.i)

        # Which of the lanes p, p + bus_bytes, ... the byte at p comes from; and for a double step,
        # which of the bytes p and p + bus_bytes / 2.
        aim = data.StructLayout(
            {
                "cut": cut(config),
                "blocks": data.ArrayLayout(range(blocks), bus_bytes),
                "upper": data.ArrayLayout(1, half),
            }
        )
        m.submodules.aimed = aimed = StreamRegister(aim)
        new = cutter.o.payload
        block, start = new.lane[byte_bits:], new.lane[:byte_bits]
        m.d.comb += [
            aimed.i.valid.eq(cutter.o.valid),
            cutter.o.ready.eq(aimed.i.ready),
            aimed.i.payload.cut.eq(new),
        ]
        m.d.comb += [aimed.i.payload.blocks[p].eq(block + (start > p)) for p in range(bus_bytes)]
        m.d.comb += [
            aimed.i.payload.upper[p].eq((start > p) & (start <= p + half)) for p in range(half)
        ]

        # A register that holds no word takes anything: its enable is a register amid the word. The
        # price is a cycle between two words, in which none is held. A word stays for a cycle behind
        # its last cut, which is when that cut's lanes are picked.
        held = Signal()
        holds = Signal()
        done = Signal()
        word = Signal(ports.word(config), reset_less=True)
        m.d.comb += [
            self.words.ready.eq(~held),
            self.empties.eq(~held | done),
            holds.eq(Mux(held, ~done, self.words.valid)),
        ]
        m.d.sync += held.eq(holds)
        with m.If(~register_apart(m, holds, "keeps")):
            m.d.sync += word.eq(self.words.payload)

        # The first cut of a piece asks for its beats, perhaps while the cut itself is held up. What
        # a cut does is kept in bits of their own.
        may_go = Signal(init=1)
        fire = Signal()
        asks = Signal()
        to_ask = Signal()
        ends = Signal()
        sent = aimed.o.payload.cut
        m.d.comb += [
            splitter.i.valid.eq(to_ask & held),
            splitter.i.payload.eq(sent.span),
            asks.eq(splitter.i.valid & splitter.i.ready),
            aimed.o.ready.eq(held & may_go & (~to_ask | splitter.i.ready)),
            fire.eq(aimed.o.valid & aimed.o.ready),
            done.eq(ends & aimed.o.ready),
        ]
        with m.If(aimed.i.ready):
            m.d.sync += [
                to_ask.eq(cutter.o.valid & new.first),
                ends.eq(cutter.o.valid & new.last),
            ]
        with m.Elif(asks):
            m.d.sync += to_ask.eq(0)

        # Beats that the splitter has still to ask for, and bursts that memory has not confirmed.
        owed = Signal(range(SPANS_IN_SPLITTER * (2 * lanes // bus_bytes + 2) + 1))
        outstanding = Signal(range(OUTSTANDING + 1))
        following = Signal(range(OUTSTANDING + 1))
        may_request = Signal(init=1)
        requested = Signal()
        m.d.comb += [
            following.eq(outstanding + requested - self.port.written),
            self.port.requests.valid.eq(splitter.o.valid & may_request),
            self.port.requests.payload.eq(splitter.o.payload),
            splitter.o.ready.eq(self.port.requests.ready & may_request),
            requested.eq(self.port.requests.valid & self.port.requests.ready),
        ]
        m.d.sync += [
            owed.eq(
                owed + Mux(asks, sent.span.beats, 0) - Mux(requested, splitter.o.payload.beats, 0)
            ),
            outstanding.eq(following),
            may_request.eq(following != OUTSTANDING),
        ]

        beat = data.ArrayLayout(unsigned(bits), bus_bytes)
        step = data.StructLayout(
            {
                "start": unsigned(byte_bits),
                "stop": range(bus_bytes + 2),
                "rotation": unsigned(byte_bits),
                "double": unsigned(1),
                "valid": unsigned(1),
            }
        )
        # What leads to all lanes comes from registers of its own.
        blocks_of = Signal.like(aimed.o.payload.blocks, reset_less=True)
        upper = Signal(half, reset_less=True)
        now = Signal(step, name="step_aimed")
        m.d.sync += [
            blocks_of.eq(aimed.o.payload.blocks),
            upper.eq(aimed.o.payload.upper),
            now.start.eq(sent.byte),
            now.stop.eq(sent.byte + (sent.count << sent.double)),
            now.rotation.eq(sent.rotation),
            now.double.eq(sent.double),
            now.valid.eq(fire & (sent.count != 0)),
        ]

        # The first of two choices of a lane, with the index's lower bits.
        near = 1 << CHOICE_BITS
        parts = -(-blocks // near)
        picked = Signal(data.ArrayLayout(beat, parts), reset_less=True)
        part = Signal(data.ArrayLayout(range(parts), bus_bytes), reset_less=True)
        m.d.sync += [
            picked[n][p].eq(
                chosen(
                    _sources(word, p, bus_bytes)[n * near : (n + 1) * near] or [0],
                    blocks_of[p][:CHOICE_BITS],
                )
            )
            for p in range(bus_bytes)
            for n in range(parts)
        ]
        m.d.sync += [part[p].eq(blocks_of[p] >> CHOICE_BITS) for p in range(bus_bytes)]
        upper, now = _later(m, upper, "upper"), _later(m, now, "step_picked")

        bytes_ = [chosen([picked[n][p] for n in range(parts)], part[p]) for p in range(bus_bytes)]
        # For a double step byte p goes to 2 * p; what is at 2 * p + 1 is not written.
        folded = [Mux(upper[p], bytes_[p + half], bytes_[p]) for p in range(half)]
        spread = Signal(beat, reset_less=True)
        m.d.sync += spread.eq(
            Cat(
                bytes_[p] if p % 2 else Mux(now.double, folded[p // 2], bytes_[p])
                for p in range(bus_bytes)
            )
        )
        bytes_, now = spread, _later(m, now, "step_spread")
        grouped = stages([rotation_up(n) for n in range(byte_bits)])
        for number, group in enumerate(grouped, 1):
            moved = [bytes_[n] for n in range(bus_bytes)]
            for level in group:
                moved = level(moved, now)
            if number < len(grouped):
                bytes_ = Signal(beat, name=f"beat_{number}", reset_less=True)
                m.d.sync += bytes_.eq(Cat(moved))
                now = _later(m, now, f"step_{number}")

        m.submodules.beats = beats = MemoryQueue(
            self.port.beats.payload.shape(), depth=BEATS_UNDER_WAY - 1
        )
        connect(m, beats.o, flipped(self.port.beats))
        room = Signal(range(BEATS_UNDER_WAY + 1), init=BEATS_UNDER_WAY)
        taken = Signal()
        m.d.comb += [
            beats.i.valid.eq(now.valid),
            beats.i.payload.data.eq(Cat(Cat(byte, Const(0, 8 - bits)) for byte in moved)),
            beats.i.payload.strobe.eq(
                Cat(
                    (now.start <= p) & (p < now.stop) & ~(now.double & (now.start[0] ^ (p & 1)))
                    for p in range(bus_bytes)
                )
            ),
            self.busy.eq(
                held
                | cutter.busy
                | aimed.o.valid
                | (room != BEATS_UNDER_WAY)
                | (owed != 0)
                | (outstanding != 0)
            ),
        ]
        m.d.sync += [
            taken.eq(self.port.beats.valid & self.port.beats.ready),
            room.eq(room + taken - (fire & (sent.count != 0))),
            # Of two places one may be taken in this cycle.
            may_go.eq(room > 1),
        ]
        return m


def _later(m, value, name: str):
    """`value` a cycle later."""
    register = Signal.like(value, name=name)
    m.d.sync += register.eq(value)
    return register


def _sources(word, p: int, bus_bytes: int) -> list:
    """What the byte at `p` of a beat may come from."""
    return [word[lane] for lane in range(p, len(word), bus_bytes)]

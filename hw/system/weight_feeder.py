"""Brings a row's weights from memory."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.stream_register import StreamBuffer
from hw.system import ports
from hw.system.beat_queue import BeatQueue
from hw.system.packet_reader import PacketReader, group_channels
from hw.system.unit_cutter import SEQUENCE, UNIT, UnitCutter
from params import layouts
from params.system import OFFSET_BITS, UNIT_BYTES, SystemConfig

WEIGHTS = data.StructLayout(
    {"address": unsigned(OFFSET_BITS), "units": unsigned(32), "repeat": unsigned(16)}
)
"""`repeat` times the `units` units from byte `address` on, a multiple of `bus_bytes`."""

COMMANDS_AHEAD = 4
"""Commands whose beats may be on their way while the units of an earlier one are taken apart."""


class WeightFeeder(wiring.Component):
    """Reads packets of weights from memory and gives their words to the streams of one row.

    Memory is asked for up to `buffered_beats` beats ahead of what the row has taken, also across
    repetitions and commands. Throughput one unit a cycle, across words, packets, beats, repetitions
    and commands, as far as memory and the row keep up; the first unit of a packet takes a cycle
    as well. With `bus_bytes` of 2 it is one unit in two cycles. Latency three cycles from a
    command to its first request, five from a beat to the word that its first unit completes.

    A command of no units, or that is never repeated, does nothing. The units of a command are whole
    packets.

    Members
    -------
    commands : In(stream of WEIGHTS)
    port : Out(ports.read_port)
    headers, masks, codes, channels, malformed : see PacketReader. After a malformed packet the rest
        of the command is thrown away.
    idle : Out, nothing is left to do for the commands that have been taken.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        array = config.array
        super().__init__(
            {
                "commands": In(stream.Signature(WEIGHTS)),
                "port": Out(ports.read_port(config)),
                "headers": Out(stream.Signature(layouts.header(array))),
                "masks": Out(stream.Signature(layouts.masks(array))),
                "codes": Out(stream.Signature(layouts.codes(array))).array(array.elements_per_lane),
                "channels": Out(stream.Signature(group_channels(array))),
                "malformed": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.queue = queue = BeatQueue(config)
        m.submodules.cutter = cutter = UnitCutter(config)
        # Cuts the way from the row's streams back to the queue.
        m.submodules.units = units = StreamBuffer(UNIT)
        m.submodules.reader = reader = PacketReader(config.array)
        m.submodules.ahead = ahead = fifo.SyncFIFO(width=SEQUENCE.size, depth=COMMANDS_AHEAD)
        connect(m, queue.port, flipped(self.port))
        connect(m, queue.o, cutter.i)
        connect(m, cutter.o, units.i)
        connect(m, units.o, reader.i)
        for name in ("headers", "masks", "channels"):
            connect(m, getattr(reader, name), flipped(getattr(self, name)))
        for inner, outer in zip(reader.codes, self.codes, strict=True):
            connect(m, inner, flipped(outer))

        # A command goes two ways: to where its beats are asked for, and to where they are cut.
        command = self.commands.payload
        asking = Signal()
        span = Signal(ports.span(config), reset_less=True)
        # Which are left to ask for, and that it is one.
        repeats = Signal(16)
        last = Signal()
        asked = Signal()
        begins = Signal()
        sequence = Signal(SEQUENCE)
        m.d.comb += [
            queue.i.valid.eq(asking),
            queue.i.payload.eq(span),
            asked.eq(asking & queue.i.ready),
            self.commands.ready.eq(ahead.w_rdy & (~asking | (asked & last))),
            begins.eq(
                self.commands.valid
                & self.commands.ready
                & (command.units != 0)
                & (command.repeat != 0)
            ),
            sequence.units.eq(command.units),
            sequence.repeat.eq(command.repeat),
            ahead.w_data.eq(sequence),
            ahead.w_en.eq(begins),
            cutter.sequences.payload.eq(ahead.r_data),
            cutter.sequences.valid.eq(ahead.r_rdy),
            ahead.r_en.eq(cutter.sequences.ready),
            self.malformed.eq(reader.malformed),
            self.idle.eq(~(asking | ahead.r_rdy | cutter.busy | units.o.valid | reader.busy)),
        ]
        with m.If(asked):
            m.d.sync += [repeats.eq(repeats - 1), last.eq(repeats == 2), asking.eq(~last)]
        with m.If(begins):
            m.d.sync += [
                asking.eq(1),
                repeats.eq(command.repeat),
                last.eq(command.repeat == 1),
                span.beat.eq(command.address[config.byte_bits :]),
                span.beats.eq(_beats(command.units, config)),
            ]
        return m


def _beats(units, config: SystemConfig):
    """Beats that hold so many units."""
    if config.bus_bytes < UNIT_BYTES:
        return units * (UNIT_BYTES // config.bus_bytes)
    per_beat = config.bus_bytes // UNIT_BYTES
    return (units + (per_beat - 1)) >> (per_beat.bit_length() - 1)

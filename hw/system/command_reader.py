"""Reads commands from memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.ports import read_port
from params.commands import COMMAND_BYTES, RAW
from params.system import OFFSET_BITS, SystemConfig


class CommandReader(wiring.Component):
    """Gives the commands of a sequence one by one, and reads ahead up to its window's end.

    Throughput a command per cycle, or per as many beats as it takes. A burst is asked for in every
    other cycle at most.

    Members
    -------
    start : In, begins at `address` (In, bytes, a whole beat); stop : In, asks for no more.
    size : In, bytes of the window, of which it asks for whole bursts only.
    port : Out(read_port); o : Out(stream of RAW)
    exhausted : Out, the window has no more.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "address": In(OFFSET_BITS),
                "size": In(OFFSET_BITS),
                "stop": In(1),
                "exhausted": Out(1),
                "port": Out(read_port(config)),
                "o": Out(stream.Signature(RAW)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        depth, burst = config.buffered_beats, config.burst_beats
        m.submodules.beats = beats = fifo.SyncFIFOBuffered(width=8 * config.bus_bytes, depth=depth)
        running = Signal()
        inside = Signal()
        room = Signal(range(depth + 1), init=depth)
        next_beat = Signal(config.beat_bits)
        # The first burst may begin within one; all end with it.
        beats_asked = burst - next_beat[: burst.bit_length() - 1]
        requests = self.port.requests
        may_ask = Signal()
        asked = Signal()
        taken = Signal()
        returned = Signal()
        m.d.comb += [
            requests.valid.eq(may_ask & ~self.stop),
            requests.payload.beat.eq(next_beat),
            requests.payload.beats.eq(beats_asked),
            asked.eq(requests.valid & requests.ready),
            beats.w_en.eq(self.port.arriving),
            beats.w_data.eq(self.port.beat),
            taken.eq(beats.r_rdy & beats.r_en),
        ]
        shift = (config.bus_bytes * burst).bit_length() - 1
        m.d.comb += [
            inside.eq(next_beat[burst.bit_length() - 1 :] < self.size >> shift),
            self.exhausted.eq(running & ~inside & (room == depth)),
        ]
        m.d.sync += [
            may_ask.eq(running & inside & (room >= burst) & ~asked),
            returned.eq(taken),
            room.eq(room + returned - Mux(asked, beats_asked, 0)),
        ]
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                next_beat.eq(self.address[OFFSET_BITS - config.beat_bits :]),
            ]
        with m.Elif(asked):
            m.d.sync += next_beat.eq(next_beat + beats_asked)

        # Whole beats make up a command, or whole commands a beat.
        count = max(1, COMMAND_BYTES // config.bus_bytes)
        parts = max(1, config.bus_bytes // COMMAND_BYTES)
        if count > 1:
            earlier = Signal(8 * config.bus_bytes * (count - 1))
            number = Signal(range(count))
            last = number == count - 1
            m.d.comb += [
                self.o.payload.eq(Cat(earlier, beats.r_data)),
                self.o.valid.eq(beats.r_rdy & last),
                beats.r_en.eq(~last | self.o.ready),
            ]
            with m.If(taken):
                m.d.sync += [
                    earlier.eq(Cat(earlier, beats.r_data) >> (8 * config.bus_bytes)),
                    number.eq((number + 1) & ~last.replicate(len(number))),
                ]
        else:
            number = Signal(range(max(2, parts)))
            last = number == parts - 1
            m.d.comb += [
                self.o.payload.eq(beats.r_data.word_select(number, RAW.size)),
                self.o.valid.eq(beats.r_rdy),
                beats.r_en.eq(self.o.ready & last),
            ]
            with m.If(self.o.valid & self.o.ready):
                m.d.sync += number.eq((number + 1) & ~last.replicate(len(number)))
        return m

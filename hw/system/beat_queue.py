"""Reads spans of memory ahead of who takes their beats."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.stream_register import StreamBuffer
from hw.system import ports
from hw.system.burst_splitter import BurstSplitter
from params.system import SystemConfig


class BeatQueue(wiring.Component):
    """Gives the beats of spans, in order, and asks for no more than it has room for.

    It runs up to `buffered_beats` beats ahead, also into following spans. Throughput one burst
    asked for and one beat given a cycle; a beat passes in two cycles.

    Members
    -------
    i : In(stream of ports.span)
    port : Out(ports.read_port)
    o : Out(stream of beats)
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(ports.span(config))),
                "port": Out(ports.read_port(config)),
                "o": Out(stream.Signature(8 * config.bus_bytes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.splitter = splitter = BurstSplitter(config)
        # Room and its use are compared in front of a register, memory's arbiter comes behind it.
        m.submodules.requests = requests = StreamBuffer(ports.burst(config))
        m.submodules.beats = beats = fifo.SyncFIFOBuffered(
            width=8 * config.bus_bytes, depth=config.buffered_beats
        )
        connect(m, flipped(self.i), splitter.i)
        connect(m, requests.o, flipped(self.port.requests))

        room = Signal(range(config.buffered_beats + 1), init=config.buffered_beats)
        burst = splitter.o.payload
        fits = Signal()
        asked = Signal()
        given = Signal()
        m.d.comb += [
            fits.eq(burst.beats <= room),
            requests.i.valid.eq(splitter.o.valid & fits),
            requests.i.payload.eq(burst),
            splitter.o.ready.eq(requests.i.ready & fits),
            asked.eq(requests.i.valid & requests.i.ready),
            beats.w_en.eq(self.port.arriving),
            beats.w_data.eq(self.port.beat),
            self.o.valid.eq(beats.r_rdy),
            self.o.payload.eq(beats.r_data),
            beats.r_en.eq(self.o.ready),
        ]
        m.d.sync += [
            given.eq(self.o.valid & self.o.ready),
            room.eq(room - Mux(asked, burst.beats, 0) + given),
        ]
        return m

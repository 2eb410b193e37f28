"""The write channels of the SDRAM controller."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.memory_queue import MemoryQueue
from hw.sdram.ports import stretch
from hw.sdram.stretch_cutter import StretchCutter
from hw.system.axi import axi_write
from params.sdram import SdramConfig


class WritePath(wiring.Component):
    """Takes addresses and beats of writes, and answers when they are in the chip.

    A burst is offered when all its beats are here, so that it is written in one go. Upper address
    bits are ignored: the chip's contents repeat.

    Parameters
    ----------
    queue : bursts that wait or are not answered. beats : that wait, those of the longest burst at
        least.

    Members
    -------
    axi : In(axi_write)
    o : Out(stream of ports.stretch)
    beat, strobe : Out, the next to be written; ready : Out, there is one.
    writes : In, it is written, as the `last` of the burst `id`.
    """

    def __init__(
        self, config: SdramConfig, *, address_bits: int, id_bits: int, queue: int, beats: int
    ):
        self._config = config
        self._id_bits = id_bits
        self._queue = queue
        self._beats = beats
        super().__init__(
            {
                "axi": In(axi_write(config.data_bytes, address_bits=address_bits, id_bits=id_bits)),
                "o": Out(stream.Signature(stretch(config, id_bits))),
                "beat": Out(8 * config.data_bytes),
                "strobe": Out(config.data_bytes),
                "ready": Out(1),
                "writes": In(1),
                "last": In(1),
                "id": In(id_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi, config = self.axi, self._config
        m.submodules.cutter = cutter = StretchCutter(config, id_bits=self._id_bits, write=True)
        m.submodules.queue = queue = fifo.SyncFIFO(
            width=cutter.i.payload.shape().size, depth=self._queue
        )
        m.submodules.beats = beats = MemoryQueue(9 * config.data_bytes, depth=self._beats)
        m.submodules.answers = answers = fifo.SyncFIFO(width=self._id_bits, depth=self._queue)

        byte_bits = (config.data_bytes - 1).bit_length()
        asked = Signal(cutter.i.payload.shape())
        unanswered = Signal(range(self._queue + 1))
        more = Signal(init=1)
        m.d.comb += [
            asked.word.eq(axi.awaddr[byte_bits:]),
            asked.length.eq(axi.awlen),
            asked.id.eq(axi.awid),
            queue.w_data.eq(asked),
            queue.w_en.eq(axi.awvalid & more),
            axi.awready.eq(queue.w_rdy & more),
            cutter.i.payload.eq(queue.r_data),
            cutter.i.valid.eq(queue.r_rdy),
            queue.r_en.eq(cutter.i.ready),
        ]
        opened = axi.awvalid & axi.awready
        answered = axi.bvalid & axi.bready
        m.d.sync += [
            unanswered.eq(unanswered + opened - answered),
            # Of a cycle before, in which a burst may have come.
            more.eq(unanswered < self._queue - 1),
        ]

        complete = Signal(range(self._beats + 1))  # Bursts whose beats are all here.
        offered = Signal()
        came = Signal()
        went = Signal()
        m.d.comb += [
            offered.eq(complete != 0),
            self.o.payload.eq(cutter.o.payload),
            self.o.valid.eq(cutter.o.valid & offered),
            cutter.o.ready.eq(self.o.ready & offered),
            came.eq(axi.wvalid & axi.wready & axi.wlast),
            went.eq(self.o.valid & self.o.ready & self.o.payload.last),
            beats.i.payload.eq(Cat(axi.wdata, axi.wstrb)),
            beats.i.valid.eq(axi.wvalid),
            axi.wready.eq(beats.i.ready),
            Cat(self.beat, self.strobe).eq(beats.o.payload),
            self.ready.eq(beats.o.valid),
            beats.o.ready.eq(self.writes),
        ]
        m.d.sync += complete.eq(complete + came - went)

        m.d.comb += [
            answers.w_data.eq(self.id),
            answers.w_en.eq(self.writes & self.last),
            axi.bid.eq(answers.r_data),
            axi.bvalid.eq(answers.r_rdy),
            answers.r_en.eq(axi.bready),
        ]
        return m

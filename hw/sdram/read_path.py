"""The read channels of the SDRAM controller."""

from itertools import pairwise

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.sdram.ports import stretch
from hw.sdram.stretch_cutter import StretchCutter
from hw.system.axi import axi_read
from params.sdram import SdramConfig


class ReadPath(wiring.Component):
    """Takes addresses of reads and gives back their beats, in order.

    Room for a beat is kept before it is read, so what comes from the chip always finds a place.
    Upper address bits are ignored: the chip's contents repeat.

    Parameters
    ----------
    queue : bursts that wait. beats : beats on their way and waiting to be taken.
    delay : cycles from `reads` to the word in `arriving`.

    Members
    -------
    axi : In(axi_read)
    o : Out(stream of ports.stretch)
    room : Out, for another beat. reads : In, a beat is read, `last` of the burst `id`.
    arriving : In, the word that the chip gives.
    """

    def __init__(
        self, config: SdramConfig, *, address_bits: int, id_bits: int, queue: int, beats: int,
        delay: int,
    ):  # fmt: skip
        self._config = config
        self._id_bits = id_bits
        self._queue = queue
        self._beats = beats
        self._delay = delay
        super().__init__(
            {
                "axi": In(axi_read(config.data_bytes, address_bits=address_bits, id_bits=id_bits)),
                "o": Out(stream.Signature(stretch(config, id_bits))),
                "room": Out(1),
                "reads": In(1),
                "last": In(1),
                "id": In(id_bits),
                "arriving": In(8 * config.data_bytes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi, config = self.axi, self._config
        m.submodules.cutter = cutter = StretchCutter(config, id_bits=self._id_bits, write=False)
        m.submodules.queue = queue = fifo.SyncFIFO(
            width=cutter.i.payload.shape().size, depth=self._queue
        )
        byte_bits = (config.data_bytes - 1).bit_length()
        asked = Signal(cutter.i.payload.shape())
        m.d.comb += [
            asked.word.eq(axi.araddr[byte_bits:]),
            asked.length.eq(axi.arlen),
            asked.id.eq(axi.arid),
            queue.w_data.eq(asked),
            queue.w_en.eq(axi.arvalid),
            axi.arready.eq(queue.w_rdy),
            cutter.i.payload.eq(queue.r_data),
            cutter.i.valid.eq(queue.r_rdy),
            queue.r_en.eq(cutter.i.ready),
        ]
        connect(m, cutter.o, flipped(self.o))

        tag = data.StructLayout({"valid": 1, "last": 1, "id": self._id_bits})
        under_way = [Signal(tag, name=f"under_way_{k}") for k in range(self._delay)]
        m.d.sync += Cat(under_way[0].valid, under_way[0].last, under_way[0].id).eq(
            Cat(self.reads, self.last, self.id)
        )
        m.d.sync += [after.eq(before) for before, after in pairwise(under_way)]
        arrived = under_way[-1]
        m.submodules.beats = beats = fifo.SyncFIFOBuffered(
            width=8 * config.data_bytes + 1 + self._id_bits, depth=self._beats
        )
        taken = Signal()
        left = Signal(range(self._beats + 1), init=self._beats)
        m.d.comb += [
            beats.w_data.eq(Cat(self.arriving, arrived.last, arrived.id)),
            beats.w_en.eq(arrived.valid),
            Cat(axi.rdata, axi.rlast, axi.rid).eq(beats.r_data),
            axi.rvalid.eq(beats.r_rdy),
            beats.r_en.eq(axi.rready),
            taken.eq(axi.rvalid & axi.rready),
        ]
        m.d.sync += [
            left.eq(left + taken - self.reads),
            # Of a cycle before, in which a beat may have been read.
            self.room.eq(left > 1),
        ]
        return m

"""Memory on the chip behind AXI4."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In

from hw.stream_register import StreamBuffer
from hw.system.axi import Response, axi_read, axi_write
from hw.verilog import UNDEFINED
from params.config import ConfigError

LENGTH_BITS = 8
"""Width of AxLEN."""


class BlockMemory(wiring.Component):
    """An AXI4 slave that keeps its bytes in block RAMs.

    Bursts are of type INCR with full beats, aligned to them; other bursts are taken for such.
    Bursts of all ids are answered in the order of their addresses, reads and writes apart: a read
    sees a write whose answer has come. Addresses from `size` on repeat those below; all answers
    are OKAY. What the memory holds at first is not defined.

    Throughput one beat per cycle; a burst of reads takes a cycle more, one of writes two. A read's
    first beat is on R three cycles after its address is taken. `rvalid`, R's payload and `bvalid`
    come from registers.

    Parameters
    ----------
    data_bytes : of the bus, a power of two.
    size : in bytes, a power of two, two beats at least.
    address_bits, id_bits : of the bus.
    single_port : the RAM has one port, at which a beat that is written goes before one that is
        read.

    Members
    -------
    read : In(axi_read), write : In(axi_write)

    Raises
    ------
    ConfigError : `size` is none that a memory can have.
    """

    def __init__(
        self,
        data_bytes: int,
        *,
        size: int,
        address_bits: int = 32,
        id_bits: int = 1,
        single_port: bool = False,
    ):
        if size < 2 * data_bytes or size & (size - 1):
            raise ConfigError(
                f"size is {size}, but must be a power of two of {2 * data_bytes} bytes at least"
            )
        self._data_bytes = data_bytes
        self._depth = size // data_bytes
        self._id_bits = id_bits
        self._single_port = single_port
        bus = {"address_bits": address_bits, "id_bits": id_bits}
        super().__init__(
            {"read": In(axi_read(data_bytes, **bus)), "write": In(axi_write(data_bytes, **bus))}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = mem = memory.Memory(
            shape=unsigned(8 * self._data_bytes),
            depth=self._depth,
            init=[],
            # A word is not read before the answer to its write.
            attrs={"no_rw_check": 1, UNDEFINED: 1},
        )
        read, write = mem.read_port(), mem.write_port(granularity=8)
        read_place = Signal(range(self._depth))
        write_place = Signal(range(self._depth))
        writes = Signal()
        m.d.comb += [read.addr.eq(read_place), write.addr.eq(write_place)]
        if self._single_port:
            place = Mux(writes, write_place, read_place)
            m.d.comb += [read.addr.eq(place), write.addr.eq(place)]
        self._read(m, read, read_place, writes & self._single_port)
        self._write(m, write, write_place, writes)
        return m

    def _word(self, address):
        """The number of the word at a byte address."""
        low = (self._data_bytes - 1).bit_length()
        return address[low : low + (self._depth - 1).bit_length()]

    def _read(self, m, port, place, waits):
        axi = self.read
        shape = {"data": len(axi.rdata), "last": 1, "id": self._id_bits}
        m.submodules.beats = beats = StreamBuffer(StructLayout(shape))
        left = Signal(LENGTH_BITS)
        number = Signal(self._id_bits)
        under_way = Signal()
        # Of the word that the memory gives.
        given = Signal()
        last = Signal()
        given_number = Signal(self._id_bits)
        moves = Signal()
        m.d.comb += [
            moves.eq((~given | beats.i.ready) & ~waits),
            axi.arready.eq(~under_way),
            port.en.eq(moves),
            beats.i.valid.eq(given & ~waits),
            beats.i.payload.data.eq(port.data),
            beats.i.payload.last.eq(last),
            beats.i.payload.id.eq(given_number),
            axi.rdata.eq(beats.o.payload.data),
            axi.rlast.eq(beats.o.payload.last),
            axi.rid.eq(beats.o.payload.id),
            axi.rresp.eq(Response.OKAY),
            axi.rvalid.eq(beats.o.valid),
            beats.o.ready.eq(axi.rready),
        ]
        with m.If(~under_way):
            m.d.sync += [
                under_way.eq(axi.arvalid),
                place.eq(self._word(axi.araddr)),
                left.eq(axi.arlen),
                number.eq(axi.arid),
            ]
        with m.Elif(moves):
            m.d.sync += [under_way.eq(left != 0), place.eq(place + 1), left.eq(left - 1)]
        with m.If(moves):
            m.d.sync += [given.eq(under_way), last.eq(left == 0), given_number.eq(number)]

    def _write(self, m, port, place, taken):
        axi = self.write
        under_way = Signal()
        m.d.comb += [
            axi.awready.eq(~under_way & ~axi.bvalid),
            axi.wready.eq(under_way),
            taken.eq(axi.wvalid & under_way),
            port.data.eq(axi.wdata),
            port.en.eq(Mux(taken, axi.wstrb, 0)),
            axi.bresp.eq(Response.OKAY),
        ]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [under_way.eq(1), place.eq(self._word(axi.awaddr)), axi.bid.eq(axi.awid)]
        with m.If(taken):
            m.d.sync += place.eq(place + 1)
            with m.If(axi.wlast):
                m.d.sync += [under_way.eq(0), axi.bvalid.eq(1)]
        with m.If(axi.bvalid & axi.bready):
            m.d.sync += axi.bvalid.eq(0)

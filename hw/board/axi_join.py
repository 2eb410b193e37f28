"""Two masters of AXI4 on one slave."""

from amaranth.hdl import Cat, Const, Module, Mux
from amaranth.lib import data, fifo, wiring
from amaranth.lib.wiring import In, Out

from hw.stream_register import StreamBuffer
from hw.system.arbiter import Arbiter
from hw.system.axi import axi_read, axi_write, check_address_bits

OPEN_WRITES = 8
"""Bursts whose beats are still to come."""

MASTERS = 2


class AxiJoin(wiring.Component):
    """Hands the bursts of two masters to a slave, in turn, and its answers back.

    The highest bit of the slave's ids is the number of the master, those below are the master's
    own, so that bursts may be answered in any order. Beats of writes go on in the order of their
    addresses; a master that holds back the beats of a burst whose address is taken holds up the
    other's writes, but not its reads.

    An address and a beat of a write take two cycles, an answer takes one; throughput one transfer
    per cycle. What goes to the slave, answers, and `ready` of beats, which may come ahead of their
    address, are registered.

    Parameters
    ----------
    data_bytes, address_bits : of all three buses.
    id_bits : of the masters' buses; the slave's has one more.

    Members
    -------
    reads : In(axi_read).array(2), writes : In(axi_write).array(2), from the masters.
    read : Out(axi_read), write : Out(axi_write), to the slave.

    Raises
    ------
    ConfigError : `address_bits` is out of range.
    """

    def __init__(self, data_bytes: int, *, address_bits: int = 32, id_bits: int = 1):
        check_address_bits(address_bits)
        self._id_bits = id_bits
        own = {"address_bits": address_bits, "id_bits": id_bits}
        joint = own | {"id_bits": id_bits + 1}
        super().__init__(
            {
                "reads": In(axi_read(data_bytes, **own)).array(MASTERS),
                "writes": In(axi_write(data_bytes, **own)).array(MASTERS),
                "read": Out(axi_read(data_bytes, **joint)),
                "write": Out(axi_write(data_bytes, **joint)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._ask(m, "ar", self.reads, self.read, Const(1))
        self._answer(m, "r", self.reads, self.read)
        m.submodules.order = order = fifo.SyncFIFO(width=1, depth=OPEN_WRITES)
        asked = self._ask(m, "aw", self.writes, self.write, order.w_rdy)
        m.d.comb += [
            order.w_data.eq(asked.payload.source),
            order.w_en.eq(asked.valid & asked.ready),
        ]
        self._beats(m, order)
        self._answer(m, "b", self.writes, self.write)
        return m

    def _ask(self, m, channel, masters, slave, may):
        """Addresses, in turn, while `may` is up. Returned is the stream in front of a register."""
        shape = _payload(slave, channel, {"id": self._id_bits})
        m.submodules[f"{channel}_arbiter"] = arbiter = Arbiter(shape, MASTERS)
        for port, master in zip(arbiter.i, masters, strict=True):
            m.d.comb += [
                *(port.payload[name].eq(getattr(master, channel + name)) for name in shape.members),
                port.valid.eq(getattr(master, f"{channel}valid")),
                getattr(master, f"{channel}ready").eq(port.ready),
            ]
        m.submodules[f"{channel}_buffer"] = buffer = StreamBuffer(arbiter.o.payload.shape())
        # A slave may wait for the beats before it takes the address.
        m.d.comb += [
            buffer.i.payload.eq(arbiter.o.payload),
            buffer.i.valid.eq(arbiter.o.valid & may),
            arbiter.o.ready.eq(buffer.i.ready & may),
            getattr(slave, f"{channel}valid").eq(buffer.o.valid),
            buffer.o.ready.eq(getattr(slave, f"{channel}ready")),
        ]
        for name in shape.members:
            value = buffer.o.payload.payload[name]
            whole = Cat(value, buffer.o.payload.source) if name == "id" else value
            m.d.comb += getattr(slave, channel + name).eq(whole)
        return arbiter.o

    def _answer(self, m, channel, masters, slave):
        """Answers, each to the master that its id names."""
        shape = _payload(slave, channel, {})
        m.submodules[f"{channel}_buffer"] = buffer = StreamBuffer(shape)
        m.d.comb += [
            *(buffer.i.payload[name].eq(getattr(slave, channel + name)) for name in shape.members),
            buffer.i.valid.eq(getattr(slave, f"{channel}valid")),
            getattr(slave, f"{channel}ready").eq(buffer.i.ready),
        ]
        source = buffer.o.payload.id[-1]
        for k, master in enumerate(masters):
            m.d.comb += [
                *(
                    getattr(master, channel + name).eq(buffer.o.payload[name])
                    for name in shape.members
                ),
                getattr(master, f"{channel}valid").eq(buffer.o.valid & (source == k)),
            ]
        m.d.comb += buffer.o.ready.eq(
            Mux(source, *(getattr(master, f"{channel}ready") for master in reversed(masters)))
        )

    def _beats(self, m, order):
        """Beats of writes, in the order of the addresses."""
        shape = _payload(self.write, "w", {})
        m.submodules.w_buffer = buffer = StreamBuffer(shape)
        source = order.r_data
        offers = []
        for k, master in enumerate(self.writes):
            m.submodules[f"w_buffer_{k}"] = own = StreamBuffer(shape)
            m.d.comb += [
                *(own.i.payload[name].eq(getattr(master, f"w{name}")) for name in shape.members),
                own.i.valid.eq(master.wvalid),
                master.wready.eq(own.i.ready),
                own.o.ready.eq(buffer.i.ready & order.r_rdy & (source == k)),
            ]
            offers.append(own.o)
        m.d.comb += [
            buffer.i.payload.eq(Mux(source, offers[1].payload, offers[0].payload)),
            buffer.i.valid.eq(Mux(source, offers[1].valid, offers[0].valid) & order.r_rdy),
            order.r_en.eq(buffer.i.valid & buffer.i.ready & buffer.i.payload.last),
            *(getattr(self.write, f"w{name}").eq(buffer.o.payload[name]) for name in shape.members),
            self.write.wvalid.eq(buffer.o.valid),
            buffer.o.ready.eq(self.write.wready),
        ]


def _payload(bus, channel: str, widths: dict[str, int]) -> data.StructLayout:
    """What a channel of `bus` carries beside its handshake, `widths` instead of the bus's own."""
    names = (
        name[len(channel) :]
        for name in bus.signature.members
        if name.startswith(channel) and name[len(channel) :] not in ("valid", "ready")
    )
    return data.StructLayout(
        {name: widths.get(name, len(getattr(bus, channel + name))) for name in names}
    )

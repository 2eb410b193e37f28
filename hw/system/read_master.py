"""Reads memory for several readers, over the read channels of AXI4."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.system.arbiter import Arbiter
from hw.system.axi import DATA, INCR, NORMAL, axi_read, check_address_bits
from hw.system.open_bursts import OpenBursts
from hw.system.ports import burst, read_port
from hw.system.window_check import WindowCheck
from params.commands import Fault
from params.system import OFFSET_BITS, SystemConfig


class ReadMaster(wiring.Component):
    """Serves the requests of its readers in turn; each request is one burst on the bus.

    The id of a burst is the number of its reader: memory keeps the order of a reader's bursts,
    and the bursts of different readers may be answered in any order and beat by beat. A request
    that leaves the window, and every request that is served while `stop` is up, stays off the bus:
    its reader gets zeros, after all that it asked for before. A beat that memory answers with an
    error is handed on as it is.

    A request is on AR three cycles after it is taken if nothing is in its way, a beat at its
    reader one cycle after it is on R. Throughput one request and one beat per cycle. All outputs
    to the bus come from registers; `rready` is down only while zeros are handed out.

    Parameters
    ----------
    readers : their number.
    address_bits : of the bus, 32 to 64.
    depth : bursts that a reader may have under way, a power of two from 4 on. It takes part
        in the turns while it had less than `depth` - 3 a cycle before.

    Members
    -------
    ports : In(ports.read_port).array(readers)
    axi : Out(axi_read)
    base : In(address_bits), address of the window, a multiple of the bytes of a longest burst.
    size : In(32), bytes of the window.
    stop : In, keep requests off the bus; a burst that is on AR already stays there.
    closed : In, take no more requests, from the next cycle on.
    idle : Out, no request is under way and no fault is to be told; a request that is not taken
        yet does not count.
    fault : Out, for a cycle: a request left the window while `stop` was down (Fault.WINDOW), or
        memory answered a beat with an error (Fault.BUS). Of two in the same cycle the latter is
        told.
    fault_code : Out(Fault), fault_place : Out(32), offset in bytes of the burst that failed; both
        hold while `fault` is up.

    Raises
    ------
    ConfigError : `address_bits` or `depth` is out of range.
    """

    def __init__(
        self, config: SystemConfig, *, readers: int, address_bits: int = 32, depth: int = 32
    ):
        check_address_bits(address_bits)
        self._config = config
        self._readers = readers
        self._depth = depth
        self._address_bits = address_bits
        self._id_bits = max(1, (readers - 1).bit_length())
        super().__init__(
            {
                "ports": In(read_port(config)).array(readers),
                "axi": Out(
                    axi_read(config.bus_bytes, address_bits=address_bits, id_bits=self._id_bits)
                ),
                "base": In(address_bits),
                "size": In(OFFSET_BITS),
                "stop": In(1),
                "closed": In(1),
                "idle": Out(1),
                "fault": Out(1),
                "fault_code": Out(Fault),
                "fault_place": Out(OFFSET_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, axi = self._config, self.axi
        m.submodules.arbiter = arbiter = Arbiter(burst(config), self._readers)
        m.submodules.check = check = WindowCheck(config, address_bits=self._address_bits)
        m.submodules.open = open_bursts = OpenBursts(config, ids=self._readers, depth=self._depth)
        # Three requests of a reader may stand between the arbiter's inputs and AR, and one may have
        # been sent in the cycle before.
        for k, port in enumerate(self.ports):
            room = Signal(init=1, name=f"room_{k}")
            m.d.sync += room.eq((open_bursts.counts[k] < self._depth - 3) & ~self.closed)
            m.d.comb += [
                arbiter.i[k].valid.eq(port.requests.valid & room),
                arbiter.i[k].payload.eq(port.requests.payload),
                port.requests.ready.eq(arbiter.i[k].ready),
            ]
        reader = Signal(self._id_bits)
        m.d.comb += [
            check.i.valid.eq(arbiter.o.valid),
            check.i.payload.eq(arbiter.o.payload.payload),
            arbiter.o.ready.eq(check.i.ready),
            check.base.eq(self.base),
            check.size.eq(self.size),
        ]
        with m.If(check.i.ready):
            m.d.sync += reader.eq(arbiter.o.payload.source)

        # What becomes of a request: it is sent, or answered here once its reader awaits nothing.
        placed = check.o.payload
        answering = Signal()
        answered = Signal(range(self._readers))
        left = Signal.like(placed.burst.beats)
        refused = Signal()
        send = Signal()
        answer = Signal()
        m.d.comb += [
            refused.eq(placed.outside | self.stop),
            send.eq(check.o.valid & ~refused & ~answering & (axi.arready | ~axi.arvalid)),
            answer.eq(
                check.o.valid & refused & ~answering & (Array(open_bursts.counts)[reader] == 0)
            ),
            check.o.ready.eq(send | answer),
            open_bursts.opened.eq(send),
            open_bursts.opened_id.eq(reader),
            open_bursts.opened_beat.eq(placed.burst.beat),
        ]
        with m.If(answer):
            m.d.sync += [answering.eq(1), answered.eq(reader), left.eq(placed.burst.beats)]
        with m.Elif(answering):
            m.d.sync += [answering.eq(left != 1), left.eq(left - 1)]

        m.d.comb += [
            axi.arsize.eq(config.byte_bits),
            axi.arburst.eq(INCR),
            axi.arcache.eq(NORMAL),
            axi.arprot.eq(DATA),
        ]
        with m.If(axi.arready | ~axi.arvalid):
            m.d.sync += [
                axi.arvalid.eq(send),
                axi.arid.eq(reader),
                axi.araddr.eq(placed.address),
                axi.arlen.eq(placed.burst.beats - 1),
            ]

        # Beats, from the bus or zero.
        beat = Signal(8 * config.bus_bytes, reset_less=True)
        coming = Signal()
        m.d.comb += [
            axi.rready.eq(~answering),
            coming.eq(axi.rvalid & ~answering),
            open_bursts.answered_id.eq(axi.rid),
            open_bursts.closed.eq(coming & axi.rlast),
        ]
        m.d.sync += beat.eq(Mux(answering, 0, axi.rdata))
        for k, port in enumerate(self.ports):
            m.d.sync += port.arriving.eq(Mux(answering, answered == k, axi.rvalid & (axi.rid == k)))
            m.d.comb += port.beat.eq(beat)

        failed = Signal()
        m.d.sync += [
            failed.eq(coming & axi.rresp[1]),
            self.fault.eq(failed | (answer & ~self.stop)),
            self.fault_code.eq(Mux(failed, Fault.BUS, Fault.WINDOW)),
            self.fault_place.eq(
                Mux(
                    failed,
                    open_bursts.place,
                    Cat(Const(0, config.byte_bits), placed.burst.beat),
                )
            ),
        ]
        under_way = [count.any() for count in open_bursts.counts]
        arriving = [port.arriving for port in self.ports]
        m.d.comb += self.idle.eq(
            ~Cat(
                under_way, arriving, arbiter.o.valid, check.o.valid, answering, failed, self.fault
            ).any()
        )
        return m

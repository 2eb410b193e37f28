"""Writes memory for a writer, over the write channels of AXI4."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out, connect

from hw.stream_register import StreamBuffer
from hw.system.axi import DATA, INCR, NORMAL, axi_write, check_address_bits
from hw.system.open_bursts import OpenBursts
from hw.system.ports import burst, write_port
from hw.system.window_check import WindowCheck
from params.commands import Fault
from params.system import OFFSET_BITS, SystemConfig

AHEAD = 4
"""Requests that are taken before a beat of the oldest is."""


class WriteMaster(wiring.Component):
    """Serves the requests of a writer in order; each request is one burst on the bus.

    The address of a burst goes out before or with its first beat, and neither waits for the other
    to be taken, so that memory may take them in any order. A request that leaves the window, and
    every request that is served while `stop` is up, stays off the bus: its beats are taken and
    dropped, and it is answered all the same, after all earlier ones. Requests wait for the beats
    of earlier ones: a writer must not hold back a request's beats until more than `AHEAD` - 1
    further requests are taken.

    A request is on AW three cycles after it is taken if nothing is in its way, a beat on W one
    cycle after it is taken, `written` a cycle after the response. Throughput one beat per cycle,
    without a bubble between bursts. All outputs to the bus come from registers.

    Parameters
    ----------
    address_bits : of the bus, 32 to 64.
    depth : bursts under way, a power of two from 4 on.

    Members
    -------
    port : In(ports.write_port)
    axi : Out(axi_write); all bursts have id 0.
    base, size, stop, idle, fault, fault_code, fault_place : as those of `ReadMaster`. A burst that
        has begun when `stop` rises still needs its beats.

    Raises
    ------
    ConfigError : `address_bits` or `depth` is out of range.
    """

    def __init__(self, config: SystemConfig, *, address_bits: int = 32, depth: int = 32):
        check_address_bits(address_bits)
        self._config = config
        self._depth = depth
        self._address_bits = address_bits
        super().__init__(
            {
                "port": In(write_port(config)),
                "axi": Out(axi_write(config.bus_bytes, address_bits=address_bits)),
                "base": In(address_bits),
                "size": In(OFFSET_BITS),
                "stop": In(1),
                "idle": Out(1),
                "fault": Out(1),
                "fault_code": Out(Fault),
                "fault_place": Out(OFFSET_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, axi, port = self._config, self.axi, self.port
        m.submodules.requests = requests = StreamBuffer(burst(config))
        m.submodules.check = check = WindowCheck(config, address_bits=self._address_bits)
        m.submodules.open = open_bursts = OpenBursts(config, ids=1, depth=self._depth)
        placed = check.o.payload
        m.submodules.lengths = lengths = fifo.SyncFIFO(width=len(placed.burst.beats), depth=AHEAD)
        connect(m, requests.o, check.i)
        m.d.comb += [
            requests.i.valid.eq(port.requests.valid),
            requests.i.payload.eq(port.requests.payload),
            port.requests.ready.eq(requests.i.ready),
            check.base.eq(self.base),
            check.size.eq(self.size),
        ]

        # What becomes of a request: it is sent, or dropped once memory has all earlier ones.
        under_way = open_bursts.counts[0]
        dropping = Signal()
        left = Signal.like(placed.burst.beats)
        refused = Signal()
        send = Signal()
        drop = Signal()
        m.d.comb += [
            refused.eq(placed.outside | self.stop),
            send.eq(
                check.o.valid
                & ~refused
                & ~dropping
                & (axi.awready | ~axi.awvalid)
                & lengths.w_rdy
                & (under_way != self._depth)
            ),
            drop.eq(check.o.valid & refused & ~dropping & (under_way == 0)),
            check.o.ready.eq(send | drop),
            open_bursts.opened.eq(send),
            open_bursts.opened_beat.eq(placed.burst.beat),
            lengths.w_en.eq(send),
            lengths.w_data.eq(placed.burst.beats),
        ]
        dropped = Signal()
        m.d.comb += dropped.eq(dropping & port.beats.valid & (left == 1))
        with m.If(drop):
            m.d.sync += [dropping.eq(1), left.eq(placed.burst.beats)]
        with m.Elif(dropping & port.beats.valid):
            m.d.sync += [dropping.eq(left != 1), left.eq(left - 1)]

        m.d.comb += [
            axi.awsize.eq(config.byte_bits),
            axi.awburst.eq(INCR),
            axi.awcache.eq(NORMAL),
            axi.awprot.eq(DATA),
        ]
        with m.If(axi.awready | ~axi.awvalid):
            m.d.sync += [
                axi.awvalid.eq(send),
                axi.awaddr.eq(placed.address),
                axi.awlen.eq(placed.burst.beats - 1),
            ]

        # Beats, to the bus or nowhere.
        position = Signal.like(placed.burst.beats, init=1)
        last = Signal()
        free = Signal()
        take = Signal()
        m.d.comb += [
            free.eq(axi.wready | ~axi.wvalid),
            take.eq(lengths.r_rdy & free & port.beats.valid),
            last.eq(position == lengths.r_data),
            lengths.r_en.eq(take & last),
            port.beats.ready.eq(dropping | (lengths.r_rdy & free)),
        ]
        with m.If(take):
            m.d.sync += position.eq(Mux(last, 1, position + 1))
        with m.If(free):
            m.d.sync += [
                axi.wvalid.eq(take),
                axi.wdata.eq(port.beats.payload.data),
                axi.wstrb.eq(port.beats.payload.strobe),
                axi.wlast.eq(last),
            ]

        failed = Signal()
        m.d.comb += [axi.bready.eq(1), open_bursts.closed.eq(axi.bvalid)]
        m.d.sync += [
            port.written.eq(axi.bvalid | dropped),
            failed.eq(axi.bvalid & axi.bresp[1]),
            self.fault.eq(failed | (drop & ~self.stop)),
            self.fault_code.eq(Mux(failed, Fault.BUS, Fault.WINDOW)),
            self.fault_place.eq(
                Mux(
                    failed,
                    open_bursts.place,
                    Cat(Const(0, config.byte_bits), placed.burst.beat),
                )
            ),
        ]
        m.d.comb += self.idle.eq(
            ~Cat(
                under_way,
                requests.o.valid,
                check.o.valid,
                dropping,
                port.written,
                failed,
                self.fault,
            ).any()
        )
        return m

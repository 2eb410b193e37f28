"""SDR SDRAM behind AXI4."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.sdram.chooser import Chooser
from hw.sdram.maintenance import Maintenance
from hw.sdram.ports import sdram_pins, stretch
from hw.sdram.read_path import ReadPath
from hw.sdram.scheduler import Scheduler
from hw.sdram.write_path import WritePath
from hw.system.axi import axi_read, axi_write
from hw.system.skid_buffer import SkidBuffer
from params.config import ConfigError
from params.sdram import SdramConfig

LONGEST_BURST = 256


class SdramController(wiring.Component):
    """An AXI4 slave that keeps its bytes in an SDR SDRAM chip.

    Beats are words of the chip. Bursts are of type INCR with full beats, aligned to them, and stay
    within 4096 bytes; other bursts are taken for such. Byte b of the bus is byte b of the chip, in
    the order of `StretchCutter`; addresses from `config.size` on repeat those below. Bursts of all
    ids are answered in the order of their addresses, reads and writes apart: a read sees a write
    whose answer has come. All answers are OKAY.

    Throughput a beat per cycle in streams; see `Scheduler`. Latency of a read of an open row with
    nothing under way: CAS latency + 8 cycles from the address to the first beat, and
    `round_trip`.

    Parameters
    ----------
    address_bits, id_bits : of the bus.
    queue : bursts that may wait each way; write answers, too. A power of two from 4 on.
    read_beats : beats that are read ahead of `rready`. write_beats : beats that wait to be written.
    turn_beats : see `Chooser`.
    round_trip : cycles that the way to the chip and back takes beyond those of a chip that is
        clocked with this clock: registers at the pins, or a capture a cycle later.

    Members
    -------
    read : In(axi_read), write : In(axi_write)
    pins : Out(ports.sdram_pins), all from registers; `dq_i` goes to one.
    """

    def __init__(
        self,
        config: SdramConfig,
        *,
        address_bits: int = 32,
        id_bits: int = 1,
        queue: int = 8,
        read_beats: int = 512,
        write_beats: int = 512,
        turn_beats: int = 256,
        round_trip: int = 0,
    ):
        if address_bits < config.word_bits + (config.data_bytes - 1).bit_length():
            raise ConfigError(f"address_bits is {address_bits}, too few for {config.size} bytes")
        if queue < 4 or queue & (queue - 1):
            raise ConfigError(f"queue is {queue}, but must be a power of two from 4 on")
        if write_beats < LONGEST_BURST:
            raise ConfigError(f"write_beats is {write_beats}, but must hold {LONGEST_BURST} beats")
        if read_beats < 16:
            raise ConfigError(f"read_beats is {read_beats}, but must be 16 at least")
        self._config = config
        self._bus = {"address_bits": address_bits, "id_bits": id_bits}
        self._queue = queue
        self._read_beats = read_beats
        self._write_beats = write_beats
        self._turn_beats = turn_beats
        self._round_trip = round_trip
        super().__init__(
            {
                "read": In(axi_read(config.data_bytes, **self._bus)),
                "write": In(axi_write(config.data_bytes, **self._bus)),
                "pins": Out(sdram_pins(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        # The command's register, the chip, and the register of its answer.
        delay = 1 + config.cas_latency + 1 + self._round_trip
        m.submodules.read_path = read_path = ReadPath(
            config, **self._bus, queue=self._queue, beats=self._read_beats, delay=delay
        )
        m.submodules.write_path = write_path = WritePath(
            config, **self._bus, queue=self._queue, beats=self._write_beats
        )
        id_bits = self._bus["id_bits"]
        m.submodules.chooser = chooser = Chooser(
            config, id_bits=id_bits, turn_beats=self._turn_beats
        )
        m.submodules.scheduler = scheduler = Scheduler(config, id_bits=id_bits)
        m.submodules.maintenance = maintenance = Maintenance(config)
        connect(m, flipped(self.read), read_path.axi)
        connect(m, flipped(self.write), write_path.axi)
        connect(m, read_path.o, chooser.reads)
        connect(m, write_path.o, chooser.writes)
        m.submodules.stretches = stretches = SkidBuffer(stretch(config, id_bits))
        connect(m, chooser.o, stretches.i)
        connect(m, stretches.o, scheduler.i)
        m.d.comb += [
            maintenance.work.eq(scheduler.work),
            maintenance.quiet.eq(scheduler.quiet),
            scheduler.running.eq(maintenance.running),
            scheduler.close.eq(maintenance.close),
            scheduler.room.eq(read_path.room),
            scheduler.data.eq(write_path.ready),
            read_path.reads.eq(scheduler.reads),
            read_path.last.eq(scheduler.last),
            read_path.id.eq(scheduler.id),
            write_path.writes.eq(scheduler.writes),
            write_path.last.eq(scheduler.last),
            write_path.id.eq(scheduler.id),
        ]

        pins = self.pins
        deselected = Signal(init=1)
        command = Signal(3, init=0b111)
        arriving = Signal(8 * config.data_bytes)
        # Pins take the complement of `dq_oe`: nothing stands between this register and theirs.
        released = Signal(init=1)
        running = maintenance.running
        given = Mux(running, scheduler.command, maintenance.command)
        m.d.sync += [
            pins.cke.eq(1),
            deselected.eq(given.all()),
            command.eq(given),
            # The mode register is chosen by a bank of zero.
            pins.ba.eq(Mux(running, scheduler.bank, 0)),
            pins.a.eq(Mux(running, scheduler.address, maintenance.address)),
            pins.dqm.eq(
                Mux(scheduler.writes, ~write_path.strobe, scheduler.mask.replicate(len(pins.dqm)))
            ),
            pins.dq_o.eq(write_path.beat),
            released.eq(~scheduler.writes),
            arriving.eq(pins.dq_i),
        ]
        m.d.comb += [
            pins.cs_n.eq(deselected),
            pins.dq_oe.eq(~released),
            Cat(pins.we_n, pins.cas_n, pins.ras_n).eq(command),
            read_path.arriving.eq(arriving),
        ]
        return m

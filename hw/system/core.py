"""The units of a system, the array, and the way to memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.array import Array
from hw.system.axi import axi_read, axi_write
from hw.system.channel_fork import ChannelFork
from hw.system.command_queue import CommandQueue
from hw.system.command_reader import CommandReader
from hw.system.compute_unit import ComputeUnit
from hw.system.dispatcher import UNITS, Dispatcher
from hw.system.load_unit import LoadUnit
from hw.system.read_master import ReadMaster
from hw.system.residual_unit import ResidualUnit
from hw.system.semaphores import Semaphores
from hw.system.store_unit import StoreUnit
from hw.system.weight_feeder import WeightFeeder
from hw.system.weight_unit import WeightUnit
from hw.system.write_master import WriteMaster
from params.commands import Fault, Unit
from params.system import OFFSET_BITS, SystemConfig

EVENTS = data.StructLayout(
    {
        unit.name.lower(): data.StructLayout({"begins": 1, "ends": 1})
        for unit in (Unit.LOAD, Unit.COMPUTE, Unit.STORE, Unit.RESIDUAL)
    }
)
"""Of the units that move or compute words."""


class Core(wiring.Component):
    """Runs a sequence of commands out of memory.

    It is reset before every run. After a fault, and once all commands are done, it asks memory for
    nothing more, and is `done` when nothing is outstanding.

    Members
    -------
    start : In, begins the commands at `commands` (In, bytes); done : Out, the run has ended.
    base : In, byte address of the memory window; size : In, its bytes.
    read : Out(axi_read), write : Out(axi_write)
    fault : Out(Fault), the first; place : Out(32), byte or command at fault.
    events : Out(EVENTS), what units begin and end in this cycle.
    computing, waits_load, waits_store, waits_weights : Out, what happens in this cycle: a tile is
        under way; none is, and the next waits for a semaphore; outputs wait for the store unit;
        a tile is under way and a row has no weights at hand.
    """

    def __init__(self, config: SystemConfig, *, address_bits: int = 32):
        self.config = config
        self._address_bits = address_bits
        super().__init__(
            {
                "start": In(1),
                "commands": In(OFFSET_BITS),
                "done": Out(1),
                "base": In(address_bits),
                "size": In(OFFSET_BITS),
                "read": Out(
                    axi_read(config.bus_bytes, address_bits=address_bits, id_bits=self.id_bits)
                ),
                "write": Out(axi_write(config.bus_bytes, address_bits=address_bits)),
                "fault": Out(Fault),
                "place": Out(32),
                "events": Out(EVENTS),
                "computing": Out(1),
                "waits_load": Out(1),
                "waits_store": Out(1),
                "waits_weights": Out(1),
            }
        )

    @property
    def readers(self) -> int:
        """Readers of memory: commands, activations, residuals, and each row's weights."""
        return 2 + self.config.array.residuals + self.config.array.rows

    @property
    def id_bits(self) -> int:
        """Width of the numbers by which reads are told apart."""
        return (self.readers - 1).bit_length()

    def elaborate(self, platform):
        m = Module()
        config = self.config
        rows = config.array.rows
        m.submodules.array = array = Array(config.array)
        m.submodules.reader = reader = CommandReader(config)
        m.submodules.dispatcher = dispatcher = Dispatcher(config)
        m.submodules.semaphores = semaphores = Semaphores(len(UNITS))
        m.submodules.load_unit = load = LoadUnit(config)
        m.submodules.compute_unit = compute = ComputeUnit(config)
        m.submodules.weight_unit = weights = WeightUnit(config)
        m.submodules.store_unit = store = StoreUnit(config)
        units = {
            Unit.LOAD: load,
            Unit.COMPUTE: compute,
            Unit.WEIGHTS: weights,
            Unit.STORE: store,
        }
        if config.array.residuals:
            m.submodules.residual_unit = units[Unit.RESIDUAL] = ResidualUnit(config)
        feeders = [WeightFeeder(config) for _ in range(rows)]
        m.submodules.reads = reads = ReadMaster(
            config, readers=self.readers, address_bits=self._address_bits
        )
        m.submodules.writes = writes = WriteMaster(config, address_bits=self._address_bits)

        ports = [reader.port, load.port, *(feeder.port for feeder in feeders)]
        if config.array.residuals:
            ports.append(units[Unit.RESIDUAL].port)
        stopped = Signal()
        for port, master in zip(ports, reads.ports, strict=True):
            connect(m, port.requests, master.requests)
            m.d.comb += [port.arriving.eq(master.arriving), port.beat.eq(master.beat)]
        connect(m, store.port.beats, writes.port.beats)
        # At the end nothing more is asked for, so that what is outstanding gets less and less.
        m.d.comb += [
            writes.port.requests.payload.eq(store.port.requests.payload),
            writes.port.requests.valid.eq(store.port.requests.valid & ~stopped),
            store.port.requests.ready.eq(writes.port.requests.ready & ~stopped),
            store.port.written.eq(writes.port.written),
        ]
        connect(m, reads.axi, flipped(self.read))
        connect(m, writes.axi, flipped(self.write))
        connect(m, reader.o, dispatcher.i)
        connect(m, load.load, array.load)
        connect(m, load.pooled, store.pooled)
        connect(m, compute.runs, array.runs)
        connect(m, compute.tiles, array.tiles)
        m.d.comb += [
            reader.start.eq(self.start),
            reader.address.eq(self.commands),
            reader.size.eq(self.size),
            reader.stop.eq(dispatcher.ended | stopped),
            compute.done.eq(array.done),
        ]

        queues_empty = []
        for n, name in enumerate(UNITS):
            m.submodules[f"queue_{n}"] = queue = CommandQueue(name)
            connect(m, dispatcher.queues[n], queue.i)
            m.d.comb += [
                semaphores.wait[n].eq(queue.wait),
                semaphores.wanting[n].eq(queue.wanting),
                queue.granted.eq(semaphores.granted[n]),
            ]
            queues_empty.append(queue.empty)
            if name in units:
                connect(m, queue.o, units[name].commands)
                m.d.comb += [
                    semaphores.signal[n].eq(units[name].signal),
                    semaphores.signalling[n].eq(units[name].signalling),
                ]
            if name == Unit.COMPUTE:
                m.d.comb += self.waits_load.eq(queue.wanting & compute.idle)

        for k, feeder in enumerate(feeders):
            m.submodules[f"feeder_{k}"] = feeder
            m.submodules[f"fork_{k}"] = fork = ChannelFork(config)
            connect(m, weights.feeders[k], fork.commands)
            connect(m, feeder.channels, fork.channels)
            m.d.comb += [
                *(
                    feeder.commands.payload[key].eq(fork.feeder.payload[key])
                    for key in feeder.commands.payload.shape().members
                ),
                feeder.commands.valid.eq(fork.feeder.valid),
                fork.feeder.ready.eq(feeder.commands.ready),
            ]
            connect(m, fork.stored, store.channels[k])
            connect(m, feeder.headers, array.headers[k])
            connect(m, feeder.masks, array.masks[k])
            for f in range(config.array.elements_per_lane):
                connect(m, feeder.codes[f], array.codes[k][f])
            connect(m, array.outputs[k], store.outputs[k])
            if config.array.residuals:
                connect(m, fork.added, units[Unit.RESIDUAL].channels[k])
                connect(m, units[Unit.RESIDUAL].residuals[k], array.residuals[k])

        self._watch(m, array, feeders, reads, writes, reader, dispatcher, semaphores)

        for name, unit in units.items():
            if name != Unit.WEIGHTS:
                event = self.events[name.name.lower()]
                m.d.comb += [event.begins.eq(unit.begins), event.ends.eq(unit.ends)]
        busy = ~Cat(unit.idle for unit in units.values()).all()
        ended = dispatcher.ended & Cat(queues_empty).all() & ~busy & ~dispatcher.holding
        m.d.sync += stopped.eq(stopped | ended | (self.fault != Fault.NONE))
        m.d.comb += [
            reads.base.eq(self.base),
            reads.size.eq(self.size),
            reads.stop.eq(stopped),
            reads.closed.eq(stopped),
            writes.base.eq(self.base),
            writes.size.eq(self.size),
            writes.stop.eq(stopped),
            self.done.eq(stopped & reads.idle & writes.idle),
            self.computing.eq(array.busy),
            self.waits_store.eq(
                Cat(outputs.valid & ~outputs.ready for outputs in array.outputs).any()
            ),
            self.waits_weights.eq(
                array.busy
                & Cat(
                    ~feeder.idle
                    & ~Cat(s.valid for s in (feeder.headers, feeder.masks, *feeder.codes)).any()
                    for feeder in feeders
                ).any()
            ),
        ]
        return m

    def _watch(self, m, array, feeders, reads, writes, reader, dispatcher, semaphores):
        """Keep the first fault; something must happen now and then."""
        config = self.config
        progress = Signal()
        malformed = Signal()
        quiet = Signal(range(config.patience + 1))
        moving = [array.load.valid, array.done]
        for streams in (array.headers, array.masks, array.outputs):
            moving += [port.valid & port.ready for port in streams]
        moving += [self.read.rvalid & self.read.rready, self.write.wvalid & self.write.wready]
        m.d.sync += [
            progress.eq(Cat(moving).any()),
            malformed.eq(Cat(feeder.malformed for feeder in feeders).any()),
            quiet.eq(Mux(progress | self.start, 0, quiet + (quiet != config.patience))),
        ]
        commands = dispatcher.count
        with m.If(self.fault == Fault.NONE):
            for condition, fault, place in (
                (quiet == config.patience, Fault.STALLED, commands),
                (semaphores.overflow, Fault.SEMAPHORE, commands),
                (malformed, Fault.WEIGHTS, commands),
                (dispatcher.fault != Fault.NONE, dispatcher.fault, commands),
                (
                    reader.exhausted & ~dispatcher.ended & ~dispatcher.holding,
                    Fault.WINDOW,
                    self.size,
                ),
                (writes.fault, writes.fault_code, writes.fault_place),
                (reads.fault, reads.fault_code, reads.fault_place),
            ):
                with m.If(condition):
                    m.d.sync += [self.fault.eq(fault), self.place.eq(place)]

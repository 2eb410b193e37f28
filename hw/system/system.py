"""The system: an array that computes whole networks out of one memory."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import data, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.axi import axi_lite, axi_read, axi_write
from hw.system.core import EVENTS, Core
from hw.system.registers import Registers
from params.commands import Fault
from params.registers import COUNTERS
from params.system import SystemConfig

COUNTING = data.StructLayout({name.lower(): 1 for name in COUNTERS if name != "CYCLES"})
"""What counters count in a cycle, but for the cycles of the run."""


class Phase(Enum, shape=2):
    """What a system does."""

    IDLE = 0
    RESET = 1
    START = 2
    RUN = 3


class System(wiring.Component):
    """Runs command sequences, started through registers (`params.registers`).

    A run begins with a reset of all that computes and moves data, so that whatever went wrong in
    the one before is gone.

    Parameters
    ----------
    config : of the system.
    address_bits : of the memory bus, 32 to 64.

    Members
    -------
    control : In(axi_lite)
    read, write : Out(axi_read, axi_write), the AXI4 master.
    interrupt : Out, a run has ended, if enabled.
    running : Out, in every cycle of a run; events : Out(EVENTS), what units begin and end in this
        cycle; counting : Out(COUNTING), the counters that move on: for traces.
    """

    def __init__(self, config: SystemConfig, *, address_bits: int = 32):
        self.config = config
        self._address_bits = address_bits
        self._core = core = Core(config, address_bits=address_bits)
        super().__init__(
            {
                "control": In(axi_lite()),
                "read": Out(
                    axi_read(config.bus_bytes, address_bits=address_bits, id_bits=core.id_bits)
                ),
                "write": Out(axi_write(config.bus_bytes, address_bits=address_bits)),
                "interrupt": Out(1),
                "running": Out(1),
                "events": Out(EVENTS),
                "counting": Out(COUNTING),
            }
        )

    def elaborate(self, platform):
        m = Module()
        core = self._core
        phase = Signal(Phase)
        resets = Signal()
        m.submodules.core = ResetInserter(resets)(core)
        m.submodules.registers = registers = Registers(
            address_bits=self._address_bits, digest=self.config.digest
        )
        connect(m, flipped(self.control), registers.axi)
        connect(m, core.read, flipped(self.read))
        connect(m, core.write, flipped(self.write))

        ended = Signal()
        told = Signal()
        m.d.comb += [
            ended.eq((phase == Phase.RUN) & core.done),
            core.start.eq(phase == Phase.START),
            core.commands.eq(registers.commands),
            core.base.eq(registers.base),
            core.size.eq(registers.size),
            registers.busy.eq(phase != Phase.IDLE),
            registers.finished.eq(ended),
            registers.fault.eq((phase == Phase.RUN) & (core.fault != Fault.NONE) & ~told),
            registers.fault_code.eq(core.fault),
            registers.fault_place.eq(core.place),
            self.interrupt.eq(registers.interrupt),
            self.running.eq(phase == Phase.RUN),
            self.events.eq(core.events),
        ]
        m.d.sync += [
            told.eq((told | registers.fault) & (phase == Phase.RUN)),
            # From a register, as it leads across all of an FPGA.
            resets.eq((phase == Phase.RESET) & ~resets),
        ]
        with m.Switch(phase):
            with m.Case(Phase.IDLE):
                m.d.sync += phase.eq(Mux(registers.start, Phase.RESET, Phase.IDLE))
            with m.Case(Phase.RESET):
                m.d.sync += phase.eq(Mux(resets, Phase.START, Phase.RESET))
            with m.Case(Phase.START):
                m.d.sync += phase.eq(Phase.RUN)
            with m.Case(Phase.RUN):
                m.d.sync += phase.eq(Mux(ended, Phase.IDLE, Phase.RUN))

        m.d.comb += [
            self.counting.compute.eq(core.computing),
            self.counting.wait_load.eq(core.waits_load),
            self.counting.wait_store.eq(core.waits_store),
            self.counting.wait_weights.eq(core.waits_weights),
        ]
        for name in COUNTERS:
            counts = Signal(name=f"counts_{name.lower()}")
            counter = Signal(64, name=f"count_{name.lower()}")
            m.d.comb += getattr(registers, name.lower()).eq(counter)
            # A register in front: what moves a counter comes late in a cycle.
            m.d.sync += counts.eq(
                (phase == Phase.RUN) & (1 if name == "CYCLES" else self.counting[name.lower()])
            )
            with m.If(phase == Phase.RESET):
                m.d.sync += counter.eq(0)
            with m.Elif(counts):
                m.d.sync += counter.eq(counter + 1)
        return m

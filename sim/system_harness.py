# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""A system and its memory: the top level that whole networks are simulated with."""

import inspect
from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.system.axi import axi_lite
from hw.system.core import EVENTS
from hw.system.system import COUNTING, System
from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.axi_memory import AxiMemory
from sim.registered_reset import registered_reset
from sim.sdram_memory import SdramMemory

INITIAL = "memory.bin"
"""File that the memory is loaded from."""

FINAL = "memory_after.bin"
"""File that the memory is written to."""

EVENT_LOG = "events.txt"
"""File that lists what the units begin and end."""

MEMORY_INPUTS = (
    "seed", "stalls", "latency", "order", "flush", "reload", "low", "high", "broken",
)  # fmt: skip
"""What a bench tells the memory."""

MADE_FROM = (
    *(Path(inspect.getfile(part)) for part in (AxiMemory, SdramMemory, registered_reset)),
    Path(__file__),
)
"""Python files that the top level is made from, for `sim.build.build`."""


class SystemHarness(wiring.Component):
    """A system with a memory that is loaded from a file and written to one.

    Parameters
    ----------
    memory_bytes : size of the memory.
    sdram : the chip that the memory is; without, the memory is ideal.

    Members
    -------
    clk, rst : In, see `registered_reset`.
    control : In(axi_lite); interrupt : Out, see `System`.
    seed, stalls, latency, order, flush, reload, low, high, broken, violations, outside, beats_read,
    beats_written : see `AxiMemory`.
    """

    def __init__(
        self,
        config: SystemConfig,
        *,
        memory_bytes: int,
        system: System | None = None,
        sdram: SdramConfig | None = None,
    ):
        self._config = config
        self._sdram = sdram
        self._memory_bytes = memory_bytes
        self._system = System(config) if system is None else system
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "control": In(axi_lite()),
                "interrupt": Out(1),
                "seed": In(32),
                "stalls": In(17),
                "latency": In(16),
                "order": In(2),
                "flush": In(1),
                "reload": In(1),
                "low": In(32),
                "high": In(32),
                "broken": In(32),
                "violations": Out(32),
                "outside": Out(32),
                "beats_read": Out(64),
                "beats_written": Out(64),
            }
        )

    def elaborate(self, platform):
        """The two, connected."""
        m = Module()
        registered_reset(m, self.clk, self.rst)
        m.submodules.system = system = self._system
        options = {
            "size": self._memory_bytes,
            "id_bits": len(system.read.arid),
            "initial": INITIAL,
            "final": FINAL,
        }
        m.submodules.memory = memory = (
            AxiMemory(self._config.bus_bytes, **options)
            if self._sdram is None
            else SdramMemory(self._sdram, **options)
        )
        connect(m, flipped(self.control), system.control)
        connect(m, system.read, memory.read)
        connect(m, system.write, memory.write)
        m.submodules.log = Instance(
            "event_log",
            p_WIDTH=EVENTS.size,
            p_FILE=EVENT_LOG,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_running=system.running,
            i_events=system.events.as_value(),
            p_COUNTERS=COUNTING.size,
            i_counting=system.counting.as_value(),
            i_beats_read=memory.beats_read,
            i_beats_written=memory.beats_written,
        )
        m.d.comb += self.interrupt.eq(system.interrupt)
        for name in MEMORY_INPUTS:
            m.d.comb += getattr(memory, name).eq(getattr(self, name))
        for name in ("violations", "outside", "beats_read", "beats_written"):
            m.d.comb += getattr(self, name).eq(getattr(memory, name))
        return m

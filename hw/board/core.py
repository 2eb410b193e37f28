"""All that a board has, apart from its clock and its pins."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.board.axi_join import AxiJoin
from hw.board.block_memory import BlockMemory
from hw.board.no_registers import NoRegisters
from hw.board.self_test import Script, SelfTest
from hw.link.bridge import LinkBridge
from hw.sdram.controller import SdramController
from hw.sdram.ports import sdram_pins
from hw.system.system import System
from params.config import ArrayConfig, ConfigError
from params.sdram import SdramConfig
from params.system import SystemConfig

ADDRESS_BITS = 32

LINK_BUS = 2
"""Bytes of the memory bus of a link without a system."""


class BoardCore(wiring.Component):
    """A system, its memory, and the link by which a host fills both with what they need.

    Memory begins at address 0 and is the same to the system and the link.

    Parameters
    ----------
    config : of the system; its bus is as wide as the SDRAM. Without one the link has the memory for
        itself, on a bus of 2 bytes, and no registers.
    self_test : an array and a script on which it tries itself, without a system.
    memory : an SDRAM chip, or the bytes of a memory of block RAMs, a power of two.
    single_port : of the memory of block RAMs, see `BlockMemory`.
    clock_hz : of the domain `sync`, whole Hz; baud : bits per second of the link.
    round_trip : see `SdramController`.

    Members
    -------
    rx : In, tx : Out, lines of the link's UART.
    sdram : Out(ports.sdram_pins), with an SDRAM.
    running : Out, a run is under way; interrupt : Out, one has ended, if enabled.
    lights : Out(2), for people: these two, or that a self-test has passed, and that it has failed.

    Raises
    ------
    ConfigError : the bus is not as wide as the SDRAM, or another parameter is out of range.
    """

    def __init__(
        self,
        config: SystemConfig | None,
        *,
        self_test: tuple[ArrayConfig, Script] | None = None,
        memory: SdramConfig | int,
        single_port: bool = False,
        clock_hz: int,
        baud: int = 3_000_000,
        round_trip: int = 0,
    ):
        chip = memory if isinstance(memory, SdramConfig) else None
        bus_bytes = LINK_BUS if config is None else config.bus_bytes
        if chip is not None and chip.data_bytes != bus_bytes:
            raise ConfigError(
                f"bus_bytes is {bus_bytes}, but must be the {chip.data_bytes} of the SDRAM"
            )
        self.memory = memory
        self._self_test = None if self_test is None else SelfTest(*self_test)
        self._chip = chip
        self._bus_bytes = bus_bytes
        self._bytes = memory if chip is None else chip.size
        self._system = None if config is None else System(config, address_bits=ADDRESS_BITS)
        self._id_bits = 1 if self._system is None else len(self._system.read.arid)
        joint = {"address_bits": ADDRESS_BITS, "id_bits": self._id_bits + (config is not None)}
        self._memory = (
            BlockMemory(bus_bytes, size=self._bytes, single_port=single_port, **joint)
            if chip is None
            else SdramController(chip, round_trip=round_trip, **joint)
        )
        self._link = LinkBridge(
            clock_hz=clock_hz, baud=baud, bus_bytes=bus_bytes, address_bits=ADDRESS_BITS,
            id_bits=self._id_bits, memory_bytes=self._bytes,
        )  # fmt: skip
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "running": Out(1),
                "interrupt": Out(1),
                "lights": Out(2),
            }
            | ({} if chip is None else {"sdram": Out(sdram_pins(chip))})
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.link = link = self._link
        m.submodules.memory = memory = self._memory
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        if self._chip is not None:
            connect(m, memory.pins, flipped(self.sdram))
        if self._system is None:
            m.submodules.registers = registers = NoRegisters()
            connect(m, link.control, registers.axi)
            connect(m, link.read, memory.read)
            connect(m, link.write, memory.write)
            if self._self_test is not None:
                m.submodules.self_test = test = self._self_test
                m.d.comb += self.lights.eq(Cat(test.passed, test.failed))
            return m
        m.submodules.system = system = self._system
        m.submodules.join = join = AxiJoin(
            self._bus_bytes, address_bits=ADDRESS_BITS, id_bits=self._id_bits
        )
        connect(m, link.control, system.control)
        for k, master in enumerate((system, link)):
            _join(m, master.read, join.reads[k])
            _join(m, master.write, join.writes[k])
        connect(m, join.read, memory.read)
        connect(m, join.write, memory.write)
        m.d.comb += [
            self.running.eq(system.running),
            self.interrupt.eq(system.interrupt),
            self.lights.eq(Cat(self.running, self.interrupt)),
        ]
        return m


def _join(m, master, slave):
    """Connect buses whose ids may differ in width; those of a master are extended by zeros."""
    for name, member in master.signature.members.items():
        source, target = getattr(master, name), getattr(slave, name)
        m.d.comb += target.eq(source) if member.flow == Out else source.eq(target)

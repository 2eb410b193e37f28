"""All that a board has, apart from its clock and its pins."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.board.axi_join import AxiJoin
from hw.board.block_memory import BlockMemory
from hw.link.bridge import LinkBridge
from hw.sdram.controller import SdramController
from hw.sdram.ports import sdram_pins
from hw.system.system import System
from params.config import ConfigError
from params.sdram import SdramConfig
from params.system import SystemConfig

ADDRESS_BITS = 32


class BoardCore(wiring.Component):
    """A system, its memory, and the link by which a host fills both with what they need.

    Memory begins at address 0 and is the same to the system and the link.

    Parameters
    ----------
    config : of the system; its bus is as wide as the SDRAM.
    memory : an SDRAM chip, or the bytes of a memory of block RAMs, a power of two.
    clock_hz : of the domain `sync`, whole Hz; baud : bits per second of the link.
    round_trip : see `SdramController`.

    Members
    -------
    rx : In, tx : Out, lines of the link's UART.
    sdram : Out(ports.sdram_pins), with an SDRAM.
    running : Out, a run is under way; interrupt : Out, one has ended, if enabled.

    Raises
    ------
    ConfigError : the bus is not as wide as the SDRAM, or another parameter is out of range.
    """

    def __init__(
        self,
        config: SystemConfig,
        *,
        memory: SdramConfig | int,
        clock_hz: int,
        baud: int = 3_000_000,
        round_trip: int = 0,
    ):
        chip = memory if isinstance(memory, SdramConfig) else None
        if chip is not None and chip.data_bytes != config.bus_bytes:
            raise ConfigError(
                f"bus_bytes is {config.bus_bytes}, but must be the {chip.data_bytes} of the SDRAM"
            )
        self.config = config
        self._round_trip = round_trip
        self._chip = chip
        self.memory = memory
        self._bytes = memory if chip is None else chip.size
        self._system = System(config, address_bits=ADDRESS_BITS)
        self._id_bits = len(self._system.read.arid)
        bus = {"address_bits": ADDRESS_BITS, "id_bits": self._id_bits + 1}
        self._memory = (
            BlockMemory(config.bus_bytes, size=self._bytes, **bus)
            if chip is None
            else SdramController(chip, round_trip=round_trip, **bus)
        )
        self._link = LinkBridge(
            clock_hz=clock_hz, baud=baud, bus_bytes=config.bus_bytes,
            address_bits=ADDRESS_BITS, id_bits=self._id_bits, memory_bytes=self._bytes,
        )  # fmt: skip
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "running": Out(1),
                "interrupt": Out(1),
            }
            | ({} if chip is None else {"sdram": Out(sdram_pins(chip))})
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.system = system = self._system
        m.submodules.link = link = self._link
        m.submodules.memory = memory = self._memory
        m.submodules.join = join = AxiJoin(
            self.config.bus_bytes, address_bits=ADDRESS_BITS, id_bits=self._id_bits
        )
        connect(m, link.control, system.control)
        for k, master in enumerate((system, link)):
            _join(m, master.read, join.reads[k])
            _join(m, master.write, join.writes[k])
        connect(m, join.read, memory.read)
        connect(m, join.write, memory.write)
        if self._chip is not None:
            connect(m, memory.pins, flipped(self.sdram))
        m.d.comb += [
            link.rx.eq(self.rx),
            self.tx.eq(link.tx),
            self.running.eq(system.running),
            self.interrupt.eq(system.interrupt),
        ]
        return m


def _join(m, master, slave):
    """Connect buses whose ids may differ in width; those of a master are extended by zeros."""
    for name, member in master.signature.members.items():
        source, target = getattr(master, name), getattr(slave, name)
        m.d.comb += target.eq(source) if member.flow == Out else source.eq(target)

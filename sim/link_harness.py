# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""A link bridge with a memory and registers behind it: the top level that links are tried on."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from hw.link.bridge import LinkBridge
from hw.system.registers import Registers
from sim.axi_memory import AxiMemory


class LinkHarness(wiring.Component):
    """The bridge, an `AxiMemory`, and the `Registers` of a system that is never busy.

    Parameters
    ----------
    memory_bytes : of the memory. bridge : further parameters of the bridge.

    Members
    -------
    rx, tx : the lines, see `LinkBridge`.
    starts : Out(32), how often a run was started.
    seed, stalls, latency, order, flush, violations : see `AxiMemory`.
    """

    def __init__(self, *, bus_bytes: int, memory_bytes: int, **bridge):
        self._bridge = LinkBridge(bus_bytes=bus_bytes, memory_bytes=memory_bytes, **bridge)
        self._memory = AxiMemory(bus_bytes, size=memory_bytes)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1),
                "starts": Out(32),
                "seed": In(32),
                "stalls": In(17),
                "latency": In(16),
                "order": In(2),
                "flush": In(1),
                "violations": Out(32),
            }
        )

    def elaborate(self, platform):
        """All of it, connected."""
        m = Module()
        m.submodules.bridge = bridge = self._bridge
        m.submodules.memory = memory = self._memory
        m.submodules.registers = registers = Registers()
        connect(m, bridge.control, registers.axi)
        connect(m, bridge.read, memory.read)
        connect(m, bridge.write, memory.write)
        m.d.comb += [bridge.rx.eq(self.rx), self.tx.eq(bridge.tx)]
        m.d.sync += self.starts.eq(self.starts + registers.start)
        for name in ("seed", "stalls", "latency", "order", "flush"):
            m.d.comb += getattr(memory, name).eq(getattr(self, name))
        m.d.comb += self.violations.eq(memory.violations)
        return m

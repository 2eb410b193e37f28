"""The blocks on AXI under test, side by side in one top level, so that they compile once."""

import inspect
from pathlib import Path

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

import sim.axi_memory
from hw.system.burst_splitter import BurstSplitter
from hw.system.ports import read_port, write_port
from hw.system.read_master import ReadMaster
from hw.system.registers import Registers
from hw.system.write_master import WriteMaster
from params import ArrayConfig
from params.system import SystemConfig
from sim.axi_memory import AxiMemory
from sim.build import Build, build
from sim.engine import Engine
from sim.harness import VERILOG
from sim.system_harness import MEMORY_INPUTS
from tests.hw import blocks
from tests.hw.blocks import Blocks

CONFIG = SystemConfig(
    array=ArrayConfig(lanes=4, rows=1, depth=4, drain_width=1),
    bus_bytes=4,
    burst_beats=8,
    buffered_beats=16,
)

READERS = 3

MEMORY_BYTES = 1 << 14
"""Of the memories of their own module."""


class Pair(wiring.Component):
    """A read master with `READERS` readers and a write master on one memory.

    Members
    -------
    ports, port : those of the masters. base, size : In(32).
    seed, stalls, latency, order, flush, reload, low, high, violations, outside, beats_read,
    beats_written : of the memory.
    faults : Out, a master has a fault. idle : Out, both are idle.
    """

    def __init__(self, *, reader: type = ReadMaster, writer: type = WriteMaster):
        self._reader = reader
        self._writer = writer
        self._memory = AxiMemory(
            CONFIG.bus_bytes,
            size=MEMORY_BYTES,
            id_bits=(READERS - 1).bit_length(),
            final="pair_after.bin",
        )
        super().__init__(
            {
                "ports": In(read_port(CONFIG)).array(READERS),
                "port": In(write_port(CONFIG)),
                "base": In(32),
                "size": In(32),
                "faults": Out(1),
                "idle": Out(1),
            }
            | {
                name: member
                for name, member in self._memory.signature.members.items()
                if name not in ("read", "write")
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self._memory
        m.submodules.reader = reader = self._reader(CONFIG, readers=READERS)
        m.submodules.writer = writer = self._writer(CONFIG)
        connect(m, reader.axi, memory.read)
        connect(m, writer.axi, memory.write)
        for inner, outer in zip(reader.ports, self.ports, strict=True):
            connect(m, inner, flipped(outer))
        connect(m, writer.port, flipped(self.port))
        for name in MEMORY_INPUTS:
            m.d.comb += getattr(memory, name).eq(getattr(self, name))
        for name in ("violations", "outside", "beats_read", "beats_written"):
            m.d.comb += getattr(self, name).eq(getattr(memory, name))
        for master in (reader, writer):
            m.d.comb += [master.base.eq(self.base), master.size.eq(self.size)]
        m.d.comb += [
            self.faults.eq(reader.fault | writer.fault),
            self.idle.eq(reader.idle & writer.idle),
        ]
        return m


def build_axi(
    engine: Engine,
    *,
    splitter: type = BurstSplitter,
    reader: type = ReadMaster,
    writer: type = WriteMaster,
    registers: type = Registers,
    fault: str = "",
) -> Build:
    """All blocks, compiled for `engine`; `fault` names what is wrong with a class given."""

    def create() -> Blocks:
        return Blocks(
            {
                "splitter": splitter(CONFIG),
                "reader": reader(CONFIG, readers=READERS),
                "writer": writer(CONFIG),
                "registers": registers(address_bits=36),
                "memory": AxiMemory(CONFIG.bus_bytes, size=MEMORY_BYTES, queue=8),
                "pair": Pair(reader=reader, writer=writer),
            }
        )

    return build(
        create,
        key=fault,
        engine=engine,
        toplevel="axi_blocks",
        sources=(VERILOG / "axi_memory.v",),
        made_from=(Path(inspect.getfile(sim.axi_memory)), Path(inspect.getfile(blocks))),
    )

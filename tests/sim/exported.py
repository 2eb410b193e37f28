"""The system as it is exported, in the place of the system on the benches."""

from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.system.axi import axi_lite, axi_read, axi_write
from hw.system.bus_ports import CONTROL, MEMORY
from hw.system.system import System
from hw.system.wrapper import TOP, system_verilog
from params.system import SystemConfig
from sim.build import Build, build
from tests.sim.layers import QUICK


class Exported(wiring.Component):
    """Flat ports as those of `System`, with ids as wide as the exported module has them."""

    def __init__(self, config: SystemConfig, *, address_bits: int, id_bits: int):
        options = {"address_bits": address_bits, "id_bits": id_bits}
        super().__init__(
            {
                "control": In(axi_lite()),
                "read": Out(axi_read(config.bus_bytes, **options)),
                "write": Out(axi_write(config.bus_bytes, **options)),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ports = {}
        for path, member, value in self.signature.flatten(self):
            name = "interrupt"
            if path[0] != "interrupt":
                name = f"{CONTROL if path[0] == 'control' else MEMORY}_{path[1]}"
            ports[f"{'i' if member.flow == In else 'o'}_{name}"] = value
        m.submodules.system = Instance(TOP, i_aclk=ClockSignal(), i_aresetn=~ResetSignal(), **ports)
        return m


def build_exported(config: SystemConfig, folder: Path, *, address_bits: int) -> Build:
    """The exported Verilog, written to `folder`, compiled."""
    system = System(config, address_bits=address_bits)
    path = folder / "system.v"
    path.write_text(system_verilog(system))
    return build(
        lambda: Exported(config, address_bits=address_bits, id_bits=len(system.read.arid)),
        key=f"exported {config!r} {address_bits}",
        engine=QUICK,
        toplevel="exported",
        sources=(path,),
    )

"""The port list of a system's Verilog, for people."""

from hw.system.bus_ports import CONTROL, MEMORY, bus_ports
from hw.system.system import System

TITLES = {
    CONTROL: "AXI4-Lite slave: the registers",
    MEMORY: "AXI4 master: the memory",
    "interrupt": "Interrupt",
}


def system_ports_markdown(system: System, top: str) -> str:
    """Every port of the module `top`, clock and reset first, as a Markdown document."""
    config = system.config
    array = config.array
    lines = [
        f"# Ports of `{top}`, configuration {array.name}",
        "",
        f"{array.rows} rows of {array.lanes} lanes, {array.filters_per_row} filters per row, "
        f"{array.levels} levels; a bus of {config.bus_bytes} bytes, bursts of up to "
        f"{config.burst_beats} beats. The register CONFIG reads {config.digest:#010x}.",
        "",
        "| port | direction | bits | meaning |",
        "|---|---|---|---|",
        "| `aclk` | input | 1 | clock; everything happens at its rising edge |",
        "| `aresetn` | input | 1 | reset, active low, synchronous to `aclk` |",
    ]
    interface = None
    for port in bus_ports(system):
        if port.interface != interface:
            interface = port.interface
            lines += ["", f"## {TITLES[interface]}", ""]
            lines += ["| port | direction | bits | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{port.name}` | {port.direction} | {port.width} | {port.meaning} |")
    return "\n".join([*lines, ""])

"""A system in plain Verilog, with ports from which integration tools infer its buses."""

from collections.abc import Iterable

from hw.system.bus_ports import CONTROL, MEMORY, BusPort, bus_ports
from hw.system.system import System
from hw.verilog import to_plain_verilog

TOP = "zeroshift_system"
"""Name of the top module."""

CORE = f"{TOP}_core"
"""Name of the module that holds everything, and prefix of all modules below it."""

EXAMPLE = "zeroshift_example"
"""Name of the example's module."""

OUTSTANDING = 32
"""Bursts under way that the memory bus is good for, of each id."""


def system_verilog(system: System) -> str:
    """Verilog-2001 with the top module `TOP`: ports `aclk`, `aresetn` and `bus_ports`.

    Attributes tell AMD's IP integrator which ports are a bus. What is for traces only has no port.
    """
    return f"{_top(system)}\n{to_plain_verilog(system, name=CORE)}"


def example_verilog(system: System) -> str:
    """Verilog-2001 of a module that holds a system, with a reset that may come at any time."""
    ports = bus_ports(system)
    declared = _declarations(ports)
    connections = [("aclk", "clk"), ("aresetn", "reset_sync[1]")]
    connections += [(port.name, port.name) for port in ports]
    return f"""\
// An example of {TOP}, whose buses go on to an interconnect and to memory.
module {EXAMPLE} (
  input wire clk,
  // Active low; it may come and go at any time.
  input wire reset_n,
{declared}
);
  // {TOP} wants a reset that is synchronous to its clock.
  reg [1:0] reset_sync = 2'b00;
  always @(posedge clk or negedge reset_n)
    if (!reset_n) reset_sync <= 2'b00;
    else reset_sync <= {{reset_sync[0], 1'b1}};

  {TOP} system (
{_connections(connections)}
  );
endmodule
"""


def _top(system: System) -> str:
    """The top module."""
    ports = bus_ports(system)
    connections, ties = [("clk", "aclk"), ("rst", "~aresetn")], []
    for port in ports:
        inner, width = port.inner
        whole = width == port.width
        connections.append((inner, port.name if whole else f"{port.name}[{width - 1}:0]"))
        if not whole and port.direction == "output":
            rest = port.width - width
            ties.append(f"  assign {port.name}[{port.width - 1}:{width}] = {rest}'d0;\n")
    shown = {inner for inner, _ in connections}
    hidden = [
        name
        for path, _, _ in system.signature.flatten(system)
        if (name := "__".join(map(str, path))) not in shown
    ]
    connections += [(name, "") for name in hidden]
    return f"""\
// A system of Zeroshift with the array {system.config.array.name}, {system.config.digest:08x}.
module {TOP} (
{_attributes(system)}
{_declarations(ports, _parameters(system, ports))}
);
{"".join(ties)}  {CORE} core (
{_connections(connections)}
  );
endmodule
"""


def _attributes(system: System) -> str:
    """Clock and reset, with what integration tools want to know of them."""
    return f"""\
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
  (* X_INTERFACE_PARAMETER = "XIL_INTERFACENAME aclk, ASSOCIATED_BUSIF {CONTROL}:{MEMORY}, \
ASSOCIATED_RESET aresetn" *)
  input wire aclk,
  (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST" *)
  (* X_INTERFACE_PARAMETER = "XIL_INTERFACENAME aresetn, POLARITY ACTIVE_LOW" *)
  input wire aresetn,"""


def _parameters(system: System, ports: list[BusPort]) -> dict[str, str]:
    """What integration tools want to know of each interface."""
    widths = {port.name: port.width for port in ports}
    common = "READ_WRITE_MODE READ_WRITE, HAS_LOCK {full}, HAS_CACHE {full}, HAS_QOS {full}"
    control = {
        "PROTOCOL": "AXI4LITE",
        "DATA_WIDTH": widths[f"{CONTROL}_wdata"],
        "ADDR_WIDTH": widths[f"{CONTROL}_awaddr"],
    }
    memory = {
        "PROTOCOL": "AXI4",
        "DATA_WIDTH": widths[f"{MEMORY}_wdata"],
        "ADDR_WIDTH": widths[f"{MEMORY}_awaddr"],
        "ID_WIDTH": widths[f"{MEMORY}_awid"],
        "MAX_BURST_LENGTH": system.config.burst_beats,
        "SUPPORTS_NARROW_BURST": 0,
        "NUM_READ_OUTSTANDING": OUTSTANDING,
        "NUM_WRITE_OUTSTANDING": OUTSTANDING,
    }
    texts = {
        name: ", ".join(
            [f"XIL_INTERFACENAME {name}"]
            + [f"{key} {value}" for key, value in pairs.items()]
            + [common.format(full=int(name == MEMORY))]
        )
        for name, pairs in ((CONTROL, control), (MEMORY, memory))
    }
    return texts | {"interrupt": "XIL_INTERFACENAME interrupt, SENSITIVITY LEVEL_HIGH"}


def _declarations(ports: list[BusPort], parameters: dict[str, str] | None = None) -> str:
    """Declarations of ports in a module's header, with attributes where `parameters` are given."""
    lines = []
    told: set[str] = set()
    for k, port in enumerate(ports):
        if parameters is not None:
            kind = "signal" if port.interface == "interrupt" else "interface"
            bus = "interrupt" if kind == "signal" else "aximm"
            info = f"xilinx.com:{kind}:{bus}:1.0 {port.interface} {port.signal}"
            lines.append(f'  (* X_INTERFACE_INFO = "{info}" *)')
            if port.interface not in told:
                told.add(port.interface)
                lines.append(f'  (* X_INTERFACE_PARAMETER = "{parameters[port.interface]}" *)')
        bits = f"[{port.width - 1}:0] " if port.width > 1 else ""
        comma = "," if k < len(ports) - 1 else ""
        lines.append(f"  {port.direction} wire {bits}{port.name}{comma}")
    return "\n".join(lines)


def _connections(pairs: Iterable[tuple[str, str]]) -> str:
    """Connections of an instance's ports."""
    return ",\n".join(f"    .{port}({wire})" for port, wire in pairs)

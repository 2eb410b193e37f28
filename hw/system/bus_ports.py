"""The ports of a system's Verilog as other tools know them: by the names of AXI's signals."""

from dataclasses import dataclass

from amaranth.lib.wiring import In

from hw.system.axi import DATA, INCR, NORMAL
from hw.system.system import System

CONTROL = "s_axi_ctrl"
"""Name of the AXI4-Lite slave."""

MEMORY = "m_axi_mem"
"""Name of the AXI4 master."""

INTERFACES = {"control": CONTROL, "read": MEMORY, "write": MEMORY}
"""The bus that a member of `System` belongs to. Members that are neither are left out."""

CHANNELS = {
    "aw": "write address", "w": "write data", "b": "write response", "ar": "read address",
    "r": "read data",
}  # fmt: skip
"""Channels of AXI."""

SIGNALS = {
    "id": "id of the burst",
    "addr": "address of the first byte",
    "len": "beats of the burst, less one",
    "size": "bytes of a beat, as a power of two",
    "burst": "kind of burst",
    "lock": "exclusive access",
    "cache": "kind of memory",
    "prot": "kind of access",
    "qos": "quality of service",
    "data": "data",
    "strb": "bytes that are written",
    "last": "last beat of the burst",
    "resp": "the upper bit is set on an error",
    "valid": "the other signals of the channel hold, until the transfer",
    "ready": "a transfer happens in a cycle with valid and ready",
}
"""What a channel's signal says, by its name without the channel."""


@dataclass(frozen=True)
class BusPort:
    """A port.

    Parameters
    ----------
    name : of the port.
    direction : "input" or "output".
    width : in bits.
    interface, signal : the bus that it belongs to, and its name there.
    meaning : what it says.
    inner : the port of the generated module that it is connected to, and that one's width.
    """

    name: str
    direction: str
    width: int
    interface: str
    signal: str
    meaning: str
    inner: tuple[str, int]


def bus_ports(system: System) -> list[BusPort]:
    """Every port but clock and reset; buses first, each in the order of the standard's channels.

    All ids are as wide as those of reads, because a bus has one width of ids for its tools.
    """
    ports = []
    id_bits = len(system.read.arid)
    for path, member, value in system.signature.flatten(system):
        if path[0] not in INTERFACES:
            continue
        member_name, signal = map(str, path)
        interface = INTERFACES[member_name]
        width = id_bits if signal.removeprefix(_channel(signal)) == "id" else len(value)
        ports.append(
            BusPort(
                name=f"{interface}_{signal}",
                direction="input" if member.flow == In else "output",
                width=width,
                interface=interface,
                signal=signal.upper(),
                meaning=_meaning(system, interface, signal),
                inner=(f"{member_name}__{signal}", len(value)),
            )
        )
    ports.sort(key=lambda port: (port.interface == MEMORY, _channel_order(port.signal.lower())))
    ports.append(
        BusPort(
            name="interrupt",
            direction="output",
            width=1,
            interface="interrupt",
            signal="INTERRUPT",
            meaning="high while done or error is set in STATUS and interrupts are enabled",
            inner=("interrupt", 1),
        )
    )
    return ports


def _channel(signal: str) -> str:
    """The channel of a signal."""
    return next(channel for channel in ("aw", "ar", "w", "b", "r") if signal.startswith(channel))


def _channel_order(signal: str) -> int:
    return list(CHANNELS).index(_channel(signal))


def _meaning(system: System, interface: str, signal: str) -> str:
    channel = _channel(signal)
    kind = signal.removeprefix(channel)
    meaning = f"{CHANNELS[channel]}: {SIGNALS[kind]}"
    if interface == CONTROL:
        return f"{meaning}; not looked at" if kind == "prot" else meaning
    constants = {
        "size": system.config.byte_bits,
        "burst": INCR,
        "lock": 0,
        "cache": NORMAL,
        "prot": DATA,
        "qos": 0,
    }
    if kind in constants:
        return f"{meaning}; always {constants[kind]}"
    if kind == "id":
        return f"{meaning}; {'always 0' if channel == 'aw' else _ids(channel)}"
    return meaning


def _ids(channel: str) -> str:
    return "not looked at" if channel == "b" else "the number of a reader within the system"

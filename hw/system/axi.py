"""The buses of AMBA AXI4, seen from the master, with the standard's names for their signals.

A member `axi` of such a signature gives the flat ports `axi__awaddr`, `axi__wdata` and so on.
"""

from amaranth.lib import wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from params.config import ConfigError

INCR = 1
"""AxBURST of a burst whose addresses go up."""

NORMAL = 0b0011
"""AxCACHE of ordinary memory, not to be kept in caches (AMBA AXI, table A4-5)."""

DATA = 0b000
"""AxPROT of an unprivileged, secure access to data (AMBA AXI, table A4-6)."""


class Response(Enum, shape=2):
    """What RRESP and BRESP say; the upper bit is set on an error."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


def axi_read(data_bytes: int, *, address_bits: int = 32, id_bits: int = 1) -> wiring.Signature:
    """The channels AR and R of AXI4."""
    return wiring.Signature(
        _address("ar", address_bits, id_bits)
        | {
            "rid": In(id_bits),
            "rdata": In(8 * data_bytes),
            "rresp": In(2),
            "rlast": In(1),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )


def axi_write(data_bytes: int, *, address_bits: int = 32, id_bits: int = 1) -> wiring.Signature:
    """The channels AW, W and B of AXI4."""
    return wiring.Signature(
        _address("aw", address_bits, id_bits)
        | {
            "wdata": Out(8 * data_bytes),
            "wstrb": Out(data_bytes),
            "wlast": Out(1),
            "wvalid": Out(1),
            "wready": In(1),
            "bid": In(id_bits),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
        }
    )


def axi_lite(address_bits: int = 12) -> wiring.Signature:
    """All channels of AXI4-Lite, with 32 bits of data."""
    return wiring.Signature(
        {
            "awaddr": Out(address_bits),
            "awprot": Out(3),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata": Out(32),
            "wstrb": Out(4),
            "wvalid": Out(1),
            "wready": In(1),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
            "araddr": Out(address_bits),
            "arprot": Out(3),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata": In(32),
            "rresp": In(2),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )


def check_address_bits(address_bits: int) -> None:
    """Make sure that a memory bus can have addresses of so many bits.

    Raises
    ------
    ConfigError : it cannot.
    """
    if address_bits not in range(32, 65):
        raise ConfigError(f"address_bits is {address_bits}, but must be in 32..64")


def _address(channel: str, address_bits: int, id_bits: int) -> dict[str, wiring.Member]:
    """The signals of an address channel."""
    widths = {
        "id": id_bits, "addr": address_bits, "len": 8, "size": 3, "burst": 2, "lock": 1,
        "cache": 4, "prot": 3, "qos": 4, "valid": 1,
    }  # fmt: skip
    return {f"{channel}{name}": Out(width) for name, width in widths.items()} | {
        f"{channel}ready": In(1)
    }

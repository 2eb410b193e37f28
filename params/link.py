"""The link between a host and a board: the one table that hardware, host and documentation follow.

`docs/link.md` tells it in words. All numbers are little-endian. A frame is, between two flags,

    request  kind, sequence (2), address (4), payload, CRC (4)
    answer   kind + `ANSWER`, sequence (2), payload, status, CRC (4)

with flags and escapes inside of it stuffed as in RFC 1662, 4.2.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

VERSION = 1
"""Of this table; a change that a host notices counts it up."""

FLAG = 0x7E
"""Before and after every frame, and nowhere else."""

ESCAPE = 0x7D
"""Before a byte that was a flag or an escape."""

ESCAPED = 0x20
"""What such a byte is XORed with."""

REQUEST = Struct("<BHI")
"""Head of a request: kind, sequence, address."""

ANSWER_HEAD = Struct("<BH")
"""Head of an answer: kind, sequence."""

ADDRESS_BITS = 32
"""Width of the address in a request."""

COUNT = Struct("<H")
"""Payload of a READ_MEMORY: bytes to read."""

WORD = Struct("<I")
"""Value of a register."""

CHECK = Struct("<I")
"""CRC-32 of all before it, as `zlib.crc32` computes it."""

ANSWER = 0x80
"""Set in the kind of an answer. A bridge ignores frames with it, a host those without."""


class Kind(IntEnum):
    """What a request asks for.

    IDENTIFY : who is there. Nothing else is done before it after a reset. Answered with `IDENTITY`.
    READ_MEMORY : `COUNT` bytes from the address on.
    WRITE_MEMORY : the payload goes to the address and those that follow.
    READ_REGISTER : the register at the address, answered with a `WORD`.
    WRITE_REGISTER : a `WORD` to the register at the address. Done once, however often a frame with
        its sequence number comes, one behind the other.
    """

    IDENTIFY = 1
    READ_MEMORY = 2
    WRITE_MEMORY = 3
    READ_REGISTER = 4
    WRITE_REGISTER = 5


class Status(IntEnum):
    """What became of a request.

    OK : done.
    BUS_ERROR : memory or register refused (SLVERR or DECERR); of a write, any part may be done.
    UNKNOWN_KIND : there is no such kind of request; nothing is done.
    BAD_SIZE : the payload has another size than the kind wants, or asks for none or for more
        bytes than a payload may have; nothing is done.
    BAD_ADDRESS : no register can lie there; nothing is done.
    UNIDENTIFIED : the bridge was reset, and no IDENTIFY has come since; nothing is done.
    """

    OK = 0
    BUS_ERROR = 1
    UNKNOWN_KIND = 2
    BAD_SIZE = 3
    BAD_ADDRESS = 4
    UNIDENTIFIED = 5


REGISTER_SPACE = 1 << 12
"""Registers lie below this address, at multiples of 4."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a bridge tells of itself.

    Parameters
    ----------
    version : of this table.
    requests : frames that may wait in the bridge.
    payload : most bytes of a payload, of requests and answers.
    bus : bytes of a beat of the memory bus.
    clock : of the system, in Hz.
    memory : bytes of memory, 0 where the bridge does not know.
    """

    version: int = VERSION
    requests: int
    payload: int
    bus: int
    clock: int
    memory: int

    def pack(self) -> bytes:
        """The payload of the answer to IDENTIFY."""
        return IDENTITY.pack(
            self.version, self.requests, self.payload, self.bus, self.clock, self.memory
        )

    @classmethod
    def unpack(cls, payload: bytes) -> "Identity":
        """Read the payload of an answer to IDENTIFY, `IDENTITY.size` bytes."""
        version, requests, size, bus, clock, memory = IDENTITY.unpack(payload)
        return cls(
            version=version, requests=requests, payload=size, bus=bus, clock=clock, memory=memory
        )


IDENTITY = Struct("<BBHHIQ")
"""An `Identity`, field by field. That of every version of the table begins with its number."""

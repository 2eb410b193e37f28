"""The registers of a system: the one table that hardware, drivers and documentation follow.

A register has 32 bits. Bits without a field read as zero and ignore writes.
"""

from dataclasses import dataclass
from enum import Enum

REGISTER_BYTES = 4

WINDOW_ALIGNMENT_BITS = 12
"""The memory window begins at a multiple of 2 to this many bytes."""

IDENTIFIER = 0x5A53
"""The letters ZS, in the upper half of register ID."""

VERSION = 1
"""Of this table; a change that a driver notices counts it up."""


class Access(Enum):
    """How a field behaves.

    CONSTANT : reads as its value.
    STATUS : reads what the system says.
    STORED : can be written, and reads as written.
    PULSE : writing 1 does something, once; reads as 0.
    EVENT : set by the system, cleared by writing 1.
    """

    CONSTANT = "constant"
    STATUS = "status"
    STORED = "stored"
    PULSE = "pulse"
    EVENT = "event"

    @property
    def writable(self) -> bool:
        """Whether writing it does anything."""
        return self not in (Access.CONSTANT, Access.STATUS)


@dataclass(frozen=True)
class Field:
    """Bits `low` to `low` + `width` - 1 of a register; `value` is that of a constant."""

    name: str
    low: int
    width: int
    access: Access
    meaning: str
    value: int = 0


@dataclass(frozen=True)
class Register:
    """A register, `offset` bytes from the first.

    A write to one that is `locked` is refused during a run, as is any write to one without a
    writable field.
    """

    name: str
    offset: int
    fields: tuple[Field, ...]
    locked: bool = False

    @property
    def writable(self) -> bool:
        """Whether it has a field that can be written."""
        return any(field.access.writable for field in self.fields)


def _counter(name: str, offset: int, meaning: str) -> tuple[Register, Register]:
    """The two halves of a counter of 64 bits."""
    return tuple(
        Register(
            f"{name}{suffix}",
            offset + place,
            (Field("count", 0, 32, Access.STATUS, f"{meaning}, {half} half"),),
        )
        for suffix, place, half in (("", 0, "lower"), ("_HIGH", REGISTER_BYTES, "upper"))
    )  # type: ignore[return-value]


COUNTERS = {
    "CYCLES": "cycles of the run",
    "COMPUTE": "cycles in which the array computes",
    "WAIT_LOAD": "cycles in which the array waits for inputs",
    "WAIT_STORE": "cycles in which the array waits until outputs are stored",
    "WAIT_WEIGHTS": "cycles in which the array waits for weights",
}
"""The counters and what they count, from the start of the last run on.

Each has two registers, the second with `_HIGH` behind its name. During a run a counter moves on
between two reads: read the upper half before and after the lower, again if it has changed.
"""

REGISTERS: tuple[Register, ...] = (
    Register(
        "ID",
        0x00,
        (
            Field("version", 0, 16, Access.CONSTANT, "version of this table", VERSION),
            Field("identifier", 16, 16, Access.CONSTANT, "the letters ZS", IDENTIFIER),
        ),
    ),
    Register(
        "CONTROL",
        0x04,
        (
            Field("start", 0, 1, Access.PULSE, "begins a run; refused during one"),
            Field(
                "interrupt_enable", 1, 1, Access.STORED, "interrupt while done or error is set"
            ),
        ),
    ),
    Register(
        "STATUS",
        0x08,
        (
            Field("busy", 0, 1, Access.STATUS, "a run is under way"),
            Field("done", 1, 1, Access.EVENT, "a run is over; a start clears it"),
            Field("error", 2, 1, Access.EVENT, "a fault has occurred; a start clears it"),
        ),
    ),
    Register(
        "FAULT",
        0x0C,
        (Field("code", 0, 8, Access.STATUS, "the first fault since the start, 0 for none"),),
    ),
    Register(
        "PLACE",
        0x10,
        (
            Field(
                "place", 0, 32, Access.STATUS,
                "of that fault: a byte's offset in the window, or a command's number",
            ),
        ),
    ),
    Register(
        "WINDOW_BASE",
        0x14,
        (
            Field(
                "base", WINDOW_ALIGNMENT_BITS, 32 - WINDOW_ALIGNMENT_BITS, Access.STORED,
                "address of the memory window, bits 31 to 12; the lower bits are zero",
            ),
        ),
        locked=True,
    ),
    Register(
        "WINDOW_BASE_HIGH",
        0x18,
        (
            Field(
                "base", 0, 32, Access.STORED,
                "address of the memory window, bits 63 to 32; those that the bus lacks are zero",
            ),
        ),
        locked=True,
    ),
    Register(
        "WINDOW_SIZE",
        0x1C,
        (Field("size", 0, 32, Access.STORED, "bytes of the memory window"),),
        locked=True,
    ),
    Register(
        "COMMANDS",
        0x20,
        (Field("offset", 0, 32, Access.STORED, "of the first command in the window, in bytes"),),
        locked=True,
    ),
    Register(
        "CONFIG",
        0x24,
        (Field("digest", 0, 32, Access.STATUS, "tells the system's parameters from others"),),
    ),
    *(
        half
        for k, (name, meaning) in enumerate(COUNTERS.items())
        for half in _counter(name, 0x40 + 2 * REGISTER_BYTES * k, meaning)
    ),
)  # fmt: skip

OFFSETS = {register.name: register.offset for register in REGISTERS}
"""Where a register lies, in bytes."""

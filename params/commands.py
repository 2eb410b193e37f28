"""The commands of a system: the one place that owns their bit positions.

A command takes `COMMAND_BYTES` bytes. The units of a system take theirs from queues of their own,
in order, so that units overlap. Semaphores order what different units do: a command that waits for
one begins when it is above zero and counts it down, a command that signals one counts it up when it
is done. Semaphore 0 stands for none.

A *piece* moves neighbouring pixels of a map between memory and neighbouring lanes: lane `lane` + i
belongs to the byte at base + `offset` + i * (2 if `double` else 1), for i < `count`. The pieces of
a table up to the next with `last` make a word, one value for every lane; lanes without a piece are
zero. `final` marks the last piece of a table, and with it the last of a word; the highest entry of
a table has both marks, whatever it says. A word without any pixel is a piece of `count` 0.
"""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.enum import Enum

from params.system import OFFSET_BITS

COMMAND_BYTES = 16

SEMAPHORES = 16
"""Number 0 stands for none."""

SEMAPHORE_BITS = 8
"""A semaphore counts up to 255; one more is an error."""

BODY_BITS = 8 * COMMAND_BYTES - 16


class Unit(Enum, shape=4):
    """What takes a command: the upper half of its opcode."""

    SYSTEM = 0
    LOAD = 1
    COMPUTE = 2
    WEIGHTS = 3
    STORE = 4
    RESIDUAL = 5


class Opcode(Enum, shape=8):
    """What a command does.

    END : ends the run once all units are done.
    LOAD_PIECE, STORE_PIECE, RESIDUAL_PIECE : write an entry of a unit's table of pieces.
    LOAD_LINES : `lines` times, `words` words each: gather the words of the table from `address` +
        line * line_pitch + word * word_pitch into the activation memory, from word `destination`
        on.
    LOAD_POOL : `words` times, gather all words of the table, from `address` + word * word_pitch,
        and hand their lane-wise maximum to the store unit.
    COMPUTE_RUN : writes an entry of the run table, once the array is between tiles.
    COMPUTE_TILE : computes a tile; it is done when the rows are.
    WEIGHTS_ROW : `repeat` times, sends `units` units, fewer than 2^29, from `address` to row `row`;
        `residual` says that the filters' outputs are added to a map. It is done when the row has
        taken it.
    STORE_ROWS : takes the outputs of a tile of `passes` passes from the rows in `rows`. The output
        of pass t of a channel goes to the pieces of the t-th word of the table, from `address` +
        the channel's place on. It is done when memory has all of them.
    STORE_POOL : takes `words` words from the load unit to the pieces of the table's first word,
        from `address` + word * word_pitch on.
    RESIDUAL_ROWS : as STORE_ROWS, but gathers what is added to those outputs.
    *_SYNC : does nothing, but waits and signals.
    """

    END = 0x01
    LOAD_PIECE = 0x10
    LOAD_LINES = 0x11
    LOAD_POOL = 0x12
    LOAD_SYNC = 0x1F
    COMPUTE_RUN = 0x20
    COMPUTE_TILE = 0x21
    COMPUTE_SYNC = 0x2F
    WEIGHTS_ROW = 0x30
    STORE_PIECE = 0x40
    STORE_ROWS = 0x41
    STORE_POOL = 0x42
    STORE_SYNC = 0x4F
    RESIDUAL_PIECE = 0x50
    RESIDUAL_ROWS = 0x51
    RESIDUAL_SYNC = 0x5F


class Fault(Enum, shape=8):
    """Why a run ended early; see `FAULT_MEANINGS`."""

    NONE = 0
    OPCODE = 1
    OPERAND = 2
    WINDOW = 3
    BUS = 4
    STALLED = 5
    SEMAPHORE = 6
    WEIGHTS = 7


FAULT_MEANINGS = {
    Fault.NONE: "no fault",
    Fault.OPCODE: "the system has no such command",
    Fault.OPERAND: "a field of a command is out of range",
    Fault.WINDOW: "an access outside of the memory window",
    Fault.BUS: "memory answered with an error",
    Fault.STALLED: "nothing has moved for as many cycles as the system has patience",
    Fault.SEMAPHORE: "a semaphore was counted up too far",
    Fault.WEIGHTS: "a row's weights are malformed",
}
"""What each fault means."""


PIECE = data.StructLayout(
    {
        "index": unsigned(12),
        "lane": unsigned(13),
        "count": unsigned(13),
        "double": unsigned(1),
        "last": unsigned(1),
        "final": unsigned(1),
        "offset": unsigned(OFFSET_BITS),
    }
)

ROWS = data.StructLayout(
    {"address": unsigned(OFFSET_BITS), "rows": unsigned(32), "passes": unsigned(16)}
)

NOTHING = data.StructLayout({})

BODIES: dict[Opcode, data.StructLayout] = {
    Opcode.END: NOTHING,
    Opcode.LOAD_PIECE: PIECE,
    Opcode.LOAD_LINES: data.StructLayout(
        {
            "address": unsigned(OFFSET_BITS),
            "words": unsigned(16),
            "word_pitch": unsigned(16),
            "destination": unsigned(16),
            "lines": unsigned(8),
            "line_pitch": unsigned(24),
        }
    ),
    Opcode.LOAD_POOL: data.StructLayout(
        {
            "address": unsigned(OFFSET_BITS),
            "words": unsigned(16),
            "word_pitch": unsigned(16),
            "signed": unsigned(1),
        }
    ),
    Opcode.LOAD_SYNC: NOTHING,
    Opcode.COMPUTE_RUN: data.StructLayout(
        {
            "index": unsigned(8),
            "shift": unsigned(8),
            "base": unsigned(20),
            "groups": unsigned(20),
        }
    ),
    Opcode.COMPUTE_TILE: data.StructLayout(
        {
            "passes": unsigned(16),
            "pitch": unsigned(20),
            "rows": unsigned(32),
            "signed": unsigned(1),
            "residual": unsigned(1),
            "residual_signed": unsigned(1),
            "low": signed(9),
            "high": signed(9),
        }
    ),
    Opcode.COMPUTE_SYNC: NOTHING,
    Opcode.WEIGHTS_ROW: data.StructLayout(
        {
            "row": unsigned(8),
            "address": unsigned(OFFSET_BITS),
            "units": unsigned(32),
            "repeat": unsigned(16),
            "residual": unsigned(1),
        }
    ),
    Opcode.STORE_PIECE: PIECE,
    Opcode.STORE_ROWS: ROWS,
    Opcode.STORE_POOL: data.StructLayout(
        {
            "address": unsigned(OFFSET_BITS),
            "words": unsigned(16),
            "word_pitch": unsigned(16),
        }
    ),
    Opcode.STORE_SYNC: NOTHING,
    Opcode.RESIDUAL_PIECE: PIECE,
    Opcode.RESIDUAL_ROWS: ROWS,
    Opcode.RESIDUAL_SYNC: NOTHING,
}
"""What a command holds besides `COMMON`."""


RAW = data.StructLayout(
    {"opcode": unsigned(8), "wait": unsigned(4), "signal": unsigned(4), "body": unsigned(BODY_BITS)}
)
"""A command whose opcode is not known yet."""


def command(opcode: Opcode) -> data.StructLayout:
    """The layout of a command, `COMMAND_BYTES` bytes; what its body leaves over is zero."""
    body = BODIES[opcode]
    return data.StructLayout(
        {
            "opcode": Opcode,
            "wait": unsigned(4),
            "signal": unsigned(4),
            "body": body,
            "unused": unsigned(BODY_BITS - body.size),
        }
    )


class Packet(Enum, shape=8):
    """What the units after a packet's first one are; see `WEIGHT_PACKET`.

    GROUP : a filter group begins: its header, then the place of each of its F channels in the map,
        in bytes from the map's start, `NO_CHANNEL` for a missing filter.
    MASKS : mask words. CODES + f : code words of filter f.
    """

    GROUP = 0
    MASKS = 1
    CODES = 2


NO_CHANNEL = (1 << OFFSET_BITS) - 1

WEIGHT_PACKET = data.StructLayout({"kind": unsigned(8), "words": unsigned(24)})
"""The first unit of a packet: its kind, and the number of words that follow (1 for a group).

A word takes whole units, the lowest bits first.
"""

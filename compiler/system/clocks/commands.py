"""The commands of an image as a table of numbers."""

import numpy as np

from compiler.system.command import Command
from params.commands import Opcode, Unit
from params.system import SystemConfig

QUEUES = (Unit.LOAD, Unit.COMPUTE, Unit.WEIGHTS, Unit.STORE, Unit.RESIDUAL)
"""Units with a queue of their own, in the order in which they take semaphores."""

# Columns of the table.
(
    QUEUE,  # number of the unit's queue, -1 for END
    KIND,
    WAIT,
    SIGNAL,
    ADDRESS,
    WORDS,
    WORD_PITCH,
    LINES,
    LINE_PITCH,
    PASSES,
    ROWS,
    ADDS,
    INDEX,
    PIXELS,  # lanes of a piece
    DOUBLE,
    LAST,
    FINAL,
    OFFSET,
    ROW,
    UNITS,
    REPEAT,
    COLUMNS,
) = range(22)

# Kinds of commands, of whichever unit.
SYNC, PIECE, MOVE, POOL, RUN, TILE, FEED = range(7)

_KINDS = {
    Opcode.LOAD_PIECE: PIECE,
    Opcode.STORE_PIECE: PIECE,
    Opcode.RESIDUAL_PIECE: PIECE,
    Opcode.LOAD_LINES: MOVE,
    Opcode.STORE_ROWS: MOVE,
    Opcode.RESIDUAL_ROWS: MOVE,
    Opcode.LOAD_POOL: POOL,
    Opcode.STORE_POOL: POOL,
    Opcode.COMPUTE_RUN: RUN,
    Opcode.COMPUTE_TILE: TILE,
    Opcode.WEIGHTS_ROW: FEED,
}

_FIELDS = {
    "address": ADDRESS, "words": WORDS, "word_pitch": WORD_PITCH, "lines": LINES,
    "line_pitch": LINE_PITCH, "passes": PASSES, "rows": ROWS, "residual": ADDS, "index": INDEX,
    "count": PIXELS, "double": DOUBLE, "last": LAST, "final": FINAL, "offset": OFFSET, "row": ROW,
    "units": UNITS, "repeat": REPEAT,
}  # fmt: skip


def tabulate(commands: list[Command], config: SystemConfig) -> np.ndarray:
    """The commands as int64 (count + 2, COLUMNS); two entries of a table that nobody wrote follow.

    The latter of the two is that of the highest place of a table.
    """
    table = np.zeros((len(commands) + 2, COLUMNS), dtype=np.int64)
    for number, command in enumerate(commands):
        row = table[number]
        row[QUEUE] = QUEUES.index(command.unit) if command.unit in QUEUES else -1
        row[KIND] = _KINDS.get(command.opcode, SYNC)
        row[WAIT], row[SIGNAL] = command.wait, command.signal
        for name, value in command.fields.items():
            if name in _FIELDS:
                row[_FIELDS[name]] = value
        if row[KIND] == PIECE:
            row[PIXELS] = min(command.fields["count"], config.array.lanes - command.fields["lane"])
            row[FINAL] |= row[INDEX] == config.pieces - 1
            row[LAST] |= row[FINAL]
        if command.opcode == Opcode.LOAD_POOL:
            row[LINES] = 1
    table[-1, [LAST, FINAL]] = 1
    return table

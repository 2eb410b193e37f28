"""Neighbouring pixels in neighbouring lanes: the words of a table of pieces."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Lane `lane` + i belongs to the byte `offset` + i * (2 if `double` else 1), i < `count`."""

    lane: int
    count: int
    double: bool
    offset: int


Word = tuple[Piece, ...]
"""The pieces of all lanes, in the order of the lanes; empty when no lane has a pixel."""

Table = tuple[Word, ...]
"""The words of a table of pieces."""


def word_of(offsets: np.ndarray) -> Word:
    """The pieces of a word.

    Parameters
    ----------
    offsets : int64 (lanes,), the byte of each lane, -1 for none.

    Returns
    -------
    The longest runs from the first lane on, of neighbouring bytes if two bytes are, else of every
    other byte; a piece of a single lane is not double.
    """
    pieces = []
    steps = np.diff(offsets)
    steps[(offsets[:-1] < 0) | (offsets[1:] < 0)] = 0
    # Where the step from a lane to the next is another than the one before it.
    changes = np.append(np.flatnonzero(np.diff(steps)) + 1, len(steps)).tolist()
    values, steps = offsets.tolist(), steps.tolist()
    lane, change = 0, 0
    while lane < len(values):
        if values[lane] < 0:
            lane += 1
            continue
        count, step = 1, steps[lane] if lane < len(steps) else 0
        if step in (1, 2):
            while changes[change] <= lane:
                change += 1
            count = changes[change] - lane + 1
            if step == 2 and count == 2 and changes[change] < len(steps):
                # The second lane may begin a run of neighbouring bytes.
                count = 1 if steps[lane + 1] == 1 else 2
        double = step == 2 and count > 1
        pieces.append(Piece(lane=lane, count=count, double=double, offset=values[lane]))
        lane += count
    return tuple(pieces)


def table_of(offsets: Iterable[np.ndarray]) -> Table:
    """The table whose words have these lanes; see `word_of`."""
    return tuple(word_of(word) for word in offsets)


def entries(table: Table) -> int:
    """Entries that a table takes: a word without any pixel has one."""
    return sum(max(1, len(word)) for word in table)

"""What moves the activations of a tile: commands without their order."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from compiler.system.command import Command
from compiler.system.map_place import MapPlace
from compiler.system.piece_table import PieceTable
from compiler.system.pieces import Table, Word, table_of, word_of
from params.commands import BODIES, Opcode

MOST_LINES = (1 << BODIES[Opcode.LOAD_LINES]["lines"].width) - 1

LARGEST_LINE_PITCH = (1 << BODIES[Opcode.LOAD_LINES]["line_pitch"].width) - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines of a tile that lie one behind the other and share a word of pieces.

    Parameters
    ----------
    first, count : of the lines.
    base : byte from the map's start that the offsets of the first line count from.
    pitch : bytes from one line's base to the next line's.
    """

    first: int
    count: int
    base: int
    pitch: int


def load_commands(
    table: PieceTable, place: MapPlace, offsets: np.ndarray, destination: int
) -> list[Command]:
    """The commands that load a tile.

    Lines that share a word of pieces come together, whatever their order in the tile, so that the
    table is written once for each word.

    Parameters
    ----------
    table : of the load unit.
    place : of the map that is read.
    offsets : int64 (lines, lanes), see `tile_offsets`; a line is a word for each channel.
    destination : first word in the activation memory.
    """
    commands = []
    for word, parts in _lines_by_word(offsets).items():
        commands += table.write((word,))
        for part in parts:
            fields = {
                "address": place.address + part.base,
                "words": place.channels,
                "word_pitch": place.pitch,
                "destination": destination + part.first * place.channels,
                "lines": part.count,
                "line_pitch": part.pitch,
            }
            commands.append(Command(opcode=Opcode.LOAD_LINES, fields=fields))
    return commands


def _lines_by_word(offsets: np.ndarray) -> dict[Word, list[Lines]]:
    """The lines that each word of pieces loads, with offsets from the least byte of a line."""
    lines, bases = relative_rows(offsets)
    words: dict[bytes, Word] = {}
    members: dict[Word, list[int]] = {}
    for number, line in enumerate(lines):
        key = line.tobytes()
        if key not in words:
            words[key] = word_of(line)
        members.setdefault(words[key], []).append(number)
    return {word: list(_merged(numbers, bases)) for word, numbers in members.items()}


def _merged(numbers: Sequence[int], bases: Sequence[int]) -> Iterator[Lines]:
    """Lines `numbers`, ascending, in as few parts as one pass finds."""
    part = None
    for number in numbers:
        if part is not None and number == part.first + part.count and part.count < MOST_LINES:
            pitch = bases[number] - bases[number - 1]
            if part.count == 1 and 0 <= pitch <= LARGEST_LINE_PITCH:
                part = dataclasses.replace(part, count=2, pitch=pitch)
                continue
            if part.count > 1 and pitch == part.pitch:
                part = dataclasses.replace(part, count=part.count + 1)
                continue
        if part is not None:
            yield part
        part = Lines(first=number, count=1, base=bases[number], pitch=0)
    if part is not None:
        yield part


def relative_rows(offsets: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Offsets counted from the least of their row, -1 for none, and the least of each row.

    The least of a row without any is 0.
    """
    used = offsets >= 0
    least = np.where(used, offsets, np.iinfo(np.int64).max).min(axis=1)
    least = np.where(used.any(axis=1), least, 0)
    return np.where(used, offsets - least[:, None], -1), least.tolist()


def relative_table(offsets: np.ndarray) -> tuple[Table, int]:
    """The table of int64 (words, lanes) bytes, -1 for none, and what its offsets count from."""
    base = int(offsets[offsets >= 0].min(initial=np.iinfo(np.int64).max))
    if not (offsets >= 0).any():
        base = 0
    return table_of(np.where(offsets >= 0, offsets - base, -1)), base

"""Packs strips of outputs side by side into the lanes of tiles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A row of outputs of one residue class, `height` passes high.

    Parameters
    ----------
    row_class, column_class : residue classes of the outputs.
    first : position, in its row class, of the output row of the first pass.
    height : output rows.
    length : outputs side by side.
    margins : lanes at the start and at the end that hold only zeros (`Layout.empty_margins`).
    """

    row_class: int
    column_class: int
    first: int
    height: int
    length: int
    margins: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A piece of a strip in the lanes of a tile.

    Parameters
    ----------
    strip : the strip.
    tile : number of the tile.
    lane : first lane.
    start : position of the first output in the strip.
    width : outputs; a halo of further lanes follows them.
    """

    strip: Strip
    tile: int
    lane: int
    start: int
    width: int


def fill(strips: Iterable[Strip], *, lanes: int, halo: int) -> Iterator[Segment]:
    """Put strips into tiles one after the other, cutting them where a tile is full.

    A segment takes `halo` lanes more than its width. Neighbours share lanes that hold only zeros
    for both: the right padding of one row is the left padding of the next.
    """
    tile, free, shareable = 0, 0, 0
    for strip in strips:
        start = 0
        while start < strip.length:
            lane = free - min(shareable, strip.margins[0])
            width = min(strip.length - start, lanes - halo - lane)
            if width < 1:
                tile, free, shareable = tile + 1, 0, 0
                continue
            yield Segment(strip=strip, tile=tile, lane=lane, start=start, width=width)
            start += width
            free = lane + width + halo
            shareable = strip.margins[1] if start == strip.length else 0

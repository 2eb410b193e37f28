"""Chooses how many output rows the tiles of a convolution compute."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from compiler.layout import Layout
from compiler.strips import Strip, fill


@dataclass(frozen=True, kw_only=True)
class Bands:
    """`count` bands of `height` output rows in every row class, the rest in bands of `rest`."""

    height: int
    count: int
    rest: int


def choose_bands(
    layout: Layout, *, lanes: int, max_passes: int, pass_cost: float, tile_cost: float
) -> Bands:
    """The cheapest bands of at most two heights.

    All bands of a tile take as many passes as its highest. How many tiles a number of strips
    fills does not depend on their height, so it is counted once and every pair of heights is
    then tried.

    Parameters
    ----------
    layout : a layout that is not flat.
    lanes : lanes of the array.
    max_passes : highest band that fits.
    pass_cost, tile_cost : what a pass and a tile cost.
    """
    rows = layout.rows
    lengths, repeats = np.unique(
        [rows.class_length(residue) for residue in range(rows.classes)], return_counts=True
    )
    # Class 0 has the longest strips; the others differ by one output at most.
    column_classes = min(layout.columns.classes, layout.columns.outputs)
    tiles_of = _tiles_of_strips(layout, lanes, rows.outputs * column_classes)

    best, best_cost = None, np.inf
    for height in range(1, min(max_passes, int(lengths[-1])) + 1):
        count = np.arange(1, -(-lengths[-1] // height) + 1)[:, None]
        rest = np.arange(1, height + 1)[None, :]
        high = np.zeros_like(count)
        low = np.zeros_like(count * rest)
        for length, repeat in zip(lengths, repeats * column_classes, strict=True):
            bands = np.minimum(count, -(-length // height))
            high = high + repeat * bands
            low = low + repeat * -(-np.maximum(length - bands * height, 0) // rest)
        first = tiles_of[high]
        tiles = tiles_of[high + low]
        cost = pass_cost * (height * first + rest * (tiles - first)) + tile_cost * tiles
        index = np.unravel_index(int(cost.argmin()), cost.shape)
        if cost[index] < best_cost:
            best_cost = cost[index]
            best = Bands(height=height, count=int(count[index[0], 0]), rest=int(index[1]) + 1)
    assert best is not None
    return best


def cut_bands(layout: Layout, bands: Bands) -> Sequence[Strip]:
    """The strips of all residue classes, highest first."""
    strips = []
    columns = [
        (residue, layout.columns.class_length(residue), layout.empty_margins(residue))
        for residue in range(min(layout.columns.classes, layout.columns.outputs))
    ]
    for row_class in range(layout.rows.classes):
        total = layout.rows.class_length(row_class)
        first, count = 0, 0
        while first < total:
            height = min(bands.height if count < bands.count else bands.rest, total - first)
            strips += [
                Strip(
                    row_class=row_class,
                    column_class=column_class,
                    first=first,
                    height=height,
                    length=length,
                    margins=margins,
                )
                for column_class, length, margins in columns
            ]
            first, count = first + height, count + 1
    return sorted(strips, key=lambda strip: -strip.height)


@lru_cache(maxsize=1024)
def _tiles_of_strips(layout: Layout, lanes: int, count: int) -> np.ndarray:
    """Tiles that the first n of `count` strips of column class 0 fill, int (count + 1,)."""
    strip = Strip(
        row_class=0,
        column_class=0,
        first=0,
        height=1,
        length=layout.columns.class_length(0),
        margins=layout.empty_margins(0),
    )
    tiles = [0]
    for segment in fill([strip] * count, lanes=lanes, halo=layout.halo):
        if segment.start + segment.width == strip.length:
            tiles.append(segment.tile + 1)
    return np.array(tiles)

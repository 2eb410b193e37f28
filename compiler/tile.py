"""A tile: what every lane computes in every pass, and the activation words it reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from compiler.layout import Layout
from compiler.strips import Segment

OUTSIDE = -(1 << 30)
"""Coordinate of a lane that holds nothing: outside of any image, whatever is added to it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """The lane table of a tile.

    Parameters
    ----------
    pixels : int64 (passes, lanes), the output pixel y * out_width + x of each lane, -1 for none.
    origins : int64 (2, n, lanes), row and column of the input that each lane's first kernel tap
        reads, along the layout's rows and columns. n is 1 where later passes follow at a fixed
        distance, and the number of passes in a flat layout.
    """

    pixels: np.ndarray
    origins: np.ndarray

    @property
    def passes(self) -> int:
        """T: passes over the filters."""
        return len(self.pixels)

    def sources(self, layout: Layout) -> np.ndarray:
        """Input pixel y * width + x of every activation, height * width for a zero.

        Returns int64 (words / cin, lanes), in the order of the memory words of one channel.
        """
        rows, columns = layout.rows, layout.columns
        row = self.origins[0][:, None, None] + (
            rows.dilation * layout.row_taps(self.passes)[:, None, None]
        )
        column = self.origins[1][:, None, None] + (columns.dilation * layout.column_taps[:, None])
        inside = (row >= 0) & (row < rows.size) & (column >= 0) & (column < columns.size)
        y, x = (column, row) if layout.transposed else (row, column)
        shape = layout.shape
        index = np.where(inside, y * shape.width + x, shape.height * shape.width)
        return index.reshape(-1, index.shape[-1])

    def activations(self, layout: Layout, image: np.ndarray) -> np.ndarray:
        """The memory words of the tile.

        Parameters
        ----------
        image : (cin, height, width), any dtype.

        Returns
        -------
        (words, lanes) of the image's dtype.
        """
        sources = self.sources(layout)
        channels = len(image)
        pixels = np.zeros((image[0].size + 1, channels), dtype=image.dtype)
        pixels[:-1] = image.reshape(channels, -1).T
        words = pixels[sources].swapaxes(1, 2)
        return words.reshape(-1, sources.shape[-1])


def segment_tiles(layout: Layout, segments: Sequence[Segment], lanes: int) -> Iterator[Tile]:
    """The tiles of strips that `fill` has cut into segments."""
    for _, group in groupby(segments, key=lambda segment: segment.tile):
        members = list(group)
        passes = max(segment.strip.height for segment in members)
        pixels = np.full((passes, lanes), -1)
        origins = np.full((2, 1, lanes), OUTSIDE)
        for segment in members:
            strip = segment.strip
            row = layout.rows.output(
                strip.first + np.arange(strip.height)[:, None], strip.row_class
            )
            positions = segment.start + np.arange(segment.width + layout.halo)
            column = layout.columns.output(positions, strip.column_class)
            lanes_read = slice(segment.lane, segment.lane + len(positions))
            origins[0, 0, lanes_read] = layout.rows.origin(row[0])
            origins[1, 0, lanes_read] = layout.columns.origin(column)
            used = slice(segment.lane, segment.lane + segment.width)
            column = column[: segment.width]
            y, x = (column, row) if layout.transposed else (row, column)
            pixels[: strip.height, used] = y * layout.shape.out_width + x
        yield Tile(pixels=pixels, origins=origins)


def flat_tiles(layout: Layout, lanes: int, heights: Sequence[int]) -> Iterator[Tile]:
    """Tiles of `heights` passes that go through all output pixels in order."""
    shape = layout.shape
    first = 0
    for passes in heights:
        pixels = first + np.arange(passes * lanes).reshape(passes, lanes)
        pixels[pixels >= shape.out_pixels] = -1
        first += passes * lanes
        y, x = np.divmod(pixels, shape.out_width)
        row, column = (x, y) if layout.transposed else (y, x)
        origins = np.stack([layout.rows.origin(row), layout.columns.origin(column)])
        yield Tile(pixels=pixels, origins=np.where(pixels >= 0, origins, OUTSIDE))

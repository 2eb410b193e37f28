"""A max-pool as chunks of output pixels, as many as there are lanes at most."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from compiler.errors import FitError
from compiler.system.map_place import MapPlace
from compiler.system.pieces import Table, entries
from compiler.system.tile_commands import relative_table
from golden.pooling import MaxPool
from params.system import SystemConfig


@dataclass(frozen=True, kw_only=True)
class PoolChunk:
    """Output pixels that are made at once.

    Parameters
    ----------
    taps : a word for each tap of the window, of what the lanes read of channel 0.
    outputs : one word, of what they write.
    source_base, output_base : bytes from the maps' starts that the offsets count from.
    """

    taps: Table
    outputs: Table
    source_base: int
    output_base: int


def pool_chunks(
    pool: MaxPool, source: MapPlace, output: MapPlace, config: SystemConfig
) -> tuple[PoolChunk, ...]:
    """The chunks of a max-pool, whole rows where lanes and tables have room for them.

    Raises
    ------
    FitError : the taps of a window do not fit the load unit's table.
    """
    kernel = cast(tuple[int, int], pool.kernel)
    pixels = config.array.lanes
    while True:
        chunks = tuple(_chunks(pool, source, output, pixels))
        most = max(max(entries(chunk.taps), entries(chunk.outputs)) for chunk in chunks)
        if most <= config.pieces:
            return chunks
        if pixels == 1:
            raise FitError(
                f"a max-pool of {'x'.join(map(str, kernel))} pixels takes {most} pieces, but "
                f"a table has {config.pieces}; raise pieces"
            )
        pixels //= 2


def _chunks(pool: MaxPool, source: MapPlace, output: MapPlace, pixels: int) -> Iterator[PoolChunk]:
    pairs = cast(tuple[tuple[int, int], ...], (pool.kernel, pool.stride, pool.padding))
    kernel, stride, padding = pairs
    ky, kx = np.indices(kernel).reshape(2, -1, 1)
    for chosen in _pixels(output, pixels):
        oy, ox = np.divmod(chosen, output.width)
        y = oy * stride[0] - padding[0] + ky
        x = ox * stride[1] - padding[1] + kx
        inside = (y >= 0) & (y < source.height) & (x >= 0) & (x < source.width)
        read = source.offsets(np.where(inside, y * source.width + x, -1))
        taps, source_base = relative_table(read)
        outputs, output_base = relative_table(output.offsets(chosen)[None])
        yield PoolChunk(
            taps=taps, outputs=outputs, source_base=source_base, output_base=output_base
        )


def _pixels(output: MapPlace, pixels: int) -> Iterator[np.ndarray]:
    """Output pixels y * width + x of each chunk, at most `pixels`."""
    rows = pixels // output.width
    if rows:
        for y in range(0, output.height, rows):
            yield np.arange(y * output.width, min(y + rows, output.height) * output.width)
        return
    for y in range(output.height):
        for x in range(0, output.width, pixels):
            yield np.arange(x, min(x + pixels, output.width)) + y * output.width

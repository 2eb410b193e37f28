"""Tiles of a convolution that suit a system: room for the next tile, tables that fit."""

from dataclasses import dataclass

import numpy as np

from compiler.bounds import check_fit
from compiler.compile import encode_schedule
from compiler.errors import FitError
from compiler.limits import Limits
from compiler.program import Program
from compiler.schedule import Schedule, schedule_layer
from compiler.system.map_place import MapPlace
from compiler.system.pieces import entries, table_of
from golden.layer import IntegerConv
from params.commands import BODIES, Opcode
from params.system import SystemConfig

MOST_WORDS = 1 << BODIES[Opcode.LOAD_LINES]["destination"].width
"""Words of the activation memory that a load reaches."""

MOST_PASSES = (1 << BODIES[Opcode.STORE_ROWS]["passes"].width) - 1

MOST_ROWS = BODIES[Opcode.STORE_ROWS]["rows"].width


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemPlan:
    """A convolution compiled for a system.

    Parameters
    ----------
    program : for the array.
    half : words of half the activation memory, where each tile fits a half and the next can be
        loaded into the other; None where a tile may take the whole memory.
    """

    program: Program
    half: int | None


def plan_layer(
    layer: IntegerConv, config: SystemConfig, source: MapPlace, output: MapPlace
) -> SystemPlan:
    """Compile a convolution.

    Parameters
    ----------
    source, output : places of its maps; their addresses do not matter.

    Raises
    ------
    FitError : it does not fit the array, or its pixels do not fit the tables of pieces.
    """
    array = config.array
    if array.rows > MOST_ROWS:
        raise FitError(
            f"the array has {array.rows} rows, but a system has at most {MOST_ROWS}; lower rows"
        )
    check_fit(layer, array)
    support = np.ones(layer.terms.shape, dtype=bool) if array.dense else layer.terms != 0
    whole = min(array.depth, MOST_WORDS)
    refusal = None
    for depth in (whole // 2, whole):
        try:
            schedule = _schedule(layer, support, config, depth, source, output)
        except FitError as fault:
            refusal = fault
            continue
        half = depth if depth < whole else None
        return SystemPlan(program=encode_schedule(layer, schedule), half=half)
    assert refusal is not None
    raise refusal


def _schedule(
    layer: IntegerConv,
    support: np.ndarray,
    config: SystemConfig,
    depth: int,
    source: MapPlace,
    output: MapPlace,
) -> Schedule:
    """The tiles of the most passes whose tables fit."""
    if depth < 2:
        raise FitError(f"an activation memory of {depth} words is too small to plan for")
    passes = MOST_PASSES
    while True:
        limits = Limits(depth=depth, passes=passes, transposed=False)
        schedule = schedule_layer(layer.shape, support, config.array, limits)
        most = _most_entries(schedule, source, output)
        if most <= config.pieces:
            return schedule
        passes = max(tile.passes for tile in schedule.plan.tiles) // 2
        if not passes:
            raise FitError(
                f"the pixels of a tile lie in {most} pieces, but a table has {config.pieces}; "
                "raise pieces"
            )


def _most_entries(schedule: Schedule, source: MapPlace, output: MapPlace) -> int:
    """Entries of the largest table that the tiles need."""
    layout = schedule.plan.layout
    most = 0
    for tile in schedule.plan.tiles:
        stored = table_of(output.offsets(tile.pixels))
        lines = np.unique(tile_offsets(tile.sources(layout), source), axis=0)
        most = max(most, entries(stored), *(entries((word,)) for word in table_of(lines)))
    return most


def tile_offsets(sources: np.ndarray, place: MapPlace) -> np.ndarray:
    """Bytes of channel 0 from a map's start that the lines of a tile gather.

    Parameters
    ----------
    sources : of `Tile.sources`, int64 (lines, lanes).

    Returns
    -------
    int64 of the same shape, -1 for a zero.
    """
    return place.offsets(np.where(sources < place.height * place.width, sources, -1))

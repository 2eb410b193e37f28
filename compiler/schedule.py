"""Who computes what when: the tiles of a layer, and the filters of each row."""

from dataclasses import dataclass

import numpy as np

from compiler.balance import assign_rows, group_steps, pair_filters
from compiler.layout import Layout
from compiler.limits import ALL, Limits
from compiler.row_weights import RowWeights
from compiler.tiling import TilePlan, plan_tiles
from golden.shape import ConvShape
from params import ArrayConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """All that the timing of a layer depends on: the weights' places, not their values.

    Parameters
    ----------
    config : the array.
    plan : the tiles.
    channels : for each row int64 (filter groups, F), output channels, -1 for a missing filter;
        empty where the row has none.
    weights : for each row where its weights are nonzero.
    """

    config: ArrayConfig
    plan: TilePlan
    channels: tuple[np.ndarray, ...]
    weights: tuple[RowWeights, ...]

    @property
    def weight_bytes(self) -> int:
        """Bytes of headers, masks and codes that the rows read for every tile."""
        return sum(row.bytes(self.config) for row in self.weights)


def schedule_layer(
    shape: ConvShape, support: np.ndarray, config: ArrayConfig, limits: Limits = ALL
) -> Schedule:
    """Assign the filters of a layer to rows and plan its tiles.

    Parameters
    ----------
    shape : the convolution.
    support : bool (terms, cout, cin, kernel height, kernel width), where the weights are nonzero;
        everywhere for a dense array.
    config : the array.
    limits : what the tiles may use of it.

    Raises
    ------
    FitError : no layout fits the activation memory and the run table.
    """
    terms, cout = support.shape[:2]
    filters = support.swapaxes(0, 1).reshape(cout, -1)
    groups = pair_filters(filters, config.filters_per_row)
    steps = config.turns * group_steps(filters, groups)
    cycles = np.maximum(steps, config.drain_words)
    members = assign_rows(cycles, config.rows)
    busiest = max(int(cycles[row].sum()) for row in members)
    channels = tuple(groups[row] for row in members)

    def planned(replay: bool) -> tuple[TilePlan, tuple[RowWeights, ...]]:
        plan = plan_tiles(shape, config, terms=terms, steps=busiest, replay=replay, limits=limits)
        return plan, row_weights(support, plan.layout, channels, config)

    plan, weights = planned(True)
    if any(tile.passes > 1 for tile in plan.tiles) and not all(row.fits(config) for row in weights):
        plan, weights = planned(False)
    return Schedule(config=config, plan=plan, channels=channels, weights=weights)


def row_weights(
    support: np.ndarray, layout: Layout, channels: tuple[np.ndarray, ...], config: ArrayConfig
) -> tuple[RowWeights, ...]:
    """Where the weights of each row are nonzero, in the order of a layout's runs."""
    positions = layout.arrange(support)
    # A channel -1 finds the empty filter at the end.
    positions = np.concatenate([positions, np.zeros_like(positions[:1])])
    used = (positions[row] for row in channels)
    if config.dense:
        used = (row.any(axis=1, keepdims=True) for row in used)
    return tuple(RowWeights.of(row, config) for row in used)

"""What a layer takes on an array: cycles, their lower bound, what is lost to what, and bytes."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler.cycles import time_schedule
from compiler.schedule import Schedule, schedule_layer
from golden.shape import ConvShape
from params import ArrayConfig


@dataclass(frozen=True, kw_only=True)
class Losses:
    """The factors, each at most 1, whose product is the share of useful processing elements.

    Parameters
    ----------
    lanes : share of the lanes that compute an output, over all passes.
    pairing : share of a step's filters that are nonzero where the step is.
    drain : share of the cycles of a row's filter groups in which it steps; in the others their
        outputs, more than they have steps, still leave.
    rows : work of the rows over that of the busiest.
    tiles : share of a tile's cycles in which its busiest row steps or drains; the others are its
        start, its end and empty mask words.
    """

    lanes: float
    pairing: float
    drain: float
    rows: float
    tiles: float


@dataclass(frozen=True, kw_only=True)
class LayerFigures:
    """What a layer takes on an array.

    Parameters
    ----------
    cycles : with a tile under way.
    load_cycles : between tiles, for the run table and the activation words.
    nonzeros : nonzero weights, over all terms.
    lower_bound_cycles : nonzeros times output pixels over processing elements, rounded up.
    losses : what the utilisation is made of.
    tiles, passes : of the plan; passes summed over the tiles.
    weight_bytes : headers, masks and codes, as they lie in memory.
    traffic_bytes : what is moved: the weights once for each tile, activation words into the
        array's memory, outputs out of it.
    """

    cycles: int
    load_cycles: int
    nonzeros: int
    lower_bound_cycles: int
    losses: Losses
    tiles: int
    passes: int
    weight_bytes: int
    traffic_bytes: int

    @property
    def utilisation(self) -> float:
        """The lower bound over the cycles."""
        return self.lower_bound_cycles / self.cycles

    @classmethod
    def total(cls, figures: "Sequence[LayerFigures]") -> "LayerFigures":
        """The sums over layers, with losses whose product is again the utilisation."""
        sums = {
            field: sum(getattr(layer, field) for layer in figures)
            for field in (field.name for field in dataclasses.fields(cls))
            if field != "losses"
        }
        useful = [float(layer.cycles) for layer in figures]
        losses = {}
        # Each factor is the share that it leaves of the cycles that the ones before it left.
        for field in reversed([field.name for field in dataclasses.fields(Losses)]):
            left = [
                cycles * getattr(layer.losses, field)
                for cycles, layer in zip(useful, figures, strict=True)
            ]
            losses[field] = sum(left) / sum(useful) if sum(useful) else 1.0
            useful = left
        return cls(**sums, losses=Losses(**losses))


def layer_figures(shape: ConvShape, support: np.ndarray, config: ArrayConfig) -> LayerFigures:
    """The figures of a layer, without compiling it.

    Parameters
    ----------
    shape : the convolution.
    support : bool (terms, cout, cin, kernel height, kernel width), where the weights are nonzero;
        everywhere for an array that does not skip zeros.
    config : the array.

    Raises
    ------
    FitError : the layer does not fit the array's memory or run table.
    """
    schedule = schedule_layer(shape, support, config)
    plan = schedule.plan
    count = time_schedule(schedule)
    nonzeros = int(np.count_nonzero(support))
    bound = -(-nonzeros * shape.out_pixels // config.processing_elements)
    moved = plan.load_words * config.lanes + shape.cout * shape.out_pixels
    return LayerFigures(
        cycles=count.cycles,
        load_cycles=count.load_cycles,
        nonzeros=nonzeros,
        lower_bound_cycles=bound,
        losses=_losses(schedule, nonzeros, count.cycles),
        tiles=len(plan.tiles),
        passes=plan.passes,
        weight_bytes=schedule.weight_bytes,
        traffic_bytes=schedule.weight_bytes * len(plan.tiles) + moved * config.activation_bits // 8,
    )


def _losses(schedule: Schedule, nonzeros: int, cycles: int) -> Losses:
    config, plan = schedule.config, schedule.plan
    row_cycles = [int(row.cycles(config).sum()) for row in schedule.weights]
    steps = config.turns * sum(int(row.steps.sum()) for row in schedule.weights)
    busiest = max(row_cycles)
    return Losses(
        lanes=plan.lane_packing,
        # A layer without a weight loses nothing to pairing.
        pairing=nonzeros / (steps * config.elements_per_lane) if steps else 1.0,
        drain=steps / sum(row_cycles),
        rows=sum(row_cycles) / (config.rows * busiest),
        tiles=plan.passes * busiest / cycles,
    )

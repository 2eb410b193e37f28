"""What whole networks take on arrays for power-of-two weights and on dense ones."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np

from boards.report import BoardReport
from cli.console import UsageError
from cli.designs import DENSE_DESIGNS, DenseDesign, array_of_bits, board_array_of_bits, clock
from cli.network_weights import NetworkWeights
from compiler import FitError
from compiler.figures import LayerFigures, layer_figures
from golden.quantize import QuantizationError, quantize
from golden.shape import ConvShape
from params import ArrayConfig, preset
from rfcn.layers import NamedLayer

LAYER_GOAL, TOTAL_GOAL = 0.75, 0.92
"""Utilisation that is asked of every layer, and of a network."""

REASONS = {
    "lanes": "lanes without a pixel",
    "pairing": "filters of a row that are zero at different places",
    "drain": "filters with fewer nonzeros than their outputs take cycles to drain",
    "rows": "rows with unequal work",
    "tiles": "empty mask words, and the start and end of tiles",
}
"""In words, what utilisation is lost to; see `compiler.figures.Losses`."""

FLOAT_BYTES = 4
"""Of a weight before quantization."""


@dataclass(frozen=True, kw_only=True)
class BoardTime:
    """A layer, or a network, on the array that fills the FPGA.

    Parameters
    ----------
    array : its name.
    processing_elements : of the array.
    cycles : with a tile under way.
    clock_mhz : of the array; None without a report on it.
    """

    array: str
    processing_elements: int
    cycles: int
    clock_mhz: float | None

    @property
    def milliseconds(self) -> float | None:
        """The time of these cycles."""
        return None if self.clock_mhz is None else self.cycles / (1e3 * self.clock_mhz)


@dataclass(frozen=True, kw_only=True)
class DenseFigures:
    """A layer, or a network, on a dense array.

    Parameters
    ----------
    cycles, load_cycles : as in `LayerFigures`.
    processing_elements : of the array.
    weight_bytes : as they lie in memory.
    board : of the dense array that fills the FPGA.
    """

    cycles: int
    load_cycles: int
    processing_elements: int
    weight_bytes: int
    board: BoardTime


@dataclass(frozen=True, kw_only=True)
class Row:
    """A layer, or a network, with weights of one number of bits.

    Parameters
    ----------
    net, layer, stage : names; layer and stage are `total` for a network.
    bits : of a weight.
    config : the array.
    board : on the array that fills the FPGA.
    shape : of the layer; None for a network.
    weights, macs : of the layer, zeros too.
    steps : nonzero weights times output pixels.
    figures : on the array.
    dense : by name, what dense arrays take.
    """

    net: str
    layer: str
    stage: str
    bits: int
    config: ArrayConfig
    board: BoardTime
    shape: ConvShape | None
    weights: int
    macs: int
    steps: int
    figures: LayerFigures
    dense: Mapping[str, DenseFigures]

    @property
    def density(self) -> float:
        """Share of the weights that are not zero."""
        return self.figures.nonzeros / self.weights

    @property
    def goal(self) -> float:
        """Utilisation that is asked for."""
        return LAYER_GOAL if self.shape is not None else TOTAL_GOAL

    @property
    def largest_loss(self) -> str:
        """The field of `Losses` that costs most."""
        losses = dataclasses.asdict(self.figures.losses)
        return min(losses, key=lambda name: losses[name])

    def speedup(self, design: str) -> float:
        """How many times as many cycles the dense array takes, with as many elements."""
        dense = self.dense[design]
        own = self.figures.cycles * self.config.processing_elements
        return dense.cycles * dense.processing_elements / own

    def board_speedup(self, design: str) -> float | None:
        """How many times as long the dense array takes where each fills the same FPGA."""
        own, dense = self.board.milliseconds, self.dense[design].board.milliseconds
        return dense / own if own and dense else None


def compare_network(
    net: str,
    layers: Sequence[NamedLayer],
    weights: NetworkWeights,
    *,
    bits: Sequence[int],
    method: str,
    preset_name: str | None,
    reports: Mapping[str, BoardReport],
    designs: Sequence[DenseDesign] = DENSE_DESIGNS,
    done: Callable[[], None] = lambda: None,
) -> list[Row]:
    """The rows of a network: for each number of bits its layers, then the total.

    Parameters
    ----------
    net, layers : the network.
    weights : its float weights.
    bits : numbers of bits to quantize to.
    method : the quantizer.
    preset_name : the array for all of them; None for one that suits the bits.
    reports : on boards.
    designs : what to compare with.
    done : called `count_tasks` times, from any thread.

    Raises
    ------
    UsageError : weights that cannot be quantized, or a layer that does not fit; it is named.
    """
    configs = {b: array_of_bits(b, preset_name) for b in bits}
    board_configs = {b: board_array_of_bits(b, preset_name) for b in bits}

    def rows_of(number: int) -> list[Row]:
        layer = layers[number]
        with _naming(layer.name):
            floats = weights.of(layer, number)
            rows = [row_of(layer, floats, b) for b in bits]
        done()
        return rows

    def row_of(layer: NamedLayer, floats: np.ndarray, b: int) -> Row:
        quantized = quantize(floats, bits=b, method=method)
        support = (quantized.sign != 0)[None]
        figures = board_figures = layer_figures(layer.shape, support, configs[b])
        if board_configs[b] != configs[b]:
            board_figures = layer_figures(layer.shape, support, board_configs[b])
        return Row(
            net=net,
            layer=layer.name,
            stage=layer.stage,
            bits=b,
            config=configs[b],
            board=board_time(board_figures, board_configs[b], reports),
            shape=layer.shape,
            weights=layer.shape.weights,
            macs=layer.shape.macs,
            steps=quantized.nonzeros * layer.shape.out_pixels,
            figures=figures,
            dense={
                design.name: dense_figures(layer.shape, configs[b], design, reports)
                for design in designs
            },
        )

    def dense_of(shape: ConvShape) -> None:
        with _naming(shapes[shape]):
            for array in arrays:
                _figures_of_all_weights(shape, array)
        done()

    # The largest layers first, so that no thread is left alone with one of them.
    order = sorted(range(len(layers)), key=lambda n: -layers[n].shape.weights)
    arrays = dict.fromkeys(
        array
        for design in designs
        for array in (preset(design.preset), *map(design.array, configs.values()))
    )
    shapes = {layers[number].shape: layers[number].name for number in order}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Many layers have the same shape, and what a dense array takes depends on nothing else.
        list(pool.map(dense_of, shapes))
        found = dict(zip(order, pool.map(rows_of, order), strict=True))
    by_bits = [[found[number][n] for number in range(len(layers))] for n in range(len(bits))]
    return [row for rows in by_bits for row in (*rows, total(rows))]


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    """Faults tell the layer that they are about."""
    try:
        yield
    except (FitError, QuantizationError) as fault:
        raise UsageError(f"{layer}: {fault}") from fault


def count_tasks(layers: Sequence[NamedLayer]) -> int:
    """How often `compare_network` tells that a part of its work is done."""
    return len(layers) + len({layer.shape for layer in layers})


def dense_figures(
    shape: ConvShape,
    config: ArrayConfig,
    design: DenseDesign,
    reports: Mapping[str, BoardReport],
) -> DenseFigures:
    """What a layer takes on the dense array that `config` is compared with."""
    array, whole = design.array(config), preset(design.preset)
    figures = _figures_of_all_weights(shape, array)
    return DenseFigures(
        cycles=figures.cycles,
        load_cycles=figures.load_cycles,
        processing_elements=array.processing_elements,
        weight_bytes=figures.weight_bytes,
        board=board_time(_figures_of_all_weights(shape, whole), whole, reports),
    )


def board_time(
    figures: LayerFigures, config: ArrayConfig, reports: Mapping[str, BoardReport]
) -> BoardTime:
    """What a layer takes on the array of `config`, at its clock."""
    return BoardTime(
        array=config.name,
        processing_elements=config.processing_elements,
        cycles=figures.cycles,
        clock_mhz=clock(reports, config),
    )


def _total_time(times: Sequence[BoardTime]) -> BoardTime:
    return dataclasses.replace(times[0], cycles=sum(time.cycles for time in times))


@cache
def _figures_of_all_weights(shape: ConvShape, config: ArrayConfig) -> LayerFigures:
    return layer_figures(shape, np.ones((1, *shape.weight_shape), dtype=bool), config)


def total(rows: Sequence[Row]) -> Row:
    """The sum of a network's layers of one number of bits."""
    first = rows[0]
    return dataclasses.replace(
        first,
        layer="total",
        stage="total",
        shape=None,
        weights=sum(row.weights for row in rows),
        macs=sum(row.macs for row in rows),
        steps=sum(row.steps for row in rows),
        figures=LayerFigures.total([row.figures for row in rows]),
        board=_total_time([row.board for row in rows]),
        dense={
            name: DenseFigures(
                cycles=sum(row.dense[name].cycles for row in rows),
                load_cycles=sum(row.dense[name].load_cycles for row in rows),
                processing_elements=first.dense[name].processing_elements,
                weight_bytes=sum(row.dense[name].weight_bytes for row in rows),
                board=_total_time([row.dense[name].board for row in rows]),
            )
            for name in first.dense
        },
    )


def shortfalls(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows below their goal, in groups of one network, number of bits and largest loss.

    The worst row of a group comes first; totals are groups of their own.
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        if row.figures.utilisation < row.goal:
            key = row.net, row.bits, row.shape is None, row.largest_loss
            groups.setdefault(key, []).append(row)
    for group in groups.values():
        yield sorted(group, key=lambda row: row.figures.utilisation)

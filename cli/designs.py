"""The arrays that `zeroshift compare` compares: those for power-of-two weights with dense ones."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from boards.report import BoardReport
from golden.quantize import levels_of_bits
from params import ArrayConfig, preset

SPARSE_BITS = 4
"""Up to here most weights are zero; with more bits few are, and filters share a row."""


@dataclass(frozen=True, kw_only=True)
class DenseDesign:
    """An array that takes a step for every weight.

    Parameters
    ----------
    name : what figures and its board report call it.
    label : what tables and pictures call it.
    array : gives, for an array of power-of-two weights, the one it is compared with, of as many
        processing elements where that is possible.
    """

    name: str
    label: str
    array: Callable[[ArrayConfig], ArrayConfig]


def int8_array(config: ArrayConfig) -> ArrayConfig:
    """The array of int8 multipliers that has the lanes, rows, filters and memory of `config`."""
    return _like(config, "ulx3s-int8", rows=config.rows, filters_per_row=config.filters_per_row)


def float32_array(config: ArrayConfig) -> ArrayConfig:
    """The array of float32 units with the lanes, processing elements and memory of `config`.

    Filters that share a row there take turns, so rows stand in for those of `config`.
    """
    return _like(config, "ulx3s-float32", rows=config.rows * config.filters_per_row)


def _like(config: ArrayConfig, name: str, **changed: int) -> ArrayConfig:
    """The preset `name` with the size of `config`."""
    size = {field: getattr(config, field) for field in SIZE}
    return dataclasses.replace(preset(name), **size, **changed)


SIZE = ("lanes", "depth", "lane_groups", "drain_width", "max_shift")
"""Fields of a configuration that arrays to compare have in common."""

DENSE_DESIGNS: tuple[DenseDesign, ...] = (
    DenseDesign(name="float32", label="FP32", array=float32_array),
    DenseDesign(name="int8", label="int8", array=int8_array),
)
"""What arrays for power-of-two weights are compared with."""


def array_of_bits(bits: int, preset_name: str | None) -> ArrayConfig:
    """The array for weights of `bits` bits: the preset, or the ULX3S preset meant for them.

    Raises
    ------
    ConfigError, QuantizationError : no such preset, or no such number of bits.
    """
    name = preset_name or ("ulx3s" if bits <= SPARSE_BITS else "ulx3s-dense")
    return preset(name, levels=levels_of_bits(bits))


def report_name(config: ArrayConfig) -> str:
    """The name of the board report on an array of power-of-two weights."""
    return f"{config.name}-{config.levels}"


def speed_on_board(
    reports: Mapping[str, BoardReport], config: ArrayConfig, design: DenseDesign
) -> float | None:
    """How much faster an array is than a dense one, for as many cycles with as many elements.

    Each takes the whole FPGA, at its own clock. None where a report is missing.
    """
    own, other = reports.get(report_name(config)), reports.get(design.name)
    return own.steps_per_second / other.steps_per_second if own and other else None

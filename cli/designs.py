"""The arrays that `zeroshift compare` compares: those for power-of-two weights with dense ones."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from boards.report import BoardReport
from golden.quantize import levels_of_bits
from params import ArrayConfig, preset
from params.config import FLOAT_LOOP

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
    preset : the one that fills the FPGA.
    """

    name: str
    label: str
    array: Callable[[ArrayConfig], ArrayConfig]
    preset: str


def int8_array(config: ArrayConfig) -> ArrayConfig:
    """The array of int8 multipliers that has the lanes, rows, filters and memory of `config`."""
    return _like(config, "ulx3s-int8", rows=config.rows, filters_per_row=config.filters_per_row)


def float32_array(config: ArrayConfig) -> ArrayConfig:
    """The array of float32 units with the lanes, processing elements and memory of `config`.

    Filters that share a row there take turns, so rows stand in for those of `config`.
    """
    rows = config.rows * config.filters_per_row
    return _like(config, "ulx3s-float32", rows=rows, filters_per_row=FLOAT_LOOP)


def _like(config: ArrayConfig, name: str, **changed: int) -> ArrayConfig:
    """The preset `name` with the size of `config`."""
    size = {field: getattr(config, field) for field in SIZE}
    return dataclasses.replace(preset(name), **size, **changed)


SIZE = ("lanes", "depth", "lane_groups", "drain_width", "max_shift")
"""Fields of a configuration that arrays to compare have in common."""

DENSE_DESIGNS: tuple[DenseDesign, ...] = (
    DenseDesign(name="float32", label="FP32", array=float32_array, preset="ulx3s-float32"),
    DenseDesign(name="int8", label="int8", array=int8_array, preset="ulx3s-int8"),
)
"""What arrays for power-of-two weights are compared with."""


def array_of_bits(bits: int, preset_name: str | None) -> ArrayConfig:
    """The array for weights of `bits` bits: the preset, or the ULX3S preset meant for them.

    An array of more levels than they need takes them as it is.

    Raises
    ------
    ConfigError, QuantizationError : no such preset, or no such number of bits.
    """
    name = preset_name or ("ulx3s" if bits <= SPARSE_BITS else "ulx3s-dense")
    config, levels = preset(name), levels_of_bits(bits)
    return config if config.levels >= levels else config.with_levels(levels)


def board_array_of_bits(bits: int, preset_name: str | None) -> ArrayConfig:
    """The array for weights of `bits` bits that fills the FPGA; the preset where one is given.

    Raises
    ------
    ConfigError, QuantizationError : as `array_of_bits`.
    """
    full = "ulx3s-full" if bits <= SPARSE_BITS else "ulx3s-dense-full"
    return array_of_bits(bits, preset_name or full)


def report_name(config: ArrayConfig) -> str:
    """The name of the board report on an array."""
    return config.name if config.dense else f"{config.name}-{config.levels}"


def missing_reports(
    reports: Mapping[str, BoardReport], bits: Sequence[int], preset_name: str | None
) -> list[str]:
    """Names of the reports that a comparison on the same FPGA lacks, in order.

    Raises
    ------
    ConfigError, QuantizationError : as `array_of_bits`.
    """
    arrays = [board_array_of_bits(width, preset_name) for width in bits]
    arrays += [preset(design.preset) for design in DENSE_DESIGNS]
    names = dict.fromkeys(report_name(array) for array in arrays if clock(reports, array) is None)
    return [*names]


def clock(reports: Mapping[str, BoardReport], config: ArrayConfig) -> float | None:
    """The clock of an array on the FPGA, in MHz; None without a report on just this array."""
    report = reports.get(report_name(config))
    fits = report is not None and report.processing_elements == config.processing_elements
    return report.clock_mhz if report is not None and fits else None

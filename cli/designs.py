"""The arrays that `zeroshift compare` compares: those for power-of-two weights with dense ones."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from boards.report import BoardReport
from golden.quantize import levels_of_bits
from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
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
    """

    name: str
    label: str
    array: Callable[[ArrayConfig], ArrayConfig]


def int8_array(config: ArrayConfig) -> ArrayConfig:
    """The array of 8x8-bit multipliers that is otherwise like `config`."""
    return dataclasses.replace(
        config, arithmetic=Arithmetic.INT8, name="int8", **dict.fromkeys(WIDTHS)
    )


def float32_array(config: ArrayConfig) -> ArrayConfig:
    """The array of float32 multiply-add units with as many processing elements as `config`.

    Filters that share a row take turns there, so rows stand in for those of `config`.
    """
    return dataclasses.replace(
        config,
        arithmetic=Arithmetic.FLOAT32,
        name="float32",
        rows=config.rows * config.filters_per_row,
        filters_per_row=FLOAT_LOOP,
        **dict.fromkeys(WIDTHS),
    )


WIDTHS = ("levels", "activation_bits", "accumulator_bits", "multipliers")
"""Fields of a configuration that its arithmetic decides."""

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

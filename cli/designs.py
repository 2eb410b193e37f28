"""The arrays that `zeroshift compare` compares: those for power-of-two weights with dense ones."""

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


NO_SKIP = DenseDesign(name="no_skip", label="no skip", array=lambda config: config)
"""The same array stepping through the zeros too."""

DENSE_DESIGNS: tuple[DenseDesign, ...] = (NO_SKIP,)
"""What the power-of-two arrays are compared with."""


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
    own = reports.get(report_name(config))
    other = own if design is NO_SKIP else reports.get(design.name)
    return own.steps_per_second / other.steps_per_second if own and other else None

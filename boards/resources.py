"""Cells of an FPGA that a design takes."""

from dataclasses import dataclass

LUTS_PER_CARRY = 2
"""LUT4 that a carry cell CCU2C occupies."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a design takes; no whole numbers where it is a share of one.

    Parameters
    ----------
    lut4 : LUTs of four inputs, those of distributed RAM too, without those of carry cells.
    carry : carry cells.
    ff : flip-flops.
    dsp : 18x18 multipliers.
    ebr : block RAMs.
    """

    lut4: float
    carry: float
    ff: float
    dsp: float
    ebr: float

    @property
    def luts(self) -> float:
        """LUTs of four inputs with those that carry cells occupy."""
        return self.lut4 + LUTS_PER_CARRY * self.carry

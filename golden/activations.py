"""The integer formats of activations."""

from dataclasses import dataclass

import numpy as np

from golden.errors import UserError


class ActivationError(UserError):
    """An activation format does not exist, or values do not fit theirs."""


@dataclass(frozen=True, kw_only=True)
class ActivationFormat:
    """Integers of 4 to 8 bits: unsigned after a ReLU, else two's complement.

    Parameters
    ----------
    bits : width, 4 to 8.
    signed : whether negative values exist.

    Raises
    ------
    ActivationError : `bits` out of range.
    """

    bits: int = 8
    signed: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.bits, bool) or self.bits not in range(4, 9):
            raise ActivationError(f"activations of {self.bits!r} bits are refused: use 4 to 8 bits")

    @property
    def low(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest value."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def largest(self) -> int:
        """Largest magnitude."""
        return max(self.high, -self.low)

    def check(self, values: np.ndarray, name: str = "activations") -> np.ndarray:
        """`values` as an array, if they are integers of this format.

        Raises
        ------
        ActivationError : another type, or a value out of range.
        """
        values = np.asarray(values)
        if values.dtype.kind not in "iu":
            raise ActivationError(f"{name} are {values.dtype}, but must be integers")
        if values.size and not self.low <= int(values.min()) <= int(values.max()) <= self.high:
            raise ActivationError(
                f"{name} span {int(values.min())}..{int(values.max())}, but {self} holds "
                f"{self.low}..{self.high}"
            )
        return values

    def __str__(self) -> str:
        """Such as "unsigned 8-bit"."""
        return f"{'signed' if self.signed else 'unsigned'} {self.bits}-bit"

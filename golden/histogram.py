"""A histogram of floats that grows with what it is given."""

import numpy as np

from golden.errors import UserError

HALF = 1 << 12
"""Bins on either side of zero."""

SMALLEST_EXPONENT = -120
"""Least binary logarithm of a bin's width: what lies far below counts as next to zero."""


class HistogramError(UserError):
    """Values cannot be counted, or there are none; the message says which."""


class Histogram:
    """Counts of values in bins of one width, a power of two that grows with the largest value.

    Bin i holds the values in [i - HALF, i - HALF + 1) * 2^exponent. When a value lies outside,
    the width doubles and neighbours are added up, so the counts depend on the values alone, and
    neither on their order nor on how they were split into calls. Exact zeros, which no quantizer
    changes, are counted apart.

    Attributes
    ----------
    counts : int64 (2 * HALF,).
    zeros : values that are exactly zero.
    exponent : binary logarithm of the width.
    peak : largest magnitude so far.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(2 * HALF, np.int64)
        self.zeros = 0
        self.exponent = SMALLEST_EXPONENT
        self.peak = 0.0

    @staticmethod
    def of(values: object) -> "Histogram":
        """The histogram of an array."""
        result = Histogram()
        result.add(values)
        return result

    def add(self, values: object) -> None:
        """Count a float array of any shape.

        Raises
        ------
        HistogramError : not floats, a NaN or an infinity.
        """
        array = np.asarray(values)
        if array.dtype.kind != "f":
            raise HistogramError(f"values are {array.dtype}, but must be floats: convert them")
        if not array.size:
            return
        array = array.reshape(-1)
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        peak = max(float(array.max()), -float(array.min()))
        if not np.isfinite(peak):
            raise HistogramError("values hold a NaN or an infinity: only finite ones are counted")
        self.peak = max(self.peak, peak)
        self._grow(int(np.frexp(self.peak)[1]) - HALF.bit_length() + 1)
        nonzero = array[array != 0]
        self.zeros += array.size - nonzero.size
        index = np.floor(np.ldexp(nonzero, -self.exponent)).astype(np.int64)
        index += HALF
        self.counts += np.bincount(index, minlength=2 * HALF)

    def _grow(self, exponent: int) -> None:
        # Thirteen halvings leave only the two bins next to zero, and further ones change nothing.
        for _ in range(min(exponent - self.exponent, HALF.bit_length())):
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros_like(self.counts)
            self.counts[HALF // 2 : HALF // 2 + HALF] = merged
        self.exponent = max(self.exponent, exponent)

    @property
    def total(self) -> int:
        """Values counted."""
        return int(self.counts.sum()) + self.zeros

    @property
    def negative(self) -> bool:
        """Whether a value was below zero."""
        return bool(self.counts[:HALF].any())

    @property
    def width(self) -> float:
        """Width of a bin."""
        return float(np.ldexp(1.0, self.exponent))

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, float64 (2 * HALF + 1,)."""
        return np.arange(-HALF, HALF + 1) * self.width

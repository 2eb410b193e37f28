"""Float weights as rows that share a scale, read through the bits of their magnitudes."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from golden.errors import UserError

BLOCK = 1 << 16
"""Weights worked on at a time: the scratch arrays of a block stay in the second-level cache."""

LARGEST = 1.5 * 2.0**1023
"""From here on the nearest power of two is not a float64."""


class QuantizationError(UserError):
    """Weights or quantizer settings are unusable; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class WeightRows:
    """Finite weights as a matrix whose rows share one scale each.

    The bits of a non-negative IEEE-754 float order like its value, and adding 2^`mantissa` to
    them doubles a normal number: the quantizers compare and scale magnitudes as integers.

    Members
    -------
    values : float32 or float64 (rows, count), contiguous.
    exponent : int64 (rows,): the weights of a row are `values * 2^exponent`.
    peaks : float64 (rows,): largest magnitude in `values`; 0 for an all-zero row.
    shape : shape of the weights the rows came from.
    per_channel : whether a row is an output channel; else there is one row.
    """

    values: np.ndarray
    exponent: np.ndarray
    peaks: np.ndarray
    shape: tuple[int, ...]
    per_channel: bool

    @staticmethod
    def of(weights: object, *, per_channel: bool) -> "WeightRows":
        """Rows of a float16, float32 or float64 array: one per output channel, or one in all.

        Raises
        ------
        QuantizationError : another type, no weights, a NaN or an infinity, or magnitudes whose
            nearest power of two is no float64.
        """
        array = np.asarray(weights)
        if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
            raise QuantizationError(
                f"weights are {array.dtype}, but must be float16, float32 or float64: convert them"
            )
        if not array.size:
            raise QuantizationError(
                f"weights of shape {array.shape} are empty: nothing to quantize"
            )
        if per_channel and not array.ndim:
            raise QuantizationError("a single number has no output channels: quantize per layer")
        kind = np.float64 if array.dtype.itemsize == 8 else np.float32
        rows = array.shape[0] if per_channel else 1
        values = np.ascontiguousarray(array, dtype=kind).reshape(rows, -1)
        # Minimum and maximum hand on a NaN, so two reductions check and measure at once.
        peaks = np.maximum(values.max(axis=1), -values.min(axis=1)).astype(np.float64)
        if not np.isfinite(peaks).all():
            flat = int(np.flatnonzero(~np.isfinite(values))[0])
            index = tuple(int(i) for i in np.unravel_index(flat, array.shape))
            raise QuantizationError(
                f"weights hold {values.reshape(-1)[flat]} at index {index}: every weight must be "
                f"finite"
            )
        if peaks.max() >= LARGEST:
            raise QuantizationError(
                f"weights reach {peaks.max():.4g}, but must stay below {LARGEST:.4g}: scale them "
                f"down"
            )
        # The all-zero row's peak may come out as -0.
        peaks = np.abs(peaks)
        result = WeightRows(values, np.zeros(rows, np.int64), peaks, array.shape, per_channel)
        # Thresholds reach down to 2^-65 of the peak and must be normal; sums must not overflow.
        low, high = (2.0**-60, 2.0**128) if kind is np.float32 else (2.0**-900, 2.0**900)
        used = peaks[peaks > 0]
        return result.normalised() if ((used < low) | (used > high)).any() else result

    def normalised(self) -> "WeightRows":
        """The same weights as float64, every nonzero row's peak in [1/2, 1).

        Exact for magnitudes down to 2^-1000 of the peak; no threshold reaches lower.
        """
        exponent = np.frexp(self.peaks)[1]
        values = np.ldexp(self.values.astype(np.float64), -exponent[:, None])
        peaks = np.ldexp(self.peaks, -exponent)
        return WeightRows(values, self.exponent + exponent, peaks, self.shape, self.per_channel)

    @property
    def mantissa(self) -> int:
        """Stored bits of the mantissa."""
        return 23 if self.values.dtype == np.float32 else 52

    @property
    def bias(self) -> int:
        """What the exponent field adds to the exponent."""
        return 127 if self.values.dtype == np.float32 else 1023

    @property
    def integer(self) -> np.dtype:
        """The signed integer type as wide as a weight."""
        return np.dtype(np.int32 if self.values.dtype == np.float32 else np.int64)

    @property
    def magnitude_mask(self) -> int:
        """All bits but the sign."""
        return int(np.iinfo(self.integer).max)

    @property
    def bits(self) -> np.ndarray:
        """The weights' bits as signed integers (rows, count); a view."""
        return self.values.view(self.integer)

    def power_bits(self, exponent: np.ndarray, *, three_quarters: bool = False) -> np.ndarray:
        """Bits of 2^exponent, or of 3/4 of it, for normal results; int64."""
        biased = np.asarray(exponent, np.int64) + self.bias
        if three_quarters:
            return ((biased - 1) << self.mantissa) | (1 << (self.mantissa - 1))
        return biased << self.mantissa

    def ceiling_bits(self, value: Fraction) -> int:
        """Bits of the smallest float that is not below `value`, a positive rational."""
        nearest = self.values.dtype.type(float(value))
        bits = int(nearest.view(self.integer))
        # The float below `nearest` is below `value` too, even if rounding to float64 came first.
        return bits + (Fraction(float(nearest)) < value)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Row and column slices that cover the matrix, about `BLOCK` weights each."""
        rows, count = self.values.shape
        step = max(1, BLOCK // count)
        for row in range(0, rows, step):
            for column in range(0, count, BLOCK):
                yield slice(row, min(row + step, rows)), slice(column, min(column + BLOCK, count))

    def sum_parts(self, magnitudes: np.ndarray) -> list[np.ndarray]:
        """`magnitudes` as float64 arrays whose sums over a few octaves stay exact.

        24-bit mantissas sum exactly in float64 as they are; 53-bit ones are cut in two.
        """
        if self.values.dtype == np.float32:
            return [magnitudes.astype(np.float64)]
        high = (magnitudes.view(np.int64) & -(1 << 27)).view(np.float64)
        return [high, magnitudes - high]

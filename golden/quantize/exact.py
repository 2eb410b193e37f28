"""The optimum of the paper's problem (2.1), and a knob from it towards LBW-Net's sparsity.

For a fixed scale s the squared error separates over the weights, so the best Q rounds each
weight to its nearest level; that leaves s, and s is bounded:

- s <= floor(log2(4M/3)), M the largest magnitude: above it the top level is unused.
- Raising s by one takes the smallest magnitude q = 2^(s-n+1) away, which costs at most q^2 per
  weight, and brings M = max|W| nearer by M^2 terms: (M - 2^s)^2 - (M - 2^(s+1))^2 gained. So s+1
  is no worse while 2^s <= M / (3/2 + 2N * 4^-n), N the number of weights.
"""

from fractions import Fraction
from math import ceil, log2

import numpy as np

from golden.quantize.half_octaves import half_octaves, top_scale
from golden.quantize.lbw import MU, ceiling, mu_of_rows, representable, zero_threshold
from golden.quantize.rows import QuantizationError, WeightRows
from golden.quantize.thresholds import threshold
from golden.weights import PowerOfTwoWeights


def exact(rows: WeightRows, *, levels: int) -> PowerOfTwoWeights:
    """Quantize with the least squared error; ties go to the larger scale and magnitude.

    O(N) without a sort: one pass for the histogram, one for the rounding.
    """
    return nearest(rows, best_scale(rows, levels), levels)


def nearest(rows: WeightRows, scale: np.ndarray, levels: int) -> PowerOfTwoWeights:
    """Round every weight to its nearest level at the given scales, int64 (rows,)."""
    mu = rows.power_bits(scale, three_quarters=True)
    zero = rows.power_bits(scale - levels)
    return threshold(rows, mu, _heard(rows, zero), levels).weights(rows, scale, levels)


def sparse(
    rows: WeightRows,
    *,
    levels: int,
    sparsity: float,
    mu: float = MU,
    mu_absolute: float | None = None,
) -> PowerOfTwoWeights:
    """Quantize with the zeros of a threshold between those of `exact` and of `lbw`.

    The zero threshold is z0^(1-k) * z1^k for the knob k = `sparsity`, z0 that of the optimum,
    z1 that of (2.8) with the given mu; what it keeps is rounded to the nearest nonzero level at
    the best scale for it. Density moves monotonically, in steps of single weights, from one end
    to the other: 0 gives `exact`, 1 the zeros of `lbw`. No weights with as many zeros have a
    smaller squared error, because at any scale it costs least to drop the smallest weights.

    Raises
    ------
    QuantizationError : `sparsity` outside 0..1, or mu out of range.
    """
    if not 0 <= sparsity <= 1:
        raise QuantizationError(f"sparsity is {sparsity!r}, but must lie in 0..1")
    thresholds = mu_of_rows(rows, mu, mu_absolute)
    if sparsity == 0:
        return exact(rows, levels=levels)
    rows, thresholds = representable(rows, thresholds)
    dense = best_scale(rows, levels)
    floors = []
    for value, scale in zip(thresholds, dense.tolist(), strict=True):
        end = zero_threshold(value, levels)
        if sparsity < 1 and end:
            exponent = (1 - sparsity) * (scale - levels) + sparsity * _log2(end)
            end = Fraction(2.0**exponent)
        floors.append(end)
    floor = ceiling(rows, floors)

    top = top_scale(rows)
    candidates = candidate_scales(rows.values.shape[1], levels, loss=3)
    # Down to the lowest half-octave that holds a kept weight.
    lowest = int((2 * (top + rows.bias) - (floor >> (rows.mantissa - 1))).max())
    histogram = half_octaves(rows, top, max(lowest, 0) + 2, floor)
    scale = histogram.best_scale(levels, candidates, round_to_zero=False)
    mu_bits = rows.power_bits(scale, three_quarters=True)
    return threshold(rows, mu_bits, _heard(rows, floor), levels).weights(rows, scale, levels)


def best_scale(rows: WeightRows, levels: int) -> np.ndarray:
    """The scale of the optimum of (2.1) for each row, int64; of no meaning for an all-zero row."""
    top = top_scale(rows)
    candidates = candidate_scales(rows.values.shape[1], levels)
    histogram = half_octaves(rows, top, 2 * (candidates - 1 + levels) + 2)
    return histogram.best_scale(levels, candidates, round_to_zero=True)


def candidate_scales(count: int, levels: int, *, loss: int = 1) -> int:
    """Scales from the top down that can be optimal for rows of `count` weights.

    `loss` bounds what a weight on the smallest level loses when that level goes, in units of the
    level's square: 1 if it may become zero, 3 if it must go up.
    """
    # The bound above with M >= 3/4 * 2^top, and one to spare for the rounding of log2.
    return ceil(log2(2 + 8 / 3 * loss * count * 4.0**-levels)) + 1


def _heard(rows: WeightRows, zero: np.ndarray) -> np.ndarray:
    """`zero`, with a threshold that keeps nothing in all-zero rows."""
    return np.where(rows.peaks > 0, zero, rows.power_bits(np.array(0)))


def _log2(value: Fraction) -> float:
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    return shift + log2(value / Fraction(2) ** shift)

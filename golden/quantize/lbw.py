"""LBW-Net's semi-analytical quantizer: thresholds (2.8), then the best scale for them (2.9)."""

from fractions import Fraction

import numpy as np

from golden.quantize.rows import QuantizationError, WeightRows
from golden.quantize.thresholds import SILENT, Levels, threshold
from golden.weights import PowerOfTwoWeights

MU = 0.75
"""The paper's choice of mu for 4 bits and more, as a share of the largest magnitude."""

PARTIAL_SUMS = 4
"""Terms of the sums in (2.9) that the paper finds sufficient."""

FARTHEST = 40
"""A mu this many octaves above the peak turns every weight into zero, whatever the levels."""

SMALLEST = Fraction(1, 1 << 800)
"""Least mu, relative to the peak, whose thresholds float64 can still hold."""


def lbw(
    rows: WeightRows,
    *,
    levels: int,
    mu: float = MU,
    mu_absolute: float | None = None,
    partial_sums: int | None = PARTIAL_SUMS,
) -> PowerOfTwoWeights:
    """Quantize by (2.8) and (2.9), exact for the rational mu that the numbers given stand for.

    s = floor(log2(4u / 3v)) with u = sum_t 2^-t |W_t|_1, v = sum_t 4^-t k_t over the first
    `partial_sums` levels, all of them when None, or when the first ones hold no weight. A row
    without a nonzero weight gets s = 0.

    Parameters
    ----------
    rows : the weights.
    levels : n.
    mu : mu as a share of each row's largest magnitude.
    mu_absolute : mu itself, in place of `mu`.
    partial_sums : levels that take part in (2.9).

    Raises
    ------
    QuantizationError : a setting is out of range.
    """
    if partial_sums is not None and partial_sums < 1:
        raise QuantizationError(f"partial_sums is {partial_sums}, but must be at least 1, or None")
    thresholds = mu_of_rows(rows, mu, mu_absolute)
    rows, thresholds = representable(rows, thresholds)
    mu_bits = ceiling(rows, thresholds)
    zero_bits = ceiling(rows, [zero_threshold(value, levels) for value in thresholds])
    found = threshold(rows, mu_bits, zero_bits, levels, tally=True)
    return found.weights(rows, best_scale(found, partial_sums), levels)


def mu_of_rows(rows: WeightRows, mu: float, mu_absolute: float | None) -> list[Fraction]:
    """Each row's mu in units of the row's values; 0 for an all-zero row."""
    given = mu if mu_absolute is None else mu_absolute
    name = "mu" if mu_absolute is None else "mu_absolute"
    check_mu(given, name)
    share = Fraction(float(given))
    result = []
    for peak, exponent in zip(rows.peaks.tolist(), rows.exponent.tolist(), strict=True):
        peak = Fraction(peak)
        value = share * peak if mu_absolute is None else share / Fraction(2) ** exponent
        if peak and value < peak * SMALLEST:
            raise QuantizationError(
                f"{name} is {given!r}, less than 2^-800 of the largest weight: every weight would "
                f"fall on the top level"
            )
        # All weights are zero from far below this bound on.
        result.append(min(value, peak * 2**FARTHEST))
    return result


def check_mu(given: float, name: str) -> None:
    """Raise QuantizationError unless `given` is a positive finite number."""
    if not np.isfinite(given) or given <= 0:
        raise QuantizationError(f"{name} is {given!r}, but must be a positive finite number")


def zero_threshold(mu: Fraction, levels: int) -> Fraction:
    """The magnitude below which (2.8) rounds to zero: 2^(2-n) mu / 3."""
    return 4 * mu / (3 * 2**levels)


def representable(
    rows: WeightRows, thresholds: list[Fraction]
) -> tuple[WeightRows, list[Fraction]]:
    """The rows and their mu in a float format in which every threshold is a normal number."""
    # The zero threshold is up to 2^32 below mu.
    low, high = Fraction(1, 1 << (rows.bias - 37)), Fraction(1 << (rows.bias - 27))
    if any(value and not low <= value <= high for value in thresholds):
        wide = rows.normalised()
        moved = (wide.exponent - rows.exponent).tolist()
        return wide, [v / Fraction(2) ** e for v, e in zip(thresholds, moved, strict=True)]
    return rows, thresholds


def ceiling(rows: WeightRows, values: list[Fraction]) -> np.ndarray:
    """Bits of the smallest floats not below `values`, int64; anything positive for a 0."""
    return np.array([rows.ceiling_bits(value or Fraction(SILENT)) for value in values], np.int64)


def best_scale(found: Levels, partial_sums: int | None) -> np.ndarray:
    """s of (2.9) for each row, int64; of no meaning for a row of zeros."""
    levels = found.counts.shape[1]
    taken = np.arange(levels) < (levels if partial_sums is None else partial_sums)
    # Rows without a weight on the first levels fall back to the whole sums.
    used = taken | ~found.counts[:, taken].any(axis=1, keepdims=True)
    fraction = np.ldexp(1.0, -np.arange(levels))
    u = np.where(used, found.sums.sum(axis=0), 0) @ fraction
    v = np.where(used, found.counts, 0) @ fraction**2
    mantissa, exponent = np.frexp(u / np.where(v > 0, v, 1))
    scales = exponent.astype(np.int64) - (mantissa < 0.75)
    # Where the quotient lies next to 3/4 * 2^exponent: on or above it?
    for row in np.flatnonzero((np.abs(mantissa - 0.75) < 1e-9) & (v > 0)).tolist():
        exact_u, exact_v = _exactly(found, row, np.flatnonzero(used[row]).tolist())
        edge = Fraction(3, 4) * Fraction(2) ** int(exponent[row]) * exact_v
        scales[row] = exponent[row] - (exact_u < edge)
    return scales


def _exactly(found: Levels, row: int, used: list[int]) -> tuple[Fraction, Fraction]:
    """The sums u and v of (2.9) over the levels `used`, without rounding."""
    u = v = Fraction(0)
    for t in used:
        for part in found.sums[:, row, t].tolist():
            u += Fraction(part) / 2**t
        v += Fraction(int(found.counts[row, t]), 4**t)
    return u, v

"""The squared error of nearest-level rounding for every scale at once, from one histogram.

All thresholds of nearest-level rounding are 2^j or 3/4 * 2^j, so the counts and magnitude sums
of the half-octaves [2^j, 3/2 * 2^j) and [3/2 * 2^j, 2^(j+1)) settle the error of every scale:
for a fixed s it is |W|^2 + sum_t (4^(s-t) k_t - 2 * 2^(s-t) |W_t|_1).
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from golden.quantize.rows import WeightRows
from golden.quantize.thresholds import tally_keys

NEAR = 1e-10
"""Relative difference of two errors below which they are compared without rounding."""


@dataclass(frozen=True, eq=False)
class HalfOctaves:
    """Counts and magnitude sums of half-octaves, from each row's largest scale downwards.

    Members
    -------
    top : int64 (rows,): largest scale worth trying, floor(log2(4 max|W| / 3)).
    counts : int64 (rows, bins): weights in half-octave b, whose nearest power of two is
        2^(top - b // 2); the last bin takes all weights that are to be ignored.
    sums : float64 (parts, rows, bins): their summed magnitudes, to be added over the parts.
    """

    top: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    def best_scale(self, levels: int, candidates: int, *, round_to_zero: bool) -> np.ndarray:
        """The scale of least squared error among top, top-1, ...; the largest on a tie.

        Parameters
        ----------
        levels : n.
        candidates : number of scales to try.
        round_to_zero : whether weights below half the smallest magnitude become zero; else they
            take the smallest magnitude.

        Returns
        -------
        int64 (rows,).
        """
        bins = self.counts.shape[1]
        below = np.arange(candidates)[:, None]
        step = np.arange(bins)[None, :]
        level = np.clip(step // 2 - below, 0, levels - 1)
        power = -(below + level)
        counted = np.broadcast_to(step < bins - 1, power.shape)
        if round_to_zero:
            counted = counted & (step <= 2 * (below + levels))

        # In units of 4^top: the two sums of the error, whose difference is minimised.
        squares = self.counts @ np.where(counted, np.ldexp(1.0, 2 * power), 0).T
        scaled = np.ldexp(self.sums.sum(axis=0), -self.top[:, None])
        products = scaled @ np.where(counted, np.ldexp(2.0, power), 0).T
        error = squares - products
        best = error.argmin(axis=1)
        doubt = error <= (error.min(axis=1) + NEAR * products.max(axis=1))[:, None]
        for row in np.flatnonzero(doubt.sum(axis=1) > 1).tolist():
            rivals = np.flatnonzero(doubt[row])
            exact = [self._error(row, power[rival], counted[rival]) for rival in rivals.tolist()]
            best[row] = rivals[exact.index(min(exact))]
        return self.top - best

    def _error(self, row: int, power: np.ndarray, counted: np.ndarray) -> Fraction:
        """The error of one row without rounding, less |W|^2, in units of 4^top."""
        error = Fraction(0)
        unit = Fraction(2) ** int(self.top[row])
        for b in np.flatnonzero(counted & (self.counts[row] > 0)).tolist():
            level = Fraction(2) ** int(power[b])
            magnitudes = sum(Fraction(part) for part in self.sums[:, row, b].tolist())
            error += level * (level * int(self.counts[row, b]) - 2 * magnitudes / unit)
        return error


def top_scale(rows: WeightRows) -> np.ndarray:
    """floor(log2(4 max|W| / 3)) of each row, int64; 0 for an all-zero row.

    With a larger scale no weight is nearest to the top level, so it cannot be better.
    """
    mantissa, exponent = np.frexp(rows.peaks)
    return np.where(rows.peaks > 0, exponent - (mantissa < 0.75), 0).astype(np.int64)


def half_octaves(
    rows: WeightRows, top: np.ndarray, bins: int, floor: np.ndarray | None = None
) -> HalfOctaves:
    """Histogram the magnitudes in one pass.

    Parameters
    ----------
    rows : the weights.
    top : int64 (rows,) from `top_scale`.
    bins : number of bins; what does not reach the last but one goes to the last.
    floor : int64 (rows,): bits of magnitudes; weights below them go to the last bin too.
    """
    total = len(top)
    parts = 1 if rows.values.dtype == np.float32 else 2
    counts = np.empty((total, bins), np.int64)
    sums = np.empty((parts, total, bins))
    counts[:], sums[:] = 0, 0
    # Bits without the lower mantissa number the half-octaves; bin 0 is [2^top, 3/2 * 2^top).
    first = (2 * (top + rows.bias)).astype(rows.integer)[:, None]
    for block in rows.blocks():
        magnitude = rows.bits[block] & rows.magnitude_mask
        key = magnitude >> (rows.mantissa - 1)
        np.subtract(first[block[0]], key, out=key)
        np.clip(key, 0, bins - 1, out=key)
        if floor is not None:
            key[magnitude < floor[block[0], None]] = bins - 1
        block_counts, block_sums = tally_keys(rows, magnitude, key, bins)
        counts[block[0]] += block_counts
        sums[:, block[0]] += block_sums
    return HalfOctaves(top, counts, sums)

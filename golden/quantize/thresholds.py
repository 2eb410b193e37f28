"""The paper's thresholding rule (2.8), which every quantizer here ends in.

With t = 0 for |w| >= mu, t = ceil(log2(mu / |w|)) below it, at most n-1, and 0 under a zero
threshold. Nearest-level rounding at scale s is the same rule with mu = 3/4 * 2^s and zero
threshold 2^(s-n): the midpoints between powers of two are 3/4 of the upper one.
"""

from dataclasses import dataclass

import numpy as np

from golden.quantize.rows import WeightRows
from golden.weights import PowerOfTwoWeights

COUNTERS = 4
"""Counters per key that neighbouring weights take in turn, so that none waits for the last one."""

SILENT = 1.0
"""Stands for the thresholds of an all-zero row; anything above 0 does."""


@dataclass(frozen=True, eq=False)
class Levels:
    """What (2.8) makes of the weights, before the scale is known.

    Members
    -------
    sign : int8 (rows, count).
    level : uint8 (rows, count), 0 where sign is 0.
    counts : int64 (rows, levels): weights at each level; zeros unless asked for.
    sums : float64 (parts, rows, levels): their summed magnitudes, to be added over the parts;
        zeros unless asked for.
    """

    sign: np.ndarray
    level: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    def weights(self, rows: WeightRows, scale: np.ndarray, levels: int) -> PowerOfTwoWeights:
        """The quantized weights in the shape the rows came from; rows of zeros get scale 0."""
        nonzero = (self.sign.max(axis=1) > 0) | (self.sign.min(axis=1) < 0)
        scale = np.where(nonzero, scale + rows.exponent, 0).astype(np.int64)
        return PowerOfTwoWeights(
            self.sign.reshape(rows.shape),
            self.level.reshape(rows.shape),
            scale if rows.per_channel else scale[0],
            levels,
        )


def threshold(
    rows: WeightRows, mu: np.ndarray, zero: np.ndarray, levels: int, *, tally: bool = False
) -> Levels:
    """Apply (2.8); lower bounds are inclusive.

    Parameters
    ----------
    rows : the weights.
    mu, zero : int64 (rows,): bits of the smallest float not below mu and the zero threshold.
    levels : n.
    tally : also count the weights of each level and sum their magnitudes.
    """
    sign = np.empty(rows.values.shape, np.int8)
    level = np.empty(rows.values.shape, np.uint8)
    counts = np.zeros((len(mu), levels), np.int64)
    parts = 1 if rows.values.dtype == np.float32 else 2
    sums = np.zeros((parts, len(mu), levels))

    octave = (1 << rows.mantissa) - 1
    # ceil((mu - |w|) / octave) on bits; one rounding shift does it without overflow.
    top = (mu + octave).astype(rows.integer)[:, None]
    zero = zero.astype(rows.integer)[:, None]
    for block in rows.blocks():
        bits = rows.bits[block]
        magnitude = bits & rows.magnitude_mask
        kept = magnitude >= zero[block[0]]
        steps = top[block[0]] - magnitude
        steps >>= rows.mantissa
        np.clip(steps, 0, levels - 1, out=steps)
        np.multiply(steps, kept, out=level[block], casting="unsafe")
        steps = bits >> (8 * rows.integer.itemsize - 1)
        steps |= 1
        np.multiply(steps, kept, out=sign[block], casting="unsafe")
        if tally:
            kept_level = np.where(kept, level[block], np.uint8(levels))
            _add(rows, magnitude, kept_level, block[0], counts, sums)
    return Levels(sign, level, counts, sums)


def _add(
    rows: WeightRows,
    magnitude: np.ndarray,
    key: np.ndarray,
    where: slice,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    tallied = tally_keys(rows, magnitude, key, counts.shape[1] + 1)
    counts[where] += tallied[0][:, :-1]
    sums[:, where] += tallied[1][:, :, :-1]


def tally_keys(
    rows: WeightRows, magnitude: np.ndarray, key: np.ndarray, keys: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count each row's `key` values, all below `keys`, and sum the magnitudes that carry them.

    Parameters
    ----------
    rows : tells the float format.
    magnitude : bits of the magnitudes (rows, count), left undefined.
    key : integers (rows, count).

    Returns
    -------
    counts : int64 (rows, keys).
    sums : float64 (parts, rows, keys).
    """
    count, width = key.shape
    index = key.astype(np.intp)
    index *= COUNTERS
    index += np.arange(width) % COUNTERS
    if count > 1:
        index += np.arange(0, count * keys * COUNTERS, keys * COUNTERS)[:, None]
    index = index.reshape(-1)
    shape = (count, keys, COUNTERS)
    size = count * keys * COUNTERS
    counts = np.bincount(index, minlength=size).reshape(shape).sum(axis=2)
    parts = rows.sum_parts(magnitude.view(rows.values.dtype))
    sums = [np.bincount(index, part.reshape(-1), size).reshape(shape).sum(axis=2) for part in parts]
    return counts, np.stack(sums)

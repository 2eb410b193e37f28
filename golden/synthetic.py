"""Synthetic weights with the distribution of a trained layer, from the paper's Table 3.2."""

import numpy as np

DESCRIPTION = "synthetic weights distributed as in Table 3.2 of the LBW-Net paper"
"""What reports say of `table_3_2_weights`."""

SIX_BIT_COUNTS = (1, 84, 519, 2470, 6527, 8947, 7823, 4980, 2707, 1392, 724, 340, 179, 86, 52, 22)
"""The table's 6-bit column as counts of its 64x64x3x3 weights, from the top level down."""

SIX_BIT_ZEROS = 11
"""Weights of the layer that 6 bits round to zero."""

FOUR_BIT_ZEROS = 30554
"""The table's 82.882 %: the zero threshold of 4 bits cuts through a level of 6 bits."""

FIVE_BIT_ZEROS = 3713
"""The table's 10.072 %, likewise."""

PEAK = 0.49
"""Largest magnitude. The table's float weights end below 1/2, its quantized ones at 1/2."""


def table_3_2_weights(shape: tuple[int, ...], *, seed: int = 0) -> np.ndarray:
    """Weights that `lbw` quantizes at 4, 5 and 6 bits to the percentages of Table 3.2.

    Magnitudes are the quantiles of one distribution, log-linear between the thresholds of (2.8)
    at the three bit-widths, so the percentages hold at any size; signs and places are random.
    For 36,864 weights the counts of the table come out exactly.

    Parameters
    ----------
    shape : any shape.
    seed : of signs and places.

    Returns
    -------
    float32 array of `shape`.
    """
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    total = sum(SIX_BIT_COUNTS) + SIX_BIT_ZEROS
    mu = np.log2(0.75 * PEAK)
    # Weights at or above each threshold, with the thresholds' logarithms.
    above = np.cumsum(SIX_BIT_COUNTS[:-1]).tolist()
    knots = {0: np.log2(PEAK), **dict(zip(above, mu - np.arange(len(above)), strict=True))}
    for bits, zeros in ((4, FOUR_BIT_ZEROS), (5, FIVE_BIT_ZEROS), (6, SIX_BIT_ZEROS)):
        knots[total - zeros] = mu + 2 - 2 ** (bits - 2) - np.log2(3)
    knots[total] = min(knots.values()) - 2
    rank, logarithm = zip(*sorted(knots.items()), strict=True)
    magnitude = np.exp2(np.interp((np.arange(size) + 0.5) * (total / size), rank, logarithm))
    magnitude[:1] = PEAK
    weights = (magnitude * rng.choice([-1.0, 1.0], size)).astype(np.float32)
    return rng.permutation(weights).reshape(shape)

"""Synthetic weights with the heavy-tailed distributions of two trained layers of R-FCN.

Source: Tables 3.2 and 3.3 of the LBW-Net paper, which give the share of the weights at every level
of 4, 5 and 6 bits. The zero thresholds of 4 and 5 bits cut through levels of 6 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

DESCRIPTION = "synthetic weights distributed as in Table 3.2 of the LBW-Net paper"
"""What reports say of `table_3_2_weights`."""

SIX_BIT_COUNTS = (1, 84, 519, 2470, 6527, 8947, 7823, 4980, 2707, 1392, 724, 340, 179, 86, 52, 22)
"""Table 3.2's 6-bit column as counts of its 64x64x3x3 weights, from the top level down."""

SIX_BIT_ZEROS = 11
"""Weights of that layer that 6 bits round to zero."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """The distribution of a layer's magnitudes.

    Parameters
    ----------
    counts : weights at each level of 6 bits, from the top down.
    zeros : for each bit-width of the table the weights it rounds to zero.
    peak : largest magnitude.
    """

    counts: tuple[int, ...]
    zeros: Mapping[int, int]
    peak: float

    def weights(self, shape: tuple[int, ...], *, seed: int = 0) -> np.ndarray:
        """Weights that `lbw` quantizes at 4, 5 and 6 bits to the percentages of the table.

        Magnitudes are the quantiles of one distribution, log-linear between the thresholds of
        (2.8) at the three bit-widths, so the percentages hold at any size; signs and places are
        random. As many weights as the table has come out at its counts exactly.

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
        total = sum(self.counts) + self.zeros[6]
        mu = np.log2(0.75 * self.peak)
        # Weights at or above each threshold, with the thresholds' logarithms.
        above = np.cumsum(self.counts[:-1]).tolist()
        knots = {0: np.log2(self.peak), **dict(zip(above, mu - np.arange(len(above)), strict=True))}
        for bits, zeros in self.zeros.items():
            knots[total - zeros] = mu + 2 - 2 ** (bits - 2) - np.log2(3)
        knots[total] = min(knots.values()) - 2
        rank, logarithm = zip(*sorted(knots.items()), strict=True)
        magnitude = np.exp2(np.interp((np.arange(size) + 0.5) * (total / size), rank, logarithm))
        magnitude[:1] = self.peak
        weights = (magnitude * rng.choice([-1.0, 1.0], size)).astype(np.float32)
        return rng.permutation(weights).reshape(shape)


TABLE_3_2 = Distribution(
    counts=SIX_BIT_COUNTS,
    zeros={4: 30554, 5: 3713, 6: SIX_BIT_ZEROS},
    # The table's float weights end below 1/2, its quantized ones at 1/2.
    peak=0.49,
)
"""A 3x3 layer of a residual block, 36,864 weights; 82.882 % zeros at 4 bits."""

TABLE_3_3 = Distribution(
    # A top level that the table rounds to 0.000 % is left to the peak alone.
    counts=(0, 22, 2091, 21134, 31539, 21588, 11685, 5952, 2993, 1501, 751, 370, 185, 95, 47, 31),
    zeros={4: 58188, 5: 4000, 6: 16},
    # The table's float weights end below 2^-4, its quantized ones at 2^-4.
    peak=0.06,
)
"""The 3x3 layer of the RPN, in thousandths of a percent; 58.188 % zeros at 4 bits."""


def table_3_2_weights(shape: tuple[int, ...], *, seed: int = 0) -> np.ndarray:
    """Weights of `TABLE_3_2`, float32 of `shape`; see `Distribution.weights`."""
    return TABLE_3_2.weights(shape, seed=seed)

"""How far numbers are from a normal distribution: skewness, kurtosis, and a test.

The test is D'Agostino and Pearson's: skewness and kurtosis are each transformed to what is nearly a
standard normal variable if the numbers are normal, and their squares are added.

Sources: D'Agostino (1970), Biometrika 57, 679-681, for the skewness; Anscombe and Glynn (1983),
Biometrika 70, 227-234, for the kurtosis; D'Agostino, Belanger and D'Agostino (1990), The American
Statistician 44, 316-321, for the sum.
"""

import math
from dataclasses import dataclass

import numpy as np

from golden.errors import UserError

LEAST = 20
"""Numbers below which the kurtosis' transformation is not good."""


class MomentsError(UserError):
    """Too few numbers, or all of them equal: they have no such moments."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of a sample.

    Parameters
    ----------
    count : numbers.
    mean, deviation : their mean and standard deviation.
    skewness : third standardized moment, 0 for a normal distribution.
    kurtosis : fourth standardized moment less 3, the excess over that of a normal distribution.
    """

    count: int
    mean: float
    deviation: float
    skewness: float
    kurtosis: float

    @staticmethod
    def of(values: np.ndarray) -> "Moments":
        """The moments of a float array of any shape.

        Raises
        ------
        MomentsError : fewer than `LEAST` numbers, one that is not finite, or all equal.
        """
        flat = np.asarray(values, np.float64).reshape(-1)
        if flat.size < LEAST:
            raise MomentsError(f"{flat.size} numbers are too few to test: give at least {LEAST}")
        if not np.isfinite(flat).all():
            raise MomentsError(
                "the numbers hold a NaN or an infinity: only finite ones have moments"
            )
        mean = float(flat.mean())
        off = flat - mean
        # Scaled, so that fourth powers of small numbers do not vanish.
        unit = float(np.abs(off).max())
        if not unit > abs(mean) * 1e-15:
            raise MomentsError("the numbers are all equal, so their distribution has no shape")
        off /= unit
        square = off * off
        variance = float(square.mean())
        return Moments(
            count=flat.size,
            mean=mean,
            deviation=unit * math.sqrt(variance),
            skewness=float((square * off).mean()) / variance**1.5,
            kurtosis=float((square * square).mean()) / variance**2 - 3,
        )

    @property
    def skewness_score(self) -> float:
        """The skewness as a nearly standard normal variable."""
        n = self.count
        y = self.skewness * math.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
        kurtosis = 3 * (n * n + 27 * n - 70) * (n + 1) * (n + 3)
        kurtosis /= (n - 2) * (n + 5) * (n + 7) * (n + 9)
        w2 = math.sqrt(2 * (kurtosis - 1)) - 1
        return math.asinh(y * math.sqrt((w2 - 1) / 2)) / math.sqrt(math.log(w2) / 2)

    @property
    def kurtosis_score(self) -> float:
        """The kurtosis as a nearly standard normal variable."""
        n = self.count
        expected = 3 * (n - 1) / (n + 1)
        variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
        x = (self.kurtosis + 3 - expected) / math.sqrt(variance)
        third = 6 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9))
        third *= math.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
        a = 6 + 8 / third * (2 / third + math.sqrt(1 + 4 / third**2))
        root = 1 + x * math.sqrt(2 / (a - 4))
        if not root:
            return math.inf
        cube = math.copysign(((1 - 2 / a) / abs(root)) ** (1 / 3), root)
        return (1 - 2 / (9 * a) - cube) / math.sqrt(2 / (9 * a))

    @property
    def statistic(self) -> float:
        """K2, the sum of the squared scores: chi-squared with two degrees of freedom if normal."""
        return self.skewness_score**2 + self.kurtosis_score**2

    @property
    def log10_p(self) -> float:
        """Decimal logarithm of the probability of so large a statistic if all is normal."""
        # The tail of chi-squared with two degrees of freedom is exp(-x / 2).
        return -self.statistic / 2 / math.log(10)

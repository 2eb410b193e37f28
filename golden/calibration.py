"""Steps of activations and thresholds of weights with the least squared error.

The errors are integrals over a density, which is constant within each bin of a histogram: either
the histogram itself ("mse") or the piecewise-Gaussian fit to it ("gaussian").
"""

from dataclasses import dataclass

import numpy as np

from golden.activations import ActivationFormat
from golden.errors import UserError
from golden.histogram import HALF, Histogram
from golden.piecewise_gaussian import PiecewiseGaussian

STEP_METHODS = ("mse", "gaussian")
"""Ways to find a step."""

OCTAVES = 8
"""Steps are sought from the one that clips nothing down to 2^-8 of it."""

COARSE, FINE = 8, 128
"""Steps tried per octave, at first and then around the best."""

MU_OCTAVES = 4
"""Shares of the largest weight that are tried for mu: 1 down to 2^-4."""

MU_PER_OCTAVE = 16
"""Values tried per octave for mu, and for the scale of a float grid."""


class CalibrationError(UserError):
    """Nothing to calibrate on, or no such method; the message says which."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mass, first and second moment below any point, of a density constant within bins.

    Members
    -------
    edges : float64 (bins + 1,), equidistant.
    mass : float64 (bins,).
    """

    edges: np.ndarray
    mass: np.ndarray

    @staticmethod
    def of(histogram: Histogram, method: str = "mse") -> "Moments":
        """Of a histogram without its zeros, or of the piecewise-Gaussian fit to it.

        Raises
        ------
        CalibrationError : no such method, or nothing but zeros was counted.
        """
        if method not in STEP_METHODS:
            raise CalibrationError(
                f"no way to calibrate is called {method!r}; choose one of {', '.join(STEP_METHODS)}"
            )
        if not histogram.counts.any():
            raise CalibrationError(
                f"among {histogram.total} values there is none but zero: calibrate on other images"
            )
        edges = histogram.edges
        if method == "gaussian":
            return Moments(edges, PiecewiseGaussian.fit(histogram).masses(edges))
        return Moments(edges, histogram.counts.astype(np.float64))

    @property
    def folded(self) -> "Moments":
        """Of the magnitudes."""
        half = len(self.mass) // 2
        return Moments(self.edges[half:], self.mass[half:] + self.mass[:half][::-1])

    def below(self, points: np.ndarray) -> np.ndarray:
        """Mass, first and second moment below `points`: float64 (3,) + points.shape."""
        width = self.edges[1] - self.edges[0]
        middle = self.edges[:-1] + width / 2
        each = np.stack([self.mass, self.mass * middle, self.mass * (middle**2 + width**2 / 12)])
        whole = np.concatenate([np.zeros((3, 1)), np.cumsum(each, axis=1)], axis=1)
        place = np.clip((points - self.edges[0]) / width, 0, len(self.mass))
        bin_ = np.minimum(place.astype(np.int64), len(self.mass) - 1)
        part = place - bin_
        start, run = self.edges[bin_], part * width
        inside = self.mass[bin_] * part
        return whole[:, bin_] + np.stack(
            [inside, inside * (start + run / 2), inside * (start**2 + start * run + run**2 / 3)]
        )

    def between(self, bounds: np.ndarray) -> np.ndarray:
        """The same between neighbours in the last axis of `bounds`, and beyond its ends.

        Returns
        -------
        float64 (3,) + bounds.shape, with one more in the last axis.
        """
        ends = np.broadcast_to([-np.inf, np.inf], (*bounds.shape[:-1], 2))
        points = np.concatenate([ends[..., :1], bounds, ends[..., 1:]], axis=-1)
        return np.diff(self.below(points), axis=-1)


def mse_step(
    values: object,
    output: ActivationFormat,
    *,
    power_of_two: bool = False,
    method: str = "mse",
) -> float:
    """The step of least mean squared error, with rounding to nearest and clamping to the format.

    Parameters
    ----------
    values : a Histogram, or float values to be counted.
    output : the format.
    power_of_two : whether the step must be one.
    method : the density, "mse" for the histogram or "gaussian" for the fit to it.

    Returns
    -------
    The step; 1 where every value is zero, or none fits an unsigned format's sign.

    Raises
    ------
    CalibrationError, HistogramError : no such method, or unusable values.
    """
    histogram = values if isinstance(values, Histogram) else Histogram.of(values)
    if not histogram.total:
        raise CalibrationError("there are no values to calibrate on: give images")
    counts = histogram.counts
    if not (counts.any() if output.signed else counts[HALF:].any()):
        return 1.0
    moments = Moments.of(histogram, method)
    widest = histogram.peak / output.high
    if power_of_two:
        exponent = int(np.ceil(np.log2(widest)))
        steps = np.ldexp(1.0, np.arange(exponent, exponent - OCTAVES - 2, -1))
        return float(steps[step_errors(moments, output, steps).argmin()])
    steps = widest * np.exp2(-np.arange(OCTAVES * COARSE + 1) / COARSE)
    best = steps[step_errors(moments, output, steps).argmin()]
    near = np.arange(FINE // COARSE, -FINE // COARSE - 1, -1) / FINE
    steps = best * np.exp2(near)
    return float(steps[step_errors(moments, output, steps).argmin()])


def step_errors(moments: Moments, output: ActivationFormat, steps: np.ndarray) -> np.ndarray:
    """Summed squared errors of `steps` (count,), float64 (count,)."""
    levels = np.arange(output.low, output.high + 1)
    bounds = (levels[1:] - 0.5) * steps[:, None]
    mass, first, second = moments.between(bounds)
    values = levels * steps[:, None]
    return (second - 2 * values * first + values**2 * mass).sum(axis=1)


def calibrated_mu(
    weights: object, levels: int, *, partial_sums: int | None = None, method: str = "gaussian"
) -> float:
    """The mu of least expected squared error of `lbw`, as a share of the largest weight.

    The paper estimates mu analytically for Gaussian weights only; here they may be of any
    density. 3/4 for all-zero weights.

    Parameters
    ----------
    weights : a Histogram, or the float weights of a layer.
    levels : n.
    partial_sums : levels that enter (2.9); all when None.
    method : the density, as for `mse_step`.
    """
    histogram = weights if isinstance(weights, Histogram) else Histogram.of(weights)
    if not histogram.counts.any():
        return 0.75
    moments = Moments.of(histogram, method).folded
    shares = np.exp2(-np.arange(MU_OCTAVES * MU_PER_OCTAVE + 1) / MU_PER_OCTAVE)
    mu = shares[:, None] * histogram.peak
    t = np.arange(levels)
    # Lower bounds of the levels from the smallest up, with the zero threshold before them.
    bounds = mu * np.concatenate([[2.0 ** (2 - levels) / 3], 2.0 ** -t[:-1][::-1]])
    mass, first = moments.between(bounds)[:2, :, 1:][..., ::-1]
    fraction = np.exp2(-t)
    used = t < (levels if partial_sums is None else partial_sums)
    u, v = (first * fraction * used).sum(axis=1), (mass * fraction**2 * used).sum(axis=1)
    known = v > 0
    quotient = np.where(known, u, 1) / np.where(known, v, 1)
    top = np.exp2(np.floor(np.log2(4 / 3 * quotient)))[:, None] * fraction
    error = np.where(known, (top**2 * mass - 2 * top * first).sum(axis=1), np.inf)
    return float(shares[error.argmin()])


def calibrated_scale(weights: object, levels: int, *, method: str = "gaussian") -> float:
    """The largest magnitude c of the float grid {0, ±c 2^-t} of least expected squared error.

    Parameters
    ----------
    weights, levels, method : as for `calibrated_mu`.

    Returns
    -------
    c; 1 for all-zero weights.
    """
    histogram = weights if isinstance(weights, Histogram) else Histogram.of(weights)
    if not histogram.counts.any():
        return 1.0
    moments = Moments.of(histogram, method).folded
    octaves = OCTAVES * MU_PER_OCTAVE
    tops = histogram.peak * np.exp2((MU_PER_OCTAVE // 2 - np.arange(octaves)) / MU_PER_OCTAVE)
    t = np.arange(levels)
    bounds = tops[:, None] * np.concatenate([[2.0**-levels], 0.75 * 2.0 ** -t[:-1][::-1]])
    mass, first = moments.between(bounds)[:2, :, 1:][..., ::-1]
    values = tops[:, None] * np.exp2(-t)
    return float(tops[(values**2 * mass - 2 * values * first).sum(axis=1).argmin()])

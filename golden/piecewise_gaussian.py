"""A density made of pieces of Gaussians, fitted to a histogram.

Source of the idea: Yang, Liu, Zhou, Wang, Chen, "Quantization and training of object detection
networks with low-precision weights and activations" (2018), which estimates the densities of
weights and activations with piecewise Gaussian models and derives intervals and steps from them.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from golden.histogram import HALF, Histogram, HistogramError

HALVINGS = 6
"""Each segment away from zero holds half of what lies beyond it, this often."""

ROUNDS = 60
"""Newton steps at most; a fit takes a handful."""

RIDGE = 1e-6
"""Draws the parameters of segments that leave them open towards a flat density."""


@dataclass(frozen=True, eq=False)
class PiecewiseGaussian:
    """In segment k, p(x) is proportional to exp(linear_k u + square_k u^2), square_k <= 0.

    u runs from -1 to 1 over the segment: a piece of the Gaussian of variance
    h^2 / (-2 square_k) around the segment's centre + h linear_k / (-2 square_k), h half the
    segment's width. With square_k = 0 it is the limit of wide Gaussians far away, an exponential.

    Members
    -------
    edges : float64 (segments + 1,), ascending, each on an edge of the histogram's bins.
    mass : float64 (segments,): values in each segment.
    linear, square : float64 (segments,).
    """

    edges: np.ndarray
    mass: np.ndarray
    linear: np.ndarray
    square: np.ndarray

    @staticmethod
    def fit(histogram: Histogram) -> "PiecewiseGaussian":
        """The fit of largest likelihood, segment by segment.

        Raises
        ------
        HistogramError : nothing but zeros was counted.
        """
        if not histogram.counts.any():
            raise HistogramError("there is no nonzero value to fit a density to")
        bounds = _segments(histogram.counts)
        fits = [_fit(histogram.counts[first:last]) for first, last in itertools.pairwise(bounds)]
        mass = np.add.reduceat(histogram.counts, bounds[:-1]).astype(np.float64)
        linear, square = np.array(fits).T
        return PiecewiseGaussian(histogram.edges[bounds], mass, linear, square)

    def masses(self, edges: np.ndarray) -> np.ndarray:
        """Expected number of values between neighbouring `edges`, float64 (len(edges) - 1,).

        `edges` are equidistant, and the segments' edges are among them.
        """
        result = np.zeros(len(edges) - 1)
        bounds = np.searchsorted(edges, self.edges)
        for k, (first, last) in enumerate(itertools.pairwise(bounds)):
            weight = _shape(last - first, self.linear[k], self.square[k])
            result[first:last] = self.mass[k] * weight
        return result


def _segments(counts: np.ndarray) -> np.ndarray:
    """Bins at which segments begin, and the last one's end."""
    bounds = {HALF}
    for sign, side in ((1, counts[HALF:]), (-1, counts[:HALF][::-1])):
        beyond = side.sum() - np.cumsum(side)
        total = int(side.sum())
        if not total:
            continue
        reached = int(np.flatnonzero(beyond == 0)[0]) + 1
        bounds.add(HALF + sign * reached)
        for k in range(1, HALVINGS + 1):
            bounds.add(HALF + sign * (int(np.flatnonzero(beyond <= total / 2**k)[0]) + 1))
    return np.array(sorted(bounds))


def _positions(count: int) -> np.ndarray:
    """Centres of `count` bins in -1..1."""
    return (2 * np.arange(count) + 1) / count - 1


def _shape(count: int, linear: float, square: float) -> np.ndarray:
    u = _positions(count)
    exponent = linear * u + square * u * u
    weight = np.exp(exponent - exponent.max())
    return weight / weight.sum()


def _fit(counts: np.ndarray) -> tuple[float, float]:
    """`linear` and `square` of one segment, by Newton's method on the likelihood."""
    total = counts.sum()
    if not total or len(counts) < 2:
        return 0.0, 0.0
    u = _positions(len(counts))
    basis = np.stack([u, u * u])
    seen = basis @ counts / total
    best = _newton(basis, seen)
    if best[1] > 0:
        best = np.array([*_newton(basis[:1], seen[:1]), 0.0])
    return float(best[0]), float(best[1])


def _newton(basis: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Parameters whose density exp(parameters @ basis) has the means `seen` of the basis."""

    def value(parameters: np.ndarray) -> float:
        exponent = parameters @ basis
        top = exponent.max()
        spread = top + np.log(np.exp(exponent - top).sum())
        return float(spread - parameters @ seen + RIDGE / 2 * parameters @ parameters)

    parameters = np.zeros(len(basis))
    for _ in range(ROUNDS):
        exponent = parameters @ basis
        weight = np.exp(exponent - exponent.max())
        weight /= weight.sum()
        mean = basis @ weight
        gradient = mean - seen + RIDGE * parameters
        centred = basis - mean[:, None]
        curvature = (centred * weight) @ centred.T + RIDGE * np.eye(len(basis))
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < 1e-14:
            break
        # Halved until it helps: far from the optimum the parabola is a poor guide.
        size, now = 1.0, value(parameters)
        while size > 1e-6 and value(parameters - size * step) > now - 1e-4 * size * gradient @ step:
            size /= 2
        parameters = parameters - size * step
    return parameters

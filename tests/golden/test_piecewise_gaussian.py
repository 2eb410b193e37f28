import math

import numpy as np
import pytest

from golden.histogram import Histogram, HistogramError
from golden.piecewise_gaussian import PiecewiseGaussian


def naive_masses(fit, edges):
    """The mass in each bin, one at a time, from the formula in the docstring."""
    masses = [0.0] * (len(edges) - 1)
    for k in range(len(fit.mass)):
        low, high = fit.edges[k], fit.edges[k + 1]
        inside = [i for i in range(len(masses)) if low <= edges[i] and edges[i + 1] <= high]
        heights = []
        for i in inside:
            u = ((edges[i] + edges[i + 1]) / 2 - (low + high) / 2) / ((high - low) / 2)
            heights.append(math.exp(fit.linear[k] * u + fit.square[k] * u * u))
        for i, height in zip(inside, heights, strict=True):
            masses[i] = fit.mass[k] * height / sum(heights)
    return masses


def histogram(seed=0, count=4000):
    return Histogram.of(np.random.default_rng(seed).standard_normal(count).astype(np.float32))


def test_masses_follow_the_formula():
    counted = histogram()
    fit = PiecewiseGaussian.fit(counted)
    assert fit.masses(counted.edges) == pytest.approx(naive_masses(fit, counted.edges), abs=1e-9)


def test_segments_keep_their_mass_and_mean():
    counted = histogram(1)
    fit = PiecewiseGaussian.fit(counted)
    middle = (counted.edges[1:] + counted.edges[:-1]) / 2
    masses = fit.masses(counted.edges)
    for k in range(len(fit.mass)):
        inside = (middle > fit.edges[k]) & (middle < fit.edges[k + 1])
        assert masses[inside].sum() == pytest.approx(counted.counts[inside].sum())
        mean = masses[inside] @ middle[inside] / masses[inside].sum()
        seen = counted.counts[inside] @ middle[inside] / counted.counts[inside].sum()
        width = fit.edges[k + 1] - fit.edges[k]
        assert abs(mean - seen) < 1e-4 * width
    assert (fit.square <= 0).all()


def test_finds_the_gaussian_it_was_drawn_from():
    counted = histogram(2, 400_000)
    fit = PiecewiseGaussian.fit(counted)
    masses = fit.masses(counted.edges)
    middle = (counted.edges[1:] + counted.edges[:-1]) / 2
    truth = np.exp(-(middle**2) / 2)
    truth *= counted.total / truth.sum()
    assert np.abs(masses - truth).sum() / counted.total < 0.015
    # Far nearer than the counts are.
    assert np.abs(masses - truth).sum() < 0.2 * np.abs(counted.counts - truth).sum()


def test_one_value_one_side_and_nothing():
    for values in ([2.0], [-2.0], [1.0, 1.0, 5.0], [-3.0, 3.0]):
        counted = Histogram.of(np.array(values))
        fit = PiecewiseGaussian.fit(counted)
        assert fit.mass.sum() == len(values)
        assert fit.masses(counted.edges).sum() == pytest.approx(len(values))
    with pytest.raises(HistogramError, match="nonzero"):
        PiecewiseGaussian.fit(Histogram.of(np.zeros(3)))

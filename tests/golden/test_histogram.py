import math

import numpy as np
import pytest

from golden.histogram import HALF, Histogram, HistogramError


def counts_of(values, exponent):
    """Bins of `values`, one at a time."""
    counts = [0] * (2 * HALF)
    for value in values:
        if value:
            counts[math.floor(value / 2.0**exponent) + HALF] += 1
    return counts


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_equals_counting_one_by_one(kind, scale):
    values = (np.random.default_rng(3).standard_t(3, 500) * scale).clip(-6e4, 6e4).astype(kind)
    values[::7] = 0
    histogram = Histogram.of(values.reshape(20, 25))
    peak = max(abs(float(v)) for v in values)
    assert histogram.peak == peak
    # The smallest width with which the largest magnitude finds a bin.
    assert peak < HALF * histogram.width <= 2 * peak
    assert histogram.counts.tolist() == counts_of(values.tolist(), histogram.exponent)
    assert histogram.zeros == int((values == 0).sum())
    assert histogram.total == 500


def test_growth_leaves_no_trace_of_order_or_batches():
    values = (np.random.default_rng(5).standard_normal(400) ** 5).astype(np.float32)
    whole = Histogram.of(values)
    one_by_one = Histogram()
    for value in sorted(values.tolist(), key=abs):
        one_by_one.add(np.float32([value]))
    assert (one_by_one.counts == whole.counts).all()
    assert one_by_one.exponent == whole.exponent


def test_growth_by_very_many_octaves():
    histogram = Histogram.of(np.array([1e-30, -1e-30]))
    histogram.add(np.array([1e30]))
    assert histogram.counts[HALF - 1] == histogram.counts[HALF] == 1
    assert histogram.total == 3
    assert histogram.negative
    assert not Histogram.of(np.array([0.0, 2.0])).negative


def test_edges_are_those_of_the_bins():
    histogram = Histogram.of(np.array([0.7, -0.3]))
    for value in (0.7, -0.3):
        bin_ = int(np.searchsorted(histogram.edges, value, side="right")) - 1
        assert histogram.counts[bin_] == 1


def test_refuses_what_cannot_be_counted():
    with pytest.raises(HistogramError, match="int64"):
        Histogram.of(np.arange(3))
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(HistogramError, match="finite"):
            Histogram.of(np.array([0.0, bad]))
    assert Histogram.of(np.zeros(0)).total == 0

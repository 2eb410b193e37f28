from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from golden.quantize import quantize
from tests.golden import naive
from tests.golden.quantize.weights import FORMATS, check, edge_weights, weight_lists


@given(weight_lists(), st.integers(1, 9), st.sampled_from([4, 1, None]))
def test_formulas_with_rationals(weights, levels, partial_sums):
    got = quantize(weights, levels=levels, partial_sums=partial_sums)
    mu = Fraction(3, 4) * max(abs(Fraction(float(w))) for w in weights)
    check(got, *naive.lbw(weights, levels, mu, partial_sums), weights)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("levels", [1, 2, 3, 4, 7, 8, 16, 32])
def test_lower_bounds_are_inclusive(kind, levels):
    weights = edge_weights(kind, mu=Fraction(3, 4), peak=1, levels=levels)
    check(quantize(weights, levels=levels), *naive.lbw(weights, levels, Fraction(3, 4), 4))


@given(weight_lists(), st.integers(1, 6), st.floats(2.0**-6, 4))
def test_other_mu(weights, levels, mu):
    peak = max(abs(Fraction(float(w))) for w in weights)
    check(
        quantize(weights, levels=levels, mu=mu),
        *naive.lbw(weights, levels, Fraction(mu) * peak, 4),
    )


@given(weight_lists(), st.integers(1, 6), st.floats(2.0**-140, 2.0**120))
def test_absolute_mu(weights, levels, mu):
    assume(float(np.abs(weights).max()) < 2.0**600)
    got = quantize(weights, levels=levels, mu_absolute=mu)
    check(got, *naive.lbw(weights, levels, Fraction(mu), 4))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_large_tensor_in_many_blocks(kind):
    weights = np.random.default_rng(1).standard_t(4, 150_001).astype(kind)
    got = quantize(weights, levels=8)
    mu = Fraction(3, 4) * Fraction(float(np.abs(weights).max()))
    some = np.random.default_rng(2).integers(0, weights.size, 500)
    expected = naive.threshold(weights[some], mu, 8)
    level = [t if s else None for s, t in zip(got.sign[some], got.level[some], strict=True)]
    assert level == expected
    magnitude = np.abs(weights.astype(np.float64))
    used = (got.sign != 0) & (got.level < 4)
    u = (magnitude * np.exp2(-got.level.astype(float)))[used].sum()
    v = np.exp2(-2 * got.level.astype(float))[used].sum()
    assert got.scale == np.floor(np.log2(4 * u / (3 * v)))


def test_per_channel_is_each_channel_by_itself():
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((12, 5, 3, 3)) * np.exp2(rng.integers(-90, 90, (12, 1, 1, 1)))
    weights = weights.astype(np.float32)
    weights[4] = 0
    got = quantize(weights, bits=5, per_channel=True)
    assert got.scale.shape == (12,)
    assert got.scale[4] == 0
    for channel, alone in enumerate(weights):
        single = quantize(alone, bits=5)
        np.testing.assert_array_equal(got.sign[channel], single.sign)
        np.testing.assert_array_equal(got.level[channel], single.level)
        assert got.scale[channel] == single.scale


def test_the_scale_on_its_edge():
    # u/v is 3/2 exactly, then one part in 2^40 below: floor(log2(4u/3v)) is 1, then 0.
    assert quantize(np.array([1.5, 1.5, 1.5, 1.5]), levels=1).scale == 1
    assert quantize(np.array([1.5, 1.5, 1.5 - 2.0**-40, 1.5]), levels=1).scale == 0


def test_sums_without_a_weight_fall_back_to_all():
    # With mu far above the weights only the last level is in use, beyond the four partial sums.
    got = quantize(np.array([1.0, -1.0]), levels=8, mu_absolute=64.0)
    assert got.level.tolist() == [6, 6]
    assert got.scale - 6 == 0

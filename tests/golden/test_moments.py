import math

import numpy as np
import pytest

from golden.moments import Moments, MomentsError


def given(count, skewness, kurtosis):
    return Moments(count=count, mean=0.0, deviation=1.0, skewness=skewness, kurtosis=kurtosis - 3)


def test_moments_by_hand():
    # -1 fifteen times, 3 five times: variance 3, third moment 6, fourth 21.
    moments = Moments.of(np.repeat([-1.0, 3.0], [15, 5]))
    assert (moments.count, moments.mean) == (20, 0.0)
    assert math.isclose(moments.deviation, math.sqrt(3))
    assert math.isclose(moments.skewness, 6 / 3**1.5)
    assert math.isclose(moments.kurtosis, 21 / 9 - 3)


def test_the_published_example():
    # The cholesterol values of D'Agostino, Belanger and D'Agostino (1990), section 3.
    moments = given(62, 1.02, 4.58)
    # Moments and results are printed with two decimals.
    assert abs(moments.skewness_score - 3.14) < 0.02
    assert abs(moments.kurtosis_score - 2.21) < 0.02
    assert abs(moments.statistic - 14.75) < 0.1
    assert abs(10**moments.log10_p - 0.0006) < 0.0001


def test_scale_and_place_do_not_matter():
    values = np.random.default_rng(0).standard_t(5, 1000)
    one, two = Moments.of(values), Moments.of(values.astype(np.float64) * 1e-90 + 0.0)
    assert math.isclose(one.statistic, two.statistic, rel_tol=1e-9)
    three = Moments.of(values * 4 + 2)
    assert math.isclose(one.statistic, three.statistic, rel_tol=1e-6)


def test_normal_numbers_are_rejected_as_often_as_they_should():
    rng = np.random.default_rng(1)
    rejected = [Moments.of(rng.normal(3, 0.1, 200)).log10_p < math.log10(0.05) for _ in range(1000)]
    # 5 % of 1000, within four standard deviations of the count, and the test's own 1 %.
    assert abs(np.mean(rejected) - 0.05) < 0.04


def test_heavy_tails_are_not_normal():
    moments = Moments.of(np.random.default_rng(2).laplace(size=36864))
    assert abs(moments.kurtosis - 3) < 0.5
    assert moments.log10_p < -5


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros(19), "19 numbers are too few"),
        (np.full(30, 0.1), "all equal"),
        (np.r_[np.zeros(30), np.nan], "NaN"),
    ],
)
def test_numbers_without_moments(values, says):
    with pytest.raises(MomentsError, match=says):
        Moments.of(values)

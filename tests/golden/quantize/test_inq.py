from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from golden.quantize import quantize
from tests.golden import naive
from tests.golden.quantize.weights import check, weight_lists


@given(weight_lists(), st.integers(1, 9))
def test_nearest_level_below_the_peak(weights, levels):
    peak = max(abs(Fraction(float(w))) for w in weights)
    scale = naive.floor_log2(4 * peak / 3) if peak else 0
    got = quantize(weights, levels=levels, method="inq")
    check(got, naive.nearest(weights, scale, levels), scale, weights)

import numpy as np
import pytest

from golden.quantize import quantize, relative_error
from golden.weights import TwoTermWeights


@pytest.mark.parametrize("method", ["lbw", "exact", "inq"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_second_term_quantizes_the_residual(method, per_channel):
    weights = np.random.default_rng(0).standard_normal((8, 50)).astype(np.float32)
    settings = {"bits": 4, "method": method, "per_channel": per_channel}
    got = quantize(weights, terms=2, **settings)
    assert isinstance(got, TwoTermWeights)
    first = quantize(weights, **settings)
    second = quantize(weights.astype(np.float64) - first.dequantize(), **settings)
    for term, expected in zip(got.terms, (first, second), strict=True):
        np.testing.assert_array_equal(term.sign, expected.sign)
        np.testing.assert_array_equal(term.level, expected.level)
        np.testing.assert_array_equal(term.scale, expected.scale)
    np.testing.assert_array_equal(got.dequantize(), first.dequantize() + second.dequantize())


def test_a_second_term_gains_an_order_of_magnitude():
    weights = np.random.default_rng(0).standard_normal(20_000)
    one = relative_error(weights, quantize(weights, levels=4, method="exact"))
    two = relative_error(weights, quantize(weights, levels=4, method="exact", terms=2))
    assert 0.02 < one < 0.06
    assert two < one / 10

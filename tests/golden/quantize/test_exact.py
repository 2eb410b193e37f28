from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.quantize import quantize, relative_error
from golden.synthetic import table_3_2_weights
from tests.golden import naive
from tests.golden.quantize.weights import FORMATS, check, weight_lists


def squared_error(weights, got) -> Fraction:
    levels = [int(t) if s else None for s, t in zip(got.sign, got.level, strict=True)]
    return naive.error(weights, levels, int(got.scale))


@given(weight_lists(max_size=5), st.integers(1, 4))
def test_equals_full_enumeration_of_theorem_2_1(weights, levels):
    got = quantize(weights, levels=levels, method="exact")
    assert squared_error(weights, got) == naive.theorem_2_1(weights, levels)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("count", "levels"), [(9, 2), (6, 4), (30, 1), (4, 8)])
def test_equals_full_enumeration_on_random_weights(kind, count, levels):
    rng = np.random.default_rng(count)
    for _ in range(8):
        weights = rng.standard_t(3, count).astype(kind)
        got = quantize(weights, levels=levels, method="exact")
        assert squared_error(weights, got) == naive.theorem_2_1(weights, levels)


@given(weight_lists(max_size=20))
def test_equals_the_ternary_formula_at_two_bits(weights):
    if weights.any():
        got = quantize(weights, bits=2, method="exact")
        scale, error = naive.ternary(weights)
        assert squared_error(weights, got) == error
        if len({abs(w) for w in weights.tolist()}) == len(weights) > 4:
            # Only ties of the error leave the scale open.
            other = naive.error(weights, naive.nearest(weights, scale, 1), scale)
            assert int(got.scale) == scale or other == error


def test_equals_the_ternary_formula_on_a_layer():
    weights = np.random.default_rng(4).standard_normal(400).astype(np.float32)
    got = quantize(weights, bits=2, method="exact")
    scale, error = naive.ternary(weights)
    check(got, naive.nearest(weights, scale, 1), scale, weights)
    assert squared_error(weights, got) == error


@given(weight_lists(), st.integers(1, 9))
def test_rounds_to_the_nearest_level_and_no_scale_is_better(weights, levels):
    got = quantize(weights, levels=levels, method="exact")
    scale = int(got.scale)
    check(got, naive.nearest(weights, scale, levels), scale, weights)
    if weights.any():
        error = squared_error(weights, got)
        for other in range(scale - 40, scale + 8):
            assert error <= naive.error(weights, naive.nearest(weights, other, levels), other)


def test_many_small_weights_pull_the_scale_far_below_the_peak():
    # The bound on the scale has to grow with the number of weights.
    weights = np.full(200_000, 2.0**-7, np.float32)
    weights[77] = 1
    assert quantize(weights, levels=1, method="exact").scale == -7
    assert quantize(weights, levels=4, method="exact").scale == -4
    assert quantize(weights, levels=8, method="exact").scale == 0


def test_ties_go_to_the_larger_scale_that_uses_the_top_level():
    assert quantize(np.array([1.0]), levels=4, method="exact").scale == 0
    assert quantize(np.array([1.5]), levels=1, method="exact").scale == 1
    # 1 and 2 are exact at scales 1, 2 and 3; at scale 1 the larger is on the top level.
    assert quantize(np.array([1.0, 2.0]), levels=4, method="exact").scale == 1


def test_errors_that_differ_by_less_than_float64_can_tell():
    # Scales 0 and 1 differ by 3 - 2w for the weight w; the large count swamps it in rounding.
    near = 1.5 + 2.0**-40
    weights = np.concatenate([np.full(9, 1.5), [near]])
    assert quantize(weights, levels=1, method="exact").scale == 1
    weights[-1] = 1.5 - 2.0**-40
    assert quantize(weights, levels=1, method="exact").scale == 0


def test_per_channel_is_each_channel_by_itself():
    rng = np.random.default_rng(3)
    weights = rng.standard_t(3, (300, 40)) * np.exp2(rng.integers(-9, 9, (300, 1)))
    weights[7] = 0
    got = quantize(weights, bits=3, method="exact", per_channel=True)
    assert got.scale[7] == 0
    for channel, alone in enumerate(weights):
        single = quantize(alone, bits=3, method="exact")
        np.testing.assert_array_equal(got.sign[channel], single.sign)
        np.testing.assert_array_equal(got.level[channel], single.level)
        assert got.scale[channel] == single.scale


def test_is_never_worse_than_the_others():
    weights = np.random.default_rng(5).standard_t(3, 20_000).astype(np.float32)
    for bits in (2, 3, 4, 5, 6):
        best = relative_error(weights, quantize(weights, bits=bits, method="exact"))
        for method in ("lbw", "inq"):
            assert best <= relative_error(weights, quantize(weights, bits=bits, method=method))


KNOB = [0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1]


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_knob_leads_from_exact_to_the_zeros_of_lbw(bits, per_channel):
    weights = table_3_2_weights((16, 900))
    settings = {"bits": bits, "per_channel": per_channel}
    results = [quantize(weights, method="exact", sparsity=k, **settings) for k in KNOB]
    exact = quantize(weights, method="exact", **settings)
    lbw = quantize(weights, method="lbw", **settings)
    np.testing.assert_array_equal(results[0].dequantize(), exact.dequantize())
    np.testing.assert_array_equal(results[-1].sign, lbw.sign)
    assert relative_error(weights, results[-1]) <= relative_error(weights, lbw)
    densities = [r.density for r in results]
    assert densities == sorted(densities, reverse=densities[0] > densities[-1])
    errors = [relative_error(weights, r) for r in results]
    assert errors[0] == min(errors)
    assert errors[-1] == max(errors)


def test_the_knob_is_continuous():
    weights = table_3_2_weights((36_864,))
    densities = [
        quantize(weights, bits=4, method="exact", sparsity=k).density
        for k in np.linspace(0, 1, 101)
    ]
    assert np.abs(np.diff(densities)).max() < 0.02
    assert densities[0] > 0.39
    assert densities[-1] < 0.18


@given(weight_lists(max_size=6), st.integers(1, 4), st.floats(0.01, 1))
def test_the_knob_is_the_optimum_for_its_number_of_zeros(weights, levels, sparsity):
    got = quantize(weights, levels=levels, method="exact", sparsity=sparsity)
    assert squared_error(weights, got) == naive.theorem_2_1(weights, levels, got.nonzeros)


@pytest.mark.parametrize("count", [40, 4000])
@pytest.mark.parametrize("sparsity", [0.1, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("levels", [1, 2, 4, 8])
def test_no_scale_is_better_for_what_the_knob_keeps(count, levels, sparsity):
    weights = np.random.default_rng(levels).standard_t(3, count)
    got = quantize(weights, levels=levels, method="exact", sparsity=sparsity)
    kept = np.abs(weights[got.sign != 0])
    assert kept.min() > np.abs(weights[got.sign == 0]).max(initial=0)
    error = np.square(kept - np.abs(got.dequantize()[got.sign != 0])).sum()
    for scale in range(int(got.scale) - 20, int(got.scale) + 20):
        choices = np.abs(kept[:, None] - 2.0 ** (scale - np.arange(levels)))
        assert error <= np.square(choices.min(axis=1)).sum() * (1 + 1e-12)


def test_the_knob_takes_another_mu():
    weights = table_3_2_weights((5000,))
    got = quantize(weights, bits=4, method="exact", sparsity=1.0, mu=0.3)
    lbw = quantize(weights, bits=4, method="lbw", mu=0.3)
    np.testing.assert_array_equal(got.sign, lbw.sign)

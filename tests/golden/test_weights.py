import numpy as np
import pytest

from golden.quantize import quantize
from golden.weights import PowerOfTwoWeights, TwoTermWeights, WeightsError, integer_terms


def random_weights(rng, shape, levels, per_channel=False, density=0.7):
    sign = (rng.choice([-1, 1], shape) * (rng.random(shape) < density)).astype(np.int8)
    level = (rng.integers(0, levels, shape) * np.abs(sign)).astype(np.uint8)
    scale = rng.integers(-9, 9, shape[0] if per_channel else ())
    return PowerOfTwoWeights(sign, level, scale, levels)


def naive_values(weights):
    values = np.zeros(weights.shape)
    for index in np.ndindex(*weights.shape):
        scale = weights.scale[index[0]] if weights.scale.ndim else weights.scale
        values[index] = int(weights.sign[index]) * 2.0 ** (int(scale) - int(weights.level[index]))
    return values


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("levels", [1, 2, 4, 16, 32])
@pytest.mark.parametrize("shape", [(6,), (5, 4), (3, 4, 3, 3)])
def test_values_integers_and_counts(shape, levels, per_channel):
    weights = random_weights(np.random.default_rng(levels), shape, levels, per_channel)
    values = naive_values(weights)
    np.testing.assert_array_equal(weights.dequantize(), values)
    column = weights.scale.reshape(weights.scale.shape + (1,) * (len(shape) - 1))
    column = column if per_channel else weights.scale
    grid = np.exp2((column - (levels - 1)).astype(float))
    assert weights.integers().dtype == np.int64
    np.testing.assert_array_equal(weights.integers() * grid, values)
    assert weights.nonzeros == np.count_nonzero(values)
    assert weights.density == weights.nonzeros / values.size
    counts = [np.sum((weights.level == t) & (weights.sign != 0)) for t in range(levels)]
    assert weights.level_counts().tolist() == [*counts, np.sum(values == 0)]

    terms, exponent, needed = integer_terms(weights)
    assert needed == levels
    assert terms.shape == (1, *shape)
    np.testing.assert_array_equal(exponent, weights.scale - (levels - 1))
    np.testing.assert_array_equal(terms[0], weights.integers())


@pytest.mark.parametrize("scales", [(False, False), (True, True), (True, False)])
def test_two_terms_on_one_grid(scales):
    rng = np.random.default_rng(0)
    both = TwoTermWeights(tuple(random_weights(rng, (5, 3, 2), 4, p) for p in scales))
    both.terms[0].sign[2] = both.terms[1].sign[2] = 0
    both.terms[0].level[2] = both.terms[1].level[2] = 0
    np.testing.assert_array_equal(both.dequantize(), sum(naive_values(t) for t in both.terms))
    terms, exponent, levels = integer_terms(both)
    assert terms.dtype == np.int64
    grid = np.exp2(exponent.astype(float))
    grid = grid.reshape(-1, 1, 1) if exponent.ndim else grid
    for term, weights in zip(terms, both.terms, strict=True):
        np.testing.assert_array_equal(term * grid, naive_values(weights))
    magnitude = np.abs(terms)
    assert not (magnitude & (magnitude - 1)).any()
    assert levels == int(magnitude.max()).bit_length()
    # The grid is no finer than it has to be.
    used = magnitude.min(axis=0, where=magnitude > 0, initial=1 << 62)
    least = used.reshape(5, -1).min(axis=1) if exponent.ndim else used.min()
    assert (least[least < 1 << 62] == 1).all()
    assert both.nonzeros == np.count_nonzero(terms)
    assert both.density == both.nonzeros / 30


def test_two_terms_of_a_quantizer():
    weights = np.random.default_rng(0).standard_normal((4, 30)).astype(np.float32)
    for per_channel in (False, True):
        both = quantize(weights, levels=4, method="exact", terms=2, per_channel=per_channel)
        terms, exponent, levels = integer_terms(both)
        assert 4 < levels < 16
        grid = np.exp2(exponent.astype(float))
        grid = grid[:, None] if per_channel else grid
        np.testing.assert_array_equal(terms.sum(axis=0) * grid, both.dequantize())


def test_all_zero_terms():
    zero = PowerOfTwoWeights(np.zeros((2, 3), np.int8), np.zeros((2, 3), np.uint8), 0, 4)
    terms, exponent, levels = integer_terms(TwoTermWeights((zero, zero)))
    assert not terms.any()
    assert (exponent, levels) == (0, 1)
    assert zero.density == 0


def test_terms_too_far_apart():
    one = np.ones((1, 1), np.int8)
    level = np.zeros((1, 1), np.uint8)
    weights = TwoTermWeights(
        (PowerOfTwoWeights(one, level, 40, 1), PowerOfTwoWeights(one, level, -40, 1))
    )
    with pytest.raises(WeightsError, match=r"2\^80 apart"):
        integer_terms(weights)


SIGN, LEVEL = np.ones((2, 3), np.int8), np.zeros((2, 3), np.uint8)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ((SIGN, LEVEL, 0, 0), "levels is 0"),
        ((SIGN, LEVEL, 0, 33), "levels is 33"),
        ((SIGN.astype(int), LEVEL, 0, 4), "int8"),
        ((SIGN, LEVEL.astype(int), 0, 4), "uint8"),
        ((SIGN, LEVEL[:1], 0, 4), "one shape"),
        ((SIGN, LEVEL, 0.5, 4), "float64"),
        ((SIGN, LEVEL, [0, 1, 2], 4), r"shape \(3,\)"),
        ((2 * SIGN, LEVEL, 0, 4), "outside -1, 0, 1"),
        ((SIGN, LEVEL + np.uint8(4), 0, 4), "below levels = 4"),
    ],
)
def test_malformed_weights(fields, says):
    with pytest.raises(WeightsError, match=says):
        PowerOfTwoWeights(*fields)


def test_malformed_terms():
    weights = PowerOfTwoWeights(SIGN, LEVEL, 0, 4)
    with pytest.raises(WeightsError, match="exactly two"):
        TwoTermWeights((weights,))
    with pytest.raises(WeightsError, match="one shape"):
        TwoTermWeights((weights, PowerOfTwoWeights(SIGN[:1], LEVEL[:1], 0, 4)))

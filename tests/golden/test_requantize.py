import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.activations import ActivationFormat
from golden.requantize import Requantization, RequantizationError, fit_requantization
from tests.golden import naive


def random_rule(rng, channels, low=0, high=255, *, residual=False):
    shift = rng.integers(0, 41, channels)
    return Requantization(
        multiplier=rng.integers(0, 1 << 16, channels),
        bias=rng.integers(-(1 << 40), 1 << 40, channels),
        shift=shift,
        low=low,
        high=high,
        residual_multiplier=rng.integers(0, 1 << 16, channels) if residual else None,
    )


def check(rule, acc, residual=None):
    got = rule.apply(acc, residual)
    assert got.dtype == np.int64
    assert got.shape == acc.shape
    for c, y, x in np.ndindex(*acc.shape):
        added = (0, 0)
        if residual is not None:
            added = (residual[c, y, x], rule.residual_multiplier[c])
        expected = naive.requantize(
            acc[c, y, x], rule.multiplier[c], rule.bias[c], rule.shift[c], rule.low, rule.high,
            *added,
        )  # fmt: skip
        assert got[c, y, x] == expected, (c, y, x, got[c, y, x], expected)


@given(st.integers(0, 1000), st.sampled_from([(0, 255), (-128, 127), (0, 15), (-8, 7)]))
def test_equals_the_loops(seed, limits):
    rng = np.random.default_rng(seed)
    acc = rng.integers(-(1 << 26), 1 << 26, (5, 2, 3))
    check(random_rule(rng, 5, *limits), acc)
    residual = rng.integers(-128, 256, acc.shape)
    check(random_rule(rng, 5, *limits, residual=True), acc, residual)


def test_ties_go_up_and_no_shift_does_not_round():
    for shift, expected in (
        (0, [-3, -2, -1, 0, 1, 2, 3]),
        (1, [-1, -1, 0, 0, 1, 1, 2]),
        (2, [-1, 0, 0, 0, 0, 1, 1]),
    ):
        rule = Requantization(
            multiplier=np.array([1]), bias=np.array([0]), shift=np.array([shift]), low=-9, high=9
        )
        assert rule.apply(np.arange(-3, 4).reshape(1, 1, 7)).ravel().tolist() == expected


def test_many_channels_and_pixels():
    rng = np.random.default_rng(0)
    rule = random_rule(rng, 300, residual=True)
    acc = rng.integers(-(1 << 20), 1 << 20, (300, 25, 20))
    residual = rng.integers(0, 256, acc.shape)
    got = rule.apply(acc, residual)
    some = rng.integers(0, 300, 3)
    for c in some:
        expected = [
            naive.requantize(
                a,
                rule.multiplier[c],
                rule.bias[c],
                rule.shift[c],
                0,
                255,
                r,
                rule.residual_multiplier[c],
            )
            for a, r in zip(acc[c].flat, residual[c].flat, strict=True)
        ]
        assert got[c].ravel().tolist() == expected


def test_the_edge_of_64_bits():
    def rule(bias):
        return Requantization(
            multiplier=np.array([2]), bias=np.array([bias]), shift=np.array([63]), low=-1, high=1
        )

    acc = np.full((1, 1, 1), (1 << 61) - 1)
    check(rule(0), acc)
    check(rule(1), acc)
    with pytest.raises(RequantizationError, match="channel 0 may reach 9223372036854775808"):
        rule(2).apply(acc)
    with pytest.raises(RequantizationError, match="beyond 64-bit"):
        rule(0).apply(np.full((1, 1, 1), -(1 << 63)))


RULE = {"multiplier": [1, 2], "bias": [3, 4], "shift": [5, 6], "low": 0, "high": 255}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"multiplier": [1, 65536]}, "multiplier holds 65536"),
        ({"multiplier": [-1, 1]}, "multiplier holds -1"),
        ({"shift": [1, 64]}, r"shift holds 64, but must lie in 0\.\.63"),
        ({"bias": [1.0, 2.0]}, "bias is a float64"),
        ({"bias": 1}, "one integer for each channel"),
        ({"bias": [1]}, "have 2, 1 and 2"),
        ({"low": 4, "high": 3}, "wrong way round"),
        ({"residual_multiplier": [1, -1]}, "residual_multiplier holds -1"),
        ({"residual_multiplier": [1, 2, 3]}, "residual_multiplier has 3 values"),
    ],
)
def test_bad_parameters(bad, says):
    with pytest.raises(RequantizationError, match=says):
        Requantization(**RULE | bad)


@pytest.mark.parametrize(
    ("arguments", "multiplier", "says"),
    [
        ((np.zeros((3, 1, 1), int),), None, "2 channels"),
        ((np.zeros((2, 1), int),), None, "2 channels"),
        ((np.zeros((2, 1, 1)),), None, "float64"),
        ((np.zeros((2, 1, 1), int), np.zeros((2, 1, 1), int)), None, "give both"),
        ((np.zeros((2, 1, 1), int),), [1, 2], "give both"),
        ((np.zeros((2, 1, 1), int), np.zeros((2, 1, 2), int)), [1, 2], "residual has shape"),
    ],
)
def test_bad_arrays(arguments, multiplier, says):
    with pytest.raises(RequantizationError, match=says):
        Requantization(**RULE, residual_multiplier=multiplier).apply(*arguments)


def test_no_pixels():
    assert Requantization(**RULE).apply(np.zeros((2, 0, 4), int)).shape == (2, 0, 4)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("magnitude", [1, 30, 1e4, 1e9])
@pytest.mark.parametrize("seed", [None, 3])
def test_fitted_outputs_fill_their_range(relu, bits, magnitude, seed):
    output = ActivationFormat(bits=bits, signed=not relu)
    rng = np.random.default_rng(0)
    acc = np.rint(rng.standard_normal((20, 40, 40)) * magnitude + 5 * magnitude).astype(np.int64)
    rule = fit_requantization(acc, output, relu, None if seed is None else rng)
    assert (rule.multiplier >= 1 << 15).all()
    assert (rule.low, rule.high) == (0 if relu else output.low, output.high)
    got = rule.apply(acc)
    assert got.max() == output.high
    for channel in got:
        assert channel.max() > output.high // 2
        assert np.unique(channel).size > 1
        if not relu:
            assert channel.min() < output.low // 4


def test_fitting_constant_channels():
    acc = np.zeros((3, 4, 4), np.int64)
    acc[1] = 7
    acc[2] = -1000
    for rng in (None, np.random.default_rng(0)):
        rule = fit_requantization(acc, ActivationFormat(bits=8, signed=False), True, rng)
        got = rule.apply(acc)
        for channel in got:
            assert np.unique(channel).size == 1
            assert 0 < channel[0, 0] < 255

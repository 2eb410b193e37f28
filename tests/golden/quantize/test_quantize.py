"""What all quantizers have in common: formats, edge cases, and how they refuse."""

import numpy as np
import pytest

from golden.quantize import METHODS, QuantizationError, levels_of_bits, quantize, relative_error

SETTINGS = [{"method": method} for method in METHODS] + [{"method": "exact", "sparsity": 0.5}]


@pytest.fixture(params=SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
def settings(request):
    return request.param


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, f), getattr(b, f)) for f in ("sign", "level", "scale"))


@pytest.mark.parametrize(("bits", "levels"), [(2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 32)])
def test_bits_mean_levels(settings, bits, levels):
    weights = np.random.default_rng(bits).standard_normal((4, 30))
    assert levels_of_bits(bits) == levels
    got = quantize(weights, bits=bits, **settings)
    assert got.levels == levels
    assert same(got, quantize(weights, levels=levels, **settings))


def test_any_number_of_levels(settings):
    weights = np.random.default_rng(0).standard_normal(300)
    for levels in range(1, 33):
        got = quantize(weights, levels=levels, **settings)
        assert got.levels == levels
        assert got.level.max() < levels
        np.testing.assert_array_equal(got.sign[got.sign != 0], np.sign(weights[got.sign != 0]))


def test_float_formats_agree_where_values_do(settings):
    weights = np.random.default_rng(0).standard_normal((6, 70)).astype(np.float16)
    results = [quantize(weights.astype(k), bits=4, **settings) for k in ("f2", "f4", "f8")]
    assert same(results[0], results[1])
    assert same(results[0], results[2])


@pytest.mark.parametrize("per_channel", [False, True])
def test_memory_order_and_byte_order_do_not_matter(settings, per_channel):
    weights = np.random.default_rng(0).standard_normal((7, 8, 3, 3)).astype(np.float32)
    expected = quantize(weights, bits=4, per_channel=per_channel, **settings)
    for view in (
        np.asfortranarray(weights),
        np.repeat(weights, 2, axis=1)[:, ::2],
        np.ascontiguousarray(weights[::-1])[::-1],
        weights.astype(">f4"),
    ):
        assert same(quantize(view, bits=4, per_channel=per_channel, **settings), expected)


def test_the_input_stays_as_it_was(settings):
    weights = np.random.default_rng(0).standard_normal((7, 20)).astype(np.float32)
    before = weights.copy()
    quantize(weights, bits=4, terms=2, **settings)
    np.testing.assert_array_equal(weights, before)


@pytest.mark.parametrize("terms", [1, 2])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_all_zero_weights(settings, kind, per_channel, terms):
    weights = np.zeros((3, 5, 1, 1), kind)
    weights[1] = -0.0
    got = quantize(weights, bits=4, per_channel=per_channel, terms=terms, **settings)
    assert got.nonzeros == 0
    assert not got.dequantize().any()
    assert relative_error(weights, got) == 0


@pytest.mark.parametrize("exponent", range(-1000, 1021, 101))
def test_scaling_the_weights_by_a_power_of_two_moves_only_the_scale(settings, exponent):
    weights = np.random.default_rng(0).integers(1, 1 << 20, 100) / 2.0**19
    weights[::3] *= -1
    expected = quantize(weights, levels=7, **settings)
    got = quantize(np.ldexp(weights, exponent), levels=7, **settings)
    np.testing.assert_array_equal(got.sign, expected.sign)
    np.testing.assert_array_equal(got.level, expected.level)
    assert got.scale == expected.scale + exponent


@pytest.mark.parametrize("exponent", range(-148, 128, 23))
def test_scaling_float32_weights(settings, exponent):
    weights = np.random.default_rng(0).integers(1, 64, 50).astype(np.float32) / 64
    moved = np.ldexp(weights, exponent)
    wide = quantize(moved.astype(np.float64), levels=5, **settings)
    assert same(quantize(moved, levels=5, **settings), wide)


@pytest.mark.parametrize("smallest", [5e-324, 1e-310])
def test_subnormal_weights(settings, smallest):
    got = quantize(np.array([smallest, -smallest, 0]), levels=2, **settings)
    assert got.sign.tolist() == [1, -1, 0]
    assert got.dequantize()[0] > 0


def test_float32_subnormals_beside_a_peak(settings):
    weights = np.array([1.0, 1e-42, -1e-45, 0.5], np.float32)
    got = quantize(weights, levels=32, **settings)
    assert got.sign.tolist() == [1, 0, 0, 1]


def test_a_wide_range_of_channels():
    weights = np.array([[1e38, -3e38], [1e-45, 3e-45], [0, 0], [1, 0.1]], np.float32)
    for method in METHODS:
        got = quantize(weights, levels=3, method=method, per_channel=True)
        for channel, alone in enumerate(weights):
            single = quantize(alone, levels=3, method=method)
            assert got.scale[channel] == single.scale
            np.testing.assert_array_equal(got.level[channel], single.level)


def test_a_single_weight_of_no_dimension(settings):
    got = quantize(np.float32(-0.75), bits=4, **settings)
    assert got.shape == ()
    assert got.dequantize() == -1


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (np.array([[1.0, np.nan]]), r"nan at index \(0, 1\)"),
        (np.array([0, 0, np.inf], np.float32), r"inf at index \(2,\)"),
        (np.array([-np.inf, 1], np.float16), "-inf"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros(3, np.int64), "int64.*float32"),
        (np.zeros(3, np.longdouble), "float128|longdouble"),
        (np.zeros(3, complex), "complex"),
        (np.array(["x"]), "float16, float32 or float64"),
        (np.zeros(3, bool), "bool"),
        (np.array([1.7e308]), "below"),
    ],
)
def test_bad_weights(settings, weights, says):
    if weights.dtype.itemsize == 8 and weights.dtype == np.longdouble:
        pytest.skip("this machine's long double is float64")
    with pytest.raises(QuantizationError, match=says):
        quantize(weights, bits=4, **settings)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({}, "bits or levels"),
        ({"bits": 4, "levels": 4}, "not both"),
        ({"bits": 1}, "bits is 1"),
        ({"bits": 8}, "bits is 8"),
        ({"bits": 4.0}, "bits is 4.0"),
        ({"levels": 0}, "levels is 0"),
        ({"levels": 33}, "levels is 33"),
        ({"bits": 4, "method": "twn"}, "'twn'; choose one of lbw, exact, inq"),
        ({"bits": 4, "mu": 0.0}, "mu is 0.0"),
        ({"bits": 4, "mu": float("nan")}, "mu is nan"),
        ({"bits": 4, "mu": 1e-300}, "less than 2"),
        ({"bits": 4, "mu_absolute": -1.0}, "mu_absolute is -1.0"),
        ({"bits": 4, "mu": 0.5, "mu_absolute": 1.0}, "not both"),
        ({"bits": 4, "mu": 0.5, "method": "exact"}, "no meaning"),
        ({"bits": 4, "partial_sums": 0}, "partial_sums is 0"),
        ({"bits": 4, "sparsity": 0.5}, "method='exact'"),
        ({"bits": 4, "sparsity": 1.5, "method": "exact"}, "sparsity is 1.5"),
        ({"bits": 4, "terms": 3}, "terms is 3"),
    ],
)
def test_bad_settings(bad, says):
    with pytest.raises(QuantizationError, match=says):
        quantize(np.ones(3), **bad)


def test_no_channels():
    with pytest.raises(QuantizationError, match="no output channels"):
        quantize(np.float32(1), bits=4, per_channel=True)

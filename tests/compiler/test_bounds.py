import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler import FitError, compile_layer
from compiler.bounds import accumulator_range, check_fit, offsets
from golden.activations import ActivationFormat
from golden.shape import ConvShape
from params import preset
from tests.compiler.layers import make_layer, random_terms

TINY = preset("tiny")


def one_filter(weights):
    """A filter of the given weights, one channel each."""
    return np.array(weights, dtype=np.int64).reshape(1, 1, -1, 1, 1)


def layer_of(weights, **options):
    terms = one_filter(weights)
    shape = ConvShape(cin=terms.shape[2], cout=1, kernel=1, height=1, width=1)
    return make_layer(shape, terms, **options)


@given(
    weights=st.lists(st.sampled_from([0, 1, -1, 2, -2, 4, -4]), min_size=1, max_size=4),
    second=st.booleans(),
    signed=st.booleans(),
)
def test_range_is_that_of_all_inputs(weights, second, signed):
    # Four-bit inputs: a linear function's extremes are at the corners.
    inputs = ActivationFormat(bits=4, signed=signed)
    terms = np.concatenate([one_filter(weights), one_filter([-w // 2 * 2 for w in weights])])
    terms = terms if second else terms[:1]
    corners = np.array(np.meshgrid(*[[inputs.low, inputs.high]] * len(weights)))
    sums = terms.sum(axis=0).reshape(1, -1) @ corners.reshape(len(weights), -1)
    sums -= (terms < 0).sum()
    found = accumulator_range(terms, inputs, TINY)
    assert (found.low[0], found.high[0]) == (sums.min(), sums.max())


def test_greatest_filter_at_the_limit_is_accepted_and_one_bit_less_refused():
    # 255 * 8 * 16 = 32640 and its sign: 16 bits.
    layer = layer_of([8] * 16)
    config = dataclasses.replace(TINY, accumulator_bits=16)
    check_fit(layer, config)
    with pytest.raises(FitError, match=r"needs accumulators of 16 bits, but the array has 15"):
        check_fit(layer, dataclasses.replace(config, accumulator_bits=15))
    # One tap more is 34680.
    with pytest.raises(FitError, match=r"needs accumulators of 17 bits"):
        check_fit(layer_of([8] * 17), config)


def test_the_complements_count():
    # -34 * 8 * 15 = -4080 would fit 13 bits, but each product's complement is one lower.
    layer = layer_of([-8] * 34, bits=4)
    found = accumulator_range(layer.terms, layer.input_format, TINY)
    assert (found.low[0], found.high[0]) == (-4080 - 34, -34)
    assert found.bits == 14
    shorter = layer_of([-8] * 33, bits=4)
    assert accumulator_range(shorter.terms, shorter.input_format, TINY).bits == 13


def test_worst_case_accumulators_take_every_filter():
    rng = np.random.default_rng(0)
    shape = ConvShape(cin=1024, cout=2, kernel=3, height=3, width=3)
    config = preset("ulx3s")
    for terms in (
        np.full((1, *shape.weight_shape), 8),
        np.full((1, *shape.weight_shape), -8),
        random_terms(rng, shape, levels=4, density=1.0),
    ):
        check_fit(make_layer(shape, terms), config)


def test_offset_is_bias_rounding_and_complements():
    layer = layer_of(
        [1, -2, -4, 0], multiplier=np.array([1000]), bias=np.array([-7]), shift=np.array([5])
    )
    assert offsets(layer, TINY) == [-7 + 16 + 2 * 1000]
    layer = layer_of([-1], multiplier=np.array([3]))
    assert offsets(layer, TINY) == [3]


def test_too_many_levels_are_refused():
    with pytest.raises(FitError, match="need 5 levels, but the array has 4"):
        check_fit(layer_of([1, -16]), TINY)


def test_unused_levels_do_not_matter():
    check_fit(layer_of([1, -8], levels=16), TINY)


def test_activations_too_wide_are_refused():
    config = dataclasses.replace(TINY, activation_bits=6, accumulator_bits=None)
    with pytest.raises(FitError, match="input activations have 8 bits, but the array has 6"):
        check_fit(layer_of([1]), config)
    layer = layer_of([1], bits=6, signed_out=False)
    check_fit(layer, config)
    rule = dataclasses.replace(layer.requantization, low=0, high=64)
    with pytest.raises(FitError, match=r"clamped to 0\.\.64, but .* 6 bits hold 0\.\.63"):
        check_fit(dataclasses.replace(layer, requantization=rule), config)
    rule = dataclasses.replace(layer.requantization, low=-1, high=32)
    with pytest.raises(FitError, match=r"clamped to -1\.\.32, but .* hold -32\.\.31"):
        check_fit(dataclasses.replace(layer, requantization=rule), config)


def test_shifts_and_offsets_beyond_the_fields_are_refused():
    config = dataclasses.replace(TINY, accumulator_bits=16)
    assert (config.max_right_shift, config.offset_bits) == (32, 32)
    largest = (1 << 31) - 1
    check_fit(layer_of([1], bias=np.array([largest])), config)
    with pytest.raises(FitError, match=r"offset takes 33 bits, but the array has 32; raise acc"):
        check_fit(layer_of([1], bias=np.array([largest + 1])), config)
    with pytest.raises(FitError, match=r"shifts by 33, but the array shifts by at most 32"):
        check_fit(layer_of([1], shift=np.array([33])), config)


def test_the_compiler_checks():
    with pytest.raises(FitError, match="levels"):
        compile_layer(layer_of([16]), TINY)

import dataclasses

import numpy as np
import pytest

from golden.activations import ActivationError, ActivationFormat
from golden.layer import LayerError, QuantizedConv
from golden.quantize import quantize
from golden.requantize import Requantization, fit_requantization
from golden.shape import ConvShape, ShapeError
from golden.weights import integer_terms
from tests.golden import naive

SHAPE = ConvShape(cin=4, cout=3, kernel=3, stride=2, padding=1, height=6, width=7)


def make_layer(*, levels=4, terms=1, signed=False, bits=8, shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(shape.weight_shape)
    quantized = quantize(weights, levels=levels, method="exact", terms=terms)
    integers, _, needed = integer_terms(quantized)
    input_format = ActivationFormat(bits=bits, signed=signed)
    x = rng.integers(input_format.low, input_format.high, shape.input_shape, endpoint=True)
    acc = naive.convolve(x, integers.sum(axis=0), shape).astype(np.int64)
    rule = fit_requantization(acc, ActivationFormat(bits=bits, signed=signed), not signed, rng)
    layer = QuantizedConv(
        shape=shape, terms=integers, levels=needed, requantization=rule, input_format=input_format
    )
    return layer, x, acc


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("levels", "terms"), [(1, 1), (4, 1), (16, 1), (4, 2)])
def test_equals_the_loops(levels, terms, signed, bits):
    layer, x, acc = make_layer(levels=levels, terms=terms, signed=signed, bits=bits)
    np.testing.assert_array_equal(layer.accumulate(x), acc)
    rng = np.random.default_rng(1)
    residual = rng.integers(-8, 8, acc.shape)
    multiplier = rng.integers(0, 1 << 16, 3)
    rule = layer.requantization
    with_residual = dataclasses.replace(
        layer,
        requantization=dataclasses.replace(rule, residual_multiplier=multiplier),
        residual_format=ActivationFormat(bits=4, signed=True),
    )
    plain, added = layer.forward(x), with_residual.forward(x, residual)
    for c, y, column in np.ndindex(*acc.shape):
        at = (c, y, column)
        scaled = (acc[at], rule.multiplier[c], rule.bias[c], rule.shift[c], rule.low, rule.high)
        assert plain[at] == naive.requantize(*scaled), at
        assert added[at] == naive.requantize(*scaled, residual[at], multiplier[c]), at


def test_counts():
    layer, _, _ = make_layer(terms=2)
    assert layer.nonzeros == sum(np.count_nonzero(term) for term in layer.terms)
    assert layer.density == layer.nonzeros / SHAPE.weights
    np.testing.assert_array_equal(layer.integer_weights, layer.terms[0] + layer.terms[1])


def test_a_layer_without_requantization_accumulates():
    layer, x, acc = make_layer()
    bare = QuantizedConv(
        shape=SHAPE,
        terms=layer.terms,
        levels=4,
        requantization=None,
        input_format=layer.input_format,
    )
    np.testing.assert_array_equal(bare.accumulate(x), acc)
    with pytest.raises(LayerError, match="no requantization"):
        bare.forward(x)


def test_activations_that_do_not_fit():
    layer, x, _ = make_layer()
    with pytest.raises(ActivationError, match=r"-1\.\."):
        layer.accumulate(x - 1 - x.min())
    with pytest.raises(ShapeError, match="activations have shape"):
        layer.accumulate(x[:, :5])


def rule(channels=3):
    zeros = np.zeros(channels, int)
    return Requantization(multiplier=zeros, bias=zeros, shift=zeros, low=0, high=255)


TERMS = np.ones((1, *SHAPE.weight_shape), np.int64)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"terms": TERMS[0]}, "terms are int64 of shape"),
        ({"terms": TERMS.astype(np.int32)}, "terms are int32"),
        ({"terms": 3 * TERMS}, "terms hold 3"),
        ({"terms": -16 * TERMS}, r"terms hold -16.*2\^3"),
        ({"terms": TERMS << 63}, "terms hold -9223372036854775808"),
        ({"levels": 0}, "levels is 0"),
        ({"levels": 63}, "levels is 63"),
        ({"requantization": rule(4)}, "4 channels, but the layer has 3"),
    ],
)
def test_parts_that_do_not_go_together(bad, says):
    good = {
        "shape": SHAPE, "terms": TERMS, "levels": 4, "requantization": rule(),
        "input_format": ActivationFormat(bits=8, signed=False),
    }  # fmt: skip
    QuantizedConv(**good)
    with pytest.raises(LayerError, match=says):
        QuantizedConv(**good | bad)

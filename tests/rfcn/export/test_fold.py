"""The integer layer against the same layer with real numbers."""

from fractions import Fraction

import numpy as np
import pytest

from golden.activations import ActivationFormat
from golden.feature_map import FeatureMap
from golden.quantize import quantize
from golden.shape import ConvShape
from rfcn.export.fold import FoldError, fold, normalisation

SHAPE = ConvShape(cin=6, cout=9, kernel=3, padding=1, height=4, width=5)
SOURCE = FeatureMap(
    shape=SHAPE.input_shape, format=ActivationFormat(bits=8, signed=False), scale=0.0371
)


def out_map(*, relu=True, scale=0.219):
    form = ActivationFormat(bits=8, signed=not relu)
    return FeatureMap(shape=SHAPE.output_shape, format=form, scale=scale)


def exact(weights, x, gain, offset, residual, channel, y, column) -> Fraction:
    """gain * conv + offset + residual of one output, with rationals."""
    values = weights.dequantize()
    total = Fraction(0)
    for c, ky, kx in np.ndindex(SHAPE.cin, *SHAPE.kernel):
        row, col = y + ky - SHAPE.padding[0], column + kx - SHAPE.padding[1]
        if 0 <= row < SHAPE.height and 0 <= col < SHAPE.width:
            pixel = int(x[c, row, col]) * Fraction(SOURCE.scale)
            total += Fraction(float(values[channel, c, ky, kx])) * pixel
    total = total * Fraction(float(gain[channel])) + Fraction(float(offset[channel]))
    return total + residual


@pytest.mark.parametrize("with_residual", [False, True])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    "quantizer",
    [
        {"bits": 2}, {"bits": 4}, {"bits": 6}, {"bits": 7, "method": "exact"},
        {"bits": 4, "per_channel": True}, {"bits": 4, "terms": 2, "method": "exact"},
        {"bits": 5, "terms": 2, "method": "exact", "per_channel": True},
    ],
    ids=str,
)  # fmt: skip
def test_within_one_step_of_real_numbers(quantizer, relu, with_residual):
    rng = np.random.default_rng(7)
    weights = quantize(rng.standard_normal(SHAPE.weight_shape) * 0.06, **quantizer)
    gain = rng.uniform(0.3, 3, SHAPE.cout) * rng.choice([-1, 1], SHAPE.cout)
    offset = rng.normal(0, 8, SHAPE.cout)
    # A channel without weight, one that hardly has any, and one that is shifted far away.
    gain[0], gain[1], offset[2] = 0.0, 1e-9, 300.0
    x = rng.integers(0, 256, SHAPE.input_shape)
    output = out_map(relu=relu)
    added = FeatureMap(
        shape=SHAPE.output_shape, format=ActivationFormat(bits=8, signed=True), scale=0.173
    )
    r = rng.integers(-128, 128, SHAPE.output_shape)
    folded = fold(
        "layer", weights, SHAPE, gain=gain, offset=offset, source=SOURCE, output=output,
        relu=relu, residual=added if with_residual else None,
    )  # fmt: skip
    # At most 1/2 by rounding, and little from the multipliers' 16 bits.
    assert folded.error.max() < 0.05
    rule = folded.layer.requantization
    assert rule.multiplier[0] == 0
    if with_residual:
        got = folded.layer.forward(x, r)
        assert (rule.residual_multiplier >= 1 << 14).all()
    else:
        got = folded.layer.forward(x)
        assert rule.residual_multiplier is None
    for at in np.ndindex(*got.shape):
        share = int(r[at]) * Fraction(added.scale) if with_residual else Fraction(0)
        real = exact(weights, x, gain, offset, share, *at) / Fraction(output.scale)
        real = min(max(real, rule.low), rule.high)
        assert abs(got[at] - real) <= Fraction(1, 2) + Fraction(float(folded.error[at[0]])), at
    assert len(np.unique(got)) > 15


def test_the_sign_of_the_gain_goes_into_the_weights():
    weights = quantize(np.random.default_rng(0).standard_normal(SHAPE.weight_shape), bits=4)
    gain = np.where(np.arange(SHAPE.cout) % 2, -1.0, 1.0)
    folded = fold(
        "layer", weights, SHAPE, gain=gain, offset=np.zeros(SHAPE.cout), source=SOURCE,
        output=out_map(), relu=True,
    )  # fmt: skip
    terms = folded.layer.terms[0]
    np.testing.assert_array_equal(terms[::2], weights.integers()[::2])
    np.testing.assert_array_equal(terms[1::2], -weights.integers()[1::2])
    np.testing.assert_array_equal(
        terms * 2.0**folded.exponent * gain[:, None, None, None], weights.dequantize()
    )
    assert (folded.layer.requantization.multiplier >= 1 << 15).all()


def test_batch_norm_by_hand():
    gain, offset = normalisation(
        2,
        bias=np.array([1.0, 2.0], np.float32),
        gamma=np.array([3.0, -4.0], np.float32),
        beta=np.array([0.5, 0.25], np.float32),
        mean=np.array([2.0, -2.0], np.float32),
        variance=np.array([3.0, 15.0], np.float32),
        epsilon=1.0,
    )
    assert gain.tolist() == [1.5, -1.0]
    assert offset.tolist() == [-1.5 + 0.5, -4.0 + 0.25]
    gain, offset = normalisation(2, bias=np.array([1.0, 2.0], np.float32))
    assert (gain.tolist(), offset.tolist()) == ([1, 1], [1, 2])
    gain, offset = normalisation(2)
    assert (gain.tolist(), offset.tolist()) == ([1, 1], [0, 0])


@pytest.mark.parametrize(
    ("gain", "offset", "scale", "says"),
    [
        (np.nan, 0.0, 1.0, "the gain of channel 3 of layer is nan"),
        (1.0, np.inf, 1.0, "the offset of channel 3 of layer is inf"),
        (1e12, 0.0, 1.0, "channel 3 of layer multiplies its accumulator by .* 65535"),
        (1.0, 1e25, 1.0, "channel 3 of layer adds 1e\\+25 output steps"),
    ],
)
def test_what_cannot_be_represented(gain, offset, scale, says):
    weights = quantize(np.random.default_rng(0).standard_normal(SHAPE.weight_shape), bits=4)
    gains, offsets = np.ones(SHAPE.cout), np.zeros(SHAPE.cout)
    gains[3], offsets[3] = gain, offset
    with pytest.raises(FoldError, match=says):
        fold(
            "layer", weights, SHAPE, gain=gains, offset=offsets, source=SOURCE,
            output=out_map(scale=scale), relu=True,
        )  # fmt: skip


def test_a_variance_that_is_none():
    gain, _ = normalisation(
        1, gamma=np.ones(1), beta=np.zeros(1), mean=np.zeros(1), variance=-np.ones(1)
    )
    assert np.isnan(gain[0])


def test_a_residual_of_huge_steps():
    weights = quantize(np.random.default_rng(0).standard_normal(SHAPE.weight_shape), bits=4)
    added = FeatureMap(
        shape=SHAPE.output_shape, format=ActivationFormat(bits=8, signed=True), scale=1e22
    )
    with pytest.raises(FoldError, match="give the output a larger step"):
        fold(
            "layer", weights, SHAPE, gain=np.ones(SHAPE.cout), offset=np.zeros(SHAPE.cout),
            source=SOURCE, output=out_map(scale=1.0), relu=True, residual=added,
        )  # fmt: skip

"""Layers to simulate, made from weights and random images."""

from dataclasses import dataclass

import numpy as np

from golden.activations import ActivationFormat
from golden.convolution import convolve
from golden.float_layer import FloatConv
from golden.layer import IntegerConv, QuantizedConv
from golden.requantize import fit_requantization
from golden.shape import ConvShape
from golden.weights import PowerOfTwoWeights, TwoTermWeights, integer_terms

Weights = PowerOfTwoWeights | TwoTermWeights | np.ndarray
"""Powers of two, int64 weights for an int8 array, or float32 weights."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A layer, an input for it, and what the golden model makes of them.

    Parameters
    ----------
    layer : the convolution.
    image : int64 or float32 (cin, height, width).
    expected : int64 (cout, out_height, out_width); None for floats, whose sums depend on the
        order in which the compiled layer takes the weights (`Program.golden`).
    """

    layer: IntegerConv | FloatConv
    image: np.ndarray
    expected: np.ndarray | None


def create_workload(
    shape: ConvShape,
    weights: Weights,
    *,
    signed_input: bool,
    signed_output: bool,
    activation_bits: int = 8,
    seed: int = 0,
) -> Workload:
    """A layer on a random image.

    Integers are uniform over the input's range, and requantized so that the outputs fill theirs.
    Floats are normally distributed, without a sign their magnitudes, and so are the biases.

    Parameters
    ----------
    shape : the convolution; `weights` have its `weight_shape`.
    signed_input, signed_output : sign flags of the activations; an unsigned output has a ReLU.
    activation_bits : of integer input and output.
    seed : of the image, and of requantization or bias.
    """
    rng = np.random.default_rng(seed)
    size = (shape.cin, shape.height, shape.width)
    if isinstance(weights, np.ndarray) and weights.dtype.kind == "f":
        image = rng.standard_normal(size, dtype=np.float32)
        layer = FloatConv(
            shape=shape,
            weights=weights.astype(np.float32),
            bias=rng.standard_normal(shape.cout, dtype=np.float32),
            relu=not signed_output,
        )
        image = image if signed_input else np.abs(image)
        return Workload(layer=layer, image=image, expected=None)

    inputs = ActivationFormat(bits=activation_bits, signed=signed_input)
    outputs = ActivationFormat(bits=activation_bits, signed=signed_output)
    image = rng.integers(inputs.low, inputs.high, size=size, endpoint=True)
    if isinstance(weights, np.ndarray):
        terms, levels = weights[None], None
    else:
        terms, _, levels = integer_terms(weights)
    accumulators = convolve(image, terms.sum(axis=0), shape)
    requantization = fit_requantization(accumulators, outputs, not signed_output, rng)
    if levels is None:
        layer = IntegerConv(
            shape=shape, terms=terms, requantization=requantization, input_format=inputs
        )
    else:
        layer = QuantizedConv(
            shape=shape,
            terms=terms,
            levels=levels,
            requantization=requantization,
            input_format=inputs,
        )
    return Workload(layer=layer, image=image, expected=requantization.apply(accumulators))

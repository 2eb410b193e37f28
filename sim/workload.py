"""Quantized layers to simulate, made from float weights and random images."""

from dataclasses import dataclass

import numpy as np

from golden.activations import ActivationFormat
from golden.convolution import convolve
from golden.layer import QuantizedConv
from golden.requantize import fit_requantization
from golden.shape import ConvShape
from golden.weights import PowerOfTwoWeights, TwoTermWeights, integer_terms


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A layer, an input for it, and what the golden model makes of them.

    Parameters
    ----------
    layer : the quantized convolution.
    image : int64 (cin, height, width).
    expected : int64 (cout, out_height, out_width).
    """

    layer: QuantizedConv
    image: np.ndarray
    expected: np.ndarray


def create_workload(
    shape: ConvShape,
    weights: PowerOfTwoWeights | TwoTermWeights,
    *,
    signed_input: bool,
    signed_output: bool,
    activation_bits: int = 8,
    seed: int = 0,
) -> Workload:
    """A layer on a random image, requantized so that its outputs fill their range.

    Parameters
    ----------
    shape : the convolution; `weights` have its `weight_shape`.
    signed_input, signed_output : sign flags of the activations; an unsigned output has a ReLU.
    activation_bits : of input and output.
    seed : of the image, uniform over the input's range.
    """
    rng = np.random.default_rng(seed)
    inputs = ActivationFormat(bits=activation_bits, signed=signed_input)
    outputs = ActivationFormat(bits=activation_bits, signed=signed_output)
    image = rng.integers(
        inputs.low, inputs.high, size=(shape.cin, shape.height, shape.width), endpoint=True
    )
    terms, _, levels = integer_terms(weights)
    accumulators = convolve(image, terms.sum(axis=0), shape)
    requantization = fit_requantization(accumulators, outputs, not signed_output, rng)
    return Workload(
        layer=QuantizedConv(
            shape=shape,
            terms=terms,
            levels=levels,
            input_format=inputs,
            requantization=requantization,
        ),
        image=image,
        expected=requantization.apply(accumulators),
    )

"""The proof that no accumulator and no requantization overflows.

A filter's sum is largest where positive weights meet the highest input and negative weights the
lowest, so its exact range follows from two sums of weights. An array that shifts subtracts by
complement and so ends up one lower for each negative weight (see `params.layouts.requantization`),
which the range includes. Accumulators wrap modulo 2^accumulator_bits: only the final sum of a
filter has to fit, whatever the sums on the way to it.

Behind the accumulator nothing is left to prove: with A bits the product with a 16-bit multiplier
is below 2^(A + 15) in magnitude and the offset field holds no more, so their sum fits the
requantizer's A + 18 bits. A residual has bits of its own there.
"""

from dataclasses import dataclass

import numpy as np

from compiler.codes import exponents
from compiler.errors import FitError
from golden.activations import ActivationFormat
from golden.float_layer import FloatConv
from golden.layer import IntegerConv, QuantizedConv
from params import ArrayConfig
from params.arithmetic import Arithmetic


@dataclass(frozen=True, kw_only=True)
class AccumulatorRange:
    """Least and greatest value of each channel's accumulator, int64 (cout,), both reached."""

    low: np.ndarray
    high: np.ndarray

    @property
    def bits(self) -> int:
        """Width of a signed accumulator that holds all channels."""
        return max(_signed_bits(int(self.low.min())), _signed_bits(int(self.high.max())))


def accumulator_range(
    terms: np.ndarray, inputs: ActivationFormat, config: ArrayConfig
) -> AccumulatorRange:
    """The exact range of every channel's accumulator.

    Parameters
    ----------
    terms : int64 (terms, cout, cin, kernel height, kernel width), see `IntegerConv.terms`.
    inputs : the format of the input activations.
    """
    weights = terms.sum(axis=0)
    axes = tuple(range(1, weights.ndim))
    positive = np.where(weights > 0, weights, 0).sum(axis=axes)
    negative = np.where(weights < 0, weights, 0).sum(axis=axes)
    lost = complements(terms, config)
    return AccumulatorRange(
        low=positive * inputs.low + negative * inputs.high - lost,
        high=positive * inputs.high + negative * inputs.low - lost,
    )


def complements(terms: np.ndarray, config: ArrayConfig) -> np.ndarray:
    """Weights of each channel that are subtracted by complement, int64 (cout,)."""
    if config.arithmetic != Arithmetic.SHIFT:
        return np.zeros(terms.shape[1], dtype=np.int64)
    return (terms < 0).sum(axis=(0, 2, 3, 4))


def offsets(layer: IntegerConv, config: ArrayConfig) -> list[int]:
    """The requantization offset of each channel (see `params.layouts.requantization`)."""
    requantization = layer.requantization
    fields = zip(
        requantization.multiplier,
        requantization.bias,
        requantization.shift,
        complements(layer.terms, config),
        strict=True,
    )
    return [
        int(bias) + ((1 << int(shift)) >> 1) + int(multiplier) * int(lost)
        for multiplier, bias, shift, lost in fields
    ]


def check_fit(layer: IntegerConv | FloatConv, config: ArrayConfig) -> None:
    """Refuse a layer whose numbers the array cannot hold.

    Raises
    ------
    FitError : weights, activations, accumulators, clamp, shifts or offsets do not fit.
    """
    floats = isinstance(layer, FloatConv)
    if floats != (config.arithmetic == Arithmetic.FLOAT32):
        raise FitError(
            f"the layer computes with {'floats' if floats else 'integers'}, but the array with "
            f"{config.arithmetic}; choose an array of the layer's arithmetic"
        )
    if isinstance(layer, FloatConv):
        return
    if layer.residual_format is not None and not config.residuals:
        raise FitError(
            "a map is added to the layer's sums, but the array adds none; choose one with residuals"
        )
    _check_weights(layer, config)
    _check_activations(layer, config)
    bits = accumulator_range(layer.terms, layer.input_format, config).bits
    if bits > config.accumulator_bits:
        raise FitError(
            f"the largest filter needs accumulators of {bits} bits, but the array has "
            f"{config.accumulator_bits}; raise accumulator_bits"
        )
    shift = int(np.max(layer.requantization.shift))
    if shift > config.max_right_shift:
        raise FitError(
            f"a channel's requantization shifts by {shift}, but the array shifts by at most "
            f"{config.max_right_shift}; halve its multiplier and bias until the shift is smaller"
        )
    bits = max(map(_signed_bits, offsets(layer, config)))
    if bits > config.offset_bits:
        raise FitError(
            f"a channel's requantization offset takes {bits} bits, but the array has "
            f"{config.offset_bits}; raise accumulator_bits by {bits - config.offset_bits}, or "
            "lower the bias or the shift"
        )


def _check_weights(layer: IntegerConv, config: ArrayConfig) -> None:
    if config.arithmetic == Arithmetic.INT8:
        lowest, highest = int(layer.terms.min()), int(layer.terms.max())
        if len(layer.terms) > 1 or lowest < -128 or highest > 127:
            raise FitError(
                f"the weights span {lowest}..{highest} in {len(layer.terms)} terms, but an int8 "
                "array takes one term in -128..127; quantize them to int8"
            )
        return
    if not isinstance(layer, QuantizedConv):
        raise FitError(
            "the weights are no sums of powers of two, but the array has no multipliers; quantize "
            "them, or use an int8 array"
        )
    nonzero = layer.terms[layer.terms != 0]
    levels = int(exponents(nonzero).max()) + 1 if nonzero.size else 1
    if levels > config.levels:
        raise FitError(
            f"the weights need {levels} levels, but the array has {config.levels}; raise levels "
            "or quantize to fewer"
        )


def _check_activations(layer: IntegerConv, config: ArrayConfig) -> None:
    bits = config.activation_bits
    if layer.input_format.bits > bits:
        raise FitError(
            f"the input activations have {layer.input_format.bits} bits, but the array has "
            f"{bits}; raise activation_bits or quantize them to fewer"
        )
    low, high = layer.requantization.low, layer.requantization.high
    lowest, highest = (-1 << bits - 1, (1 << bits - 1) - 1) if low < 0 else (0, (1 << bits) - 1)
    if low < lowest or high > highest:
        raise FitError(
            f"the outputs are clamped to {low}..{high}, but activations of {bits} bits hold "
            f"{lowest}..{highest}; raise activation_bits or narrow the clamp"
        )


def _signed_bits(value: int) -> int:
    """Width of the shortest two's complement number that holds `value`."""
    return (value if value >= 0 else ~value).bit_length() + 1

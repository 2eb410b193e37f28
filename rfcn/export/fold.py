"""Batch-norm, bias, residual and scales folded into the requantization of a layer.

A layer's output is gain * conv + offset + residual, then perhaps a ReLU. With conv =
acc * 2^exponent * scale_in and in steps of the output it reads

    q = acc * g + o + r * rho,   g = |gain| * 2^exponent * scale_in / scale_out,
                                 o = offset / scale_out,   rho = scale_r / scale_out

and the integers are M = g * 2^S, B = o * 2^S and Mr = rho * 2^15, each rounded once. The sign
of the gain goes into the weights. A gain of zero gives M = 0, and B does not depend on it.

The shift S of a channel is the largest of which three things are true.
- M has 16 bits.
- S is at most `EXTRA_BITS` above the accumulator's own width: a step of M then changes no output by
  more than 2^-(EXTRA_BITS + 1) of a step, so more bits would change nothing.
- B has at most as many bits as the accumulator's width and `OFFSET_BITS`. An array's offset field
  holds that, see `compiler.bounds`.
"""

from dataclasses import dataclass

import numpy as np

from golden.errors import UserError
from golden.feature_map import FeatureMap
from golden.layer import QuantizedConv
from golden.requantize import MAX_SHIFT, MULTIPLIER_BITS, RESIDUAL_FRACTION, Requantization
from golden.shape import ConvShape
from golden.weights import MultipointWeights, PowerOfTwoWeights, integer_terms

EXTRA_BITS = 4
"""Bits of the shift beyond those of the accumulator."""

OFFSET_BITS = 14
"""Bits of the offset beyond those of the accumulator; a bit less than M has, for the rounding
term and what the array's complements add."""

LEAST_ACCUMULATOR = 10
"""Bits that an accumulator is taken to have at least, so that an empty filter's bias is exact."""

LARGEST_RESIDUAL_STEP = ((1 << MULTIPLIER_BITS) - 1) / (1 << RESIDUAL_FRACTION)
"""Output steps that a step of the residual may be: 16 bits, 15 of them behind the point."""


class FoldError(UserError):
    """A layer's numbers do not fit a requantization; the message says which and why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Folded:
    """A layer in integers.

    Members
    -------
    layer : the convolution with its requantization.
    exponent : of its weights, see `golden.network.IntegerNode`.
    error : float64 (cout,): what is rounded lies within so many output steps of the exact value,
        for every input. With the rounding the output is within `error + 1/2`.
    """

    layer: QuantizedConv
    exponent: np.ndarray
    error: np.ndarray


def fold(
    name: str,
    weights: PowerOfTwoWeights | MultipointWeights,
    shape: ConvShape,
    *,
    gain: np.ndarray,
    offset: np.ndarray,
    source: FeatureMap,
    output: FeatureMap,
    relu: bool,
    residual: FeatureMap | None = None,
) -> Folded:
    """The integer layer.

    Parameters
    ----------
    name : of the layer, for messages.
    weights : its quantized weights.
    shape : the convolution.
    gain, offset : float64 (cout,): the layer is gain * conv + offset, see `normalisation`.
    source, output : the maps that come in and go out.
    relu : negative outputs become 0.
    residual : the map that is added before the ReLU.

    Raises
    ------
    FoldError : a number is not finite, or so large that 16-bit multipliers cannot express it.
    """
    terms, exponent, levels = integer_terms(weights)
    _finite(name, "gain", gain)
    _finite(name, "offset", offset)
    # The sign of the gain is that of the filter; the multiplier has none.
    terms = np.where((gain < 0)[:, None, None, None], -terms, terms)

    reach = np.abs(terms.sum(axis=0)).sum(axis=(1, 2, 3)) * source.format.largest
    g = np.ldexp(np.abs(gain), exponent.astype(np.int32)) * (source.scale / output.scale)
    o = offset / output.scale
    shift = _shift(name, g, np.abs(o), reach)

    multiplier = np.rint(np.ldexp(g, shift)).astype(np.int64)
    bias = np.rint(np.ldexp(o, shift)).astype(np.int64)
    error = reach * np.abs(np.ldexp(multiplier, -shift) - g) + np.abs(np.ldexp(bias, -shift) - o)
    added = None
    if residual:
        rho = residual.scale / output.scale
        added = _residual_multiplier(name, rho)
        error += residual.format.largest * abs(added / 2**RESIDUAL_FRACTION - rho)
    layer = QuantizedConv(
        shape=shape,
        terms=terms,
        levels=levels,
        requantization=Requantization(
            multiplier=multiplier,
            bias=bias,
            shift=shift,
            low=0 if relu else output.format.low,
            high=output.format.high,
            residual_multiplier=None if added is None else np.full(shape.cout, added),
        ),
        input_format=source.format,
        residual_format=residual.format if residual else None,
    )
    return Folded(layer=layer, exponent=exponent, error=error)


def normalisation(
    channels: int,
    *,
    bias: np.ndarray | None = None,
    gamma: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    mean: np.ndarray | None = None,
    variance: np.ndarray | None = None,
    epsilon: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """What follows a convolution, as gain * conv + offset.

    Parameters
    ----------
    channels : output channels.
    bias : of the convolution, (channels,), or None.
    gamma, beta, mean, variance : of the batch-norm behind it, (channels,); None without one.
        gamma * (conv + bias - mean) / sqrt(variance + epsilon) + beta.
    epsilon : of the batch-norm.

    Returns
    -------
    gain, offset : float64 (channels,).
    """
    offset = np.zeros(channels) if bias is None else np.asarray(bias, np.float64)
    if gamma is None or beta is None or mean is None or variance is None:
        return np.ones(channels), offset
    # A variance that is no variance gives no number, which `fold` tells of.
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    return gain, (offset - mean) * gain + beta


def _shift(name: str, g: np.ndarray, offset: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """S of every channel, int32: see above."""
    # frexp gives g = m * 2^e with m in [1/2, 1): g * 2^(16 - e) has 16 bits before it is rounded.
    mantissa, exponent = np.frexp(g)
    carried = np.rint(np.ldexp(mantissa, MULTIPLIER_BITS)) == 1 << MULTIPLIER_BITS
    of_multiplier = np.where(g > 0, MULTIPLIER_BITS - exponent - carried, MAX_SHIFT)
    if of_multiplier.min() < 0:
        channel = int(of_multiplier.argmin())
        raise FoldError(
            f"channel {channel} of {name} multiplies its accumulator by {g[channel]:.4g}, but a "
            f"{MULTIPLIER_BITS}-bit multiplier reaches {(1 << MULTIPLIER_BITS) - 1}: its gain is "
            f"too large for the step of its output"
        )
    # A signed accumulator takes one bit more than the largest magnitude.
    width = np.maximum(np.frexp(reach.astype(np.float64))[1] + 1, LEAST_ACCUMULATOR)
    of_offset = np.where(offset > 0, width + OFFSET_BITS - np.frexp(offset)[1], MAX_SHIFT)
    shift = np.minimum(np.minimum(of_multiplier, width + EXTRA_BITS), np.maximum(of_offset, 0))
    shift = np.minimum(shift, MAX_SHIFT)
    if np.ldexp(offset, shift).max() >= 1 << 62:
        channel = int(np.ldexp(offset, shift).argmax())
        raise FoldError(
            f"channel {channel} of {name} adds {offset[channel]:.4g} output steps, too many for a "
            f"bias of 62 bits: its offset is too large for the step of its output"
        )
    return shift.astype(np.int32)


def _residual_multiplier(name: str, rho: float) -> int:
    """Mr = rho * 2^15."""
    multiplier = round(rho * (1 << RESIDUAL_FRACTION))
    if multiplier >> MULTIPLIER_BITS:
        raise FoldError(
            f"a step of what is added to {name} is {rho:.4g} of its output steps, but may be at "
            f"most {LARGEST_RESIDUAL_STEP:.4f}: give the output a larger step"
        )
    return multiplier


def _finite(name: str, what: str, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        channel = int(np.flatnonzero(~np.isfinite(values))[0])
        raise FoldError(
            f"the {what} of channel {channel} of {name} is {values[channel]}: its batch-norm and "
            f"bias must be finite, and its variance positive"
        )

"""Multipoint quantization: sums of as many power-of-two vectors as an output channel needs.

Source of the idea: post-training multipoint quantization, among the papers in the references. A
filter is approximated greedily, each vector the best one for what the others leave, until the
error of the filter's outputs is small. On the array every further vector is more runs over the
same positions, of which only the nonzero ones cost a cycle.
"""

import numpy as np

from golden.quantize import QuantizationError, quantize
from golden.shape import ConvShape, ShapeError
from golden.weights import MultipointWeights, PowerOfTwoWeights

METHOD = "exact"
"""The quantizer of each vector: the one of least squared error."""


def multipoint(
    weights: object,
    *,
    bits: int | None = None,
    levels: int | None = None,
    tolerance: float = 0.01,
    most: int = 3,
    patches: np.ndarray | None = None,
) -> MultipointWeights:
    """Approximate every filter by a sum of power-of-two vectors, without any retraining.

    Filter w gets vectors q_1, q_2, ... until |P (w - sum q)|^2 <= tolerance * |P w|^2, P the
    input patches, or until it has `most` of them. Each has a scale of its own.

    Parameters
    ----------
    weights : finite float array (cout, ...).
    bits, levels : of each vector, as for `golden.quantize.quantize`.
    tolerance : relative squared error of the outputs that is good enough, 0 to 1.
    most : largest number of vectors, from 1 on.
    patches : float (samples, taps), what filters see of typical inputs, in the order of the
        weights (see `sample_patches`); None weighs every tap alike.

    Returns
    -------
    As many terms as the neediest channel has vectors, all with scales per channel; a channel's
    further terms are zero.

    Raises
    ------
    QuantizationError : unusable weights or settings.
    """
    if not 0 <= tolerance <= 1:
        raise QuantizationError(f"tolerance is {tolerance!r}, but must lie in 0..1")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise QuantizationError(f"most is {most!r}, but must be an integer from 1 on")

    def point(values: np.ndarray) -> PowerOfTwoWeights:
        return quantize(values, bits=bits, levels=levels, method=METHOD, per_channel=True)

    array = np.asarray(weights)
    terms = [point(array)]
    residual = array.astype(np.float64) - terms[0].dequantize()
    allowed = tolerance * _output_energy(array, patches)
    while len(terms) < most:
        needy = _output_energy(residual, patches) > allowed
        if not needy.any():
            break
        # Channels that are good enough ask for zero, and get it.
        wanted = np.where(needy.reshape(-1, *[1] * (array.ndim - 1)), residual, 0)
        terms.append(point(wanted))
        residual -= terms[-1].dequantize()
    return MultipointWeights(tuple(terms))


def sample_patches(x: np.ndarray, shape: ConvShape, count: int, seed: int) -> np.ndarray:
    """What a convolution's filters see at random positions of a map.

    Parameters
    ----------
    x : float (cin, height, width), the map.
    shape : the convolution.
    count : number of positions, drawn with replacement.
    seed : of the draw.

    Returns
    -------
    float64 (count, taps), in the order of a filter's weights (cin, kernel y, kernel x).

    Raises
    ------
    ShapeError : the map does not fit the convolution.
    """
    if x.shape != shape.input_shape:
        raise ShapeError(f"the map has shape {x.shape}, but must have {shape.input_shape}")
    (top, left), (down, right) = shape.padding, shape.stride
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, top), (left, left)))
    rng = np.random.default_rng(seed)
    ys = rng.integers(shape.out_height, size=count)[:, None, None] * down
    xs = rng.integers(shape.out_width, size=count)[:, None, None] * right
    ys = ys + (np.arange(shape.kernel[0]) * shape.dilation[0])[:, None]
    xs = xs + (np.arange(shape.kernel[1]) * shape.dilation[1])[None, :]
    return padded[:, ys, xs].transpose(1, 0, 2, 3).reshape(count, -1)


def _output_energy(weights: np.ndarray, patches: np.ndarray | None) -> np.ndarray:
    """Summed squares of what each filter makes of the patches, float64 (cout,)."""
    filters = weights.reshape(len(weights), -1).astype(np.float64)
    if patches is None:
        return np.square(filters).sum(axis=1)
    if patches.ndim != 2 or patches.shape[1] != filters.shape[1]:
        raise QuantizationError(
            f"patches have shape {patches.shape}, but must be (samples, {filters.shape[1]}) for "
            f"these filters"
        )
    return np.square(patches @ filters.T).sum(axis=0)

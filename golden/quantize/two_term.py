"""Sums of two powers of two: the second term quantizes what the first leaves."""

from collections.abc import Callable

import numpy as np

from golden.weights import PowerOfTwoWeights, TwoTermWeights


def two_term(
    weights: np.ndarray, quantizer: Callable[[np.ndarray], PowerOfTwoWeights]
) -> TwoTermWeights:
    """Quantize twice, greedily; the residual gets a scale of its own.

    Parameters
    ----------
    weights : float array, any shape.
    quantizer : makes one term of a float array.
    """
    first = quantizer(weights)
    # float64 holds the residual of float32 weights without rounding.
    residual = weights.astype(np.float64)
    residual -= first.dequantize()
    return TwoTermWeights((first, quantizer(residual)))

"""Weights of eight bits, as an accelerator with multipliers would take them."""

import numpy as np

from golden.quantize.rows import QuantizationError

LARGEST = 127
"""Largest magnitude in use: -128 is not, so that the range is symmetric."""


def quantize_int8(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric uniform quantization per output channel, to nearest, ties to even.

    Parameters
    ----------
    weights : float (cout, ...), finite.

    Returns
    -------
    integers : int64 of the same shape in -127..127.
    scale : float64 (cout,), what an integer of 1 stands for; 1 for a channel of zeros.

    Raises
    ------
    QuantizationError : weights that are not finite floats.
    """
    weights = np.asarray(weights)
    if weights.dtype.kind != "f" or not np.isfinite(weights).all():
        raise QuantizationError("int8 takes finite floats, but the weights hold others")
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), initial=0).astype(np.float64)
    scale = np.where(largest > 0, largest / LARGEST, 1.0)
    integers = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1)))
    return integers.astype(np.int64), scale

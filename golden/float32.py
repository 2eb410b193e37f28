"""Single-precision multiply and add, as the FP32 reference array does them.

IEEE 754-2019 binary32, one rounding to nearest, ties to even, per operation (4.3.1), without
subnormal numbers: the arithmetic of x86's SSE with "flush to zero" and "denormals are zero" set.

- A subnormal operand is taken as the zero of its sign.
- A result below 2^-126 in magnitude becomes the zero of its sign. A product is compared after
  rounding as though the exponent range were unbounded (tininess after rounding, 7.5); a sum below
  2^-126 is exact, so there is nothing to round.
- A sum that is exactly zero is +0, unless both operands are -0 (6.3).
- Every NaN result is the canonical quiet NaN 0x7fc00000, whatever NaN came in.
"""

import numpy as np

FRACTION_BITS = 23
EXPONENT_BITS = 8

CANONICAL_NAN = 0x7FC00000
"""Bits of every NaN result."""

SMALLEST_NORMAL = 2.0**-126

TINY_PRODUCT = 2.0**-126 - 2.0**-151
"""Halfway between the smallest normal number and the 24-bit number below it.

From here on a product rounds up to 2^-126, where ties go too.
"""


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a * b of float32 arrays that broadcast together; float32."""
    with np.errstate(all="ignore"):
        # The product of two 24-bit significands is exact in float64, and far from its limits.
        exact = _flush(a).astype(np.float64) * _flush(b).astype(np.float64)
        product = exact.astype(np.float32)
    tiny = np.abs(exact) < TINY_PRODUCT
    return _canonical(np.where(tiny, np.copysign(np.float32(0), product), product))


def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + b of float32 arrays that broadcast together; float32."""
    with np.errstate(all="ignore"):
        total = _flush(a) + _flush(b)
    return _canonical(_flush(total))


def accumulate(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Sum of products, tap by tap: acc = add(acc, multiply(x[i], w[i])), from +0.

    Parameters
    ----------
    x, w : float32 (taps, ...) that broadcast together.

    Returns
    -------
    float32 of the broadcast shape without its first axis.
    """
    x, w = np.broadcast_arrays(_float32(x), _float32(w))
    total = np.zeros(x.shape[1:], np.float32)
    for taps in zip(x, w, strict=True):
        total = add(total, multiply(*taps))
    return total


def _float32(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype != np.float32:
        raise TypeError(f"values are {values.dtype}, but must be float32")
    return values


def _flush(values: np.ndarray) -> np.ndarray:
    """Subnormal values made zeros of their sign."""
    values = _float32(values)
    subnormal = np.abs(values) < np.float32(SMALLEST_NORMAL)
    return np.where(subnormal, np.copysign(np.float32(0), values), values)


def _canonical(values: np.ndarray) -> np.ndarray:
    nan = np.uint32(CANONICAL_NAN).view(np.float32)
    return np.where(np.isnan(values), nan, values)

"""Quantizers: float weights to powers of two, per layer or per output channel."""

import operator
from typing import Literal, overload

import numpy as np

from golden.quantize.exact import exact, sparse
from golden.quantize.inq import inq
from golden.quantize.lbw import MU, PARTIAL_SUMS, check_mu, lbw
from golden.quantize.rows import QuantizationError, WeightRows
from golden.quantize.two_term import two_term
from golden.weights import MAX_LEVELS, PowerOfTwoWeights, TwoTermWeights

__all__ = [
    "METHODS",
    "QuantizationError",
    "check_settings",
    "levels_of_bits",
    "quantize",
    "relative_error",
]

METHODS = ("lbw", "exact", "inq")
"""Names of the quantizers."""

MAX_BITS = 7
"""Widest code whose 2^(bits-2) levels are supported."""


def levels_of_bits(bits: int) -> int:
    """LBW-Net's number of levels for a code of `bits` bits: n = 2^(bits-2).

    Raises
    ------
    QuantizationError : `bits` is not an integer in 2..7.
    """
    return 1 << (_integer(bits, "bits", 2, MAX_BITS) - 2)


@overload
def quantize(
    weights: object,
    *,
    bits: int | None = ...,
    levels: int | None = ...,
    method: str = ...,
    per_channel: bool = ...,
    mu: float | None = ...,
    mu_absolute: float | None = ...,
    partial_sums: int | None = ...,
    sparsity: float = ...,
    terms: Literal[1] = ...,
) -> PowerOfTwoWeights: ...


@overload
def quantize(
    weights: object,
    *,
    bits: int | None = ...,
    levels: int | None = ...,
    method: str = ...,
    per_channel: bool = ...,
    mu: float | None = ...,
    mu_absolute: float | None = ...,
    partial_sums: int | None = ...,
    sparsity: float = ...,
    terms: int,
) -> PowerOfTwoWeights | TwoTermWeights: ...


def quantize(
    weights: object,
    *,
    bits: int | None = None,
    levels: int | None = None,
    method: str = "lbw",
    per_channel: bool = False,
    mu: float | None = None,
    mu_absolute: float | None = None,
    partial_sums: int | None = PARTIAL_SUMS,
    sparsity: float = 0.0,
    terms: int = 1,
) -> PowerOfTwoWeights | TwoTermWeights:
    """Quantize float weights to zeros and powers of two.

    Parameters
    ----------
    weights : finite float16, float32 or float64 array of any shape; axis 0 is the output channel.
    bits, levels : one of them: LBW-Net's code width b, 2 to 7, which means n = 2^(b-2) levels, or
        n itself, 1 to 32. A code of b bits can hold up to 2^(b-1) - 1 levels.
    method : "lbw", the paper's (2.8)-(2.9); "exact", the optimum of (2.1); "inq", nearest levels
        below the largest magnitude. With 2 bits each of them is a ternary quantizer.
    per_channel : one scale for each output channel in place of one for the layer.
    mu : the paper's mu as a share of the largest magnitude (of the layer or the channel); 0.75
        when neither is given. For "lbw", and for "exact" with `sparsity`.
    mu_absolute : mu itself, in units of the weights.
    partial_sums : levels that enter (2.9), from the top: the paper's 4, or None for all. For
        "lbw".
    sparsity : for "exact": 0 is the optimum, 1 has the zeros of "lbw", what lies between them is
        a continuous trade of error for zeros.
    terms : 1, or 2 for a sum of two powers of two, the second fitted to the residual.

    Returns
    -------
    PowerOfTwoWeights, or TwoTermWeights for two terms. An all-zero layer or channel has scale 0.

    Raises
    ------
    QuantizationError : unusable weights or settings; one sentence says which.
    """
    n = check_settings(
        bits=bits,
        levels=levels,
        method=method,
        mu=mu,
        mu_absolute=mu_absolute,
        partial_sums=partial_sums,
        sparsity=sparsity,
        terms=terms,
    )
    share = MU if mu is None else mu

    def one_term(values: object) -> PowerOfTwoWeights:
        rows = WeightRows.of(values, per_channel=per_channel)
        if method == "lbw":
            return lbw(rows, levels=n, mu=share, mu_absolute=mu_absolute, partial_sums=partial_sums)
        if method == "inq":
            return inq(rows, levels=n)
        if sparsity:
            return sparse(rows, levels=n, sparsity=sparsity, mu=share, mu_absolute=mu_absolute)
        return exact(rows, levels=n)

    return one_term(weights) if terms == 1 else two_term(np.asarray(weights), one_term)


def relative_error(weights: np.ndarray, quantized: PowerOfTwoWeights | TwoTermWeights) -> float:
    """Squared error over squared norm, |W - Q|^2 / |W|^2; 0 for all-zero weights."""
    weights = np.asarray(weights, np.float64)
    norm = float(np.square(weights).sum())
    return float(np.square(weights - quantized.dequantize()).sum()) / norm if norm else 0.0


def check_settings(
    *,
    bits: int | None = None,
    levels: int | None = None,
    method: str = "lbw",
    per_channel: bool = False,
    mu: float | None = None,
    mu_absolute: float | None = None,
    partial_sums: int | None = PARTIAL_SUMS,
    sparsity: float = 0.0,
    terms: int = 1,
) -> int:
    """Check settings of `quantize` before there are weights.

    Returns
    -------
    The number of levels.

    Raises
    ------
    QuantizationError : settings out of range, or that do not go together.
    """
    if (bits is None) == (levels is None):
        raise QuantizationError("give either bits or levels, and not both")
    n = _integer(levels, "levels", 1, MAX_LEVELS) if bits is None else levels_of_bits(bits)
    if method not in METHODS:
        raise QuantizationError(
            f"no quantizer is called {method!r}; choose one of {', '.join(METHODS)}"
        )
    if not isinstance(per_channel, bool):
        raise QuantizationError(f"per_channel is {per_channel!r}, but must be True or False")
    if mu is not None and mu_absolute is not None:
        raise QuantizationError("give either mu or mu_absolute, and not both")
    if not 0 <= sparsity <= 1:
        raise QuantizationError(f"sparsity is {sparsity!r}, but must lie in 0..1")
    if sparsity and method != "exact":
        raise QuantizationError(
            f"sparsity leads from 'exact' towards 'lbw', so it goes with method='exact', not "
            f"{method!r}"
        )
    if (mu is not None or mu_absolute is not None) and method != "lbw" and not sparsity:
        raise QuantizationError(
            f"mu has no meaning for method={method!r}; it goes with 'lbw', or 'exact' with a "
            f"sparsity"
        )
    for name, given in (("mu", mu), ("mu_absolute", mu_absolute)):
        if given is not None:
            check_mu(given, name)
    if partial_sums is not None:
        _integer(partial_sums, "partial_sums", 1, MAX_LEVELS)
    if terms not in (1, 2):
        raise QuantizationError(f"terms is {terms!r}, but must be 1 or 2")
    return n


def _integer(value: object, name: str, low: int, high: int) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if not low <= number <= high:
        raise QuantizationError(f"{name} is {value!r}, but must be an integer in {low}..{high}")
    return number

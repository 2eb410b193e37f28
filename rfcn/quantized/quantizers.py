"""The quantizers `lbw`, `exact` and `inq` in torch, equal to golden's to the last bit.

They hold for float32 weights on any device. The passes over the weights run there; the few
numbers per row that decide the scale are taken by golden's own functions, so there is one
definition of the rules. Sums are exact in float64 whatever their order: of 24-bit magnitudes that
span few octaves.
"""

import numpy as np
import torch
from torch import Tensor

from golden.quantize import check_settings, quantize
from golden.quantize.exact import candidate_scales
from golden.quantize.half_octaves import HalfOctaves
from golden.quantize.lbw import MU, PARTIAL_SUMS, best_scale
from golden.quantize.thresholds import Levels

MANTISSA = 23
BIAS = 127
MAGNITUDE = 0x7FFFFFFF
OCTAVE = (1 << MANTISSA) - 1

COUNTERS = 64
"""Counters per key that neighbouring weights take in turn, so that few wait for one another."""

LARGEST_COUNT = 1 << 24
"""Weights of a row up to which sums are certain to be exact."""

LOW, HIGH = 2.0**-60, 2.0**60
"""Largest magnitudes between which every threshold and every level is a normal float32."""

LEAST_MU = 2.0**-4
"""Least mu, as a share of the largest weight, at which the top level spans few octaves."""


def quantize_tensor(weights: Tensor, **settings) -> Tensor:
    """The values of `golden.quantize.quantize(weights, **settings)`, on the device of `weights`.

    Parameters
    ----------
    weights : float tensor of any shape; axis 0 is the output channel.
    settings : those of golden's quantizer.

    Returns
    -------
    A new tensor like `weights`, in its dtype, that needs no gradient.

    Raises
    ------
    QuantizationError : unusable weights or settings.
    """
    weights = weights.detach()
    # On the CPU golden's passes, block by block in the cache, take half the time of torch's.
    if weights.device.type != "cpu":
        values = quantize_on_device(weights, **settings)
        if values is not None:
            return values
    array = weights.to("cpu", torch.float64 if weights.dtype == torch.float64 else torch.float32)
    quantized = quantize(array.numpy(), **settings).dequantize()
    return torch.from_numpy(quantized).to(weights.device, weights.dtype)


def quantize_on_device(weights: Tensor, **settings) -> Tensor | None:
    """`quantize_tensor` without copying the weights to the host.

    Returns
    -------
    None where only golden will do: other types than float32, two terms, a sparsity, an absolute
    or very small mu, weights of extreme size, and weights that it refuses.
    """
    levels = check_settings(**settings)
    if settings.get("terms", 1) != 1 or settings.get("sparsity"):
        return None
    method, mu = settings.get("method", "lbw"), settings.get("mu")
    share = MU if mu is None else float(mu)
    if method == "lbw" and not (settings.get("mu_absolute") is None and LEAST_MU <= share <= 1):
        return None
    rows = _rows(weights.detach(), settings.get("per_channel", False))
    if rows is None:
        return None
    if method == "lbw":
        values = _lbw(rows, levels, share, settings.get("partial_sums", PARTIAL_SUMS))
    elif method == "exact":
        values = _exact(rows, levels)
    else:
        values = _nearest(rows, _top_scale(rows), levels)
    return values.reshape(weights.shape)


def _rows(weights: Tensor, per_channel: bool) -> "_Rows | None":
    """Rows that share a scale, or None for weights that only golden handles, or refuses."""
    if weights.dtype != torch.float32 or not weights.numel() or (per_channel and not weights.ndim):
        return None
    values = weights.contiguous().reshape(len(weights) if per_channel else 1, -1)
    if values.shape[1] > LARGEST_COUNT:
        return None
    peaks = values.abs().amax(dim=1)
    host = peaks.double().cpu().numpy()
    used = host[host != 0]
    # Written so that a NaN is outside as well.
    if not ((used >= LOW) & (used <= HIGH)).all():
        return None
    return _Rows(values, peaks, host)


class _Rows:
    """Weights float32 (rows, count), their bits, and largest magnitudes here and on the host."""

    def __init__(self, values: Tensor, peaks: Tensor, host_peaks: np.ndarray) -> None:
        self.bits = values.view(torch.int32)
        self.magnitude = self.bits & MAGNITUDE
        self.peaks = peaks
        self.host_peaks = host_peaks

    def host(self, array: np.ndarray) -> Tensor:
        """Numbers of the host, one for each row, as an int32 column on the weights' device."""
        return torch.from_numpy(array.astype(np.int32)).to(self.bits.device)[:, None]


def _lbw(rows: _Rows, levels: int, share: float, partial_sums: int | None) -> Tensor:
    """(2.8) and (2.9), as `golden.quantize.lbw`."""
    mu = _ceiling(rows.peaks, share, 1.0)
    # 3 * 2^(n-2) times the zero threshold is mu.
    zero = _ceiling(rows.peaks, share, 3 * 2.0 ** (levels - 2))
    zero = torch.where(rows.peaks > 0, zero, MAGNITUDE)
    kept = rows.magnitude >= zero[:, None]
    # ceil((mu - |w|) / octave) on bits; one rounding shift does it without overflow.
    level = ((mu + OCTAVE)[:, None] - rows.magnitude) >> MANTISSA
    level.clamp_(0, levels - 1)
    key = torch.where(kept, level, levels)
    counts, sums = _tally(key, rows.magnitude, levels + 1)
    empty = np.empty((len(counts), 0), np.int8)
    found = Levels(empty, empty.view(np.uint8), counts[:, :-1], sums[None, :, :-1])
    scale = best_scale(found, partial_sums)
    return _values(rows, level, kept, scale)


def _exact(rows: _Rows, levels: int) -> Tensor:
    """The optimum of (2.1), as `golden.quantize.exact`."""
    top = _top_scale(rows)
    candidates = candidate_scales(rows.bits.shape[1], levels)
    bins = 2 * (candidates - 1 + levels) + 2
    first = rows.host(2 * (top + BIAS))
    key = (first - (rows.magnitude >> (MANTISSA - 1))).clamp_(0, bins - 1)
    counts, sums = _tally(key, rows.magnitude, bins)
    histogram = HalfOctaves(top, counts, sums[None])
    return _nearest(rows, histogram.best_scale(levels, candidates, round_to_zero=True), levels)


def _top_scale(rows: _Rows) -> np.ndarray:
    """floor(log2(4 max|W| / 3)) of each row, int64; 0 for an all-zero row."""
    mantissa, exponent = np.frexp(rows.host_peaks)
    return np.where(rows.host_peaks > 0, exponent - (mantissa < 0.75), 0).astype(np.int64)


def _nearest(rows: _Rows, scale: np.ndarray, levels: int) -> Tensor:
    """Every weight at its nearest level, ties to the larger, for the scales int64 (rows,)."""
    mu = ((scale + BIAS - 1) << MANTISSA) | (1 << (MANTISSA - 1))
    zero = np.where(rows.host_peaks > 0, (scale - levels + BIAS) << MANTISSA, MAGNITUDE)
    kept = rows.magnitude >= rows.host(zero)
    level = (rows.host(mu + OCTAVE) - rows.magnitude) >> MANTISSA
    return _values(rows, level.clamp_(0, levels - 1), kept, scale)


def _values(rows: _Rows, level: Tensor, kept: Tensor, scale: np.ndarray) -> Tensor:
    """±2^(scale - level) where `kept`, else 0, put together from bits."""
    bits = (rows.host(scale + BIAS) - level) << MANTISSA
    bits |= rows.bits & ~MAGNITUDE
    return torch.where(kept, bits, 0).view(torch.float32)


def _ceiling(peaks: Tensor, share: float, divisor: float) -> Tensor:
    """Bits of the smallest floats f with f * divisor >= share * peaks, in exact arithmetic.

    `share` is cut into a high part, whose product with a float32 is a float64, and the rest:
    f * divisor is a float64 too, near that product, so that their difference is exact as well.
    """
    high = float((np.array(share).view(np.int64) & -(1 << 27)).view(np.float64))
    product, rest = peaks.double() * high, peaks.double() * (share - high)
    nearest = ((product + rest) / divisor).float()
    below = nearest.double() * divisor - product < rest
    return nearest.view(torch.int32) + below.int()


def _tally(key: Tensor, magnitude: Tensor, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Count each row's keys and sum the magnitudes that carry them.

    Returns
    -------
    counts : int64 (rows, keys).
    sums : float64 (rows, keys).
    """
    rows, width = key.shape
    place = torch.arange(width, device=key.device) % COUNTERS
    index = key.long().mul_(COUNTERS).add_(place)
    index += torch.arange(rows, device=key.device)[:, None] * (keys * COUNTERS)
    index = index.reshape(-1)
    values = magnitude.reshape(-1).view(torch.float32).double()
    size = rows * keys * COUNTERS
    sums = torch.zeros(size, dtype=torch.float64, device=key.device).index_add_(0, index, values)
    ones = torch.ones_like(index)
    counts = torch.zeros(size, dtype=torch.int64, device=key.device).index_add_(0, index, ones)
    shape = (rows, keys, COUNTERS)
    return (
        counts.reshape(shape).sum(dim=2).cpu().numpy(),
        sums.reshape(shape).sum(dim=2).cpu().numpy(),
    )

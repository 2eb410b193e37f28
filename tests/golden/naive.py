"""The definitions of `golden`, one number at a time, with rationals and Python's integers."""

from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np

from golden.shape import ConvShape


def floor_log2(value: Fraction) -> int:
    """floor(log2(value)) of a positive rational."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if Fraction(2) ** exponent <= value else exponent - 1


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def sign(weight: float) -> int:
    return int(weight > 0) - int(weight < 0)


def threshold(weights, mu: Fraction, levels: int, zero: Fraction | None = None) -> list[int | None]:
    """Formula (2.8) case by case: the level of each weight, None for zero."""
    if zero is None:
        zero = power(2 - levels) * mu / 3
    result = []
    for weight in weights:
        magnitude = abs(Fraction(float(weight)))
        if magnitude == 0 or magnitude < zero:
            result.append(None)
        else:
            below = (t for t in range(levels - 1) if magnitude >= power(-t) * mu)
            result.append(next(below, levels - 1))
    return result


def lbw(weights, levels: int, mu: Fraction, partial_sums: int | None) -> tuple[list, int]:
    """(2.8) and (2.9): levels and scale."""
    found = threshold(weights, mu, levels)
    u = v = whole_u = whole_v = Fraction(0)
    for weight, t in zip(weights, found, strict=True):
        if t is not None:
            whole_u += abs(Fraction(float(weight))) * power(-t)
            whole_v += power(-2 * t)
            if partial_sums is None or t < partial_sums:
                u += abs(Fraction(float(weight))) * power(-t)
                v += power(-2 * t)
    if not v:
        u, v = whole_u, whole_v
    return found, floor_log2(4 * u / (3 * v)) if v else 0


def nearest(weights, scale: int, levels: int) -> list[int | None]:
    """The level of least distance, ties to the larger magnitude; None for zero."""
    result = []
    for weight in weights:
        magnitude = abs(Fraction(float(weight)))
        choices = [(abs(magnitude - power(scale - t)), t) for t in range(levels)]
        result.append(min([*choices, (magnitude, None)], key=lambda c: c[0])[1])
    return result


def error(weights, found: list[int | None], scale: int) -> Fraction:
    """Squared distance of the weights from their quantized values."""
    return sum(
        (
            (abs(Fraction(float(w))) - (0 if t is None else power(scale - t))) ** 2
            for w, t in zip(weights, found, strict=True)
        ),
        Fraction(0),
    )


def theorem_2_1(weights, levels: int, nonzeros: int | None = None) -> Fraction:
    """The least squared error by Theorem 2.1: every k_0, ..., k_(n-1), and (2.5) for each.

    With `nonzeros`, only those whose sum it is.
    """
    ordered = sorted((abs(Fraction(float(w))) for w in weights), reverse=True)
    norm = sum((w * w for w in ordered), Fraction(0))
    best = norm if not nonzeros else None
    for ends in combinations_with_replacement(range(len(ordered) + 1), levels):
        if nonzeros is not None and ends[-1] != nonzeros:
            continue
        starts = (0, *ends[:-1])
        pieces = list(enumerate(zip(starts, ends, strict=True)))
        u = sum((power(-t) * sum(ordered[a:b]) for t, (a, b) in pieces), Fraction(0))
        v = sum((power(-2 * t) * (b - a) for t, (a, b) in pieces), Fraction(0))
        if u:
            s = floor_log2(4 * u / (3 * v))
            error = v * (power(s) - u / v) ** 2 - u * u / v + norm
            best = error if best is None else min(best, error)
    assert best is not None
    return best


def ternary(weights) -> tuple[int, Fraction]:
    """(2.6)-(2.7): scale and squared error of the best 2-bit weights."""
    ordered = sorted((abs(Fraction(float(w))) for w in weights), reverse=True)
    norm = sum((w * w for w in ordered), Fraction(0))
    best = []
    for k in range(1, len(ordered) + 1):
        u = sum(ordered[:k])
        if u:
            s = floor_log2(4 * u / (3 * k))
            best.append((k * (power(s) - u / k) ** 2 - u * u / k + norm, s))
    least, scale = min(best)
    return scale, least


def convolve(x: np.ndarray, weights: np.ndarray, shape: ConvShape) -> np.ndarray:
    """Output by output, tap by tap, in Python's integers."""
    out = np.zeros(shape.output_shape, dtype=object)
    for f, oy, ox in np.ndindex(*shape.output_shape):
        for c, ky, kx in np.ndindex(shape.cin, *shape.kernel):
            y = oy * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0]
            column = ox * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1]
            if 0 <= y < shape.height and 0 <= column < shape.width:
                out[f, oy, ox] += int(weights[f, c, ky, kx]) * int(x[c, y, column])
    return out


def max_pool(x, kernel, stride, padding, ceil_mode) -> np.ndarray:
    """Window by window; one that starts beyond the image does not exist."""
    size = []
    for n, k, s, p in zip(x.shape[1:], kernel, stride, padding, strict=True):
        # A window may hang over the far edge by less than the step to it.
        over = s - 1 if ceil_mode else 0
        size.append([a for a in range(-p, n, s) if a + k <= n + p + over])
    out = np.empty((len(x), len(size[0]), len(size[1])), x.dtype)
    for c, (i, y), (j, left) in (
        (c, a, b) for c in range(len(x)) for a in enumerate(size[0]) for b in enumerate(size[1])
    ):
        rows = range(max(y, 0), min(y + kernel[0], x.shape[1]))
        columns = range(max(left, 0), min(left + kernel[1], x.shape[2]))
        out[c, i, j] = max(x[c, a, b] for a in rows for b in columns)
    return out


def requantize(acc, multiplier, bias, shift, low, high, residual=0, residual_multiplier=0) -> int:
    """One value: scale, add a multiple of 2^-15, round to nearest with ties up, clamp."""
    scaled = Fraction(int(acc) * int(multiplier) + int(bias), 1 << int(shift))
    scaled += Fraction(int(residual) * int(residual_multiplier), 1 << 15)
    rounded = (scaled + (Fraction(1, 2) if shift else 0)).__floor__()
    return min(max(rounded, low), high)

"""Random operand triples (a, b, c) for a * b + c, by what they are meant to provoke."""

from collections.abc import Callable

import numpy as np

from golden.float32 import multiply

EDGES = np.array(
    [
        0x00000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x00800001, 0x00FFFFFF, 0x01000000,
        0x3F000000, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x34000000, 0x33800000, 0x4B800000,
        0x7E800000, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x7FE12345,
    ],
    np.uint32,
)  # fmt: skip
"""Bits of values at the limits of the format, their signs left out."""


def normal(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Products and sums of all alignments, most of them inside the format's range."""
    a, b = _floats(rng, count, 64, 190), _floats(rng, count, 64, 190)
    return a, b, _near(rng, multiply(a, b), 30)


def subnormal(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Subnormal operands, and products and sums around the smallest normal number."""
    a = _floats(rng, count, 0, 130)
    exponent = np.clip(127 - _exponent(a).astype(np.int64) + rng.integers(-3, 4, count), 0, 254)
    b = _assemble(rng, exponent, _fractions(rng, count))
    return a, b, _floats(rng, count, 0, 26)


def cancellation(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Sums of a product and nearly its opposite."""
    a, b = _floats(rng, count, 40, 210), _floats(rng, count, 40, 170)
    bits = (multiply(a, b).view(np.uint32) ^ np.uint32(1 << 31)).astype(np.int64)
    distance = rng.integers(0, 1 << 25, count) >> rng.integers(0, 26, count)
    c = bits + np.where(rng.integers(0, 2, count), distance, -distance)
    return a, b, _quiet(c.astype(np.uint32))


def overflow(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Products and sums around the largest number."""
    a = _floats(rng, count, 120, 255)
    exponent = np.clip(381 - _exponent(a).astype(np.int64) + rng.integers(-3, 3, count), 1, 254)
    b = _assemble(rng, exponent, _fractions(rng, count))
    return a, b, _floats(rng, count, 228, 255)


def signed_zeros(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """At least one zero among three operands of which each can be anything."""
    operands = [_any(rng, count) for _ in range(3)]
    zeros = rng.integers(1, 8, count)
    for n, operand in enumerate(operands):
        operand.view(np.uint32)[:] &= np.where(zeros >> n & 1, 0x80000000, 0xFFFFFFFF).astype(
            np.uint32
        )
    return tuple(operands)


def specials(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Infinities, NaNs and values at the limits in every combination."""
    bits = [rng.choice(EDGES, count) | _signs(rng, count) for _ in range(3)]
    return tuple(values.view(np.float32) for values in bits)


def ties(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Products and sums exactly between two numbers, or one unit in the last place beside it."""
    # Short odd significands: their products have few bits more than 24, or fewer.
    length = rng.integers(1, 25, count)
    short = ((np.int64(1) << length) - 1) & (rng.integers(0, 1 << 24, count) | 1)
    other = rng.integers(0, 1 << 24, count) >> np.clip(length - rng.integers(0, 3, count), 0, 23)
    a = _near_bits(rng, short.astype(np.float32))
    b = _near_bits(rng, other.astype(np.float32))
    product = multiply(a, b)
    # An addend of few bits about 24 places away ends half a unit below the sum's last place.
    exponent = np.clip(_exponent(product).astype(np.int64) + rng.integers(-26, 27, count), 1, 254)
    fractions = (rng.integers(0, 8, count) << 20) | rng.choice([0, 0, 0, 1, 0x7FFFF], count)
    return a, b, _assemble(rng, exponent, fractions)


def anything(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Operands of uniform bits, NaNs quiet."""
    return tuple(_any(rng, count) for _ in range(3))


CLASSES: dict[str, Callable[[np.random.Generator, int], tuple[np.ndarray, ...]]] = {
    "normal": normal,
    "subnormal": subnormal,
    "cancellation": cancellation,
    "overflow": overflow,
    "signed_zeros": signed_zeros,
    "specials": specials,
    "ties": ties,
    "anything": anything,
}


def _signs(rng, count) -> np.ndarray:
    return rng.integers(0, 2, count, np.uint32) << np.uint32(31)


def _fractions(rng, count) -> np.ndarray:
    """Uniform fractions, and some of long runs of ones or zeros, where carries go far."""
    uniform = rng.integers(0, 1 << 23, count)
    run = (np.int64(1) << rng.integers(0, 24, count)) - 1
    kind = rng.integers(0, 6, count)
    return np.select(
        [kind == 0, kind == 1, kind == 2], [run, 0x7FFFFF ^ run, uniform & run], uniform
    )


def _assemble(rng, exponent, fraction) -> np.ndarray:
    bits = (np.asarray(exponent, np.int64) << 23 | fraction).astype(np.uint32)
    return (bits | _signs(rng, len(bits))).view(np.float32)


def _floats(rng, count, low, high) -> np.ndarray:
    """Floats whose biased exponent is in low .. high-1."""
    return _assemble(rng, rng.integers(low, high, count), _fractions(rng, count))


def _any(rng, count) -> np.ndarray:
    return _quiet(rng.integers(0, 1 << 32, count, np.uint32))


def _quiet(bits) -> np.ndarray:
    """Floats of these bits, but no signalling NaN."""
    nan = np.isnan(bits.view(np.float32))
    return np.where(nan, bits | np.uint32(1 << 22), bits).view(np.float32)


def _exponent(values) -> np.ndarray:
    return values.view(np.uint32) >> np.uint32(23) & np.uint32(255)


def _near(rng, values, distance) -> np.ndarray:
    """Floats whose exponent lies up to `distance` from that of `values`."""
    count = len(values)
    exponent = _exponent(values).astype(np.int64) + rng.integers(-distance, distance + 1, count)
    return _assemble(rng, np.clip(exponent, 1, 254), _fractions(rng, count))


def _near_bits(rng, values) -> np.ndarray:
    """`values`, some moved by one unit in the last place, of random sign."""
    moved = values.view(np.uint32).astype(np.int64) + rng.choice([0, 0, 0, 1, -1], len(values))
    return (np.maximum(moved, 0).astype(np.uint32) | _signs(rng, len(values))).view(np.float32)

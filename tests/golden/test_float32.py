"""Single precision against rationals, and against NumPy where no subnormal takes part."""

import math
from fractions import Fraction

import numpy as np
import pytest

from golden.float32 import accumulate, add, multiply
from tests.golden.float32_operands import CLASSES, EDGES
from tests.golden.naive import floor_log2, power

SMALLEST = power(-126)
QUIET_NAN = 0x7FC00000


def bits(values) -> np.ndarray:
    return np.asarray(values).view(np.uint32)


def from_bits(*values: int) -> np.ndarray:
    return np.array(values, np.uint32).view(np.float32)


def decode(word: int) -> tuple[int, str, Fraction]:
    """Sign bit, kind, and magnitude of a float with subnormals as zeros."""
    sign, exponent, fraction = word >> 31, word >> 23 & 255, word & 0x7FFFFF
    if exponent == 255:
        return sign, "nan" if fraction else "infinity", Fraction(0)
    if exponent == 0:
        return sign, "number", Fraction(0)
    return sign, "number", (0x800000 + fraction) * power(exponent - 150)


def encode(sign: int, magnitude: Fraction) -> int:
    """The 24-bit number nearest to `magnitude` > 0, its exponent at first without bounds."""
    exponent = floor_log2(magnitude)
    significand = magnitude / power(exponent - 23)
    whole = math.floor(significand)
    rest = significand - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2):
        whole += 1
    rounded = whole * power(exponent - 23)
    if rounded < SMALLEST:
        return sign << 31
    if rounded >= power(128):
        return sign << 31 | 0x7F800000
    exponent = floor_log2(rounded)
    return sign << 31 | exponent + 127 << 23 | int(rounded / power(exponent - 23)) - 0x800000


def naive_multiply(a: int, b: int) -> int:
    (sign_a, kind_a, x), (sign_b, kind_b, y) = decode(a), decode(b)
    sign = sign_a ^ sign_b
    if "nan" in (kind_a, kind_b):
        return QUIET_NAN
    if "infinity" in (kind_a, kind_b):
        zero = (kind_a == "number" and not x) or (kind_b == "number" and not y)
        return QUIET_NAN if zero else sign << 31 | 0x7F800000
    return encode(sign, x * y) if x * y else sign << 31


def naive_add(a: int, b: int) -> int:
    (sign_a, kind_a, x), (sign_b, kind_b, y) = decode(a), decode(b)
    if "nan" in (kind_a, kind_b) or (kind_a == kind_b == "infinity" and sign_a != sign_b):
        return QUIET_NAN
    if "infinity" in (kind_a, kind_b):
        return (sign_a if kind_a == "infinity" else sign_b) << 31 | 0x7F800000
    total = (-x if sign_a else x) + (-y if sign_b else y)
    if total:
        return encode(int(total < 0), abs(total))
    return (sign_a & sign_b if not x and not y else 0) << 31


def compare(got: np.ndarray, expected: list[int], *operands: np.ndarray) -> None:
    for n, (result, word) in enumerate(zip(bits(got).tolist(), expected, strict=True)):
        values = " ".join(
            f"{value:08x}" for value in (int(bits(operand)[n]) for operand in operands)
        )
        assert result == word, f"{n}: {values} gave {result:08x}, expected {word:08x}"


@pytest.mark.parametrize("kind", CLASSES)
def test_equals_rationals(kind):
    a, b, c = CLASSES[kind](np.random.default_rng(3), 2000)
    product = multiply(a, b)
    naive = [naive_multiply(*pair) for pair in zip(bits(a).tolist(), bits(b).tolist(), strict=True)]
    compare(product, naive, a, b)
    pairs = zip(naive, bits(c).tolist(), strict=True)
    compare(add(product, c), [naive_add(*pair) for pair in pairs], product, c)


@pytest.mark.parametrize("operation", [(multiply, naive_multiply), (add, naive_add)])
def test_equals_rationals_at_the_limits(operation):
    function, naive = operation
    words = np.concatenate([EDGES, EDGES | 1 << 31, [0x7F800001, 0xFFBFFFFF]]).astype(np.uint32)
    a, b = (side.ravel() for side in np.meshgrid(words, words))
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    got = function(a.view(np.float32), b.view(np.float32))
    compare(got, [naive(*pair) for pair in pairs], a, b)


@pytest.mark.parametrize("kind", CLASSES)
def test_equals_numpy_without_subnormals(kind):
    a, b, c = CLASSES[kind](np.random.default_rng(4), 100_000)
    for function, plain, x, y in ((multiply, np.multiply, a, b), (add, np.add, a, c)):
        with np.errstate(all="ignore"):
            expected = plain(x, y)
        subnormal = np.zeros(len(x), bool)
        for values in (x, y, expected):
            subnormal |= (np.abs(values) < 2.0**-126) & (values != 0)
        if plain is np.multiply:
            # Here the plain product was rounded to the coarser grid of subnormal numbers.
            with np.errstate(invalid="ignore"):
                exact = np.abs(x.astype(np.float64) * y)
            subnormal |= (exact < 2.0**-126) & (exact > 0)
        got, expected = bits(function(x, y))[~subnormal], expected[~subnormal]
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(got[numbers], bits(expected)[numbers])
        assert (got[~numbers] == QUIET_NAN).all()


def test_a_product_rounds_before_it_is_flushed():
    # All three lie below 2^-126; only the last is so close that 24 bits round it up to there.
    a = from_bits(0x00FFFFFF, 0x00FFFFFE, 0x80FFFFFF)
    half = from_bits(0x3F000000, 0x3F000000, 0x3F000001)
    assert bits(multiply(a, half)).tolist() == [0, 0, 0x80800000]


def test_a_flushed_sum_keeps_its_sign():
    a, b = from_bits(0x00800000, 0x80800001), from_bits(0x80800001, 0x00800001)
    assert bits(add(a, b)).tolist() == [0x80000000, 0]


def test_accumulate_goes_tap_by_tap():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((7, 3, 1), np.float32)
    w = rng.standard_normal((7, 1, 4), np.float32)
    expected = np.zeros((3, 4), np.float32)
    for i in range(3):
        for j in range(4):
            total = 0
            for tap in range(7):
                product = naive_multiply(int(bits(x)[tap, i, 0]), int(bits(w)[tap, 0, j]))
                total = naive_add(total, product)
            expected[i, j] = from_bits(total)[0]
    np.testing.assert_array_equal(bits(accumulate(x, w)), bits(expected))


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="float64"):
        add(np.zeros(2), np.zeros(2, np.float32))

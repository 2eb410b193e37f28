import numpy as np
import pytest

from golden.arithmetic import EXACT, ExactnessError, narrow, plan, split


def filters(levels, taps=2304, cout=8, density=0.8):
    rng = np.random.default_rng(levels)
    shape = (cout, taps)
    magnitude = np.int64(1) << rng.integers(0, levels, shape)
    return rng.choice([-1, 1], shape) * magnitude * (rng.random(shape) < density)


def check_plan(matrix, largest, how):
    """Every partial sum of every digit and part stays within the format's exact range."""
    digits = split(matrix, how).astype(object).reshape(how.digits, *matrix.shape)
    whole = sum(digit * (1 << (i * how.digit_bits)) for i, digit in enumerate(digits))
    np.testing.assert_array_equal(whole, matrix)
    ends = (*how.parts[1:], matrix.shape[1])
    assert how.parts[0] == 0
    for start, end in zip(how.parts, ends, strict=True):
        reach = np.abs(digits[:, :, start:end]).sum(axis=2).max() * largest
        assert reach <= EXACT[how.arithmetic]
    assert how.bound == np.abs(matrix.astype(object)).sum(axis=1).max() * largest


@pytest.mark.parametrize("arithmetic", ["auto", "float32", "float64"])
@pytest.mark.parametrize("levels", [1, 2, 4, 8, 16, 24, 32])
@pytest.mark.parametrize("taps", [1, 27, 64, 65, 2304])
def test_plans_hold_what_they_promise(arithmetic, levels, taps):
    matrix = filters(levels, taps)
    try:
        how = plan(matrix, 255, arithmetic)
    except ExactnessError:
        assert arithmetic == "float32"
        assert levels > 16
    else:
        check_plan(matrix, 255, how)
        check_plan(narrow(matrix), 255, how)


def test_small_weights_take_one_float32_product():
    how = plan(filters(4), 255)
    assert (how.arithmetic, how.digits, how.parts) == ("float32", 1, (0,))


def test_large_filters_are_cut():
    how = plan(filters(8, taps=9216), 255)
    assert (how.arithmetic, how.digits) == ("float32", 1)
    assert len(how.parts) > 1
    how = plan(filters(16), 255)
    assert (how.arithmetic, how.digits) == ("float32", 2)
    assert plan(filters(30), 255).arithmetic == "float64"


def test_the_bound_is_inclusive():
    matrix = np.full((1, 64), 1 << 18)
    assert plan(matrix, 1).parts == (0,)
    assert plan(matrix, 1).bound == 1 << 24
    matrix[0, 5] += 1
    assert plan(matrix, 1, "float32").parts == (0, 63)


def test_zero_filters():
    how = plan(np.zeros((2, 30), int), 255)
    assert (how.arithmetic, how.digits, how.parts, how.bound) == ("float32", 1, (0,), 0)


def test_it_says_when_an_arithmetic_would_leave_its_range():
    matrix = np.array([[1 << 30, 3]])
    with pytest.raises(ExactnessError, match=r"float32 cannot.*16777216.*'auto'"):
        plan(matrix, 1 << 12, "float32")
    assert plan(matrix, 1 << 12).arithmetic == "float64"
    with pytest.raises(ExactnessError, match="float64 cannot"):
        plan(np.array([[7, 1]]), 1 << 59, "float64")
    assert plan(np.array([[7, 1]]), 1 << 59).arithmetic == "int64"


def test_an_unknown_arithmetic():
    with pytest.raises(ExactnessError, match="'int8'; choose one of auto, float32"):
        plan(np.ones((1, 1), int), 1, "int8")


def test_a_plan_reads_as_a_line():
    text = str(plan(np.full((1, 4), 3), 255))
    assert text == "float32, 1 digit(s), 1 part(s), results within 3060 (below 2^12)"

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.pooling import max_pool
from golden.shape import ShapeError
from tests.golden import naive


@given(
    *(st.tuples(st.integers(a, b), st.integers(a, b)) for a, b in ((1, 9), (1, 4), (1, 4))),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["i1", "u1", "i8"]),
)
def test_equals_the_loops(size, kernel, stride, padding, ceil_mode, kind):
    padding = tuple(min(padding, k // 2) for k in kernel)
    rng = np.random.default_rng(0)
    x = rng.integers(0 if kind == "u1" else -99, 100, (2, *size)).astype(kind)
    expected = naive.max_pool(x, kernel, stride, padding, ceil_mode)
    if not expected.size:
        with pytest.raises(ShapeError, match="output is empty"):
            max_pool(x, kernel, stride, padding, ceil_mode)
        return
    got = max_pool(x, kernel, stride, padding, ceil_mode)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("size", "out"), [(300, 150), (400, 200), (7, 3), (8, 4), (3, 1), (2, 1)])
def test_the_pool_of_r_fcn(size, out):
    x = np.arange(size).reshape(1, 1, size)
    got = max_pool(x, (1, 3), 2, 0, ceil_mode=True)
    assert got.shape == (1, 1, out)
    assert got[0, 0, -1] == size - 1


def test_the_stride_is_the_kernel_unless_given():
    x = np.arange(36).reshape(1, 6, 6)
    np.testing.assert_array_equal(max_pool(x, 2), max_pool(x, 2, 2))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.zeros((1, 4, 4)), 2), "float64"),
        ((np.zeros((4, 4), int), 2), r"shape \(4, 4\)"),
        ((np.zeros((1, 4, 4), int), 0), "kernel is 0"),
        ((np.zeros((1, 4, 4), int), 2, 0), "stride is 0"),
        ((np.zeros((1, 4, 4), int), 2, 2, 2), "half the kernel"),
        ((np.zeros((1, 4, 4), int), 5), "output is empty"),
    ],
)
def test_bad_pools(arguments, says):
    with pytest.raises(ShapeError, match=says):
        max_pool(*arguments)

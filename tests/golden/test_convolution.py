import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import golden.convolution
from golden.arithmetic import ARITHMETICS
from golden.convolution import Convolution, ExactnessError, convolve
from golden.shape import ConvShape, ShapeError
from tests.golden import naive


@st.composite
def shapes(draw):
    pair = lambda a, b: st.tuples(st.integers(a, b), st.integers(a, b))  # noqa: E731
    kernel, dilation, padding = draw(pair(1, 4)), draw(pair(1, 3)), draw(pair(0, 3))
    least = [max(1, (k - 1) * d + 1 - 2 * p)
             for k, d, p in zip(kernel, dilation, padding, strict=True)]  # fmt: skip
    return ConvShape(
        cin=draw(st.integers(1, 4)),
        cout=draw(st.integers(1, 4)),
        kernel=kernel,
        stride=draw(pair(1, 4)),
        dilation=dilation,
        padding=padding,
        height=draw(st.integers(least[0], least[0] + 5)),
        width=draw(st.integers(least[1], least[1] + 5)),
    )


def random_case(rng, shape, weight_bits, activation_bits, signed):
    weights = rng.integers(0, 1, shape.weight_shape)
    weights += rng.choice([-1, 0, 1], shape.weight_shape) << rng.integers(
        0, weight_bits + 1, shape.weight_shape
    )
    high = (1 << activation_bits) - 1
    return rng.integers(-high - 1 if signed else 0, high + 1, shape.input_shape), weights


def check(got, expected):
    assert got.dtype == np.int64
    assert got.shape == expected.shape
    if not np.array_equal(got, expected):
        channel, y, x = np.argwhere(got != expected)[0]
        pytest.fail(f"({channel}, {y}, {x}): got {got[channel, y, x]}, "
                    f"expected {expected[channel, y, x]}")  # fmt: skip


@given(
    shapes(),
    st.sampled_from([0, 3, 7, 15, 20, 31, 40]),
    st.sampled_from([4, 8, 14]),
    st.booleans(),
    st.integers(0, 99),
)
def test_equals_the_loops(shape, weight_bits, activation_bits, signed, seed):
    rng = np.random.default_rng(seed)
    x, weights = random_case(rng, shape, weight_bits, activation_bits, signed)
    check(convolve(x, weights, shape), naive.convolve(x, weights, shape))


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("weight_bits", [3, 17])
def test_every_arithmetic(arithmetic, weight_bits):
    shape = ConvShape(cin=70, cout=3, kernel=3, padding=1, height=4, width=5)
    x, weights = random_case(np.random.default_rng(0), shape, weight_bits, 8, True)
    check(convolve(x, weights, shape, arithmetic=arithmetic), naive.convolve(x, weights, shape))


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("weight_bits", [3, 15, 30])
@pytest.mark.parametrize("padding", [0, 1])
def test_blocks_of_pixels(monkeypatch, kernel, weight_bits, padding):
    monkeypatch.setattr(golden.convolution, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(golden.convolution, "COPY_BYTES", 1000)
    shape = ConvShape(cin=6, cout=3, kernel=kernel, padding=padding, height=11, width=13)
    x, weights = random_case(np.random.default_rng(0), shape, weight_bits, 8, True)
    check(convolve(x, weights, shape), naive.convolve(x, weights, shape))


@pytest.mark.parametrize(
    "shape",
    [
        ConvShape(cin=3, cout=2, kernel=7, stride=2, padding=3, height=13, width=16),
        ConvShape(cin=5, cout=3, kernel=3, dilation=2, padding=2, height=6, width=7),
        ConvShape(cin=5, cout=3, kernel=1, stride=2, height=6, width=7),
        ConvShape(cin=1, cout=1, kernel=1, height=1, width=1),
        ConvShape(cin=2, cout=2, kernel=(1, 5), padding=(2, 0), height=3, width=5),
    ],
    ids=["7x7/2", "dilated", "1x1/2", "one", "1x5"],
)
@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u4", "i8", "u8"])
def test_layers_and_integer_types(shape, kind):
    x, weights = random_case(np.random.default_rng(0), shape, 5, 7, kind[0] == "i")
    check(convolve(x.astype(kind), weights.astype("i2"), shape), naive.convolve(x, weights, shape))


def test_the_worst_case_of_the_array():
    # All-maximum activations and weights of 16 levels on as many taps as the RPN's filters have.
    shape = ConvShape(cin=1024, cout=2, kernel=3, height=3, width=4)
    weights = np.full(shape.weight_shape, 1 << 15)
    weights[1] *= -1
    x = np.full(shape.input_shape, 255)
    expected = 9216 * 255 << 15
    got = convolve(x, weights, shape)
    assert (got[0] == expected).all()
    assert (got[1] == -expected).all()


def test_at_the_edge_of_float32():
    # 2^24 + 1 is the first integer that float32 lacks.
    shape = ConvShape(cin=2, cout=1, kernel=1, height=1, width=1)
    for x in ([1 << 24, 0], [1 << 24, 1], [(1 << 24) - 1, 1], [-(1 << 24) - 1, 0]):
        x = np.array(x).reshape(2, 1, 1)
        got = convolve(x, np.ones(shape.weight_shape, int), shape)
        assert got.item() == x.sum()


def test_the_range_of_64_bits():
    shape = ConvShape(cin=2, cout=1, kernel=1, height=1, width=1)
    weights = np.array([1 << 61, (1 << 61) - 1]).reshape(shape.weight_shape)
    x = np.full(shape.input_shape, -2)
    assert convolve(x, weights, shape).item() == -(1 << 63) + 2
    assert convolve(2 * x - 3, weights // 8, shape).item() == -7 * int((weights // 8).sum())
    for heavy in (x - 1, np.full(shape.input_shape, -(1 << 63))):
        with pytest.raises(ExactnessError, match="beyond 64-bit"):
            convolve(heavy, weights, shape)
    lowest = np.full(shape.weight_shape, -(1 << 63))
    with pytest.raises(ExactnessError, match="beyond 64-bit"):
        convolve(x, lowest, shape)
    assert convolve(0 * x, lowest, shape).item() == 0
    with pytest.raises(ExactnessError, match="exceed signed"):
        convolve(x, np.full(shape.weight_shape, 1 << 63, np.uint64), shape)
    with pytest.raises(ExactnessError, match="exceed signed"):
        convolve(np.full(shape.input_shape, 1 << 63, np.uint64), weights, shape)


def test_a_prepared_convolution_refuses_what_it_was_not_proven_for():
    shape = ConvShape(cin=2, cout=1, kernel=1, height=1, width=1)
    ready = Convolution(np.ones(shape.weight_shape, int), shape, largest=128)
    assert ready(np.full(shape.input_shape, -128)).item() == -256
    with pytest.raises(ExactnessError, match=r"reach 129.*up to 128"):
        ready(np.full(shape.input_shape, 129))


@pytest.mark.parametrize(
    ("x", "weights", "says"),
    [
        (np.zeros((2, 3, 3)), np.zeros((4, 2, 3, 3), int), "activations are float64"),
        (np.zeros((2, 3, 3), int), np.zeros((4, 2, 3, 3)), "weights are float64"),
        (np.zeros((2, 3, 3), bool), np.zeros((4, 2, 3, 3), int), "activations are bool"),
        (np.zeros((2, 3, 4), int), np.zeros((4, 2, 3, 3), int), r"\(2, 3, 4\).*\(2, 3, 3\)"),
        (np.zeros((2, 3, 3), int), np.zeros((2, 4, 3, 3), int), r"\(2, 4, 3, 3\)"),
    ],
)
def test_bad_arrays(x, weights, says):
    shape = ConvShape(cin=2, cout=4, kernel=3, height=3, width=3)
    with pytest.raises(ShapeError, match=says):
        convolve(x, weights, shape)

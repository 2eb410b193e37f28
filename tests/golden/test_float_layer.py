"""The float convolution against loops over single numbers."""

import numpy as np
import pytest

from golden.float32 import add, multiply
from golden.float_layer import FloatConv, FloatLayerError
from golden.shape import ConvShape, ShapeError

SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-38, 3e38], np.float32)


def random_layer(shape: ConvShape, *, seed: int, relu: bool = False, special: bool = False):
    """A layer and an input; some of their numbers are zeros, infinities, NaN or tiny."""
    rng = np.random.default_rng(seed)

    def draw(size):
        values = rng.standard_normal(size, dtype=np.float32)
        if special:
            values = np.where(rng.random(size) < 0.05, rng.choice(SPECIAL, size), values)
        return values

    layer = FloatConv(
        shape=shape, weights=draw(shape.weight_shape), bias=draw(shape.cout), relu=relu
    )
    return layer, draw((shape.cin, shape.height, shape.width))


def naive(layer: FloatConv, x: np.ndarray, order) -> np.ndarray:
    """Tap by tap, one number at a time."""
    shape = layer.shape
    out = np.zeros((shape.cout, shape.out_height, shape.out_width), np.float32)
    for channel, oy, ox in np.ndindex(*out.shape):
        total = np.float32(0)
        for tap in order:
            c, ky, kx = np.unravel_index(tap, shape.weight_shape[1:])
            y = oy * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0]
            x_ = ox * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1]
            inside = 0 <= y < shape.height and 0 <= x_ < shape.width
            value = x[c, y, x_] if inside else np.float32(0)
            total = add(total, multiply(value, layer.weights[channel, c, ky, kx]))
        total = add(total, layer.bias[channel])
        if layer.relu and np.signbit(total):
            total = np.float32(0)
        out[channel, oy, ox] = total
    return out


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 1},
        {"kernel": 3, "padding": 1},
        {"kernel": (3, 2), "stride": (2, 1), "dilation": (1, 2), "padding": (0, 2)},
    ],
    ids=str,
)
def test_equals_single_numbers(options, special, relu):
    shape = ConvShape(cin=3, cout=4, height=5, width=6, **options)
    layer, x = random_layer(shape, seed=1, relu=relu, special=special)
    order = np.random.default_rng(2).permutation(shape.taps)
    found = layer.forward(x, order)
    np.testing.assert_array_equal(found.view(np.uint32), naive(layer, x, order).view(np.uint32))
    ascending = layer.forward(x)
    expected = naive(layer, x, range(shape.taps))
    np.testing.assert_array_equal(ascending.view(np.uint32), expected.view(np.uint32))


def test_the_order_of_a_sum_matters():
    shape = ConvShape(cin=3, cout=1, kernel=1, height=1, width=1)
    layer = FloatConv(
        shape=shape,
        weights=np.ones(shape.weight_shape, np.float32),
        bias=np.zeros(1, np.float32),
        relu=False,
    )
    x = np.array([1e8, 1, -1e8], np.float32).reshape(3, 1, 1)
    assert layer.forward(x).item() == 0
    assert layer.forward(x, np.array([0, 2, 1])).item() == 1


def test_the_relu_leaves_no_negative_zero_and_no_nan_out():
    shape = ConvShape(cin=1, cout=3, kernel=1, height=1, width=1)
    layer = FloatConv(
        shape=shape,
        weights=np.array([1, -1, np.nan], np.float32).reshape(shape.weight_shape),
        bias=np.array([-3, 1, 0], np.float32),
        relu=True,
    )
    found = layer.forward(np.ones((1, 1, 1), np.float32)).reshape(-1)
    assert found.view(np.uint32).tolist() == [0, 0, 0x7FC00000]


def test_what_does_not_fit_is_refused():
    shape = ConvShape(cin=2, cout=3, kernel=1, height=4, width=4)
    layer, x = random_layer(shape, seed=0)
    with pytest.raises(FloatLayerError, match=r"bias are float64 of shape \(3,\)"):
        FloatConv(shape=shape, weights=layer.weights, bias=np.zeros(3), relu=False)
    with pytest.raises(FloatLayerError, match=r"weights are float32 of shape \(3, 2, 1\)"):
        FloatConv(shape=shape, weights=layer.weights[..., 0], bias=layer.bias, relu=False)
    with pytest.raises(FloatLayerError, match="activations are float64"):
        layer.forward(x.astype(np.float64))
    with pytest.raises(ShapeError, match=r"the image has shape \(2, 4, 3\)"):
        layer.forward(x[..., :3])

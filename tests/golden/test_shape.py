import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.shape import ConvShape, ShapeError

LAYER = {"cin": 3, "cout": 5, "kernel": 3, "height": 10, "width": 12}


def test_integers_become_pairs():
    shape = ConvShape(**LAYER, stride=2, dilation=(1, 2), padding=[0, 1])
    assert (shape.kernel, shape.stride, shape.dilation) == ((3, 3), (2, 2), (1, 2))
    assert shape.padding == (0, 1)
    assert ConvShape(**LAYER, stride=np.int64(2)).stride == (2, 2)
    assert ConvShape(**LAYER) == ConvShape(**LAYER | {"kernel": (3, 3)})
    assert hash(ConvShape(**LAYER)) == hash(ConvShape(**LAYER))


@given(*(st.tuples(st.integers(a, b), st.integers(a, b)) for a, b in
         ((1, 20), (1, 5), (1, 4), (1, 3), (0, 4))))  # fmt: skip
def test_sizes_are_counted_positions(size, kernel, stride, dilation, padding):
    positions = []
    for n, k, s, d, p in zip(size, kernel, stride, dilation, padding, strict=True):
        starts = range(-p, n + p, s)
        positions.append(sum(start + d * (k - 1) < n + p for start in starts))
    arguments = {
        "cin": 3, "cout": 7, "kernel": kernel, "stride": stride, "dilation": dilation,
        "padding": padding, "height": size[0], "width": size[1],
    }  # fmt: skip
    if 0 in positions:
        with pytest.raises(ShapeError, match="output is empty"):
            ConvShape(**arguments)
        return
    shape = ConvShape(**arguments)
    assert [shape.out_height, shape.out_width] == positions
    assert shape.out_pixels == positions[0] * positions[1]
    assert shape.taps == 3 * kernel[0] * kernel[1]
    assert shape.weights == 7 * shape.taps
    assert shape.macs == shape.weights * shape.out_pixels
    assert shape.weight_shape == (7, 3, *kernel)
    assert shape.input_shape == (3, *size)
    assert shape.output_shape == (7, *positions)


def test_the_largest_layer_of_r_fcn():
    shape = ConvShape(cin=1024, cout=512, kernel=3, padding=1, height=38, width=50)
    assert (shape.taps, shape.out_height, shape.out_width) == (9216, 38, 50)
    assert shape.macs == 9216 * 512 * 38 * 50


def test_a_crop_never_exceeds_the_layer():
    shape = ConvShape(**LAYER)
    assert shape.cropped(4, 5).input_shape == (3, 4, 5)
    assert shape.cropped(400, 5).input_shape == (3, 10, 5)
    assert shape.cropped(400, 500) == shape
    with pytest.raises(ShapeError, match="output is empty"):
        shape.cropped(2, 5)
    with pytest.raises(ShapeError, match="height is 0"):
        shape.cropped(0, 5)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"groups": 3}, "grouped convolution is refused"),
        ({"groups": 0}, "groups is 0"),
        ({"cin": 0}, "cin is 0"),
        ({"cout": 1.5}, "cout is 1.5"),
        ({"cout": True}, "cout is True"),
        ({"kernel": 0}, "kernel is 0"),
        ({"kernel": (3, 3, 3)}, r"kernel is \(3, 3, 3\)"),
        ({"kernel": "3"}, "kernel is '3'"),
        ({"stride": (1, 0)}, "stride is 0"),
        ({"dilation": -1}, "dilation is -1"),
        ({"padding": -1}, "padding is -1"),
        ({"padding": None}, "padding is None"),
        ({"height": 2}, "3x3 pixels does not fit the 2x12 input"),
    ],
)
def test_bad_shapes(bad, says):
    with pytest.raises(ShapeError, match=says):
        ConvShape(**LAYER | bad)

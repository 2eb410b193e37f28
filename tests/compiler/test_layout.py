import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.layout import Layout
from golden.shape import ConvShape


@given(
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    copies=st.integers(1, 7),
    transposed=st.booleans(),
    terms=st.integers(1, 2),
)
def test_every_weight_has_one_position(kernel, stride, dilation, copies, transposed, terms):
    shape = ConvShape(
        cin=3, cout=2, kernel=kernel, stride=stride, dilation=dilation, height=30, width=30
    )
    layout = Layout(shape=shape, transposed=transposed, copies=copies, terms=terms)
    numbers = np.arange(1, terms * shape.weights + 1).reshape(terms, *shape.weight_shape)
    positions = layout.arrange(numbers)
    assert positions.shape == (2, len(layout.runs), layout.run_length)
    assert sorted(positions[positions != 0]) == list(range(1, numbers.size + 1))
    assert (layout.collect(positions) == numbers).all()


def test_order_of_positions():
    # Columns 0 and 1 are the phases of lane shift 0, column 2 is phase 0 of lane shift 1.
    shape = ConvShape(cin=2, cout=1, kernel=(2, 3), stride=(1, 2), height=4, width=7)
    layout = Layout(shape=shape)
    weights = np.zeros((1, *shape.weight_shape), dtype=np.int64)
    for c, ky, kx in np.ndindex(2, 2, 3):
        weights[0, 0, c, ky, kx] = 100 * ky + 10 * kx + c
    assert layout.arrange(weights)[0].tolist() == [
        [0, 1, 10, 11, 100, 101, 110, 111],
        [20, 21, 0, 0, 120, 121, 0, 0],
    ]
    assert (layout.row_words, layout.pitch, layout.words(3)) == (4, 4, 16)


def test_copies_take_the_place_of_shifts():
    shape = ConvShape(cin=1, cout=1, kernel=(1, 5), height=1, width=20)
    layout = Layout(shape=shape, copies=2)
    weights = np.arange(1, 6).reshape(1, 1, 1, 1, 5)
    assert layout.shifts == 3
    assert layout.arrange(weights)[0].tolist() == [[1, 4], [2, 5], [3, 0]]


@pytest.mark.parametrize(
    ("padding", "margins"), [(0, (0, 0)), (1, (1, 1)), (2, (2, 2)), (3, (3, 2))]
)
def test_empty_margins_are_the_padding(padding, margins):
    shape = ConvShape(cin=1, cout=1, kernel=3, padding=padding, height=9, width=9)
    # At the end no more lanes than the halo are looked at.
    assert Layout(shape=shape).empty_margins(0) == margins


def test_rows_between_kernels_are_not_stored():
    shape = ConvShape(cin=3, cout=1, kernel=(2, 1), stride=(5, 1), height=12, width=4)
    layout = Layout(shape=shape)
    assert layout.pitch == layout.run_length == 6
    assert layout.row_taps(3).tolist() == [0, 1, 5, 6, 10, 11]

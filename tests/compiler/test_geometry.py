from hypothesis import given
from hypothesis import strategies as st

from compiler.geometry import Axis, axes
from golden.shape import ConvShape

small = st.integers(1, 7)


@given(kernel=small, stride=small, dilation=small, padding=st.integers(0, 7), outputs=small)
def test_positions_and_phases_read_what_the_convolution_reads(
    kernel, stride, dilation, padding, outputs
):
    axis = Axis(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        size=1,
        outputs=outputs,
    )
    found = []
    for residue in range(axis.classes):
        for position in range(axis.class_length(residue)):
            output = axis.output(position, residue)
            found.append(output)
            for tap in range(kernel):
                shift, phase = divmod(tap, axis.step)
                assert shift < axis.shifts
                assert phase < axis.phases
                # The phase of a position is the same input whichever tap reads it there.
                neighbour = axis.origin(axis.output(position + shift, residue))
                read = neighbour + dilation * phase
                assert read == stride * output + dilation * tap - padding
    assert sorted(found) == list(range(outputs))


def test_axes_of_a_convolution():
    shape = ConvShape(
        cin=1, cout=1, kernel=(3, 5), stride=(1, 2), dilation=(2, 1), padding=(0, 2),
        height=9, width=10,
    )  # fmt: skip
    y, x = axes(shape)
    assert y == Axis(kernel=3, stride=1, dilation=2, padding=0, size=9, outputs=5)
    assert x == Axis(kernel=5, stride=2, dilation=1, padding=2, size=10, outputs=5)


def test_seven_by_seven_stride_two_has_four_column_pairs():
    axis = Axis(kernel=7, stride=2, dilation=1, padding=3, size=800, outputs=400)
    assert (axis.step, axis.phases, axis.shifts, axis.classes) == (2, 2, 4, 1)

"""The first mismatch, told as channel, y, x, got and expected."""

import numpy as np
import pytest

from sim.checker import first_mismatch


def test_equal_outputs_have_no_mismatch():
    outputs = np.arange(24).reshape(2, 3, 4)
    assert first_mismatch(outputs, outputs.copy()) is None


@pytest.mark.parametrize("place", [(0, 0, 0), (0, 2, 1), (1, 0, 3), (1, 2, 3)])
def test_a_mismatch_is_told_by_its_place(place):
    expected = np.arange(24).reshape(2, 3, 4)
    got = expected.copy()
    got[place] = -7
    mismatch = first_mismatch(got, expected)
    assert (mismatch.channel, mismatch.y, mismatch.x) == place
    assert (mismatch.got, mismatch.expected) == (-7, expected[place])
    assert mismatch.count == 1


def test_the_first_of_many_goes_by_channel_then_y_then_x():
    expected = np.zeros((3, 3, 3), dtype=np.int64)
    got = expected.copy()
    got[2, 0, 0], got[1, 2, 0], got[1, 1, 2] = 1, 2, 3
    mismatch = first_mismatch(got, expected)
    assert (mismatch.channel, mismatch.y, mismatch.x, mismatch.got) == (1, 1, 2, 3)
    assert str(mismatch) == (
        "output (channel 1, y 1, x 2) is 3, expected 0; 3 outputs differ"
    )  # fmt: skip


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shapes differ"):
        first_mismatch(np.zeros((1, 2, 3)), np.zeros((1, 3, 2)))

import numpy as np
import pytest

from golden.activations import ActivationError, ActivationFormat


@pytest.mark.parametrize(
    ("bits", "signed", "low", "high", "largest"),
    [
        (8, False, 0, 255, 255),
        (8, True, -128, 127, 128),
        (4, False, 0, 15, 15),
        (4, True, -8, 7, 8),
        (5, True, -16, 15, 16),
    ],
)
def test_ranges(bits, signed, low, high, largest):
    kind = ActivationFormat(bits=bits, signed=signed)
    assert (kind.low, kind.high, kind.largest) == (low, high, largest)
    edges = np.array([[low, high]])
    np.testing.assert_array_equal(kind.check(edges), edges)
    for bad in (low - 1, high + 1):
        with pytest.raises(ActivationError, match=f"{kind!s} holds {low}..{high}"):
            kind.check(np.array([0, bad]))


def test_types():
    kind = ActivationFormat(bits=8, signed=False)
    assert kind.check(np.zeros((0, 3), int)).shape == (0, 3)
    with pytest.raises(ActivationError, match="pixels are float64"):
        kind.check(np.zeros(3), "pixels")


@pytest.mark.parametrize("bits", [3, 9, 4.5, True, "8"])
def test_bad_widths(bits):
    with pytest.raises(ActivationError, match="4 to 8"):
        ActivationFormat(bits=bits, signed=False)

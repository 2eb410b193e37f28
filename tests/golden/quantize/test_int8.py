import numpy as np
import pytest

from golden.quantize import QuantizationError
from golden.quantize.int8 import quantize_int8


def test_every_channel_fills_its_range():
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((5, 3, 3, 3)).astype(np.float32)
    weights[2] *= 1e-4
    weights[4] = 0
    integers, scale = quantize_int8(weights)
    for channel in range(5):
        largest = max(abs(float(weight)) for weight in weights[channel].flat)
        unit = largest / 127 if largest else 1.0
        assert scale[channel] == pytest.approx(unit)
        for integer, weight in zip(integers[channel].flat, weights[channel].flat, strict=True):
            assert abs(integer - weight / unit) <= 0.5 + 1e-9
    assert integers.dtype == np.int64
    assert [np.abs(channel).max() for channel in integers] == [127, 127, 127, 127, 0]


@pytest.mark.parametrize("bad", [np.ones((2, 3), int), np.array([[1.0, np.nan]])])
def test_what_is_no_finite_float_is_refused(bad):
    with pytest.raises(QuantizationError, match="int8 takes finite floats"):
        quantize_int8(bad)

"""The quantizers in torch give golden's values to the last bit."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.quantize import QuantizationError, quantize
from golden.synthetic import table_3_2_weights
from rfcn.quantized.quantizers import quantize_on_device, quantize_tensor
from tests.golden.quantize.weights import edge_weights

SETTINGS = [
    {"method": "lbw"},
    {"method": "lbw", "partial_sums": None},
    {"method": "lbw", "partial_sums": 1, "mu": 0.31},
    {"method": "lbw", "mu": 1.0},
    {"method": "lbw", "mu": 1 / 16},
    {"method": "lbw", "mu": 0.1 + 0.2},
    {"method": "exact"},
    {"method": "inq"},
]


def golden(weights, **settings):
    return quantize(weights, **settings).dequantize().astype(np.float32)


def check(weights, **settings):
    got = quantize_on_device(torch.from_numpy(weights), **settings)
    assert got is not None
    expected = golden(weights, **settings)
    np.testing.assert_array_equal(got.numpy(), expected)
    assert got.dtype == torch.float32
    assert got.shape == weights.shape


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equal_on_layers(settings, bits, per_channel):
    rng = np.random.default_rng(bits)
    weights = table_3_2_weights((12, 10, 3, 3), seed=bits)
    weights *= np.exp2(rng.integers(-12, 12, (12, 1, 1, 1))).astype(np.float32)
    weights[3] = 0
    weights[5, 2:] = 0
    check(weights, bits=bits, per_channel=per_channel, **settings)


@pytest.mark.parametrize("levels", [1, 2, 7, 32])
@pytest.mark.parametrize("mu", [0.75, 0.6, 0.1 + 0.2, 1.0, 1 / 3])
def test_equal_next_to_every_threshold(mu, levels):
    for peak in (np.float32(0.7), np.float32(1.0), np.float32(2**-20) / 3):
        exact = Fraction(mu) * Fraction(float(peak))
        check(edge_weights(np.float32, mu=exact, peak=peak, levels=levels), levels=levels, mu=mu)
        check(edge_weights(np.float32, mu=exact, peak=peak, levels=levels), levels=levels,
              method="exact")  # fmt: skip


@given(
    st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=12),
    st.integers(1, 9),
    st.floats(1 / 16, 1),
    st.sampled_from(["lbw", "exact", "inq"]),
)
def test_equal_on_any_weights(values, levels, mu, method):
    weights = np.array(values, np.float32)
    settings = {"levels": levels, "method": method, "mu": mu if method == "lbw" else None}
    got = quantize_on_device(torch.from_numpy(weights), **settings)
    if got is not None:
        np.testing.assert_array_equal(got.numpy(), golden(weights, **settings))
    else:
        assert np.abs(weights).max() < 2.0**-60


def test_ties_of_the_scale_are_settled_alike():
    # 4u / 3v of equal weights of 3/4 is a power of two, and of their neighbours next to one.
    for value in (0.75, np.nextafter(np.float32(0.75), 0), np.nextafter(np.float32(0.75), 1)):
        check(np.full(7, value, np.float32), levels=1)
        check(np.array([value] * 6 + [1.5], np.float32), levels=1, method="exact")


@pytest.mark.parametrize(
    "settings",
    [
        {"terms": 2},
        {"method": "exact", "sparsity": 0.5},
        {"mu_absolute": 0.4},
        {"mu": 2.0},
        {"mu": 0.01},
    ],
    ids=str,
)
def test_leaves_the_rest_to_golden(settings):
    weights = table_3_2_weights((4, 30))
    assert quantize_on_device(torch.from_numpy(weights), bits=4, **settings) is None
    got = quantize_tensor(torch.from_numpy(weights), bits=4, **settings)
    np.testing.assert_array_equal(got.numpy(), golden(weights, bits=4, **settings))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types(dtype):
    weights = torch.from_numpy(table_3_2_weights((4, 30))).to(dtype)
    got = quantize_tensor(weights, bits=4)
    assert got.dtype == dtype
    np.testing.assert_array_equal(
        got.double(), quantize(weights.double().numpy(), bits=4).dequantize()
    )


def test_extreme_and_unusable_weights():
    for scale in (2.0**-100, 2.0**100):
        weights = table_3_2_weights((4, 30)) * np.float32(scale)
        got = quantize_tensor(torch.from_numpy(weights), bits=4)
        np.testing.assert_array_equal(got.numpy(), golden(weights, bits=4))
    for bad in (torch.tensor([1.0, float("nan")]), torch.zeros(0)):
        assert quantize_on_device(bad, bits=4) is None
        with pytest.raises(QuantizationError):
            quantize_tensor(bad, bits=4)


def test_takes_tensors_of_any_layout_and_leaves_them_alone():
    weights = torch.from_numpy(table_3_2_weights((6, 8, 3, 3)))
    channels_last = weights.clone().to(memory_format=torch.channels_last).requires_grad_()
    got = quantize_on_device(channels_last, bits=4)
    assert torch.equal(got, quantize_tensor(weights, bits=4))
    assert not got.requires_grad
    assert torch.equal(channels_last.detach(), weights)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equal_on_a_gpu(settings):
    weights = table_3_2_weights((64, 32, 3, 3))
    got = quantize_tensor(torch.from_numpy(weights).cuda(), bits=5, per_channel=True, **settings)
    np.testing.assert_array_equal(
        got.cpu().numpy(), golden(weights, bits=5, per_channel=True, **settings)
    )

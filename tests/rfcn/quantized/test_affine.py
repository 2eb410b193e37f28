import numpy as np
import pytest
import torch

from golden.calibration import calibrated_scale
from golden.quantize import quantize, relative_error
from rfcn.quantized.settings import SettingsError, WeightSettings
from rfcn.quantized.weights import golden_weights, quantize_convolutions
from tests.rfcn.quantized.networks import batch, small

SETTINGS = WeightSettings(bits=4, method="exact", affine=True)


def test_values_and_gradients_by_hand():
    model = small().last
    quantizer = quantize_convolutions(model, SETTINGS)[""]
    with torch.no_grad():
        quantizer.affine.log_scale.fill_(0.3)
        quantizer.affine.offset.fill_(0.02)
    floats = model.weight.detach().numpy()
    scale = np.exp2(np.float32(0.3))
    v = (floats - np.float32(0.02)) / scale
    q = quantize(v, bits=4, method="exact").dequantize()
    values = quantizer(model.weight)
    np.testing.assert_allclose(values.detach(), scale * q, rtol=1e-6)

    g = np.random.default_rng(0).standard_normal(floats.shape).astype(np.float32)
    values.backward(torch.from_numpy(g))
    np.testing.assert_allclose(model.weight.grad, g, rtol=1e-5)
    damped = 1 / np.sqrt(g.size)
    assert float(quantizer.affine.offset.grad) == pytest.approx(-g.mean(), rel=1e-3)
    expected = (g * (q - v)).sum() * scale * np.log(2) * damped
    assert float(quantizer.affine.log_scale.grad) == pytest.approx(expected, rel=1e-3)


def test_starts_at_the_best_float_scale():
    torch.manual_seed(0)
    model = torch.nn.Conv2d(16, 16, 3)
    with torch.no_grad():
        model.weight.copy_(torch.randn_like(model.weight))
    floats = model.weight.detach().numpy()
    quantizer = quantize_convolutions(model, SETTINGS)[""]
    best = calibrated_scale(floats, 4)
    assert quantizer.affine.scale == pytest.approx(best / 2 ** np.floor(np.log2(best)))
    values = quantizer(model.weight).detach().numpy()
    error = np.square(values - floats).sum() / np.square(floats).sum()
    assert error < relative_error(floats, quantize(floats, bits=4, method="exact"))


def test_training_changes_the_mapping_and_the_values():
    model = small()
    quantizers = quantize_convolutions(model, SETTINGS)
    before = quantizers["inner"](model.inner.weight).detach()
    start = quantizers["inner"].affine.scale
    affine = [p for name, p in model.named_parameters() if "affine" in name]
    assert len(affine) == 6
    optimizer = torch.optim.SGD(affine, lr=0.05)
    model(batch()).square().sum().backward()
    optimizer.step()
    assert quantizers["inner"].affine.scale != start
    assert not torch.equal(quantizers["inner"](model.inner.weight), before)


def test_integers_and_their_factor():
    model = small()
    quantizers = quantize_convolutions(model, SETTINGS)
    for name, (found, factor) in golden_weights(model).items():
        assert factor == pytest.approx(quantizers[name].affine.scale)
        values = quantizers[name](model.get_submodule(name).weight)
        np.testing.assert_allclose(values.detach(), factor * found.dequantize(), rtol=1e-6)


def test_state_holds_the_mapping():
    model, other = small(), small(1)
    for network in (model, other):
        quantize_convolutions(network, SETTINGS)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(batch()), model(batch()))
    quantizer = other.inner.weight_quantizer
    with pytest.raises(SettingsError, match="affine"):
        quantizer.change(WeightSettings(bits=4), other.inner.weight)

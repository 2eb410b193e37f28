import numpy as np
import pytest
import torch

from golden.multipoint import multipoint, sample_patches
from golden.shape import ConvShape
from rfcn.quantized.multipoint import PATCHES, quantize_multipoint
from rfcn.quantized.settings import SettingsError, WeightSettings
from rfcn.quantized.weights import golden_weights, quantize_convolutions
from tests.rfcn.quantized.networks import batch, small

SETTINGS = {"bits": 3, "method": "exact", "per_channel": True}
SEVERAL = WeightSettings(**SETTINGS, terms=4, tolerance=3e-3)


def test_comes_near_the_float_network_without_retraining():
    images = [batch(1), batch(2)]
    expected = small().eval()(batch()).detach()
    errors = []
    for settings in (WeightSettings(**SETTINGS), SEVERAL):
        model = small().eval()
        if settings.tolerance is None:
            quantize_convolutions(model, settings)
        else:
            quantize_multipoint(model, images, settings)
        errors.append((model(batch()) - expected).square().mean().item())
    assert errors[1] < 0.2 * errors[0]


def test_channels_are_judged_by_their_outputs():
    model = small()
    mode = model.training
    settings = WeightSettings(**SETTINGS, terms=4, tolerance=0.01)
    # A channel that is next to dark, so that errors of its weights do not matter.
    light = torch.tensor([1e-3, 1, 1])[:, None, None]
    batches = [batch(1) * light, batch(2) * light]
    quantize_multipoint(model, batches, settings, seed=3)
    assert model.training == mode
    shape = ConvShape(cin=3, cout=8, kernel=3, padding=1, height=6, width=7)
    images = torch.cat(batches).numpy()
    patches = [sample_patches(x, shape, PATCHES, 3 + i) for i, x in enumerate(images)]
    floats = model.first.weight.detach().numpy()
    found, factor = golden_weights(model)["first"]
    expected = multipoint(floats, bits=3, tolerance=0.01, most=4, patches=np.concatenate(patches))
    assert factor == 1
    np.testing.assert_array_equal(found.dequantize(), expected.dequantize())
    values = model.first.weight_quantizer(model.first.weight)
    np.testing.assert_array_equal(values.detach(), expected.dequantize().astype(np.float32))
    alone = multipoint(floats, bits=3, tolerance=0.01, most=4)
    assert not np.array_equal(alone.dequantize(), expected.dequantize())


def test_trains_as_well():
    model = small()
    quantize_convolutions(model, SEVERAL)
    model(batch()).square().sum().backward()
    assert model.inner.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": 4, "tolerance": 0.1}, "goes with method='exact'"),
        ({**SETTINGS, "tolerance": 0.1, "affine": True}, "exclude"),
        ({**SETTINGS, "tolerance": 2.0}, "tolerance is 2.0"),
        ({**SETTINGS, "tolerance": 0.1, "terms": 9}, "terms is 9"),
    ],
)
def test_refuses_settings(settings, message):
    with pytest.raises(SettingsError, match=message):
        WeightSettings(**settings)


def test_refusals():
    with pytest.raises(SettingsError, match="needs a tolerance"):
        quantize_multipoint(small(), [batch()], WeightSettings(bits=4))
    with pytest.raises(SettingsError, match="nothing was seen"):
        quantize_multipoint(small(), [], SEVERAL)

import torch

from golden.quantize import quantize
from rfcn.quantized.blending import blend
from rfcn.quantized.settings import Recipe, WeightSettings
from rfcn.quantized.training import QuantizedTraining
from rfcn.quantized.weights import quantize_convolutions
from tests.rfcn.quantized.networks import batch, small


def golden(weights):
    return torch.from_numpy(quantize(weights.numpy(), bits=2).dequantize()).float()


def test_the_step_starts_from_the_blended_weights():
    model = small()
    quantized = QuantizedTraining(model, Recipe(weights=WeightSettings(bits=2), blend=0.25))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for iteration in range(2):
        before = model.inner.weight.detach().clone()
        quantized.begin(iteration)
        optimizer.zero_grad()
        model(batch()).square().sum().backward()
        gradient = model.inner.weight.grad.clone()
        quantized.before_step()
        optimizer.step()
        quantized.after_step()
        expected = 0.75 * before + 0.25 * golden(before) - 0.1 * gradient
        assert torch.allclose(model.inner.weight, expected, atol=1e-6)


def test_frozen_layers_stay_as_they_are():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=2))
    model.first.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    blend(model, 0.5)
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {"inner.weight", "last.weight"}

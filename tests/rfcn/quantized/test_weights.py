from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional

from golden.calibration import calibrated_mu
from golden.quantize import quantize
from golden.weights import PowerOfTwoWeights, TwoTermWeights
from rfcn.quantized import weight_quantizer as module
from rfcn.quantized.settings import SettingsError, WeightSettings
from rfcn.quantized.weights import (
    golden_weights,
    quantize_convolutions,
    quantized_layers,
    restore_convolutions,
    weight_quantizers,
)
from tests.rfcn.quantized.networks import batch, small

LAYERS = ("first", "inner", "last")


def golden(weights, **settings):
    return torch.from_numpy(quantize(weights.detach().numpy(), **settings).dequantize()).float()


def with_values(model, **settings):
    """A float twin whose weights are the quantized values themselves."""
    twin = deepcopy(model)
    with torch.no_grad():
        for name in LAYERS:
            weights = twin.get_submodule(name).weight
            weights.copy_(golden(weights, **settings))
    return twin


def gradients(model):
    return {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.fixture
def counted(monkeypatch):
    """Lists the weight tensors that were quantized."""
    calls = []
    original = module.quantize_tensor

    def counting(weights, **settings):
        calls.append(weights)
        return original(weights, **settings)

    monkeypatch.setattr(module, "quantize_tensor", counting)
    return calls


@pytest.mark.parametrize(
    "settings",
    [
        {"bits": 2},
        {"bits": 4},
        {"levels": 7, "method": "exact", "per_channel": True},
        {"bits": 3, "method": "exact", "sparsity": 0.5},
        {"bits": 4, "method": "inq"},
        {"bits": 5, "mu": 0.5, "partial_sums": None},
        {"bits": 4, "terms": 2},
    ],
    ids=str,
)
def test_outputs_and_gradients_are_those_at_the_quantized_weights(settings):
    model, x = small(), batch()
    twin = with_values(model, **settings)
    quantize_convolutions(model, WeightSettings(**settings))
    for network in (model, twin):
        network(x).square().sum().backward()
    assert torch.equal(model(x), twin(x))
    expected = gradients(twin)
    for name, gradient in gradients(model).items():
        assert torch.equal(gradient, expected[name]), name


def test_steps_are_those_of_section_2_2():
    """W <- W - rate * gradient at Q(W), twice, written out for one convolution."""
    model, x = small().inner, torch.randn(2, 8, 5, 5, generator=torch.Generator().manual_seed(1))
    expected = model.weight.detach().clone()
    quantize_convolutions(model, WeightSettings(bits=4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(2):
        values = golden(expected, bits=4).requires_grad_()
        functional.conv2d(x, values, padding=1).pow(3).sum().backward()
        expected = expected - 0.05 * values.grad
        optimizer.zero_grad()
        model(x).pow(3).sum().backward()
        optimizer.step()
        assert torch.allclose(model.weight, expected, atol=1e-6)


def test_keys_and_parameters_stay_those_of_the_float_model():
    model = small()
    keys, parameters = list(model.state_dict()), list(model.parameters())
    quantize_convolutions(model, WeightSettings(bits=4))
    assert list(model.state_dict()) == keys
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    other = small(1)
    model.load_state_dict(other.state_dict())
    quantize_convolutions(other, WeightSettings(bits=4))
    assert torch.equal(model(batch()), other(batch()))


@pytest.mark.parametrize(
    "create",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, foreach=False),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
        lambda p: torch.optim.SGD(p, lr=0.1, fused=True),
        lambda p: torch.optim.Adam(p, lr=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.1, fused=True),
    ],
    ids=["sgd", "foreach", "fused", "adam", "fused-adamw"],
)
def test_quantizes_once_per_step(create, counted):
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    optimizer = create(model.parameters())
    for step in range(1, 4):
        for _ in range(3):
            model(batch()).square().sum().backward()
        assert len(counted) == 3 * step
        optimizer.step()
    expected = small()
    expected.load_state_dict(model.state_dict())
    expected = with_values(expected, bits=4)
    assert torch.equal(model.eval()(batch()), expected.eval()(batch()))


def test_sees_loaded_states_and_takes_a_hint_for_the_rest(counted):
    model = small()
    quantizers = quantize_convolutions(model, WeightSettings(bits=4))
    model(batch())
    model.load_state_dict(small(1).state_dict())
    model(batch())
    assert len(counted) == 6
    model.inner.weight.data.mul_(-1)
    quantizers["inner"].invalidate()
    model(batch())
    assert len(counted) == 7


def test_inference_mode_leaves_nothing_that_training_cannot_use():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    with torch.inference_mode():
        model(batch())
    model(batch()).sum().backward()
    assert model.inner.weight.grad is not None


def test_a_deep_copy_is_quantized_and_independent():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    model(batch())
    copy = deepcopy(model)
    assert torch.equal(copy(batch()), model(batch()))
    with torch.no_grad():
        copy.inner.weight.mul_(1.7)
    assert not torch.equal(copy(batch()), model(batch()))
    for name, quantizer, floats in quantized_layers(copy):
        assert quantizer is not weight_quantizers(model)[name]
        assert torch.equal(quantizer(floats), golden(floats, bits=4))
    restore_convolutions(copy)
    assert not weight_quantizers(copy)
    assert set(weight_quantizers(model)) == set(LAYERS)


def test_restoring_gives_the_float_model_back():
    model = small()
    expected = model(batch())
    quantize_convolutions(model, WeightSettings(bits=2))
    assert not torch.allclose(model(batch()), expected)
    restore_convolutions(model)
    assert torch.equal(model(batch()), expected)


def test_a_failing_forward_leaves_the_float_weights_in_place():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 5, 6, 7))
    assert model.first.weight is dict(model.named_parameters())["first.weight"]


def test_named_layers_alone():
    model = small()
    found = quantize_convolutions(model, WeightSettings(bits=4, layers=("last",)))
    assert list(found) == ["last"]
    with pytest.raises(SettingsError, match="already"):
        quantize_convolutions(model, WeightSettings(bits=4))
    with pytest.raises(SettingsError, match="'middle'"):
        quantize_convolutions(small(), WeightSettings(bits=4, layers=("middle",)))
    with pytest.raises(SettingsError, match="no convolution"):
        quantize_convolutions(torch.nn.ReLU(), WeightSettings(bits=4))


def test_autocast():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(batch())
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    gradient = model.inner.weight.grad
    assert gradient is not None
    assert gradient.dtype == torch.float32
    assert gradient.abs().sum() > 0


def test_distributed(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    try:
        model = small()
        quantize_convolutions(model, WeightSettings(bits=4))
        expected = deepcopy(model)
        parallel = torch.nn.parallel.DistributedDataParallel(model)
        for network in (parallel, expected):
            network(batch()).square().sum().backward()
        for name, gradient in gradients(expected).items():
            assert torch.equal(gradients(model)[name], gradient)
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("terms", [1, 2])
def test_integers_for_the_export_are_the_values_computed_with(terms):
    model = small()
    quantizers = quantize_convolutions(model, WeightSettings(bits=3, per_channel=True, terms=terms))
    for name, (found, factor) in golden_weights(model).items():
        assert factor == 1
        assert isinstance(found, PowerOfTwoWeights if terms == 1 else TwoTermWeights)
        values = quantizers[name](model.get_submodule(name).weight)
        np.testing.assert_array_equal(values.detach(), found.dequantize().astype(np.float32))


def test_calibrated_mu_is_taken_from_the_weights():
    model = small()
    quantizers = quantize_convolutions(model, WeightSettings(bits=4, calibrated_mu=True))
    for name, quantizer, floats in quantized_layers(model):
        expected = calibrated_mu(floats.detach().numpy(), 4, partial_sums=4)
        assert quantizer.mu == expected != 0.75
        assert torch.equal(quantizer(floats), golden(floats, bits=4, mu=expected))
        assert quantizers[name] is quantizer
    # Another width asks for another mu.
    inner = quantizers["inner"]
    inner.change(inner.settings.with_bits(2), model.inner.weight)
    expected = calibrated_mu(model.inner.weight.detach().numpy(), 1, partial_sums=4)
    assert inner.mu == expected
    assert torch.equal(inner(model.inner.weight), golden(model.inner.weight, bits=2, mu=expected))

import math
from copy import deepcopy

import numpy as np
import pytest
import torch

from golden.activations import ActivationFormat
from golden.calibration import mse_step
from rfcn.model.network import RFCN
from rfcn.quantized.activations import QuantizedActivations, round_activations
from rfcn.quantized.settings import ActivationSettings, SettingsError
from tests.rfcn.quantized.networks import batch, small

MAPS = ("data", "first", "inner", "last")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_rounding_and_its_gradient_one_value_at_a_time(bits, signed):
    output, step = ActivationFormat(bits=bits, signed=signed), 0.25
    ends = (output.low, output.high, output.low - 1, output.high + 1)
    x = torch.tensor([0.0, 0.1, 0.125, -0.125, 0.374, 1.0, *(step * e for e in ends)])
    x.requires_grad_()
    got = round_activations(x, step, output)
    got.backward(torch.arange(1.0, len(x) + 1))
    for i, value in enumerate(x.tolist()):
        integer = min(max(math.floor(value / step + 0.5), output.low), output.high)
        assert got[i].item() == integer * step
        inside = output.low <= value / step <= output.high
        assert x.grad[i].item() == (i + 1 if inside else 0)


def test_half_precision_is_rounded_in_single():
    x = torch.tensor([1.0, 2.49, -1.0], dtype=torch.bfloat16)
    got = round_activations(x, 0.125, ActivationFormat(bits=6))
    assert got.dtype == torch.bfloat16
    assert got.tolist() == [1.0, 2.5, 0.0]


def maps_of(model, x):
    """The model's maps, by hooks of the test's own."""
    found = {"data": x}
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda _m, _a, out, name=name: found.__setitem__(name, out.detach())
        )
        for name in MAPS[1:]
    ]
    model(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("method", ["mse", "gaussian"])
def test_calibration_takes_the_steps_of_all_images(method):
    model = small()
    images = [batch(1), batch(2)]
    seen = [maps_of(deepcopy(model).eval(), x) for x in images]
    activations = QuantizedActivations(model)
    settings = ActivationSettings(bits=6, method=method)
    mode = {name: m.training for name, m in model.named_modules()}
    activations.calibrate(model, images, settings)
    assert mode == {name: m.training for name, m in model.named_modules()}
    assert activations.bits == 6
    for name, quantizer in activations.quantizers.items():
        values = np.concatenate([maps[name].numpy().reshape(-1) for maps in seen])
        output = ActivationFormat(bits=6, signed=bool((values < 0).any()))
        assert quantizer.format == output
        assert quantizer.step == mse_step(values, output, method=method)


def test_power_of_two_steps():
    model = small()
    activations = QuantizedActivations(model)
    activations.calibrate(model, [batch()], ActivationSettings(power_of_two=True))
    for quantizer in activations.quantizers.values():
        assert math.frexp(quantizer.step)[0] == 0.5


def test_maps_are_rounded_where_they_arise_once_enabled():
    model = small().eval()
    expected = model(batch())
    activations = QuantizedActivations(model)
    with pytest.raises(SettingsError, match="calibrate"):
        activations.enable()
    activations.calibrate(model, [batch()], ActivationSettings(bits=4))
    assert torch.equal(model(batch()), expected)
    activations.enable()
    got = model(batch())
    assert not torch.equal(got, expected)
    # By hand, map after map.
    q = activations.quantizers

    def rounded(x, name):
        return round_activations(x, q[name].step, q[name].format)

    x = rounded(batch(), "data")
    x = torch.relu(
        model.norm(
            rounded(model.first._conv_forward(x, model.first.weight, model.first.bias), "first")
        )
    )
    y = rounded(model.inner._conv_forward(x, model.inner.weight, None), "inner")
    y = torch.relu(y + x)
    y = rounded(model.last._conv_forward(y, model.last.weight, model.last.bias), "last")
    assert torch.equal(got, y)
    activations.enable(False)
    assert torch.equal(model(batch()), expected)


def test_signs_can_be_given():
    model = small()
    activations = QuantizedActivations(model, signed={"data": False, "inner": True})
    activations.calibrate(model, [batch()], ActivationSettings())
    assert not activations.quantizers["data"].format.signed
    assert activations.quantizers["inner"].format.signed


def test_layers_of_the_table_know_their_signs():
    torch.manual_seed(0)
    model = RFCN("rfcn-tiny").eval()
    activations = QuantizedActivations(model)
    x = torch.randn(1, 3, 64, 64)
    expected = model(x)
    activations.calibrate(model, [x], ActivationSettings())
    for name, convolution in model.convolutions.items():
        assert activations.quantizers[name].format.signed != convolution.layer.relu
    activations.enable()
    with torch.no_grad():
        got = model(x)
    for name, values in got.items():
        step = activations.quantizers[name].step
        assert torch.equal(values, torch.round(values / step) * step)
        assert (values - expected[name]).abs().mean().item() < 0.1 * expected[name].std().item()


def test_state():
    model = small().eval()
    activations = QuantizedActivations(model)
    assert activations.state_dict() == {"enabled": False, "steps": {}}
    activations.calibrate(model, [batch()], ActivationSettings(bits=5))
    activations.enable()
    twin = small().eval()
    other = QuantizedActivations(twin)
    other.load_state_dict(activations.state_dict())
    assert torch.equal(twin(batch()), model(batch()))
    state = activations.state_dict()
    del state["steps"]["last"]
    with pytest.raises(SettingsError, match="3 maps"):
        other.load_state_dict(state)


def test_refuses_what_it_cannot_calibrate():
    model = small()
    model.unused = torch.nn.Conv2d(1, 1, 1)
    activations = QuantizedActivations(model)
    for images in ([], [batch()]):
        with pytest.raises(SettingsError, match="saw nothing"):
            activations.calibrate(model, images, ActivationSettings())
    assert not activations.calibrated
    with pytest.raises(SettingsError, match="already"):
        QuantizedActivations(model)


def test_a_deep_copy_keeps_its_own_steps():
    model = small().eval()
    activations = QuantizedActivations(model)
    activations.calibrate(model, [batch()], ActivationSettings(bits=4))
    activations.enable()
    expected = model(batch())
    copy = deepcopy(model)
    activations.enable(False)
    assert torch.equal(copy(batch()), expected)
    assert not torch.equal(model(batch()), expected)

"""The network in torch against a ResNet written out, the table, and algorithm.md's totals."""

import numpy as np
import pytest
import torch

from rfcn.layers import layer_table
from rfcn.model.network import OUTPUTS, RFCN
from rfcn.model.state_dicts import load_backbone
from rfcn.networks import NETWORKS, NetworkError
from tests.rfcn.model import resnet

TOTALS = {"rfcn-resnet50": (59, 31.753), "rfcn-resnet101": (110, 50.693), "rfcn-tiny": (21, 0.113)}


@pytest.fixture(scope="module", params=NETWORKS)
def model(request):
    torch.manual_seed(1)
    return RFCN(request.param).eval()


def test_convolutions_and_weights(model):
    count, millions = TOTALS[model.net]
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) == len(model.convolutions) == count
    assert list(model.convolutions) == [layer.name for layer in layer_table(model.net)]
    assert round(sum(c.weight.numel() for c in convolutions) / 1e6, 3) == millions
    for name, convolution in model.convolutions.items():
        assert dict(model.named_parameters())[f"{name}.weight"] is convolution.weight


@pytest.mark.parametrize(("height", "width"), [(64, 96), (50, 37), (3, 3)])
def test_maps_have_the_shapes_of_the_table(model, height, width):
    table = layer_table(model.net, height, width)
    names = {name for layer in table for name in layer.names} | {"data", "pool1"}
    with torch.no_grad():
        maps = model(torch.zeros(2, 3, height, width), maps=names)
    assert maps.keys() == names
    for layer in table:
        for name in layer.names:
            assert maps[name].shape == (2, *layer.shape.output_shape)
        assert maps[layer.source].shape == (2, *layer.shape.input_shape)


def test_macs_of_the_modules(model):
    """What the modules do for an image, counted by hooks, is what the table says."""
    macs = []

    def count(module, _, output):
        macs.append(module.weight.numel() * output.shape[2] * output.shape[3])

    hooks = [c.register_forward_hook(count) for c in model.convolutions.values()]
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 96))
    for hook in hooks:
        hook.remove()
    assert sum(macs) == sum(layer.shape.macs for layer in layer_table(model.net, 64, 96))


@pytest.mark.parametrize("net", ["rfcn-resnet50", "rfcn-tiny"])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 38)])
def test_equals_a_resnet_written_out(net, height, width, tmp_path):
    state = resnet.random_state(net, seed=2)
    torch.save(state, tmp_path / "resnet.pth")
    model = RFCN(net).eval()
    load_backbone(model, tmp_path / "resnet.pth", bgr=True)
    images = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(3))
    last = [f"{stage.name}{stage.blocks[-1]}" for stage in model.network.stages]
    with torch.no_grad():
        maps = model(images, maps=["pool1", *last])
        expected = resnet.forward(net, state, images)
    for name, values in zip(["pool1", *last], expected, strict=True):
        torch.testing.assert_close(maps[name], values, rtol=1e-3, atol=1e-3)


def test_what_lies_behind_the_backbone():
    torch.manual_seed(4)
    model = RFCN("rfcn-tiny").eval()
    for convolution in model.convolutions.values():
        torch.nn.init.normal_(convolution.bias) if convolution.bias is not None else None
    with torch.no_grad():
        maps = model(torch.randn(1, 3, 48, 40), maps=["res4a", "res5a"])

        def layer(name, x, **setting):
            module = model.convolutions[name]
            return torch.nn.functional.conv2d(x, module.weight, module.bias, **setting)

        rpn = layer("rpn_conv/3x3", maps["res4a"], padding=1).relu()
        top = layer("conv_new_1", maps["res5a"]).relu()
        for name, x in zip(OUTPUTS, (rpn, rpn, top, top), strict=True):
            torch.testing.assert_close(maps[name], layer(name, x))


def test_a_batch_is_its_images():
    torch.manual_seed(5)
    model = RFCN("rfcn-tiny").eval()
    images = torch.randn(3, 3, 32, 40)
    with torch.no_grad():
        batch = model(images)
        for index in range(3):
            single = model(images[index : index + 1])
            for name in OUTPUTS:
                torch.testing.assert_close(batch[name][index], single[name][0])


def test_only_the_outputs_unless_asked():
    with torch.no_grad():
        assert list(RFCN("rfcn-tiny").eval()(torch.zeros(1, 3, 32, 32))) == list(OUTPUTS)


def test_a_resnets_frozen_parts():
    model = RFCN("rfcn-resnet50").train()
    for name, convolution in model.convolutions.items():
        frozen = convolution.layer.stage in ("conv1", "res2")
        assert convolution.weight.requires_grad != frozen, name
        if convolution.norm is not None:
            assert not convolution.norm.training
            assert not any(value.requires_grad for value in convolution.norm.parameters())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sum(values.sum() for values in model(torch.randn(1, 3, 32, 32)).values()).backward()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    gradients = {n for n, value in model.named_parameters() if value.grad is not None}
    assert gradients == {n for n, value in model.named_parameters() if value.requires_grad}


def test_the_tiny_network_trains_all_of_it():
    model = RFCN("rfcn-tiny").train()
    before = model.conv1.norm.running_mean.clone()
    sum(values.sum() for values in model(torch.randn(2, 3, 32, 32)).values()).backward()
    assert all(value.grad is not None for value in model.parameters())
    assert not torch.equal(model.conv1.norm.running_mean, before)


def test_freezing_is_an_option():
    model = RFCN("rfcn-tiny", frozen_batch_norm=True, frozen_stages=["res3"]).train()
    assert not any(c.norm.training for c in model.convolutions.values() if c.norm is not None)
    frozen = {c.layer.stage for c in model.convolutions.values() if not c.weight.requires_grad}
    assert frozen == {"res3"}
    model = RFCN("rfcn-resnet50", frozen_batch_norm=False, frozen_stages=[]).train()
    assert all(value.requires_grad for value in model.parameters())
    # The statistics of a frozen stage stay as well.
    model = RFCN("rfcn-tiny", frozen_stages=["res3"]).train()
    trained = {c.layer.stage for c in model.convolutions.values() if c.norm and c.norm.training}
    assert trained == {"conv1", "res2", "res4", "res5"}


def test_weights_to_begin_with():
    torch.manual_seed(6)
    model = RFCN("rfcn-resnet50")
    for name in ("rpn_conv/3x3", "conv_new_1", "rfcn_cls"):
        convolution = model.convolutions[name]
        assert float(convolution.weight.detach().std()) == pytest.approx(0.01, rel=0.01)
        assert not convolution.bias.any()
    model = RFCN("rfcn-tiny")
    for name, taps in (("res4a_branch2b", 9 * 32), ("rpn_conv/3x3", 9 * 128)):
        std = float(model.convolutions[name].weight.detach().std())
        assert std == pytest.approx(np.sqrt(2 / taps), rel=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RFCN("rfcn-resnet18"), "no network is called 'rfcn-resnet18'"),
        (lambda: RFCN("rfcn-tiny", frozen_stages=["res6"]), "no stage 'res6' to freeze.* conv1,"),
        (lambda: RFCN("rfcn-tiny")(torch.zeros(3, 32, 32)), r"shape \(N, 3, y, x\), not \(3, 32"),
        (lambda: RFCN("rfcn-tiny")(torch.zeros(1, 1, 32, 32)), r"not \(1, 1, 32, 32\)"),
        (lambda: RFCN("rfcn-tiny")(torch.zeros(1, 3, 2, 32)), "2x32 pixels.* at least 3x3"),
        (lambda: RFCN("rfcn-tiny").eval()(torch.zeros(1, 3, 8, 8), ["res9"]), "no map 'res9'"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(NetworkError, match=message):
        call()

"""Backbones from files of torchvision's and Caffe's names, and files that do not fit."""

import numpy as np
import pytest
import torch

from rfcn.model.caffe_names import CaffeError
from rfcn.model.network import RFCN
from rfcn.model.state_dicts import StateDictError, load_backbone
from tests.rfcn.model import resnet

NET = "rfcn-tiny"


@pytest.fixture
def model():
    torch.manual_seed(1)
    return RFCN(NET).eval()


def backbone(model):
    """Everything that a batch-norm follows, with the batch-norms."""
    return {
        f"{name}.{field}": value.clone()
        for name, convolution in model.convolutions.items()
        if convolution.norm is not None
        for field, value in convolution.state_dict().items()
        if "num_batches" not in field
    }


def expected(net, state):
    """What a torchvision state dict is by the names of the layers."""
    found = {}
    for key, value in state.items():
        name, field = key.rsplit(".", 1)
        if name == "fc" or field == "num_batches_tracked":
            continue
        rest = resnet.caffe_name(net, name)
        own = "conv1" if rest == "_conv1" else f"res{rest}"
        found[f"{own}.{field}" if value.ndim == 4 else f"{own}.norm.{field}"] = value
    return found


def assert_same(found, wanted, **tolerance):
    assert found.keys() - {"conv1.bias"} == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, **tolerance, msg=lambda m, n=name: n + m)


@pytest.mark.parametrize("net", [NET, "rfcn-resnet50", "rfcn-resnet101"])
@pytest.mark.parametrize("classifier", [True, False])
def test_torchvision(net, classifier, tmp_path):
    state = resnet.random_state(net, classifier=classifier)
    torch.save(state, tmp_path / "resnet.pth")
    model = RFCN(net)
    loaded = load_backbone(model, tmp_path / "resnet.pth", bgr=True)
    assert_same(backbone(model), expected(net, state), rtol=0, atol=0)
    assert loaded.style == "torchvision"
    assert loaded.layers + loaded.untouched == tuple(model.convolutions)
    assert loaded.untouched == (
        "rpn_conv/3x3", "rpn_cls_score", "rpn_bbox_pred", "conv_new_1", "rfcn_cls", "rfcn_bbox",
    )  # fmt: skip
    assert any("stride on the 3x3" in note for note in loaded.notes)
    assert net != "rfcn-resnet50" or not model.conv1.bias.any()


def test_torchvisions_pixels(model, tmp_path):
    """The converted conv1 sees in blue, green, red what the original sees in red, green, blue."""
    state = resnet.random_state(NET)
    torch.save(state, tmp_path / "resnet.pth")
    load_backbone(model, tmp_path / "resnet.pth")
    rgb = torch.randint(0, 256, (1, 3, 40, 40), generator=torch.Generator().manual_seed(2)).float()
    means = torch.tensor(model.network.pixel_means)[:, None, None]
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        own = model(rgb.flip(1) - means, maps=["conv1"])["conv1"]
        x = torch.nn.functional.conv2d(
            (rgb / 255 - mean) / std, state["conv1.weight"], stride=2, padding=2
        )
        x = torch.nn.functional.batch_norm(
            x, state["bn1.running_mean"], state["bn1.running_var"], state["bn1.weight"],
            state["bn1.bias"],
        ).relu()  # fmt: skip
    # The border differs: what is padded there is another grey.
    torch.testing.assert_close(own[..., 1:-1, 1:-1], x[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("net", [NET, "rfcn-resnet50", "rfcn-resnet101"])
@pytest.mark.parametrize("factor", [None, 999.982])
def test_caffe(net, factor, tmp_path):
    state = resnet.random_state(net)
    np.savez(tmp_path / "resnet.npz", **resnet.caffe_state(net, state, factor=factor))
    model = RFCN(net)
    loaded = load_backbone(model, tmp_path / "resnet.npz")
    assert_same(backbone(model), expected(net, state), rtol=1e-6, atol=1e-6)
    assert loaded.style == "Caffe"
    assert not loaded.notes
    assert "rpn_conv/3x3" in loaded.untouched


WORDS = {
    "bn": {"0": "moving_mean", "1": "moving_var", "2": "scale_factor"},
    "scale": {"0": "gamma", "1": "beta"},
    "res": {"0": "weight"},
    "conv1": {"0": "weight", "1": "bias"},
}


@pytest.mark.parametrize("separator", [".", "/", "_"])
def test_caffe_spelled_otherwise(separator, model, tmp_path):
    state = resnet.random_state(NET, classifier=False)
    blobs = {}
    for name, value in resnet.caffe_state(NET, state, factor=2.0).items():
        layer, number = name.rsplit(".", 1)
        kind = next(kind for kind in WORDS if layer.startswith(kind))
        # Vectors as in Caffe's old files.
        value = torch.from_numpy(value if value.ndim == 4 else value.reshape(1, 1, 1, -1))
        blobs[f"{layer}{separator}{WORDS[kind][number]}"] = value
    blobs["res3a_branch2a"] = blobs.pop(f"res3a_branch2a{separator}weight")
    torch.save(blobs, tmp_path / "resnet.pt")
    load_backbone(model, tmp_path / "resnet.pt")
    assert_same(backbone(model), expected(NET, state), rtol=1e-6, atol=1e-6)


def test_a_whole_py_rfcn(model, tmp_path):
    """The layers behind the backbone are loaded too; box maps go to the network's units."""
    blobs = resnet.caffe_state(NET, resnet.random_state(NET))
    heads = [c for c in model.convolutions.values() if c.norm is None]
    for number, head in enumerate(heads):
        blobs[f"{head.layer.name}.0"] = np.full(head.weight.shape, 1 + number, np.float32)
        blobs[f"{head.layer.name}.1"] = np.full(head.bias.shape, 0.5, np.float32)
    np.savez(tmp_path / "rfcn.npz", **blobs)
    loaded = load_backbone(model, tmp_path / "rfcn.npz")
    assert loaded.untouched == ()
    assert any("box maps" in note for note in loaded.notes)
    for number, head in enumerate(heads[:-1]):
        assert (head.weight == 1 + number).all()
        assert (head.bias == 0.5).all()
    # Nine bins each of dx, dy, dw, dh, twice.
    units = torch.tensor([0.1, 0.1, 0.2, 0.2]).repeat(2).repeat_interleave(9)
    torch.testing.assert_close(model.rfcn_bbox.weight[:, 0, 0, 0].detach(), 6 / units)
    torch.testing.assert_close(model.rfcn_bbox.bias.detach(), 0.5 / units)


def test_our_own(model, tmp_path):
    torch.manual_seed(3)
    other = RFCN(NET)
    torch.save({"model": other.state_dict()}, tmp_path / "own.pt")
    loaded = load_backbone(model, tmp_path / "own.pt")
    assert loaded.style == "Zeroshift"
    assert (loaded.untouched, loaded.notes) == ((), ())
    for name, value in other.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    torch.save(backbone(other), tmp_path / "backbone.pt")
    assert "rfcn_cls" in load_backbone(model, tmp_path / "backbone.pt").untouched


def with_(**changes):
    def change(state):
        return state | {name.replace("__", "."): value for name, value in changes.items()}

    return change


def without(*names):
    return lambda state: {name: value for name, value in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("layer2.0.bn3.running_var"), r"lacks layer2\.0\.bn3\.running_var, which rfcn"),
        (without("conv1.weight", "bn1.bias"), r"lacks conv1\.weight and 1 more"),
        (with_(layer2__2__conv1__weight=torch.ones(1)), r"holds layer2\.2\.conv1\.weight, for whi"),
        (with_(a=torch.ones(1), b=torch.ones(1)), "holds a and 1 more, for which rfcn-tiny has no"),
        (with_(layer1__0__conv2__weight=torch.ones(24, 24, 1, 1)),
         r"layer1\.0\.conv2\.weight in .* \(24, 24, 1, 1\), but res2a_branch2b\.weight .* 3, 3\)"),
        (with_(bn1__bias=torch.full((32,), torch.nan)), r"bn1\.bias in .* no numbers"),
        (without("layer1.0.conv1.weight"), "holds no ResNet: none of its .* called layer1.0.conv1"),
        (lambda _: resnet.random_state("rfcn-resnet50"), "lacks|holds|has shape"),
    ],
)  # fmt: skip
def test_mistakes_are_told_and_change_nothing(change, message, model, tmp_path):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save(change(resnet.random_state(NET)), tmp_path / "resnet.pth")
    with pytest.raises(StateDictError, match=message):
        load_backbone(model, tmp_path / "resnet.pth")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_another_resnet(tmp_path):
    torch.save(resnet.random_state("rfcn-resnet101"), tmp_path / "resnet.pth")
    with pytest.raises(StateDictError, match=r"holds layer3\.6\.conv1\.weight and \d+ more.*anoth"):
        load_backbone(RFCN("rfcn-resnet50"), tmp_path / "resnet.pth")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (without("bn3a_branch2a.1"), StateDictError, r"lacks bn3a_branch2a\.variance, which rfcn"),
        (without("scale_conv1.0"), StateDictError, r"lacks scale_conv1\.weight"),
        (with_(bn3a_branch2a__2=np.zeros(1)), CaffeError, r"bn3a_branch2a\.2 in .* is 0"),
        (with_(rfcn_cls__0=np.zeros((63, 96, 1, 1))), StateDictError, r"lacks rfcn_cls\.bias"),
    ],
)
def test_mistakes_in_caffes_files(change, error, message, model, tmp_path):
    blobs = change(resnet.caffe_state(NET, resnet.random_state(NET), factor=2.0))
    np.savez(tmp_path / "resnet.npz", **blobs)
    with pytest.raises(error, match=message):
        load_backbone(model, tmp_path / "resnet.npz")

"""The layer tables against counts and totals of the networks, and layers written out by hand."""

from collections import Counter
from dataclasses import replace

import pytest

from rfcn import NETWORKS, NetworkError, find_layer, layer_table

RESNETS = ("rfcn-resnet50", "rfcn-resnet101")

# Convolutions, GMAC and million weights, for images of 600x800 and of 600x1000 pixels.
TOTALS = [
    ("rfcn-resnet50", 600, 800, 59, 74.217, 31.753),
    ("rfcn-resnet101", 600, 800, 110, 110.203, 50.693),
    ("rfcn-resnet50", 600, 1000, 59, 93.348, 31.753),
    ("rfcn-resnet101", 600, 1000, 110, 138.690, 50.693),
]


@pytest.mark.parametrize(("net", "height", "width", "count", "gmac", "weights"), TOTALS)
def test_totals(net, height, width, count, gmac, weights):
    table = layer_table(net, height, width)
    assert len(table) == len({layer.name for layer in table}) == count
    assert round(sum(layer.shape.macs for layer in table) / 1e9, 3) == gmac
    assert round(sum(layer.shape.weights for layer in table) / 1e6, 3) == weights


# name: cin, cout, kernel, stride, dilation, padding, input and output size at 600x800
LAYERS = {
    "conv1": (3, 64, 7, 2, 1, 3, (600, 800), (300, 400)),
    "res2a_branch1": (64, 256, 1, 1, 1, 0, (150, 200), (150, 200)),
    "res2a_branch2a": (64, 64, 1, 1, 1, 0, (150, 200), (150, 200)),
    "res2c_branch2b": (64, 64, 3, 1, 1, 1, (150, 200), (150, 200)),
    "res3a_branch1": (256, 512, 1, 2, 1, 0, (150, 200), (75, 100)),
    "res3a_branch2a": (256, 128, 1, 2, 1, 0, (150, 200), (75, 100)),
    "res3a_branch2b": (128, 128, 3, 1, 1, 1, (75, 100), (75, 100)),
    "res4a_branch2a": (512, 256, 1, 2, 1, 0, (75, 100), (38, 50)),
    "res4a_branch2c": (256, 1024, 1, 1, 1, 0, (38, 50), (38, 50)),
    "res5a_branch1": (1024, 2048, 1, 1, 1, 0, (38, 50), (38, 50)),
    "res5a_branch2a": (1024, 512, 1, 1, 1, 0, (38, 50), (38, 50)),
    "res5c_branch2b": (512, 512, 3, 1, 2, 2, (38, 50), (38, 50)),
    "rpn_conv/3x3": (1024, 512, 3, 1, 1, 1, (38, 50), (38, 50)),
    "rpn_cls_score": (512, 18, 1, 1, 1, 0, (38, 50), (38, 50)),
    "rpn_bbox_pred": (512, 36, 1, 1, 1, 0, (38, 50), (38, 50)),
    "conv_new_1": (2048, 1024, 1, 1, 1, 0, (38, 50), (38, 50)),
    "rfcn_cls": (1024, 1029, 1, 1, 1, 0, (38, 50), (38, 50)),
    "rfcn_bbox": (1024, 392, 1, 1, 1, 0, (38, 50), (38, 50)),
}


@pytest.mark.parametrize("net", RESNETS)
@pytest.mark.parametrize("name", LAYERS)
def test_shapes(net, name):
    shape = find_layer(net, name).shape
    assert LAYERS[name] == (
        shape.cin,
        shape.cout,
        shape.kernel[0],
        shape.stride[0],
        shape.dilation[0],
        shape.padding[0],
        (shape.height, shape.width),
        (shape.out_height, shape.out_width),
    )
    for pair in (shape.kernel, shape.stride, shape.dilation, shape.padding):
        assert pair[0] == pair[1]


def test_block_names():
    def blocks(net):
        names = [layer.name.split("_")[0] for layer in layer_table(net)]
        return list(dict.fromkeys(name for name in names if name.startswith("res")))

    assert " ".join(blocks("rfcn-resnet50")) == (
        "res2a res2b res2c res3a res3b res3c res3d "
        "res4a res4b res4c res4d res4e res4f res5a res5b res5c"
    )
    assert " ".join(blocks("rfcn-resnet101")) == (
        "res2a res2b res2c res3a res3b1 res3b2 res3b3 res4a "
        "res4b1 res4b2 res4b3 res4b4 res4b5 res4b6 res4b7 res4b8 res4b9 res4b10 res4b11 res4b12 "
        "res4b13 res4b14 res4b15 res4b16 res4b17 res4b18 res4b19 res4b20 res4b21 res4b22 "
        "res5a res5b res5c"
    )


@pytest.mark.parametrize("net", RESNETS)
def test_stages(net):
    stages = Counter(layer.stage for layer in layer_table(net))
    depth = {"res3": 13, "res4": 19} if net == "rfcn-resnet50" else {"res3": 13, "res4": 70}
    assert stages == {"conv1": 1, "res2": 10, "res5": 10, "rpn": 3, "rfcn": 3, **depth}


@pytest.mark.parametrize("net", NETWORKS)
def test_what_follows_each_convolution(net):
    for layer in layer_table(net):
        backbone = layer.stage not in ("rpn", "rfcn")
        assert layer.batch_norm == backbone
        assert layer.bias == (not backbone or (net, layer.name) == ("rfcn-resnet50", "conv1"))
        linear = layer.name.endswith(("branch1", "cls_score", "bbox_pred", "_cls", "_bbox"))
        assert layer.relu == (not linear) == (not layer.signed_output)
        assert layer.signed_input == (layer.name == "conv1")
        assert (layer.residual is not None) == layer.name.endswith("branch2c")


@pytest.mark.parametrize("net", NETWORKS)
@pytest.mark.parametrize(("height", "width"), [(600, 800), (375, 501), (3, 3)])
def test_the_graph_is_connected(net, height, width):
    """Each input and each residual has the channels and size of what it is named after."""
    conv1 = find_layer(net, "conv1", height, width).shape
    pooled = [1 + -(-(size - 3) // 2) for size in (conv1.out_height, conv1.out_width)]
    maps = {"data": (3, height, width), "pool1": (conv1.cout, *pooled)}
    for layer in layer_table(net, height, width):
        shape = layer.shape
        assert maps[layer.source] == (shape.cin, shape.height, shape.width)
        output = shape.cout, shape.out_height, shape.out_width
        assert layer.residual is None or maps[layer.residual] == output
        maps[layer.name] = output
        if layer.residual:
            maps[layer.name.removesuffix("_branch2c")] = output


@pytest.mark.parametrize(("net", "top"), [("rfcn-resnet50", "f"), ("rfcn-resnet101", "b22")])
def test_sources(net, top):
    def wires(name):
        layer = find_layer(net, name)
        return layer.source, layer.residual

    assert wires("res2a_branch2a") == ("pool1", None)
    assert wires("res2a_branch2c") == ("res2a_branch2b", "res2a_branch1")
    assert wires("res2b_branch2c") == ("res2b_branch2b", "res2a")
    assert wires("res5a_branch1") == wires("rpn_conv/3x3") == ("res4" + top, None)
    assert wires("rpn_bbox_pred") == ("rpn_conv/3x3", None)
    assert wires("conv_new_1") == ("res5c", None)
    assert wires("rfcn_bbox") == ("conv_new_1", None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layer_table("rfcn-resnet18"), "choose one of rfcn-resnet50, rfcn-resnet101"),
        (lambda: layer_table("rfcn-resnet50", 600, 2), "600x2 pixels.* at least 3x3"),
        (lambda: find_layer("rfcn-resnet50", "rpn_conv"), "'rpn_conv': did you mean rpn_conv/3x3"),
        (lambda: find_layer("rfcn-resnet50", "res4b22_branch2a"), "did you mean res4b_branch2a"),
        (lambda: find_layer("rfcn-resnet101", "fc1000"), "110 layers go from conv1, .* rfcn_bbox"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(NetworkError, match=message):
        call()


def test_a_block_that_halves_the_map_projects_its_residual(monkeypatch):
    """Even where the channels stay."""
    narrow = NETWORKS["rfcn-tiny"]
    stages = (narrow.stages[0], replace(narrow.stages[1], inner=24, stride=2), *narrow.stages[2:])
    monkeypatch.setitem(NETWORKS, "narrow", replace(narrow, stages=stages))
    branch1 = find_layer("narrow", "res3a_branch1").shape
    assert branch1.input_shape == (96, 32, 32)
    assert branch1.output_shape == find_layer("narrow", "res3a_branch2c").shape.output_shape
    assert branch1.output_shape == (96, 16, 16)

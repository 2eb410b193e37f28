"""The layer that a command's options choose."""

import pytest

from cli.layers import select_layer


@pytest.mark.parametrize(
    ("net", "size"), [("rfcn-tiny", (128, 128)), ("rfcn-resnet50", (600, 800))]
)
def test_a_command_takes_the_networks_usual_image(net, size):
    setting = {"net": net, "layer": "conv1", "own": {}, "crop": None}
    shape = select_layer(image=None, signed_input=None, signed_output=None, **setting).shape
    assert (shape.height, shape.width) == size
    shape = select_layer(image="48x64", signed_input=None, signed_output=None, **setting).shape
    assert (shape.height, shape.width) == (48, 64)

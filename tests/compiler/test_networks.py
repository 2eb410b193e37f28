"""Every convolution of an integer network fits the arrays."""

import dataclasses

import numpy as np
import pytest

from compiler import compile_layer
from compiler.compile import decompile_weights
from params import preset
from rfcn.synthetic import synthetic_network

# The tiny array with memories for 3x3 filters of 192 channels.
TINY = dataclasses.replace(
    preset("tiny"), name="tiny-deep", depth=1024, mask_depth=128, code_depth=512
)


@pytest.mark.parametrize("config", [TINY, preset("ulx3s")], ids=lambda config: config.name)
@pytest.mark.parametrize("bits", [2, 4])
def test_the_tiny_network_compiles(config, bits):
    network = synthetic_network("rfcn-tiny", bits=bits)
    for node in network.nodes:
        if node.op == "convolution":
            program = compile_layer(node.layer, config)
            np.testing.assert_array_equal(decompile_weights(program), node.layer.terms)


@pytest.mark.parametrize("bits", [5, 6])
def test_the_tiny_network_compiles_for_many_levels(bits):
    network = synthetic_network("rfcn-tiny", bits=bits)
    for node in network.nodes:
        if node.op == "convolution":
            compile_layer(node.layer, preset("ulx3s-dense"))

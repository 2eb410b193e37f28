"""Integer networks of R-FCN with synthetic weights, whole, against loops on some outputs."""

import numpy as np
import pytest

from golden.network import INPUT
from rfcn import NetworkError, layer_table
from rfcn.dataflow import dataflow
from rfcn.synthetic import synthetic_network
from tests.golden.networks import naive_output


def check_samples(network, samples, seed=0):
    """Compare `samples` outputs of every map with the loops, on the network's own maps."""
    rng = np.random.default_rng(seed)
    form = network.input.format
    image = rng.integers(form.low, form.high, network.input.shape, endpoint=True)
    maps = network.run(image, keep=network.maps)
    for node in network.nodes:
        got = maps[node.name]
        assert len(np.unique(got)) > 2, node.name
        channels, height, width = got.shape
        # The corners, where padding matters, and places between them.
        places = [(0, 0, 0), (channels - 1, height - 1, width - 1)]
        places += [tuple(int(rng.integers(n)) for n in got.shape) for _ in range(samples)]
        for at in places:
            assert got[at] == naive_output(node, maps, *at), (node.name, at)


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_the_tiny_network_equals_the_loops(bits):
    check_samples(synthetic_network("rfcn-tiny", 40, 56, bits=bits), 6)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 6])
def test_resnet_50_at_full_size_equals_the_loops(bits):
    network = synthetic_network("rfcn-resnet50", 600, 800, bits=bits)
    assert network.macs == sum(layer.shape.macs for layer in layer_table("rfcn-resnet50", 600, 800))
    check_samples(network, 4)


def test_every_map_has_its_source():
    for net in ("rfcn-resnet50", "rfcn-resnet101", "rfcn-tiny"):
        table = layer_table(net)
        known, sizes = {INPUT}, {layer.name: layer.shape.output_shape for layer in table}
        steps = dataflow(table)
        assert [step.name for step in steps if step.layer] == [layer.name for layer in table]
        assert [step.source for step in steps if step.layer is None] == ["conv1"]
        for step in steps:
            assert step.source in known
            assert step.residual in {None, *known}
            if step.residual:
                assert sizes[step.residual] == sizes[step.name]
            known.add(step.name)


def test_mistakes_are_told():
    with pytest.raises(NetworkError, match="no network"):
        synthetic_network("vgg")
    with pytest.raises(NetworkError, match="at least 3x3"):
        synthetic_network("rfcn-tiny", 2, 2)

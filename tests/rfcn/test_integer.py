"""Detection with integer networks."""

import dataclasses

import numpy as np
import pytest

from golden.network import IntegerNetwork
from rfcn import NetworkError
from rfcn.boxes.detections import detect
from rfcn.data.images import prepare
from rfcn.integer import IntegerDetector
from rfcn.networks import find_network
from rfcn.synthetic import synthetic_network


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    return synthetic_network("rfcn-tiny")


def scaled(network, scale):
    """Random weights make huge scores in steps of 1: bring the outputs down to likely sizes."""
    nodes = tuple(
        dataclasses.replace(node, scale=scale) if node.name in network.outputs else node
        for node in network.nodes
    )
    return dataclasses.replace(network, nodes=nodes)


@pytest.mark.parametrize("size", [(128, 128), (64, 96)])
def test_detections_are_those_of_the_maps(network, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    network = scaled(network, 2.0**-7)
    found = IntegerDetector(network).detect(image, threshold=0.1)
    description = find_network("rfcn-tiny")
    pixels, scale = prepare(image, description)
    height, width = pixels.shape[1:]
    integers = network.resized(height, width).run(np.floor(pixels + 0.5).astype(np.int64))
    maps = {name: values * np.float32(2.0**-7) for name, values in integers.items()}
    wanted = detect(maps, (height, width), description, scale=scale, threshold=0.1)
    assert len(found) == len(wanted) > 0
    np.testing.assert_allclose(found.boxes, wanted.boxes, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert (found.scores > 0.1).all()


def test_networks_that_are_no_r_fcn(network):
    with pytest.raises(NetworkError, match="no network is called 'other'"):
        IntegerDetector(dataclasses.replace(network, net="other"))
    with pytest.raises(NetworkError, match="rfcn_bbox is missing"):
        IntegerDetector(dataclasses.replace(network, nodes=network.nodes[:-1]))
    with pytest.raises(NetworkError, match="conv1 has shape"):
        IntegerDetector(dataclasses.replace(network, net="rfcn-resnet50"))
    renamed = dataclasses.replace(network.nodes[-1], name="more")
    with pytest.raises(NetworkError, match="more is too much"):
        IntegerDetector(dataclasses.replace(network, nodes=(*network.nodes, renamed)))

"""The networks' settings, which are those of py-R-FCN, and the tiny network's."""

import pytest

from rfcn import NETWORKS, NetworkError, find_layer, find_network, layer_table


def test_settings_of_py_rfcn():
    for net in ("rfcn-resnet50", "rfcn-resnet101"):
        network = find_network(net)
        assert network.name == net
        assert (network.classes, network.class_names[0], network.class_names[14]) == (
            21, "aeroplane", "person",
        )  # fmt: skip
        assert (network.anchors, network.bins, network.feature_stride) == (9, 7, 16)
        assert (network.shorter_side, network.longer_side) == (600, 1000)
        assert [round(mean, 2) for mean in network.pixel_means] == [102.98, 115.95, 122.77]
        assert (network.proposals_before_nms, network.proposals_after_nms) == (6000, 300)
        assert network.smallest_proposal == 16
        assert network.box_stds == (0.1, 0.1, 0.2, 0.2)
        assert network.frozen_batch_norm
        assert network.frozen_stages == ("conv1", "res2")


def test_the_tiny_network():
    network = find_network("rfcn-tiny")
    assert (network.classes, network.anchors, network.bins, network.feature_stride) == (7, 9, 3, 4)
    table = layer_table("rfcn-tiny")
    assert len(table) == 21
    assert sum(layer.shape.weights for layer in table) == 113_344
    assert (table[0].shape.height, table[0].shape.width) == (128, 128)
    shapes = {layer.name: layer.shape for layer in table}
    assert shapes["res2a_branch2b"].output_shape == (24, 32, 32)
    assert shapes["res5a_branch2b"].dilation == shapes["res5a_branch2b"].padding == (2, 2)
    assert shapes["rpn_cls_score"].output_shape == (18, 32, 32)
    assert shapes["rpn_bbox_pred"].output_shape == (36, 32, 32)
    assert shapes["rfcn_cls"].output_shape == (3 * 3 * 7, 32, 32)
    assert shapes["rfcn_bbox"].output_shape == (3 * 3 * 8, 32, 32)
    # Its pixels are signed 8-bit integers as they are.
    assert {0 - mean for mean in network.pixel_means} == {-128}


@pytest.mark.parametrize("net", NETWORKS)
def test_names_of_maps(net):
    """Each map is read by a name that one layer before gives, and the last of a block gives two."""
    known = {"data", "pool1"}
    for layer in layer_table(net):
        assert {layer.source, layer.residual} - {None} <= known
        assert len(layer.names) == 1 + layer.name.endswith("branch2c")
        assert not known & set(layer.names)
        known |= set(layer.names)
    assert find_layer(net, "res2a_branch2c").names == ("res2a_branch2c", "res2a")


def test_an_unknown_network_is_told():
    with pytest.raises(NetworkError, match=r"'tiny'; choose .* rfcn-resnet101, rfcn-tiny"):
        find_network("tiny")

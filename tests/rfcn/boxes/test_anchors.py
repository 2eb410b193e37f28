"""Anchors against those of py-faster-rcnn, and where they lie."""

from dataclasses import replace

import numpy as np
import pytest

from rfcn.boxes.anchors import anchor_grid, base_anchors
from rfcn.networks import NETWORKS

# As the header of py-faster-rcnn's generate_anchors.py lists them, there for Matlab (from 1).
PY_FASTER_RCNN = (
    (-83, -39, 100, 56), (-175, -87, 192, 104), (-359, -183, 376, 200),
    (-55, -55, 72, 72), (-119, -119, 136, 136), (-247, -247, 264, 264),
    (-35, -79, 52, 96), (-79, -167, 96, 184), (-167, -343, 184, 360),
)  # fmt: skip


@pytest.mark.parametrize("net", ["rfcn-resnet50", "rfcn-resnet101"])
def test_the_nine_anchors(net):
    anchors = base_anchors(NETWORKS[net])
    assert anchors.dtype == np.float32
    np.testing.assert_array_equal(anchors, np.array(PY_FASTER_RCNN) - 1)


def test_anchors_of_the_tiny_network():
    # Sides at scale 1: 11x6, 8x8, 6x12; around (3.5, 3.5).
    anchors = base_anchors(NETWORKS["rfcn-tiny"])
    sides = anchors[:, 2:] - anchors[:, :2] + 1
    expected = [(w * s, h * s) for w, h in ((11, 6), (8, 8), (6, 12)) for s in (3, 5, 8)]
    np.testing.assert_array_equal(sides, expected)
    np.testing.assert_array_equal(anchors[:, :2] + anchors[:, 2:], np.full((9, 2), 7))


def test_the_grid_runs_along_x_first():
    network = NETWORKS["rfcn-resnet50"]
    grid = anchor_grid(network, 3, 5)
    assert grid.shape == (3 * 5 * 9, 4)
    base = base_anchors(network)
    for y in range(3):
        for x in range(5):
            for a in range(9):
                shift = np.array([16 * x, 16 * y, 16 * x, 16 * y])
                np.testing.assert_array_equal(grid[(y * 5 + x) * 9 + a], base[a] + shift)


def test_one_anchor():
    network = replace(NETWORKS["rfcn-tiny"], anchor_scales=(2,), anchor_ratios=(1.0,))
    assert network.anchors == 1
    np.testing.assert_array_equal(anchor_grid(network, 1, 2), [[-4, -4, 11, 11], [0, -4, 15, 11]])

"""Position-sensitive pooling against its definition, and cases worked out by hand."""

import numpy as np
import pytest

from rfcn.boxes.boxes import BoxError
from rfcn.boxes.psroi import psroi_pool, vote
from tests.rfcn.boxes import naive
from tests.rfcn.boxes.test_boxes import random_boxes

ODD = [
    (0, 0, 0, 0),
    (5, 5, 5, 5),
    (15, 15, 16, 16),
    (-0.5, -0.49, 40.5, 41.49),
    (-30, -30, -20, -20),
    (300, 300, 400, 400),
    (-50, 20, 500, 21),
    (20, 20, 10, 10),
    (0, 0, 127, 127),
]
"""Regions of one pixel, at halves, partly or wholly outside, and upside down."""


@pytest.mark.parametrize(
    ("bins", "stride", "size"),
    [(7, 16, (9, 12)), (3, 8, (16, 15)), (1, 16, (2, 3)), (2, 1, (8, 8))],
)
def test_equals_its_twin(bins, stride, size):
    rng = np.random.default_rng(bins)
    maps = rng.normal(size=(2 * bins**2, *size)).astype(np.float32)
    rois = np.concatenate([random_boxes(rng, 30, size[0] * stride), np.array(ODD, np.float32)])
    pooled = psroi_pool(maps, rois, bins, stride)
    assert pooled.dtype == np.float32
    expected = [naive.pool(maps, roi, bins, stride) for roi in rois]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6, atol=1e-6)


def test_by_hand():
    # Bin (by, bx) reads channel 2 by + bx. The region covers the map's columns 1..2, rows 0..3.
    maps = np.arange(4 * 4 * 4, dtype=np.float64).reshape(4, 4, 4)
    pooled = psroi_pool(maps, np.array([[8.0, 0, 23, 31]]), 2, 8)
    expected = [
        [np.mean(maps[0, 0:2, 1]), np.mean(maps[1, 0:2, 2])],
        [np.mean(maps[2, 2:4, 1]), np.mean(maps[3, 2:4, 2])],
    ]
    np.testing.assert_array_equal(pooled, [[expected]])
    np.testing.assert_array_equal(vote(pooled), [[np.mean(expected)]])


def test_seven_equal_bins_touch_no_further_pixel():
    # In single precision 7 * (42 / 7) / 16 can come out above 42 / 16; here it is exact.
    maps = np.zeros((49, 64, 64))
    maps[:, 7:] = 1
    assert not psroi_pool(maps, np.array([[0, 0, 111, 111]]), 7, 16).any()


def test_no_regions():
    assert psroi_pool(np.zeros((18, 4, 4)), np.zeros((0, 4)), 3, 8).shape == (0, 2, 3, 3)


def test_mistakes_are_told():
    with pytest.raises(BoxError, match="10 channels do not divide into 3x3 bins"):
        psroi_pool(np.zeros((10, 4, 4)), np.zeros((1, 4)), 3, 8)
    with pytest.raises(BoxError, match="regions must have shape"):
        psroi_pool(np.zeros((9, 4, 4)), np.zeros((1, 5)), 3, 8)
    with pytest.raises(BoxError, match="regions hold 1 values"):
        psroi_pool(np.zeros((9, 4, 4)), np.array([[0, 0, np.nan, 1]]), 3, 8)

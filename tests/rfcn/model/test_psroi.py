"""Position-sensitive pooling of batches, its gradient, and that it equals the NumPy one."""

import numpy as np
import pytest
import torch

from rfcn.boxes import psroi as host
from rfcn.boxes.boxes import BoxError
from rfcn.model.psroi import psroi_pool, vote
from tests.rfcn.boxes import naive
from tests.rfcn.boxes.test_boxes import random_boxes
from tests.rfcn.boxes.test_psroi import ODD


def random_batch(seed, *, images, bins, size, stride, dtype=torch.float32):
    """Maps (N, 2 * bins * bins, y, x), and regions of all images in random order."""
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.normal(size=(images, 2 * bins**2, *size))).to(dtype)
    boxes = np.concatenate([random_boxes(rng, 20, size[0] * stride), np.array(ODD, np.float32)])
    image = rng.integers(0, images, len(boxes))
    return maps, torch.from_numpy(np.column_stack([image, boxes]).astype(np.float32))


@pytest.mark.parametrize(
    ("images", "bins", "stride", "size"), [(1, 7, 16, (9, 12)), (3, 3, 8, (16, 15))]
)
def test_equals_its_twins(images, bins, stride, size):
    maps, rois = random_batch(1, images=images, bins=bins, size=size, stride=stride)
    pooled = psroi_pool(maps, rois, bins, stride)
    assert pooled.dtype == torch.float32
    for roi, result in zip(rois.numpy(), pooled.numpy(), strict=True):
        own = maps[int(roi[0])].numpy()
        expected = naive.pool(own, roi[1:], bins, stride)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)
        twin = host.psroi_pool(own, roi[None, 1:], bins, stride)[0]
        np.testing.assert_allclose(result, twin, rtol=1e-6, atol=1e-7)
    voted = vote(pooled)
    assert voted.shape == (len(rois), 2)
    np.testing.assert_allclose(voted, host.vote(pooled.numpy()), rtol=1e-5, atol=1e-6)


def test_the_gradient_is_that_of_finite_differences():
    maps, rois = random_batch(2, images=2, bins=2, size=(5, 4), stride=8, dtype=torch.float64)
    maps.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: psroi_pool(x, rois, 2, 8), (maps,))


def test_the_gradient_is_spread_over_the_bins_pixels():
    maps = torch.zeros(1, 4, 4, 4, requires_grad=True)
    # Columns 1..2 and rows 0..3 of the map; each bin is one column wide and two rows high.
    rois = torch.tensor([[0.0, 8, 0, 23, 31]])
    psroi_pool(maps, rois, 2, 8)[0, 0].sum().backward()
    expected = torch.zeros(4, 4, 4)
    expected[0, 0:2, 1] = expected[1, 0:2, 2] = expected[2, 2:4, 1] = expected[3, 2:4, 2] = 0.5
    torch.testing.assert_close(maps.grad, expected[None], rtol=0, atol=0)


def test_half_precision_is_summed_exactly():
    maps, rois = random_batch(3, images=1, bins=3, size=(8, 8), stride=8)
    maps = maps.bfloat16()
    pooled = psroi_pool(maps, rois, 3, 8)
    assert pooled.dtype == torch.bfloat16
    torch.testing.assert_close(pooled, psroi_pool(maps.double(), rois, 3, 8).bfloat16())


def test_no_regions():
    maps = torch.ones(2, 18, 4, 4, requires_grad=True)
    pooled = psroi_pool(maps, torch.zeros(0, 5), 3, 8)
    assert pooled.shape == (0, 2, 3, 3)
    pooled.sum().backward()
    assert maps.grad is not None
    assert not maps.grad.any()


def test_mistakes_are_told():
    with pytest.raises(BoxError, match="10 channels do not divide into 3x3 bins"):
        psroi_pool(torch.zeros(1, 10, 4, 4), torch.zeros(1, 5), 3, 8)
    with pytest.raises(BoxError, match=r"\(R, 5\), image x1 y1 x2 y2, but have \(1, 4\)"):
        psroi_pool(torch.zeros(1, 9, 4, 4), torch.zeros(1, 4), 3, 8)

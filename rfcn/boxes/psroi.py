"""Position-sensitive RoI pooling in NumPy, and the vote over its bins."""

from typing import TypeVar

import numpy as np

from rfcn.boxes.boxes import BoxError, check_boxes

Integers = TypeVar("Integers")
"""An integer array of NumPy, or a tensor of torch: the arithmetic is the same."""


def bin_limits(
    first: Integers, last: Integers, steps: Integers, *, stride: int, size: int
) -> tuple[Integers, Integers]:
    """Where the bins of regions begin and end along one axis of the feature map.

    Source: `psroi_pooling_op.cu` of py-R-FCN, in exact arithmetic: a region from first / stride
    to (last + 1) / stride, at least 0.1 long, is cut into equal bins, and each is widened to
    whole pixels of the map and clipped to it.

    Parameters
    ----------
    first, last : int64 (R,), the first and last pixel of each region in the image.
    steps : 0, 1, ..., bins - 1, int64.
    stride : pixels of the image per pixel of the map.
    size : pixels of the map.

    Returns
    -------
    First pixel of each bin, and the pixel behind its last; int64 (R, bins).
    """
    bins = len(steps)  # pyright: ignore[reportArgumentType]
    # In tenths of an image's pixel, a map's pixel is 10 * stride, and the least length `stride`.
    length = (10 * (last + 1 - first)).clip(min=stride)[:, None]  # pyright: ignore
    # All of it times the number of bins.
    begin = 10 * bins * first[:, None] + steps * length  # pyright: ignore
    pixel = 10 * bins * stride
    low, high = begin // pixel, -(-(begin + length) // pixel)
    return low.clip(0, size), high.clip(0, size)


def psroi_pool(maps: np.ndarray, rois: np.ndarray, bins: int, stride: int) -> np.ndarray:
    """The mean of each bin of each region, in the bin's own channel of the maps.

    Parameters
    ----------
    maps : floats (C * bins * bins, y, x) of one image; channel (c * bins + by) * bins + bx belongs
        to the bin (by, bx) of output channel c.
    rois : regions (R, 4), x1 y1 x2 y2 in pixels of the image; they are rounded, halves away from 0.
    bins : bins along each axis.
    stride : pixels of the image per pixel of the map.

    Returns
    -------
    Of the maps' type, float32 or float64 (R, C, bins, bins); 0 where a bin is empty.

    Raises
    ------
    BoxError : channels that do not divide into bins, or regions that are no boxes.
    """
    channels, height, width = maps.shape
    if channels % bins**2:
        raise BoxError(f"{channels} channels do not divide into {bins}x{bins} bins")
    rois = check_boxes(rois, "regions").astype(np.float64)
    x1, y1, x2, y2 = np.trunc(rois + np.copysign(0.5, rois)).astype(np.int64).T
    steps = np.arange(bins)
    top, bottom = bin_limits(y1, y2, steps, stride=stride, size=height)
    left, right = bin_limits(x1, x2, steps, stride=stride, size=width)
    top, bottom, left, right = top[:, :, None], bottom[:, :, None], left[:, None], right[:, None]

    # Sums over the rectangle from the map's corner: every bin is a combination of four of them.
    sums = np.zeros((bins, bins, height + 1, width + 1, channels // bins**2))
    sums[:, :, 1:, 1:] = maps.reshape(-1, bins, bins, height, width).transpose(1, 2, 3, 4, 0)
    sums = sums.cumsum(axis=2).cumsum(axis=3)
    by, bx = steps[:, None], steps[None, :]
    # Two differences of the same values cancel to exactly 0 where a bin is empty.
    total = (sums[by, bx, bottom, right] - sums[by, bx, top, right]) - (
        sums[by, bx, bottom, left] - sums[by, bx, top, left]
    )
    area = (bottom - top) * (right - left)
    mean = total / np.maximum(area, 1)[..., None]
    return mean.transpose(0, 3, 1, 2).astype(np.result_type(maps, np.float32))


def vote(pooled: np.ndarray) -> np.ndarray:
    """The mean over a region's bins: (R, C, bins, bins) to (R, C)."""
    return pooled.mean(axis=(2, 3))

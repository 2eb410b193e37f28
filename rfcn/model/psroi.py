"""Position-sensitive RoI pooling in torch, with gradients."""

import torch
from torch import Tensor

from rfcn.boxes.boxes import BoxError
from rfcn.boxes.psroi import bin_limits


def psroi_pool(maps: Tensor, rois: Tensor, bins: int, stride: int) -> Tensor:
    """The mean of each bin of each region; `rfcn.boxes.psroi.psroi_pool` for a batch.

    Works on sums over the rectangles from the map's corner, in float64, so that every bin takes
    the same time whatever its size.

    Parameters
    ----------
    maps : floats (N, C * bins * bins, y, x); channel (c * bins + by) * bins + bx belongs to the
        bin (by, bx) of output channel c.
    rois : floats (R, 5): the image's index, then x1 y1 x2 y2 in its pixels. They get no gradient.
    bins : bins along each axis.
    stride : pixels of the image per pixel of the map.

    Returns
    -------
    Of the maps' type (R, C, bins, bins); 0 where a bin is empty.

    Raises
    ------
    BoxError : channels that do not divide into bins, or regions of another shape.
    """
    images, channels, height, width = maps.shape
    if channels % bins**2:
        raise BoxError(f"{channels} channels do not divide into {bins}x{bins} bins")
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise BoxError(
            f"regions must have shape (R, 5), image x1 y1 x2 y2, but have {tuple(rois.shape)}"
        )
    regions = rois.detach().double()
    halves = torch.full_like(regions, 0.5).copysign(regions)
    image, x1, y1, x2, y2 = torch.trunc(regions + halves).long().unbind(1)
    steps = torch.arange(bins, device=maps.device)
    top, bottom = bin_limits(y1, y2, steps, stride=stride, size=height)
    left, right = bin_limits(x1, x2, steps, stride=stride, size=width)
    top, bottom, left, right = top[:, :, None], bottom[:, :, None], left[:, None], right[:, None]

    # (N, y, x, bin y, bin x, C): the channels of one bin of one corner lie side by side.
    sums = maps.double().reshape(images, -1, bins, bins, height, width).permute(0, 4, 5, 2, 3, 1)
    sums = torch.nn.functional.pad(sums.cumsum(1).cumsum(2), (0, 0) * 3 + (1, 0, 1, 0))
    rows = sums.reshape(-1, channels // bins**2)
    position = steps[:, None] * bins + steps

    def corner(y: Tensor, x: Tensor) -> Tensor:
        pixel = (image[:, None, None] * (height + 1) + y) * (width + 1) + x
        index = pixel * bins**2 + position
        return rows.index_select(0, index.flatten()).unflatten(0, index.shape)

    # Two differences of the same values cancel to exactly 0 where a bin is empty.
    total = (corner(bottom, right) - corner(top, right)) - (
        corner(bottom, left) - corner(top, left)
    )
    area = (bottom - top) * (right - left)
    mean = total / area.clip(min=1)[..., None]
    return mean.permute(0, 3, 1, 2).to(maps.dtype)


def vote(pooled: Tensor) -> Tensor:
    """The mean over a region's bins: (R, C, bins, bins) to (R, C)."""
    return pooled.mean((2, 3))

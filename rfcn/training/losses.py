"""The losses of R-FCN.

Sources: py-R-FCN's `train_agnostic_ohem.prototxt` with the Caffe layers it names. Each loss is
taken image by image and averaged over the images, so that a step over several images, on one
device or many, is the average of py-R-FCN's steps over one.
"""

import torch
from torch import Tensor
from torch.nn import functional

from rfcn.training.targets import IGNORED

ANCHOR_SIGMA = 3.0
"""Where the smooth L1 loss of anchors turns from a parabola to a line, at 1 / sigma^2."""

REGION_SIGMA = 1.0
"""The same of regions."""


LOSSES = ("rpn_class", "rpn_box", "class", "box")
"""The parts of the detector's loss: of anchors and of regions, their class and their offsets."""


def smooth_l1(difference: Tensor, sigma: float) -> Tensor:
    """Elementwise (sigma x)^2 / 2 where |x| < 1 / sigma^2, else |x| - 1 / (2 sigma^2)."""
    squared = sigma * sigma
    size = difference.abs()
    return torch.where(size < 1 / squared, 0.5 * squared * size * size, size - 0.5 / squared)


def anchor_losses(
    scores: Tensor, deltas: Tensor, labels: Tensor, offsets: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses of the region proposal network.

    Parameters
    ----------
    scores : (N, 2A, y, x): background of all anchors, then object of all anchors.
    deltas : (N, 4A, y, x): the offsets of the first anchor, then of the next.
    labels : int64 (N, y * x * A): 1, 0 or `IGNORED`.
    offsets : (N, y * x * A, 4).

    Returns
    -------
    The cross-entropy and the smooth L1 loss of the objects' offsets, both over the number of
    anchors that take part.
    """
    images, _, height, width = scores.shape
    scores = scores.float().reshape(images, 2, -1, height, width).permute(0, 1, 3, 4, 2)
    scores = scores.reshape(images, 2, -1)
    deltas = deltas.float().reshape(images, -1, 4, height, width).permute(0, 3, 4, 1, 2)
    deltas = deltas.reshape(images, -1, 4)
    entropy = functional.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="none")
    distance = smooth_l1(deltas - offsets, ANCHOR_SIGMA).sum(dim=2) * (labels == 1)
    taken = (labels != IGNORED).sum(dim=1).clamp(min=1)
    return (entropy.sum(dim=1) / taken).mean(), (distance.sum(dim=1) / taken).mean()


def region_losses(
    scores: Tensor,
    deltas: Tensor,
    labels: Tensor,
    offsets: Tensor,
    images: Tensor,
    *,
    hard: int,
) -> tuple[Tensor, Tensor]:
    """Losses of the regions that are hardest (online hard example mining).

    Parameters
    ----------
    scores : (R, classes).
    deltas : (R, 8): four offsets for background, which nothing is asked of, four for objects.
    labels : int64 (R,).
    offsets : (R, 4).
    images : int64 (R,): the image that each region belongs to, 0 .. N-1, ascending; every image
        has at least one.
    hard : so many regions of an image count, those whose loss is largest.

    Returns
    -------
    The cross-entropy over the regions that count, and the smooth L1 loss of objects' offsets over
    `hard`.
    """
    entropy = functional.cross_entropy(scores.float(), labels, reduction="none")
    distance = smooth_l1(deltas.float()[:, 4:] - offsets, REGION_SIGMA).sum(dim=1) * (labels > 0)
    each = (entropy + distance).detach()
    class_losses, box_losses = [], []
    counts = torch.bincount(images).tolist()
    for part, of_class, of_box in zip(
        each.split(counts), entropy.split(counts), distance.split(counts), strict=True
    ):
        # Stable, so that the same regions count wherever losses are equal.
        chosen = part.argsort(descending=True, stable=True)[:hard]
        class_losses.append(of_class[chosen].mean())
        box_losses.append(of_box[chosen].sum() / hard)
    return torch.stack(class_losses).mean(), torch.stack(box_losses).mean()

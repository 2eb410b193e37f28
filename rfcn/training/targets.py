"""What the detector should say of its anchors and regions, given the objects of an image.

Sources: py-R-FCN's `anchor_target_layer.py` and, as its OHEM configuration has it,
`proposal_target_layer.py`. Boxes are (x1, y1, x2, y2) in pixels of the image as the network sees
it, the last pixel included. Everything here is NumPy.
"""

from dataclasses import dataclass

import numpy as np

from rfcn.boxes.boxes import encode, iou

IGNORED = -1
"""Label of an anchor that takes no part."""

POSITIVE, NEGATIVE = 0.7, 0.3
"""Anchors with at least, and below, this intersection over union are objects and background."""

ANCHOR_BATCH, ANCHOR_FOREGROUND = 256, 0.5
"""Anchors of an image that take part, and the share of them that objects may have."""

OBJECT = 0.5
"""Regions with at least this intersection over union are the object's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnchorTargets:
    """Targets of all anchors of an image.

    Parameters
    ----------
    labels : int64 (K,): 1 object, 0 background, `IGNORED`.
    offsets : float32 (K, 4): from the anchor to its object; 0 where the label is not 1.
    """

    labels: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionTargets:
    """Regions of an image with what they should be classified as.

    Parameters
    ----------
    boxes : float32 (R, 4): the proposals, then the objects' own boxes.
    labels : int64 (R,): 0 background, else the class.
    offsets : float32 (R, 4): from the region to its object in the network's units; 0 for
        background.
    """

    boxes: np.ndarray
    labels: np.ndarray
    offsets: np.ndarray


def anchor_targets(
    anchors: np.ndarray,
    boxes: np.ndarray,
    image_size: tuple[int, int],
    rng: np.random.Generator,
    *,
    batch: int = ANCHOR_BATCH,
) -> AnchorTargets:
    """The anchors that learn from an image, and what.

    Anchors that leave the image take no part. An anchor is an object's where their intersection
    over union is at least `POSITIVE`, or where no anchor has more with that object; it is
    background below `NEGATIVE`. Of those, at most `batch` are drawn, at most half of them objects'.

    Parameters
    ----------
    anchors : (K, 4).
    boxes : (G, 4) of the objects; there may be none.
    image_size : height and width.
    rng : draws the anchors.
    batch : anchors to draw.
    """
    labels = np.full(len(anchors), IGNORED, np.int64)
    offsets = np.zeros((len(anchors), 4), np.float32)
    height, width = image_size
    inside = np.flatnonzero(
        (anchors[:, :2] >= 0).all(axis=1) & (anchors[:, 2] < width) & (anchors[:, 3] < height)
    )
    if not len(inside):
        return AnchorTargets(labels=labels, offsets=offsets)
    if len(boxes):
        overlaps = iou(anchors[inside], boxes)
        most = overlaps.max(axis=1)
        nearest = overlaps.argmax(axis=1)
        # An object beside all anchors has none, not all of them.
        best = overlaps.max(axis=0)
        chosen = ((overlaps == best) & (best > 0)).any(axis=1) | (most >= POSITIVE)
    else:
        most, chosen = np.zeros(len(inside)), np.zeros(len(inside), bool)
    background = (most < NEGATIVE) & ~chosen
    objects = _draw(inside[chosen], int(batch * ANCHOR_FOREGROUND), rng)
    labels[objects] = 1
    labels[_draw(inside[background], batch - len(objects), rng)] = 0
    if len(objects):
        place = np.searchsorted(inside, objects)
        offsets[objects] = encode(anchors[objects], boxes[nearest[place]])
    return AnchorTargets(labels=labels, offsets=offsets)


def region_targets(
    proposals: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    *,
    stds: tuple[float, float, float, float],
) -> RegionTargets:
    """What each proposal, and each object's own box besides, should be classified as.

    All of them take part: hard examples are chosen by their loss.

    Parameters
    ----------
    proposals : (R, 4).
    boxes : (G, 4) of the objects; there may be none.
    labels : (G,) their classes, from 1.
    stds : the offsets' units (dx, dy, dw, dh).
    """
    regions = np.concatenate([proposals, boxes]).astype(np.float32)
    classes = np.zeros(len(regions), np.int64)
    offsets = np.zeros((len(regions), 4), np.float32)
    if len(boxes):
        overlaps = iou(regions, boxes)
        objects = np.flatnonzero(overlaps.max(axis=1) >= OBJECT)
        nearest = overlaps.argmax(axis=1)[objects]
        classes[objects] = np.asarray(labels)[nearest]
        offsets[objects] = encode(regions[objects], boxes[nearest]) / np.array(stds, np.float32)
    return RegionTargets(boxes=regions, labels=classes, offsets=offsets)


def _draw(candidates: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most `count` of the candidates, ascending."""
    if len(candidates) <= count:
        return candidates
    return np.sort(rng.choice(candidates, count, replace=False))

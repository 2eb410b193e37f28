"""Detections: from the network's maps to labelled boxes, all that the host does."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rfcn.boxes.boxes import BoxError, check_finite, clip, decode
from rfcn.boxes.nms import nms as suppress
from rfcn.boxes.proposals import proposals
from rfcn.boxes.psroi import psroi_pool, vote
from rfcn.networks import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """Objects found in an image, best first.

    Parameters
    ----------
    boxes : float32 (D, 4), x1 y1 x2 y2 in pixels.
    scores : float32 (D,), probabilities.
    labels : int64 (D,), 1 is the first of the network's class names.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def detect(
    maps: Mapping[str, np.ndarray],
    image_size: tuple[int, int],
    network: Network,
    *,
    threshold: float = 0.0,
    nms: float = 0.3,
    most: int = 400,
    scale: float = 1.0,
    before_nms: int | None = None,
    after_nms: int | None = None,
) -> Detections:
    """What the maps of one image show: proposals, pooled and voted for, suppressed class by class.

    Source: `fast_rcnn/test.py` of py-R-FCN.

    Parameters
    ----------
    maps : floats (channels, y, x) under `rpn_cls_score`, `rpn_bbox_pred`, `rfcn_cls`, `rfcn_bbox`.
    image_size : (height, width) of the network's input.
    threshold : only what is more probable than this is shown.
    nms : of two boxes of a class that overlap more than this, the worse goes.
    most : detections of an image, at most.
    scale : by which the image was enlarged; detections are in pixels of the image before that.
    before_nms, after_nms : numbers of proposals, see `proposals`.

    Raises
    ------
    BoxError : a map is missing, of another shape, or holds NaN.
    """
    missing = {"rpn_cls_score", "rpn_bbox_pred", "rfcn_cls", "rfcn_bbox"} - maps.keys()
    if missing:
        raise BoxError(f"the map {min(missing)} is missing: detections take all four of them")
    rois, _ = proposals(
        maps["rpn_cls_score"], maps["rpn_bbox_pred"], image_size, network,
        before_nms=before_nms, after_nms=after_nms, scale=scale,
    )  # fmt: skip
    probabilities, boxes = classify(maps["rfcn_cls"], maps["rfcn_bbox"], rois, network, scale=scale)
    boxes = clip(boxes, (image_size[0] / scale, image_size[1] / scale))
    found = []
    for label in range(1, network.classes):
        candidates = np.flatnonzero(probabilities[:, label] > threshold)
        scores = probabilities[candidates, label]
        kept = suppress(boxes[candidates], scores, nms)
        found += [(scores[index], label, candidates[index]) for index in kept]
    found = sorted(found, key=lambda one: -one[0])[:most]
    return Detections(
        boxes=boxes[[index for _, _, index in found]].reshape(-1, 4),
        scores=np.array([score for score, _, _ in found], np.float32),
        labels=np.array([label for _, label, _ in found], np.int64),
    )


def classify(
    class_maps: np.ndarray,
    box_maps: np.ndarray,
    rois: np.ndarray,
    network: Network,
    *,
    scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """What regions hold.

    Parameters
    ----------
    class_maps, box_maps : the maps `rfcn_cls` and `rfcn_bbox` of one image.
    rois : float32 (R, 4), in pixels of the network's input.
    scale : by which the image was enlarged.

    Returns
    -------
    Probabilities of the classes, background first, float32 (R, classes); and the regions moved
    onto what they hold, float32 (R, 4) in pixels of the unscaled image, not clipped.

    Raises
    ------
    BoxError : maps of another network, or NaN in them.
    """
    for name, maps, channels in (
        ("class", class_maps, network.classes),
        ("box", box_maps, 2 * 4),
    ):
        if maps.ndim != 3 or maps.shape[0] != channels * network.bins**2:
            raise BoxError(
                f"{name} maps have shape {maps.shape}, but {network.name} has "
                f"{channels * network.bins**2} of them"
            )
        check_finite(maps, f"the {name} maps")
    setting = {"bins": network.bins, "stride": network.feature_stride}
    scores = vote(psroi_pool(class_maps, rois, **setting))
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    # The background's offsets come first; nothing reads them.
    offsets = vote(psroi_pool(box_maps, rois, **setting))[:, 4:]
    boxes = decode(rois / np.float32(scale), offsets * np.array(network.box_stds, offsets.dtype))
    return probabilities.astype(np.float32), boxes.astype(np.float32)

"""Proposals: the regions that the region proposal network believes to hold an object."""

import numpy as np

from rfcn.boxes.anchors import anchor_grid
from rfcn.boxes.boxes import BoxError, check_finite, clip, decode, widths_heights
from rfcn.boxes.nms import nms as suppress
from rfcn.networks import Network


def proposals(
    scores: np.ndarray,
    deltas: np.ndarray,
    image_size: tuple[float, float],
    network: Network,
    *,
    before_nms: int | None = None,
    after_nms: int | None = None,
    nms: float = 0.7,
    min_size: float | None = None,
    scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The best regions of one image.

    Anchors are moved by their offsets, clipped to the image, and dropped when too small; the best
    `before_nms` of them go through non-maximum suppression, and the best `after_nms` of what that
    leaves are the result. Source: `rpn/proposal_layer.py` of py-R-FCN.

    Parameters
    ----------
    scores : the map `rpn_cls_score`, floats (2A, y, x): first the background's of the A anchors.
    deltas : the map `rpn_bbox_pred`, floats (4A, y, x): dx, dy, dw, dh of one anchor after another.
    image_size : (height, width) of the network's input.
    before_nms, after_nms : how many; the network's own numbers when None.
    nms : the overlap beyond which the worse of two goes.
    min_size : least width and height in the unscaled image; the network's own when None.
    scale : by which the image was enlarged.

    Returns
    -------
    Regions float32 (R, 4) and their probabilities to be an object, float32 (R,), best first.
    R can be 0.

    Raises
    ------
    BoxError : maps that do not fit each other or the network's anchors, or NaN in them.
    """
    anchors, (height, width) = network.anchors, scores.shape[1:]
    if scores.shape[0] != 2 * anchors or deltas.shape != (4 * anchors, height, width):
        raise BoxError(
            f"scores {scores.shape} and offsets {deltas.shape} are not those of {anchors} anchors"
        )
    check_finite(scores, "the scores of the anchors")
    check_finite(deltas, "the offsets of the anchors")
    # The softmax of two classes, from the difference of their scores; in the order y, x, anchor.
    margin = (scores[anchors:].astype(np.float64) - scores[:anchors]).transpose(1, 2, 0).ravel()
    offsets = deltas.reshape(anchors, 4, height, width).transpose(2, 3, 0, 1).reshape(-1, 4)
    boxes = decode(anchor_grid(network, height, width), offsets.astype(np.float32))
    boxes = clip(boxes, image_size)

    least = scale * (network.smallest_proposal if min_size is None else min_size)
    box_widths, box_heights = widths_heights(boxes)
    large = np.flatnonzero((box_widths >= least) & (box_heights >= least))
    count = network.proposals_before_nms if before_nms is None else before_nms
    best = large[np.argsort(-margin[large], kind="stable")[:count]]
    most = network.proposals_after_nms if after_nms is None else after_nms
    kept = best[suppress(boxes[best], margin[best], nms, most)]
    return boxes[kept], _sigmoid(margin[kept]).astype(np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without an overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)

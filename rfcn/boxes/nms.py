"""Non-maximum suppression."""

import numpy as np

from rfcn.boxes.boxes import BoxError, check_boxes, check_finite, widths_heights


def nms(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, most: int | None = None
) -> np.ndarray:
    """Which boxes to keep: the best, and then each that no kept one overlaps too much.

    Parameters
    ----------
    boxes, scores : floats (N, 4) and (N,).
    threshold : a box goes whose intersection over union with a kept one is larger than this.
    most : stop after so many.

    Returns
    -------
    Indices into `boxes`, int64, best score first; of equal scores the first comes first.

    Raises
    ------
    BoxError : shapes that do not fit, or NaN.
    """
    boxes, scores = check_boxes(boxes), np.asarray(scores)
    if scores.shape != boxes.shape[:1]:
        raise BoxError(f"{len(boxes)} boxes cannot have scores of shape {scores.shape}")
    order = np.argsort(-check_finite(scores, "scores"), kind="stable")
    # One row per coordinate, in order of the scores: contiguous for the loop below.
    x1, y1, x2, y2 = np.ascontiguousarray(boxes[order].T)
    width, height = widths_heights(boxes[order])
    area = np.maximum(width, 0) * np.maximum(height, 0)
    # What remains is packed again and again, so that later rounds have less to do.
    remaining = np.arange(len(boxes))
    kept = []
    while len(remaining) and (most is None or len(kept) < most):
        best, others = remaining[0], remaining[1:]
        kept.append(best)
        overlap_x = np.minimum(x2[others], x2[best]) - np.maximum(x1[others], x1[best]) + 1
        overlap_y = np.minimum(y2[others], y2[best]) - np.maximum(y1[others], y1[best]) + 1
        shared = np.maximum(overlap_x, 0) * np.maximum(overlap_y, 0)
        # shared / union > threshold, without a division by an empty box's union.
        remaining = others[shared <= threshold * (area[others] + area[best] - shared)]
    return order[np.array(kept, np.int64)]

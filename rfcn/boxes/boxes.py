"""Boxes: offsets between them, clipping, and overlap.

Source: `fast_rcnn/bbox_transform.py` and `utils/bbox.pyx` of py-R-FCN. A box of one pixel has
x1 = x2; its width is x2 - x1 + 1 = 1.
"""

import numpy as np

from golden.errors import UserError


class BoxError(UserError):
    """Boxes, scores or offsets cannot be used; the message says why."""


def check_boxes(boxes: object, name: str = "boxes") -> np.ndarray:
    """`boxes` as a float array (N, 4), float32 unless they are float64.

    Raises
    ------
    BoxError : another shape, or a value that is no finite number.
    """
    array = np.asarray(boxes)
    if array.size == 0 and array.ndim <= 2:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise BoxError(f"{name} must have shape (N, 4), x1 y1 x2 y2, but have {array.shape}")
    if array.dtype != np.float64:
        array = array.astype(np.float32)
    return check_finite(array, name)


def check_finite(values: np.ndarray, name: str) -> np.ndarray:
    """`values`, if all of them are finite.

    Raises
    ------
    BoxError : one is NaN or infinite.
    """
    finite = np.isfinite(values)
    if not finite.all():
        raise BoxError(
            f"{name} hold {np.size(finite) - np.count_nonzero(finite)} values that are no finite "
            f"numbers: the network that made them has diverged, or its weights are damaged"
        )
    return values


def widths_heights(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Widths and heights (N,) of boxes (N, 4), in pixels."""
    return boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1


def encode(boxes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Offsets (N, 4) that take `boxes` (N, 4) to `targets` (N, 4): dx, dy, dw, dh.

    dx = (target centre - centre) / width and dw = log(target width / width).

    Raises
    ------
    BoxError : shapes that differ or are none of boxes, NaN, or a box that is empty.
    """
    boxes, targets = check_boxes(boxes), check_boxes(targets, "target boxes")
    if boxes.shape != targets.shape:
        raise BoxError(f"{len(boxes)} boxes cannot be encoded to {len(targets)} targets")
    width, height = widths_heights(boxes)
    target_width, target_height = widths_heights(targets)
    for sizes in (width, height, target_width, target_height):
        if (sizes <= 0).any():
            raise BoxError("an empty box cannot be encoded: x2 < x1 or y2 < y1")
    return np.stack(
        [
            (targets[:, 0] + 0.5 * target_width - boxes[:, 0] - 0.5 * width) / width,
            (targets[:, 1] + 0.5 * target_height - boxes[:, 1] - 0.5 * height) / height,
            np.log(target_width / width),
            np.log(target_height / height),
        ],
        axis=1,
    )


def decode(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The boxes (N, 4) that `offsets` (N, 4) take `boxes` (N, 4) to.

    As in py-R-FCN, a decoded box reaches from centre - width / 2 to centre + width / 2: x2 and y2
    are one pixel beyond those that `encode` was given.

    Raises
    ------
    BoxError : shapes that differ or are none of boxes, or NaN.
    """
    boxes, offsets = check_boxes(boxes), check_boxes(offsets, "box offsets")
    if boxes.shape != offsets.shape:
        raise BoxError(f"{len(boxes)} boxes cannot be decoded with {len(offsets)} offsets")
    width, height = widths_heights(boxes)
    x = boxes[:, 0] + 0.5 * width + offsets[:, 0] * width
    y = boxes[:, 1] + 0.5 * height + offsets[:, 1] * height
    # A size that overflows is infinite, and what is clipped to the image is finite again.
    with np.errstate(over="ignore"):
        half_width = 0.5 * width * np.exp(offsets[:, 2])
        half_height = 0.5 * height * np.exp(offsets[:, 3])
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)


def clip(boxes: np.ndarray, image_size: tuple[float, float]) -> np.ndarray:
    """`boxes` (N, 4) with all corners moved inside an image of (height, width) pixels."""
    height, width = image_size
    limits = np.array([width, height, width, height], boxes.dtype) - 1
    return np.clip(boxes, 0, limits)


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of each of the boxes (N, 4) with each of (M, 4).

    An empty box (x2 < x1 or y2 < y1) overlaps with nothing.
    """
    first, second = check_boxes(first), check_boxes(second)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low + 1, 0)
    shared = sides[..., 0] * sides[..., 1]
    areas = [np.prod(np.maximum(widths_heights(boxes), 0), axis=0) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)

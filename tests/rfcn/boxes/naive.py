"""The definitions of what `rfcn.boxes` computes, one box and one pixel at a time."""

import math
from fractions import Fraction

import numpy as np


def overlap(a, b):
    """Intersection over union of two boxes, counted in pixels."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def suppress(boxes, scores, threshold):
    """Indices that non-maximum suppression keeps."""
    order = sorted(range(len(boxes)), key=lambda index: -scores[index])
    kept = []
    for index in order:
        if all(overlap(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


def move(box, offsets):
    """A box moved by offsets."""
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    x = box[0] + width / 2 + offsets[0] * width
    y = box[1] + height / 2 + offsets[1] * height
    width, height = width * math.exp(offsets[2]), height * math.exp(offsets[3])
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def inside(box, height, width):
    """A box cut to an image."""
    return [
        min(max(value, 0), limit - 1)
        for value, limit in zip(box, (width, height, width, height), strict=True)
    ]


def bin_span(first, last, index, bins, stride, size):
    """Pixels of the map in one bin of a region, along one axis."""
    start, end = Fraction(first, stride), Fraction(last + 1, stride)
    step = max(end - start, Fraction(1, 10)) / bins
    low, high = math.floor(start + index * step), math.ceil(start + (index + 1) * step)
    return range(max(low, 0), min(high, size))


def nearest(value):
    """The nearest integer; halves go away from 0."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def pool(maps, roi, bins, stride):
    """Position-sensitive pooling of one region: (C, bins, bins)."""
    channels, height, width = maps.shape
    out = np.zeros((channels // bins**2, bins, bins))
    x1, y1, x2, y2 = (nearest(float(value)) for value in roi)
    for c, by, bx in np.ndindex(*out.shape):
        rows = bin_span(y1, y2, by, bins, stride, height)
        columns = bin_span(x1, x2, bx, bins, stride, width)
        values = [float(maps[(c * bins + by) * bins + bx, y, x]) for y in rows for x in columns]
        out[c, by, bx] = sum(values) / len(values) if values else 0
    return out


def softmax(scores):
    """Probabilities of scores."""
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(exponentials) for value in exponentials]

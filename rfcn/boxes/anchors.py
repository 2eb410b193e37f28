"""The boxes that the region proposal network starts from."""

import numpy as np

from rfcn.networks import Network


def base_anchors(network: Network) -> np.ndarray:
    """The anchors of the feature map's pixel (0, 0): float32 (A, 4), scales within ratios.

    Source: `rpn/generate_anchors.py` of py-R-FCN, whose sides at scale 1 are rounded to integers.
    """
    base = network.anchor_base
    centre = (base - 1) / 2
    boxes = []
    for ratio in network.anchor_ratios:
        width = np.round(np.sqrt(base * base / ratio))
        height = np.round(width * ratio)
        for scale in network.anchor_scales:
            x, y = (width * scale - 1) / 2, (height * scale - 1) / 2
            boxes.append((centre - x, centre - y, centre + x, centre + y))
    return np.array(boxes, np.float32)


def anchor_grid(network: Network, height: int, width: int) -> np.ndarray:
    """The anchors of a feature map of `height` x `width` pixels: float32 (height * width * A, 4).

    In the order y, x, anchor.
    """
    y, x = np.mgrid[:height, :width].astype(np.float32) * network.feature_stride
    shifts = np.stack([x, y, x, y], axis=-1)
    return (shifts[:, :, None] + base_anchors(network)).reshape(-1, 4)

"""Activations as the raw words of the array's memory and outputs."""

import numpy as np

from golden.float_layer import FloatConv
from golden.layer import IntegerConv
from golden.shape import ShapeError
from params import ArrayConfig


def to_raw(layer: IntegerConv | FloatConv, image: np.ndarray, config: ArrayConfig) -> np.ndarray:
    """The bits of a layer's input activations.

    Parameters
    ----------
    image : (cin, height, width), integers of the layer's format or float32.

    Returns
    -------
    uint8 or uint32 of the same shape.

    Raises
    ------
    ActivationError, FloatLayerError, ShapeError : an image that does not fit the layer.
    """
    if isinstance(layer, FloatConv):
        return layer.check(image).view(np.uint32)
    image = layer.input_format.check(image)
    expected = (layer.shape.cin, layer.shape.height, layer.shape.width)
    if image.shape != expected:
        raise ShapeError(f"the image has shape {image.shape}, but the layer takes {expected}")
    mask = (1 << config.activation_bits) - 1
    return (image.astype(np.int64) & mask).astype(np.uint8)


def from_raw(layer: IntegerConv | FloatConv, raw: np.ndarray, config: ArrayConfig) -> np.ndarray:
    """The output activations of a layer, int64 or float32, from their bits, any integers."""
    if isinstance(layer, FloatConv):
        return raw.astype(np.uint32).view(np.float32)
    if layer.requantization.low >= 0:
        return raw
    sign = 1 << config.activation_bits - 1
    return (raw ^ sign) - sign

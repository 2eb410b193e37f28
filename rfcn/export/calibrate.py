"""The format and step of every map, from what the float network makes of images."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from golden.activations import ActivationFormat
from golden.calibration import CalibrationError, mse_step
from golden.histogram import Histogram
from golden.network import INPUT
from rfcn.layers import NamedLayer
from rfcn.quantized.settings import ActivationSettings

Grid = tuple[ActivationFormat, float]
"""The format of a map and its step."""

Maps = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""A float network: its maps by name, each (channels, y, x), of an image float32 (3, y, x)."""


def map_formats(table: Iterable[NamedLayer], bits: int = 8) -> dict[str, ActivationFormat]:
    """The formats of the image and of every convolution's output: unsigned behind a ReLU.

    Parameters
    ----------
    table : of `rfcn.layers.layer_table`.
    bits : of every map but the image, which has 8: its pixels come in 8 bits.
    """
    formats = {INPUT: ActivationFormat(bits=8, signed=True)}
    for layer in table:
        formats[layer.name] = ActivationFormat(bits=bits, signed=layer.signed_output)
    return formats


def calibrate(
    maps: Maps,
    images: Iterable[np.ndarray],
    formats: Mapping[str, ActivationFormat],
    settings: ActivationSettings,
) -> dict[str, Grid]:
    """The step of every map, with its format.

    Parameters
    ----------
    maps : the network; it gives every map of `formats` but the image.
    images : float32 (3, y, x), mean subtracted, of any sizes.
    formats : by name, see `map_formats`.
    settings : how steps are found; its bits are not looked at.

    Returns
    -------
    By name, in the order of `formats`.

    Raises
    ------
    CalibrationError : no images, or a map that the network does not give.
    HistogramError : a map holds NaN or infinity.
    """
    histograms = {name: Histogram() for name in formats}
    for image in images:
        found = {**maps(image), INPUT: image}
        for name, histogram in histograms.items():
            if name not in found:
                raise CalibrationError(f"the network gives no map {name!r} to calibrate")
            histogram.add(found[name])
    return {
        name: (
            formats[name],
            mse_step(
                histogram, formats[name], power_of_two=settings.power_of_two, method=settings.method
            ),
        )
        for name, histogram in histograms.items()
    }

"""Feature maps of integers: their size, their integer format, and what an integer stands for."""

import math
from dataclasses import dataclass

import numpy as np

from golden.activations import ActivationError, ActivationFormat


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Images of integers q that stand for the real values q * scale.

    Parameters
    ----------
    shape : (channels, height, width).
    format : of the integers.
    scale : real value of one step.

    Raises
    ------
    ActivationError : the scale is not a positive finite number.
    """

    shape: tuple[int, int, int]
    format: ActivationFormat
    scale: float

    def __post_init__(self) -> None:
        if not (isinstance(self.scale, float) and math.isfinite(self.scale) and self.scale > 0):
            raise ActivationError(
                f"the scale of a feature map is {self.scale!r}, but must be a positive float"
            )

    @property
    def dtype(self) -> np.dtype:
        """The smallest type that holds the format: int8 or uint8."""
        return np.dtype(np.int8 if self.format.signed else np.uint8)

    def check(self, values: np.ndarray, name: str) -> np.ndarray:
        """`values` if they are integers of this map's shape and format.

        Raises
        ------
        ActivationError : another type or shape, or a value out of range.
        """
        values = self.format.check(values, name)
        if values.shape != self.shape:
            raise ActivationError(
                f"{name} have shape {values.shape}, but must have {self.shape} (channels, height, "
                f"width)"
            )
        return values

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """The nearest integers of the format, ties up, of `dtype`.

        Parameters
        ----------
        values : real values, any shape.

        Raises
        ------
        ActivationError : a NaN.
        """
        steps = np.floor(np.asarray(values, np.float64) / self.scale + 0.5)
        if np.isnan(steps).any():
            raise ActivationError("a NaN cannot be quantized: check where the values come from")
        return np.clip(steps, self.format.low, self.format.high).astype(self.dtype)

    def floats(self, integers: np.ndarray) -> np.ndarray:
        """The real values of integers: float32 of the same shape."""
        return (integers * self.scale).astype(np.float32)

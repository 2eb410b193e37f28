"""A convolution of float32 activations, in a stated order of summation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from golden.errors import UserError
from golden.float32 import add, multiply
from golden.shape import ConvShape, ShapeError


class FloatLayerError(UserError):
    """The parts of a float layer do not go together; the message says which."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatConv:
    """A convolution with float32 weights and bias, perhaps with a ReLU.

    Products and sums are those of `golden.float32`. Each output starts from +0, adds the product
    of one tap after the other, then the bias: y = add(... add(add(+0, p_0), p_1) ..., bias). A
    tap outside of the image counts as +0. The ReLU makes +0 of every negative number and of -0.

    Parameters
    ----------
    shape : the convolution.
    weights : float32 (cout, cin, kernel y, kernel x).
    bias : float32 (cout,).
    relu : whether a ReLU follows.

    Raises
    ------
    FloatLayerError : another type, or shapes that do not fit.
    """

    shape: ConvShape
    weights: np.ndarray
    bias: np.ndarray
    relu: bool

    def __post_init__(self) -> None:
        for name, shape in (("weights", self.shape.weight_shape), ("bias", (self.shape.cout,))):
            values = getattr(self, name)
            if values.dtype != np.float32 or values.shape != shape:
                raise FloatLayerError(
                    f"{name} are {values.dtype} of shape {values.shape}, but must be float32 of "
                    f"shape {shape}"
                )

    @property
    def terms(self) -> np.ndarray:
        """The weights as the single term of a sum, float32 (1, cout, cin, kernel y, kernel x)."""
        return self.weights[None]

    @cached_property
    def nonzeros(self) -> int:
        """Weights that are not zero."""
        return int(np.count_nonzero(self.weights))

    def check(self, x: np.ndarray) -> np.ndarray:
        """`x` as an array, if it is an input of this layer.

        Raises
        ------
        ShapeError : another shape. FloatLayerError : no float32.
        """
        x = np.asarray(x)
        expected = (self.shape.cin, self.shape.height, self.shape.width)
        if x.shape != expected:
            raise ShapeError(f"the image has shape {x.shape}, but the layer takes {expected}")
        if x.dtype != np.float32:
            raise FloatLayerError(f"activations are {x.dtype}, but must be float32")
        return x

    def forward(self, x: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
        """The outputs.

        Parameters
        ----------
        x : float32 (cin, height, width).
        order : int (taps,), the taps in the order of their summation, each a place in the
            flattened (cin, kernel y, kernel x); ascending when None.

        Returns
        -------
        float32 (cout, output height, output width).

        Raises
        ------
        ShapeError, FloatLayerError : an input that does not fit.
        """
        patches = self._patches(self.check(x))
        weights = self.weights.reshape(self.shape.cout, -1, 1)
        total = np.zeros((self.shape.cout, patches.shape[1]), np.float32)
        for tap in range(self.shape.taps) if order is None else order:
            total = add(total, multiply(patches[tap], weights[:, tap]))
        total = add(total, self.bias[:, None])
        if self.relu:
            total = np.where(np.signbit(total), np.float32(0), total)
        return total.reshape(self.shape.cout, self.shape.out_height, self.shape.out_width)

    def _patches(self, x: np.ndarray) -> np.ndarray:
        """The inputs of every tap, float32 (taps, output pixels)."""
        shape = self.shape
        (py, px), (sy, sx), (dy, dx) = shape.padding, shape.stride, shape.dilation
        padded = np.pad(x, ((0, 0), (py, py), (px, px)))
        rows = sy * np.arange(shape.out_height)
        columns = sx * np.arange(shape.out_width)
        taps = [
            padded[:, (rows + dy * ky)[:, None], columns + dx * kx]
            for ky in range(shape.kernel[0])
            for kx in range(shape.kernel[1])
        ]
        # Axes: input channel, kernel position, output pixel.
        return np.stack(taps, axis=1).reshape(shape.taps, -1)

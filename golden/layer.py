"""Convolution layers of quantized networks, from activations to activations."""

import copy
import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from golden.activations import ActivationFormat
from golden.convolution import Convolution
from golden.errors import UserError
from golden.requantize import Requantization
from golden.shape import ConvShape
from golden.weights import LARGEST_EXPONENT


class LayerError(UserError):
    """The parts of a layer do not go together; the message says which."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerConv:
    """A convolution with integer weights, its bias, batch-norm and ReLU folded into one step.

    Parameters
    ----------
    shape : the convolution.
    terms : int64 (T, cout, cin, kernel y, kernel x). The weights are the sums over the T terms.
    requantization : from accumulators to outputs; None if accumulators are all that is wanted.
    input_format : the activations that come in.
    residual_format : what is added before the rounding; None when nothing is. Goes with the
        requantization's `residual_multiplier`.

    Raises
    ------
    LayerError : shapes that do not fit, or a residual with no multiplier or no format.
    ExactnessError : accumulators may exceed 64 bits.
    """

    shape: ConvShape
    terms: np.ndarray
    requantization: Requantization
    input_format: ActivationFormat
    residual_format: ActivationFormat | None = None

    def __post_init__(self) -> None:
        if self.terms.dtype != np.int64 or self.terms.shape[1:] != self.shape.weight_shape:
            raise LayerError(
                f"terms are {self.terms.dtype} of shape {self.terms.shape}, but must be int64 of "
                f"shape (terms, {', '.join(map(str, self.shape.weight_shape))})"
            )
        if self.requantization is not None and self.requantization.channels != self.shape.cout:
            raise LayerError(
                f"requantization has {self.requantization.channels} channels, but the layer has "
                f"{self.shape.cout}"
            )
        rule = self.requantization
        multiplied = rule is not None and rule.residual_multiplier is not None
        if multiplied != (self.residual_format is not None):
            raise LayerError("a residual's multiplier and its format go together: give both")

    @cached_property
    def integer_weights(self) -> np.ndarray:
        """The weights, int64 (cout, cin, kernel y, kernel x)."""
        return self.terms.sum(axis=0)

    @cached_property
    def nonzeros(self) -> int:
        """Nonzero terms: the shift-and-adds per output pixel."""
        return int(np.count_nonzero(self.terms))

    @property
    def density(self) -> float:
        """Nonzero terms per weight."""
        return self.nonzeros / self.shape.weights

    @cached_property
    def _convolution(self) -> Convolution:
        return Convolution(self.integer_weights, self.shape, largest=self.input_format.largest)

    def accumulate(self, x: np.ndarray) -> np.ndarray:
        """The accumulators: the convolution alone.

        Parameters
        ----------
        x : integers (cin, height, width) of the input format.

        Returns
        -------
        int64 (cout, output height, output width).

        Raises
        ------
        ActivationError, ShapeError : activations that do not fit the format or the layer.
        """
        return self._convolution(self.input_format.check(x))

    def forward(self, x: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
        """The outputs, with a residual added before the one rounding if there is one.

        Parameters
        ----------
        x : integers (cin, height, width) of the input format.
        residual : integers (cout, output height, output width) of the residual's format.

        Returns
        -------
        int64 (cout, output height, output width) within the requantization's limits.

        Raises
        ------
        ActivationError, ShapeError, RequantizationError : arrays that do not fit.
        LayerError : the layer has no requantization.
        """
        if self.requantization is None:
            raise LayerError("the layer has no requantization, so it has only accumulators")
        if residual is not None and self.residual_format is not None:
            residual = self.residual_format.check(residual, "residuals")
        return self.requantization.apply(self.accumulate(x), residual)

    def resized(self, height: int, width: int) -> Self:
        """The same layer for another size of image; what was made ready of its weights is shared.

        Raises
        ------
        ShapeError : the image is too small for the filters.
        """
        other = copy.copy(self)
        shape = dataclasses.replace(self.shape, height=height, width=width)
        object.__setattr__(other, "shape", shape)
        other.__dict__["_convolution"] = self._convolution.resized(height, width)
        return other


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantizedConv(IntegerConv):
    """A convolution whose weights are powers of two, zero, or sums of these.

    Parameters
    ----------
    terms : every entry is 0 or plus or minus 2^e with e < `levels`.
    levels : magnitudes on the integer grid.

    Raises
    ------
    LayerError : a term is no such power of two.
    """

    levels: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.levels <= LARGEST_EXPONENT:
            raise LayerError(f"levels is {self.levels}, but must be in 1..{LARGEST_EXPONENT}")
        magnitude = np.abs(self.terms)
        wrong = ((magnitude & (magnitude - 1)) != 0) | (magnitude >> self.levels != 0)
        if wrong.any():
            raise LayerError(
                f"terms hold {int(self.terms[wrong][0])}, but must be 0 or plus or minus a power "
                f"of two up to 2^{self.levels - 1}"
            )

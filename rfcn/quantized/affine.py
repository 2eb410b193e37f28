"""A trained affine mapping in front of and behind the quantizer of a layer's weights.

Source of the idea: the integer networks with trained affine mapping functions for segmentation
of brain tumours (BraTS 2018) among the papers in the references. An offset behind the quantizer
would make every zero weight nonzero, and the array skips zeros; so it is in front alone, where it
moves the thresholds. The scale is on both sides, and a float: in the integer network it is a
factor of the requantization's multiplier.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn


class _Damped(torch.autograd.Function):
    """A parameter whose gradient is multiplied by a factor."""

    @staticmethod
    def forward(ctx: Any, parameter: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return parameter.view_as(parameter)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient * ctx.factor, None


class AffineMapping(nn.Module):
    """W -> a Q((W - b) / a), with a = 2^log_scale > 0 and b trained along with W.

    With gradients passed straight through Q, those of a and b are sum g (Q(v) - v) and -sum g,
    where v = (W - b) / a and g is the gradient at the mapped weights. As sums over all N weights
    they would outrun the weights at one learning rate. That of a is therefore divided by sqrt(N),
    as for learned step sizes, and that of b by N: it moves the weights' mean as fast as they do.

    Attributes
    ----------
    log_scale : float32 parameter of shape (), 0 at first.
    offset : float32 parameter of shape (), 0 at first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def start(self, scale: float) -> None:
        """Set the scale, up to a power of two, which the quantizer finds itself."""
        with torch.no_grad():
            self.log_scale.fill_(math.log2(scale) - math.floor(math.log2(scale)))

    @property
    def scale(self) -> float:
        """The scale a."""
        return float(torch.exp2(self.log_scale.detach()))

    def before(self, weights: Tensor) -> Tensor:
        """What is to be quantized, (W - b) / a."""
        offset = _Damped.apply(self.offset, 1 / weights.numel())
        return (weights - offset) / self._scale(weights)

    def behind(self, values: Tensor) -> Tensor:
        """The mapped weights for the quantized `values`, a Q."""
        return values * self._scale(values)

    def _scale(self, weights: Tensor) -> Tensor:
        return torch.exp2(_Damped.apply(self.log_scale, weights.numel() ** -0.5))
